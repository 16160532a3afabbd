"""A shop's training that is killed again and again: the command, run again, makes one curve of it."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segmentation.annotations.annotated_photo import Instance
from segmentation.annotations.coco import write_coco
from segmentation.garment import Mask
from segmentation.training.mask_rcnn import LOG

KILLS = 5
EPOCHS = 12
_LONGEST_WAIT_SECONDS = 120


@pytest.fixture
def annotations(tmp_path: Path) -> Path:
    photos = []
    for number in range(6):
        rng = np.random.default_rng(number)
        pixels = rng.integers(0, 90, (120, 90, 3)).astype(np.uint8)
        cloth = np.zeros((120, 90), bool)
        cloth[30 : 70 + number, 20:60] = True
        pixels[cloth] += 120
        name = f"{number + 2}.png"
        Image.fromarray(pixels).save(tmp_path / name)
        photos.append((name, (90, 120), [Instance("top", Mask(cloth))]))
    write_coco(photos, tmp_path / "tops.json")
    return tmp_path / "tops.json"


@pytest.mark.slow
def test_five_kills_leave_one_continuous_curve(annotations: Path, tmp_path: Path) -> None:
    whole = _card(_train(annotations, tmp_path / "whole"))
    moments = random.Random(5)
    home = tmp_path / "broken"
    for kill in range(KILLS):
        training = _train(annotations, home)
        _wait_for_epochs(home, kill + 1, training)
        time.sleep(moments.random())
        assert training.poll() is None, "the training ended before it was killed"
        training.kill()
        training.communicate()
    card = _card(_train(annotations, home))
    (log,) = home.rglob(LOG)
    epochs = [json.loads(line)["epoch"] for line in log.read_text().splitlines()]
    # None was begun anew; one that was noted just before a kill may be noted again.
    assert sorted(set(epochs)) == list(range(1, EPOCHS + 1))
    assert len(epochs) <= EPOCHS + KILLS
    assert epochs == sorted(epochs)
    assert card["curve"] == whole["curve"]
    assert [step for step, _ in card["curve"]] == list(range(1, 3 * EPOCHS + 1))
    assert [one["losses"] for one in card["history"]] == [one["losses"] for one in whole["history"]]
    assert card["figures"]["held_out"]["mask_ap"] == whole["figures"]["held_out"]["mask_ap"]


def _train(annotations: Path, home: Path) -> subprocess.Popen[str]:
    arguments = [str(annotations), "--photos", str(annotations.parent), "--init", "none", "--json"]
    arguments += ["--size", "128", "--batch", "2", "--epochs", str(EPOCHS), "--patience", "0"]
    return subprocess.Popen(
        [sys.executable, "-m", "search_api", "segmenter", "train", *arguments],
        env={**os.environ, "GARB_HOME": str(home), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _card(training: subprocess.Popen[str]) -> dict[str, Any]:
    printed, told = training.communicate()
    assert training.returncode == 0, told
    card: dict[str, Any] = json.loads(Path(json.loads(printed)["card"]).read_text())
    return card


def _wait_for_epochs(home: Path, epochs: int, training: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
    while time.monotonic() < deadline and training.poll() is None:
        if sum(len(log.read_text().splitlines()) for log in home.rglob(LOG)) >= epochs:
            return
        time.sleep(0.02)
    raise AssertionError("the training ended, or began no further epoch")
