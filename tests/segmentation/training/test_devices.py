"""Two processes on the CPU stand for two GPUs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from segmentation.errors import ModelError
from segmentation.training.devices import all_finite, average_gradients, open_fabric
from segmentation.training.recipe import Precision

ROOT = Path(__file__).parents[3]

TRAINING = """
import hashlib, json, sys
from pathlib import Path
import numpy as np
import torch
from segmentation.annotations.annotated_photo import AnnotatedPhoto, Instance
from segmentation.garment import Mask
from segmentation.mask_rcnn.network import build_network
from segmentation.training import data
from segmentation.training.devices import open_fabric
from segmentation.training.mask_rcnn import TrainingPhotos, train_mask_rcnn
from segmentation.training.recipe import Precision, Recipe
from PIL import Image

folder = Path(sys.argv[1])
fabric = open_fabric(devices=2, precision=Precision.FLOAT32, accelerator="cpu")
photos = []
for number in range(3):
    cloth = np.zeros((60, 45), bool)
    cloth[15 : 35 + number, 10:30] = True
    path = folder / f"{fabric.global_rank}-{number}.png"
    Image.fromarray((cloth[..., None] * np.uint8([200, 90, 60])).astype(np.uint8)).save(path)
    photos.append(AnnotatedPhoto(path, lambda i=(Instance("top", Mask(cloth)),): i, frozenset({"top"})))
seen = []
read = data.InstanceDataset.__getitem__
def remember(dataset, index):
    seen.append(index)
    return read(dataset, index)
data.InstanceDataset.__getitem__ = remember
recipe = Recipe(height=96, width=64, epochs=1, batch=2, precision=Precision.FLOAT32)
torch.manual_seed(recipe.seed)
trained = train_mask_rcnn(
    build_network(recipe.architecture, classes=1), TrainingPhotos(photos, ("top",)),
    recipe=recipe, work_dir=folder / "work", fabric=fabric
)
digest = hashlib.sha256()
for value in trained.network.state_dict().values():
    digest.update(value.detach().cpu().contiguous().numpy().tobytes())
found = {"weights": digest.hexdigest(), "seen": seen, "steps": trained.history[-1]["step"]}
(folder / f"rank-{fabric.global_rank}.json").write_text(json.dumps(found))
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_processes_share_the_photos_and_end_with_the_same_weights(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(TRAINING)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    finished = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        check=False,
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert finished.returncode == 0, finished.stderr
    first, second = (json.loads((tmp_path / f"rank-{rank}.json").read_text()) for rank in (0, 1))
    assert first["weights"] == second["weights"]
    assert first["steps"] == second["steps"] == 2
    # Two steps of a photo each; the last step has but one photo, which both take.
    assert len(first["seen"]) == len(second["seen"]) == 2
    assert set(first["seen"]) | set(second["seen"]) == {0, 1, 2}
    # The first process alone writes the log and the checkpoint.
    assert len((tmp_path / "work" / "log.jsonl").read_text().splitlines()) == 1


def test_one_process_has_nothing_to_share() -> None:
    fabric = open_fabric(precision=Precision.FLOAT32, accelerator="cpu")
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.grad = torch.full((2,), 3.0)
    average_gradients(fabric, [parameter])
    assert parameter.grad.tolist() == [3.0, 3.0]
    assert all_finite(fabric, torch.tensor(1.0))
    assert not all_finite(fabric, torch.tensor(float("nan")))


def test_devices_that_are_not_there_are_one_clear_error() -> None:
    with pytest.raises(ModelError, match="cannot train on 64 devices"):
        open_fabric(devices=64, accelerator="cuda")
