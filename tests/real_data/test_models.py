"""What the bundled models reach on photos they never saw. Floors, far enough below the figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from indexer.bootstrap import open_models
from indexer.settings import Settings
from segmentation.execution import Execution, Profile
from segmentation.garment import mask_iou
from segmentation.mask_rcnn.architecture import Architecture
from segmentation.mask_rcnn.network import build_network
from segmentation.mask_rcnn.predict import MaskRCNNCore, MaskRCNNPredictor, ScoredInstance
from segmentation.models import BUNDLED, ModelKind
from segmentation.photo import read_photo
from segmentation.training.early_stopping import TorchGraph
from segmentation.training.export import load_weights
from tests.real_data.conftest import run_garb

PARITY_PHOTOS = 50

pytestmark = [pytest.mark.real_data, pytest.mark.slow, pytest.mark.timeout(600)]


def figures(home: Path, *arguments: str) -> dict[str, float]:
    import json

    ran = run_garb(home, *arguments, "--json")
    assert ran.returncode == 0, ran.stderr
    document: dict[str, float] = json.loads(ran.stdout)
    return document


def test_segmenter_finds_garments_of_unseen_photos(garb_data: Path, tmp_path: Path) -> None:
    street = garb_data / "street"
    found = figures(
        tmp_path, "segmenter", "evaluate", f"{street}/labels", "--photos", f"{street}/photos",
        "--held-out",
    )  # fmt: skip
    assert found["photos"] == 89
    assert found["mask_ap50"] > 0.74
    assert found["person_iou"] > 0.93


def test_segmenter_reads_the_polygon_exports(garb_data: Path, tmp_path: Path) -> None:
    street = garb_data / "street"
    found = figures(
        tmp_path, "segmenter", "evaluate", f"{street}/via_val.json", "--photos", f"{street}/photos"
    )
    assert found["photos"] == 30
    assert set(found["per_category"]) == {"top", "boots", "bag"}
    assert found["person_iou"] is None


def test_parser_tells_skin_hair_and_clothes_apart(garb_data: Path, tmp_path: Path) -> None:
    street = garb_data / "street"
    found = figures(
        tmp_path, "parser", "evaluate", "--photos", f"{street}/photos", "--labels",
        f"{street}/labels", "--held-out",
    )  # fmt: skip
    assert found["pixel_accuracy"] > 0.95
    assert found["mean_iou"] > 0.84


def test_served_segmenter_finds_what_torch_finds(garb_data: Path) -> None:
    """Box, score and mask of sure detections on 50 photos, but where rounding decides a tie, in float32.

    Of two overlapping boxes the suppression keeps the better one: where they are as good, either.
    """
    version = open_models(Settings.from_env({})).get(ModelKind.SEGMENTER, BUNDLED)
    network = build_network(
        Architecture(version.card["recipe"]["architecture"]),
        classes=len(version.card["categories"]),
    )
    network.load_state_dict(load_weights(version.weights_path))
    in_torch = MaskRCNNCore(TorchGraph(network.eval()), version.card)
    served = MaskRCNNPredictor(version, Execution(profile=Profile.EXACT))
    agreed: list[bool] = []
    for path in sorted((garb_data / "street" / "photos").glob("*.jpg"))[:PARITY_PHOTOS]:
        photo = read_photo(path)
        found = served.predict(photo, min_score=0.05)
        agreed += [
            any(_is_same(one, expected) for one in found)
            for expected in in_torch.predict(photo, min_score=0.5)
        ]
    assert len(agreed) > 3 * PARITY_PHOTOS
    assert np.mean(agreed) >= 0.99


def _is_same(one: ScoredInstance, other: ScoredInstance) -> bool:
    return (
        one.category == other.category
        and abs(one.score - other.score) < 0.02
        and one.box.iou(other.box) > 0.97
        and mask_iou(one.mask.pixels, other.mask.pixels) > 0.97
    )
