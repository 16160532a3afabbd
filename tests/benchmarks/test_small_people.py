from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.small_people import SCENES, set_into, write_queries
from segmentation.photo import read_photo


def test_the_photo_stands_whole_in_the_middle_of_the_lower_edge() -> None:
    photo = np.zeros((300, 200, 3), np.uint8)
    photo[:, :100] = (250, 10, 10)
    photo[:, 100:] = (10, 10, 250)
    for scene in SCENES.values():
        pixels = set_into(photo, scene)
        assert pixels.shape == (scene.height, scene.width, 3)
        row = pixels[scene.height - scene.shown_px // 2].astype(int)
        middle = scene.width // 2
        half = scene.shown_px // 3
        assert np.abs(row[middle - half + 5 : middle - 5] - (250, 10, 10)).max() < 5
        assert np.abs(row[middle + 5 : middle + half - 5] - (10, 10, 250)).max() < 5


def test_every_query_of_the_view_is_asked_in_every_scene(tmp_path: Path) -> None:
    split, out = tmp_path / "split", tmp_path / "out"
    split.mkdir()
    Image.new("RGB", (100, 150), (60, 90, 160)).save(split / "a.jpg")
    lines = ["image,product,category,view", "a.jpg,1,top,street", "a.jpg,2,skirt,street"]
    (split / "QUERIES.csv").write_text("\n".join([*lines, "a.jpg,1,top,studio"]), "utf-8")
    with write_queries(split, out, view="street").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["view"] for row in rows} == {"as it is", *SCENES}
    assert len(rows) == 2 * (1 + len(SCENES))
    assert all(read_photo(out / row["image"]).width >= 100 for row in rows)
