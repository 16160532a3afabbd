from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.retrieval_split import write_split


def draw_data(folder: Path) -> Path:
    """Two labelled photos, one of them held out, and a shop of three products."""
    for name in ("street/photos", "street/labels", "catalog/images"):
        (folder / name).mkdir(parents=True)
    labels = np.zeros((200, 100), np.uint8)
    labels[20:90, 20:80] = 1
    labels[90:170, 30:50] = 2
    for stem in ("0006", "0007"):
        Image.new("RGB", (100, 200), (60, 90, 160)).save(folder / f"street/photos/{stem}.jpg")
        Image.fromarray(labels).save(folder / f"street/labels/{stem}.png")
    (folder / "street/labels.json").write_text(json.dumps(["null", "dress", "skin"]), "utf-8")
    rows = ["id,title,category,image"]
    for number in range(3):
        Image.new("RGB", (60, 80), (200, 30, 30)).save(folder / f"catalog/images/{number}.jpg")
        rows.append(f"{number},hat {number},hat,images/{number}.jpg")
    (folder / "catalog/products.csv").write_text("\n".join(rows), "utf-8")
    return folder


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_only_held_out_photos_give_products_and_every_image_is_there(tmp_path: Path) -> None:
    data, out = draw_data(tmp_path / "data"), tmp_path / "out"
    counts = write_split(out, data)
    assert counts == {"garments": 1, "queries": 2, "products": 4}
    products, queries = rows_of(out / "PRODUCTS.csv"), rows_of(out / "QUERIES.csv")
    assert products[0]["id"] == "street-0007-dress"
    assert [query["view"] for query in queries] == ["street", "studio"]
    assert all((out / row["image"]).is_file() for row in products + queries)
    assert {query["product"] for query in queries} <= {product["id"] for product in products}


def test_the_split_is_the_same_each_time_and_the_gallery_can_be_limited(tmp_path: Path) -> None:
    data = draw_data(tmp_path / "data")
    for name in ("one", "two"):
        assert write_split(tmp_path / name, data, gallery_limit=2)["products"] == 3
    first, second = (
        (tmp_path / name / "products/street-0007-dress.jpg").read_bytes() for name in ("one", "two")
    )
    assert first == second
