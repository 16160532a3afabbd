import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from pycocotools import mask as coco_mask
from typer.testing import CliRunner

from segmentation.labels import category_of, garment_merges
from wardrobe.cli import app
from wardrobe.draw import CHUNK, Drawn, _in_processes, draw_wardrobe
from wardrobe.truth import CATEGORIES, MIN_QUERY_SHARE, MIN_QUERY_SHARE_SMALL, SMALL

PHOTOS = 8
PERSON_ID = CATEGORIES.index("person") + 1
Mask = npt.NDArray[np.bool_]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    return draw_wardrobe(tmp_path_factory.mktemp("wardrobe"), products=22, photos=PHOTOS, seed=5)


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
    views = [row["image"].split("|") for row in rows]
    shoes = [category_of(row["category"]) == "shoes" for row in rows]
    assert any(shoes)
    for number, (view, is_shoes) in enumerate(zip(views, shoes, strict=True)):
        assert len(view) == (2 if is_shoes or number % 3 == 1 else 1)
    for name in (name for view in views for name in view):
        with Image.open(drawn.products.parent / name) as photo:
            assert photo.size == (400, 400)


def test_every_query_names_a_product_of_the_shop_and_a_photo(drawn: Drawn) -> None:
    products = {row["id"] for row in rows_of(drawn.products)}
    queries = rows_of(drawn.queries)
    assert len(queries) >= 6
    for query in queries:
        assert query["product"] in products
        assert query["category"] in CATEGORIES
        assert (drawn.queries.parent / query["image"]).is_file()


def annotated(drawn: Drawn) -> Iterator[tuple[dict[str, Any], list[tuple[dict[str, Any], Mask]]]]:
    """Every photo with its annotations and their masks."""
    coco = json.loads(drawn.annotations.read_text(encoding="utf-8"))
    for image in coco["images"]:
        own = [row for row in coco["annotations"] if row["image_id"] == image["id"]]
        yield image, [(row, coco_mask.decode(row["segmentation"]).astype(bool)) for row in own]


def test_masks_fit_the_photo_do_not_overlap_and_lie_on_a_person(drawn: Drawn) -> None:
    for image, rows in annotated(drawn):
        people = [mask for row, mask in rows if row["category_id"] == PERSON_ID]
        garments = [mask for row, mask in rows if row["category_id"] != PERSON_ID]
        assert people[0].shape == (image["height"], image["width"])
        assert np.sum(people, axis=0).max() == 1
        assert np.sum(garments, axis=0).max() == 1
        assert not (np.any(garments, axis=0) & ~np.any(people, axis=0)).any()
        for row, mask in rows:
            assert row["area"] == mask.sum()


def test_some_photos_have_two_people_and_figures_differ_in_size(drawn: Drawn) -> None:
    people = [
        [row["bbox"] for row, _ in rows if row["category_id"] == PERSON_ID]
        for _, rows in annotated(drawn)
    ]
    assert {len(boxes) for boxes in people} == {1, 2}
    heights = [box[3] / 832 for boxes in people for box in boxes]
    assert max(heights) - min(heights) > 0.1


def test_label_maps_agree_with_the_masks_pixel_for_pixel(drawn: Drawn) -> None:
    folder = drawn.products.parent
    names = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    merges = garment_merges()
    for image, rows in annotated(drawn):
        with Image.open(folder / "labels" / f"{Path(image['file_name']).stem}.png") as png:
            assert png.mode == "P"
            labels = np.asarray(png)
        people = [mask for row, mask in rows if row["category_id"] == PERSON_ID]
        assert np.array_equal(labels > 0, np.any(people, axis=0))
        for number, category in enumerate(CATEGORIES[:-1], start=1):
            of_names = [i for i, name in enumerate(names) if merges.get(name) == category]
            masks = [mask for row, mask in rows if row["category_id"] == number]
            expected = np.any(masks, axis=0) if masks else np.zeros(labels.shape, bool)
            assert np.array_equal(np.isin(labels, of_names), expected), category


def test_query_has_the_garments_box_where_its_category_occurs_twice(drawn: Drawn) -> None:
    asked = rows_of(drawn.queries)
    boxed = 0
    for image, rows in annotated(drawn):
        for query in asked:
            if query["image"] != image["file_name"]:
                continue
            number = CATEGORIES.index(query["category"]) + 1
            same = [(row, mask) for row, mask in rows if row["category_id"] == number]
            assert (query["box"] != "") == (len(same) > 1)
            if query["box"]:
                boxed += 1
                x0, y0, x1, y1 = map(int, query["box"].split(","))
                (mask,) = {
                    row["product"]: mask
                    for row, mask in same
                    if row.get("product") == query["product"]
                    and row["bbox"] == [x0, y0, x1 - x0, y1 - y0]
                }.values()
                inside = mask[y0:y1, x0:x1]
                assert inside.sum() == mask.sum()
                for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]):
                    assert edge.any()
    assert boxed


def test_same_seed_draws_the_same_bytes_with_one_process_and_with_two(tmp_path: Path) -> None:
    for workers in (1, 2):
        draw_wardrobe(tmp_path / str(workers), products=7, photos=7, seed=3, workers=workers)
    one = digests(tmp_path / "1")
    assert one == digests(tmp_path / "2")
    assert len(one) == 4 + (7 + 2) + 2 * 7


class DrawsNothing:
    """Counts how often it is handed to another process."""

    sent = 0

    def __call__(self, number: int) -> None:
        return None

    def __reduce__(self) -> tuple[type, tuple[()]]:
        DrawsNothing.sent += 1
        return DrawsNothing, ()


def test_a_process_is_handed_the_shop_once_and_not_with_every_task() -> None:
    DrawsNothing.sent = 0
    assert list(_in_processes(DrawsNothing(), 10 * CHUNK, 2)) == [None] * 10 * CHUNK
    assert DrawsNothing.sent <= 2


def test_another_seed_draws_other_photos(drawn: Drawn, tmp_path: Path) -> None:
    other = draw_wardrobe(tmp_path, products=22, photos=1, seed=6)
    assert other.street_photos[0].read_bytes() != drawn.street_photos[0].read_bytes()


def test_progress_counts_every_picture(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    draw_wardrobe(
        tmp_path, products=3, photos=1, on_progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


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
    files = {"products.csv", "queries.csv", "coco.json", "labels.json"}
    assert names == files | {"images", "street", "labels"}


def test_no_products_is_wrong_usage(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["draw", str(tmp_path), "--products", "0", "--photos", "1"])
    assert result.exit_code == 2


def test_only_what_shows_enough_is_asked_for(drawn: Drawn) -> None:
    asked = [(query["image"], query["product"]) for query in rows_of(drawn.queries)]
    too_little = 0
    for image, rows in annotated(drawn):
        for row, mask in rows:
            if "product" not in row:
                continue
            small = CATEGORIES[row["category_id"] - 1] in SMALL
            least = (MIN_QUERY_SHARE_SMALL if small else MIN_QUERY_SHARE) * mask.size
            times = asked.count((image["file_name"], row["product"]))
            too_little += mask.sum() < least
            assert times >= 1 if mask.sum() >= least else True
    assert too_little
    assert len(asked) < sum("product" in row for _, rows in annotated(drawn) for row, _ in rows)
