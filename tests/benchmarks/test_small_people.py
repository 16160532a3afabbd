from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.small_people import AS_IT_IS, SCENES, scenes_of, set_into, write_queries
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


def test_of_a_photo_wider_than_the_scene_the_middle_is_shown() -> None:
    photo = np.zeros((300, 900, 3), np.uint8)
    photo[:, 440:460] = 250
    for scene in SCENES.values():
        row = set_into(photo, scene)[scene.height - scene.shown_px // 2, :, 0]
        assert abs(int(np.nonzero(row > 200)[0].mean()) - scene.width // 2) <= 2


def test_every_query_of_the_view_is_asked_in_every_scene(tmp_path: Path) -> None:
    split, out = tmp_path / "split", tmp_path / "out"
    for folder in ("one", "two"):
        (split / folder).mkdir(parents=True)
        Image.new("RGB", (100, 150), (60, 90, 160)).save(split / folder / "a.jpg")
    named = ["one/a.jpg,1,top,street", "one/a.jpg,2,skirt,street", "two/a.jpg,3,top,street"]
    lines = ["image,product,category,view", *named]
    (split / "QUERIES.csv").write_text("\n".join([*lines, "one/a.jpg,1,top,studio"]), "utf-8")
    with write_queries(split, out, view="street", scenes=scenes_of).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["view"] for row in rows} == {AS_IT_IS, *SCENES}
    assert len(rows) == 3 * (1 + len(SCENES))
    assert len({row["image"] for row in rows}) == 2 * (1 + len(SCENES))
    assert all(read_photo(out / row["image"]).width >= 100 for row in rows)
