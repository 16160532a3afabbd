import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask
from typer.testing import CliRunner

from wardrobe.cli import app
from wardrobe.draw import CATEGORIES, Drawn, draw_wardrobe


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    return draw_wardrobe(tmp_path_factory.mktemp("wardrobe"), products=22, photos=3, seed=5)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_every_product_has_its_photo_and_a_unique_id(drawn: Drawn) -> None:
    rows = rows_of(drawn.products)
    assert len({row["id"] for row in rows}) == len(rows) == 22
    for row in rows:
        with Image.open(drawn.products.parent / row["image"]) as photo:
            assert photo.size == (400, 400)


def test_every_query_names_a_product_of_the_shop_and_a_photo(drawn: Drawn) -> None:
    products = {row["id"] for row in rows_of(drawn.products)}
    queries = rows_of(drawn.queries)
    assert len(queries) >= 6
    for query in queries:
        assert query["product"] in products
        assert query["category"] in CATEGORIES
        assert (drawn.queries.parent / query["image"]).is_file()


def test_masks_fit_the_photo_do_not_overlap_and_lie_on_the_person(drawn: Drawn) -> None:
    coco = json.loads(drawn.annotations.read_text(encoding="utf-8"))
    person_id = CATEGORIES.index("person") + 1
    for image in coco["images"]:
        own = [row for row in coco["annotations"] if row["image_id"] == image["id"]]
        masks = {row["id"]: coco_mask.decode(row["segmentation"]).astype(bool) for row in own}
        (person,) = (masks[row["id"]] for row in own if row["category_id"] == person_id)
        garments = [masks[row["id"]] for row in own if row["category_id"] != person_id]
        assert person.shape == (image["height"], image["width"])
        assert np.sum(garments, axis=0).max() == 1
        assert not (np.any(garments, axis=0) & ~person).any()
        for row in own:
            assert row["area"] == masks[row["id"]].sum()


def test_the_person_fills_the_photo_as_in_a_street_photo(drawn: Drawn) -> None:
    coco = json.loads(drawn.annotations.read_text(encoding="utf-8"))
    person_id = CATEGORIES.index("person") + 1
    people = [row for row in coco["annotations"] if row["category_id"] == person_id]
    assert len(people) == 3
    for row in people:
        assert 0.88 < row["bbox"][3] / 832 < 0.98


def test_same_seed_draws_the_same_files(tmp_path: Path) -> None:
    for name in ("first", "second"):
        draw_wardrobe(tmp_path / name, products=11, photos=1, seed=3)
    assert digests(tmp_path / "first") == digests(tmp_path / "second")


def test_more_photos_leave_the_earlier_ones_as_they_were(drawn: Drawn, tmp_path: Path) -> None:
    draw_wardrobe(tmp_path, products=22, photos=1, seed=5)
    again = (tmp_path / "street" / "0001.jpg").read_bytes()
    assert again == drawn.street_photos[0].read_bytes()


def test_command_writes_the_files_and_keeps_stdout_empty(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["draw", str(tmp_path / "shop"), "--products", "11", "--photos", "0"]
    )
    assert result.exit_code == 0
    assert result.stdout == ""
    names = {path.name for path in (tmp_path / "shop").iterdir()}
    assert names == {"products.csv", "queries.csv", "images", "street", "coco.json"}


def test_no_products_is_wrong_usage(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["draw", str(tmp_path), "--products", "0", "--photos", "1"])
    assert result.exit_code == 2
