import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer.embedder.crop_store import Finding, open_crops
from indexer.embedder.items import (
    Cut,
    catalog_sources,
    cut_source,
    street_sources,
    worn_sources,
)
from indexer.embedder.sources import training_sources
from segmentation.errors import AnnotationError
from segmentation.garment import Box, Garment, Mask
from segmentation.photo import Photo

NAMES = {"0": "background", "1": "jeans", "2": "shirt"}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Two people in shirts of two products beside each other; one wears jeans too."""
    for folder in ("street", "labels", "images"):
        (tmp_path / folder).mkdir()
    labels = np.zeros((100, 120), np.uint8)
    labels[10:50, 10:50] = 2
    labels[10:50, 70:110] = 2
    labels[55:95, 10:50] = 1
    pixels = np.full((100, 120, 3), 200, np.uint8)
    pixels[labels == 2] = (200, 0, 0)
    pixels[labels == 1] = (0, 0, 200)
    Image.fromarray(pixels).save(tmp_path / "street" / "0001.png")
    Image.fromarray(labels).save(tmp_path / "labels" / "0001.png")
    (tmp_path / "labels" / "labels.json").write_text(json.dumps(NAMES))
    with (tmp_path / "queries.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [
                ("image", "product", "category", "box"),
                ("street/0001.png", "shirt-1", "shirt", "10,10,50,50"),
                ("street/0001.png", "shirt-7", "shirt", "70,10,110,50"),
                ("street/0001.png", "jeans-2", "jeans", ""),
            ]
        )
    Image.fromarray(pixels).save(tmp_path / "images" / "a.png")
    (tmp_path / "products.csv").write_text(
        "id,category,image\nshirt-1,shirt,images/a.png\nshirt-7,shirt,images/a.png\n"
    )
    return tmp_path


def test_a_worn_product_is_cut_out_where_its_box_says(shop: Path) -> None:
    first, second, jeans = worn_sources(shop / "queries.csv")
    [(crop, pixels)] = cut_source(second)
    assert (crop.item, crop.category, crop.validation) == ("catalog/shirt-7", "top", True)
    assert pixels[80, 80, :3].tolist() == [200, 0, 0]
    assert [len(cut_source(source)) for source in (first, jeans)] == [1, 1]
    [(crop, pixels)] = cut_source(jeans)
    assert crop.item == "catalog/jeans-2"
    assert pixels[80, 80, :3].tolist() == [0, 0, 200]


def test_the_photos_of_a_held_out_product_are_held_out_too(shop: Path) -> None:
    sources = training_sources(
        catalogs=[shop / "products.csv"], streets=[], worn=[shop / "queries.csv"]
    )
    of_feed = [source for source in sources if source.labels is None]
    assert [source.held_out for source in of_feed] == [False, True]


def test_a_labelled_garment_is_also_cut_as_it_is_found(shop: Path, tmp_path: Path) -> None:
    first, second, jeans = worn_sources(shop / "queries.csv")
    asked = 0

    def half_of_the_second_shirt(photo: Photo) -> tuple[Garment, ...]:
        nonlocal asked
        asked += 1
        half = np.zeros((100, 120), bool)
        half[10:30, 70:110] = True
        return (Garment("top", 0.9, Box(70, 10, 110, 30), Mask(half)),)

    finding = Finding(lambda: half_of_the_second_shirt, "half")
    store = open_crops([first, second, jeans], tmp_path / "crops", finding=finding, workers=1)
    assert asked == 1
    assert [(crop.item, crop.cut) for crop in store.crops] == [
        ("catalog/shirt-1", Cut.LABELS),
        ("catalog/shirt-7", Cut.LABELS),
        ("catalog/shirt-7", Cut.SERVED),
        ("catalog/jeans-2", Cut.LABELS),
    ]
    assert store.crops[2].validation
    # The half is as wide as the whole and half as high.
    labelled, served = (np.count_nonzero(store.pixels[row, ..., 3] == 255) for row in (1, 2))
    assert served == pytest.approx(labelled / 2, rel=0.1)
    assert open_crops([first, second, jeans], tmp_path / "crops", finding=finding) is not None
    assert asked == 1
    plain = open_crops([first, second, jeans], tmp_path / "crops", workers=1)
    assert len(plain.crops) == 3
    assert plain.fingerprint != store.fingerprint


def test_street_garments_are_items_of_their_own(shop: Path) -> None:
    [source] = street_sources(shop / "street")
    assert {crop.item for crop, _ in cut_source(source)} == {
        "street/0001/top",
        "street/0001/trousers",
    }


@pytest.mark.parametrize(
    ("stems", "held_out"),
    [
        (["7", "8", "a17"], ["7", "a17"]),
        ([f"look-{letter}" for letter in "abcdefghijklmnop"], ["look-e", "look-o"]),
        (["1", "2"], []),
    ],
)
def test_street_photos_are_held_out_as_the_segmenter_does(
    tmp_path: Path, stems: list[str], held_out: list[str]
) -> None:
    for folder in ("street", "labels"):
        (tmp_path / folder).mkdir()
    (tmp_path / "labels.json").write_text(json.dumps(NAMES))
    for stem in stems:
        (tmp_path / "street" / f"{stem}.jpg").touch()
        (tmp_path / "labels" / f"{stem}.png").touch()
    sources = street_sources(tmp_path / "street")
    assert [Path(one.photo).stem for one in sources if one.held_out] == held_out


def test_a_file_without_products_is_refused(tmp_path: Path) -> None:
    (tmp_path / "queries.csv").write_text("photo\na.jpg\n")
    with pytest.raises(AnnotationError, match="image, product, category"):
        worn_sources(tmp_path / "queries.csv")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("street/0001.png,shirt-1", "line 3: 2 fields where the header has 4"),
        ("street/0001.png,shirt-1,carpet,", "line 3: no category that Garb knows"),
        ("street/0001.png,shirt-1,,", "line 3: no category that Garb knows"),
        ('street/0001.png,shirt-1,shirt,"1,2,3"', "line 3: a box is x0,y0,x1,y1"),
    ],
)
def test_a_worn_row_that_cannot_be_used_is_named(shop: Path, row: str, said: str) -> None:
    first = 'street/0001.png,shirt-1,shirt,"10,10,50,50"'
    (shop / "queries.csv").write_text(f"image,product,category,box\n{first}\n{row}\n")
    with pytest.raises(AnnotationError, match=rf"queries\.csv, {said}"):
        worn_sources(shop / "queries.csv")


def test_a_feed_is_read_as_an_import_reads_it(shop: Path) -> None:
    for name in ("b", "c"):
        (shop / "images" / f"{name}.png").write_bytes((shop / "images" / "a.png").read_bytes())
    (shop / "products.csv").write_text(
        "id;category;image;image_2;image_1\n"
        "1;shirt;images/a.png | images/b.png;images/a.png;images/c.png\n"
        "2;shirt\n"
        "3;shirt;;;\n"
        ";shirt;images/a.png;;\n"
        "5;shirt;images/none.png;https://shop.example/a.png;\n"
        "6;hat;;images/b.png;\n"
    )
    sources = catalog_sources(shop / "products.csv")
    assert [(one.item, Path(one.photo).stem, one.category) for one in sources] == [
        *(("catalog/1", stem, "shirt") for stem in "abca"),
        ("catalog/6", "b", "hat"),
    ]


def test_feeds_of_every_format_are_read(shop: Path) -> None:
    lines = (
        {"id": "1", "image_1": "images/a.png", "category": "hat"},
        {"id": "2", "image": "b.png"},
    )
    (shop / "feed.jsonl").write_text("\n".join(map(json.dumps, lines)))
    sources = catalog_sources(shop / "feed.jsonl")
    assert [(one.item, Path(one.photo).stem, one.category) for one in sources] == [
        ("catalog/1", "a", "hat")
    ]
    (shop / "feeds").mkdir()
    (shop / "feeds" / "one.csv").write_text("id,image\n1,../images/a.png\n2,c.png\n")
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(shop / "feeds" / "c.png")
    assert [one.item for one in catalog_sources(shop / "feeds")] == ["catalog/1", "catalog/2"]


@pytest.mark.parametrize("text", ["", "id,category\n1,shirt\n", "image\na.png\n", None])
def test_a_file_that_is_no_feed_with_images_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "products.csv").write_text(text)
    with pytest.raises(AnnotationError, match=r"products\.csv: "):
        catalog_sources(tmp_path / "products.csv")
