"""What the bundled models reach on photos they never saw. Floors, far enough below the figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real_data.conftest import run_garb

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
    assert found["mask_ap50"] > 0.45
    assert found["person_iou"] > 0.80


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
    assert found["mean_iou"] > 0.70
