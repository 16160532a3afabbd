"""Several shops and several folders of street photos, whose names may be the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer.embedder.items import cut_source
from indexer.embedder.sources import training_sources
from segmentation.errors import AnnotationError


def make_shop(folder: Path, *ids: str, worn: str) -> Path:
    """A shop that shows a photo of each product and one of one worn, with labels."""
    for name in ("street", "labels", "images"):
        (folder / name).mkdir(parents=True)
    labels = np.zeros((100, 120), np.uint8)
    labels[10:50, 10:50] = 1
    pixels = np.full((100, 120, 3), 200, np.uint8)
    pixels[labels == 1] = (200, 0, 0)
    for name in ("street/0001.png", "images/a.png"):
        Image.fromarray(pixels).save(folder / name)
    Image.fromarray(labels).save(folder / "labels" / "0001.png")
    (folder / "labels" / "labels.json").write_text(json.dumps({"0": "background", "1": "shirt"}))
    rows = "".join(f"{one},shirt,images/a.png\n" for one in ids)
    (folder / "products.csv").write_text("id,category,image\n" + rows)
    (folder / "queries.csv").write_text(f"image,product,category\nstreet/0001.png,{worn},shirt\n")
    return folder


def items_of(shops: list[Path], *, worn: list[Path]) -> list[str]:
    sources = training_sources(
        catalogs=[shop / "products.csv" for shop in shops],
        streets=[shop / "street" for shop in shops],
        worn=worn,
    )
    return [crop.item for source in sources for crop, _ in cut_source(source)]


def test_one_shop_needs_no_folder_in_its_items(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "a", "1", "2", worn="1")
    elsewhere = make_shop(tmp_path / "b", worn="1")
    assert items_of([shop], worn=[shop / "queries.csv", elsewhere / "queries.csv"]) == [
        "street/0001/top",
        "catalog/1",
        "catalog/2",
        "catalog/1",
        "catalog/1",
    ]


def test_equal_ids_and_names_of_two_shops_are_different_garments(tmp_path: Path) -> None:
    shops = [make_shop(tmp_path / name, "1", "x/2", worn="1") for name in ("a", "b")]
    items = items_of(shops, worn=[shop / "queries.csv" for shop in shops])
    a, b = (str(shop.resolve()) for shop in shops)
    assert items == [
        f"street/{a}/street//0001/top",
        f"street/{b}/street//0001/top",
        f"catalog/{a}//1",
        f"catalog/{a}//x/2",
        f"catalog/{b}//1",
        f"catalog/{b}//x/2",
        f"catalog/{a}//1",
        f"catalog/{b}//1",
    ]


def test_a_link_to_a_folder_is_that_folder(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "a", "1", worn="1")
    shutil.copytree(shop / "labels", tmp_path / "tagged" / "labels")
    (tmp_path / "tagged" / "photos").symlink_to(shop / "street")
    streets = [shop / "street", tmp_path / "tagged" / "photos"]
    sources = training_sources(catalogs=[shop / "products.csv"], streets=streets)
    assert [source.item for source in sources] == ["street/0001", "street/0001", "catalog/1"]


def test_only_the_shop_of_a_held_out_product_holds_it_out(tmp_path: Path) -> None:
    a, b = (make_shop(tmp_path / name, "7", "8", worn="7") for name in ("a", "b"))
    sources = training_sources(
        catalogs=[a / "products.csv", b / "products.csv"],
        streets=[a / "street"],
        worn=[b / "queries.csv"],
    )
    assert [source.item for source in sources if source.held_out] == [f"catalog/{b}//7"] * 2


def test_worn_products_that_lie_elsewhere_are_of_the_one_feed_that_has_them(
    tmp_path: Path,
) -> None:
    a, b = make_shop(tmp_path / "a", "1", "2", worn="1"), make_shop(tmp_path / "b", "2", worn="2")
    for product in ("1", "2", "3"):
        make_shop(tmp_path / product, worn=product)
    items = items_of([a, b], worn=[tmp_path / "1" / "queries.csv"])
    assert items[-1] == f"catalog/{a}//1"
    with pytest.raises(AnnotationError, match=rf"queries\.csv: several feeds have .*{a}, {b}"):
        items_of([a, b], worn=[tmp_path / "2" / "queries.csv"])
    with pytest.raises(AnnotationError, match=rf"queries\.csv: no feed has .*{a}, {b}"):
        items_of([a, b], worn=[tmp_path / "3" / "queries.csv"])
