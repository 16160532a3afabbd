import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.retrieval_baselines import ColourHistogram
from benchmarks.stages import medians
from indexer.evaluation.finders import WholePhotos
from segmentation.cutout import cut_out
from tests.fakes import fake_photo
from wardrobe.draw import draw_wardrobe

ROOT = Path(__file__).resolve().parents[2]


def lines_of(module: str, *options: str) -> list[dict[str, Any]]:
    finished = subprocess.run(
        [sys.executable, "-m", module, *options],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    return [json.loads(line) for line in finished.stdout.splitlines()]


def test_median_leaves_out_the_first_run() -> None:
    times = iter((100.0, 3.0, 1.0, 2.0))
    assert medians(lambda: {"total": next(times)}, 3) == {"total": 2.0}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_import_rate_prints_one_line() -> None:
    (line,) = lines_of("benchmarks.import_rate", "--products", "11")
    assert line["products"] == line["indexed"] == 11
    assert line["products_per_second"] > 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_stages_print_garb_the_peer_and_their_ratio() -> None:
    garb, peer, ratio = lines_of("benchmarks.stages", "--n", "3")
    assert [line["case"] for line in (garb, peer, ratio)] == ["garb", "peer", "ratio"]
    assert {"decode", "segment", "parse", "embed", "search"} <= garb["stages_ms"].keys()
    assert ratio["peer_over_garb"] > 1


def test_colours_are_told_apart_by_their_histogram() -> None:
    photos = [fake_photo(colour) for colour in ((200, 30, 40), (205, 30, 40), (20, 40, 200))]
    finder = WholePhotos()
    cutouts = [cut_out(photo, finder.of_product(photo, None)) for photo in photos]
    vectors = ColourHistogram().embed(cutouts)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


@pytest.mark.slow
@pytest.mark.skipif("GARB_IMAGENET_WEIGHTS" not in os.environ, reason="no ImageNet weights")
def test_baselines_print_a_line_a_peer(tmp_path: Path) -> None:
    drawn = draw_wardrobe(tmp_path, products=4, photos=2, seed=1)
    lines = lines_of("benchmarks.retrieval_baselines", str(drawn.products), str(drawn.queries))
    assert [line["case"] for line in lines] == ["imagenet", "colours"]
    assert all({"r@1", "r@5", "r@10", "by_view", "gallery"} <= line.keys() for line in lines)
