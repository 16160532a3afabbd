from __future__ import annotations

from pathlib import Path

import pytest

from indexer.evaluation.dataset import (
    EvaluationError,
    read_products,
    read_queries,
    read_retrieval_set,
)
from segmentation.garment import Box


def test_several_photos_of_a_product_and_its_shops_words(tmp_path: Path) -> None:
    file = tmp_path / "products.csv"
    file.write_text("id,image,image_1,title,category\np, a.png | b.png ,c.png,Nice,Jeans\n")
    photos = read_products(file)
    assert [photo.path for photo in photos] == [tmp_path / f"{name}.png" for name in "abc"]
    assert {(photo.product_id, photo.title, photo.category) for photo in photos} == {
        ("p", "Nice", "trousers")
    }
    assert photos[0].where.endswith("products.csv, line 2")


def test_missing_columns_and_values_name_the_place(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text("image,view\na.png,front\n")
    with pytest.raises(EvaluationError, match="no column product"):
        read_queries(file)
    file.write_text("id,image\np,\n")
    with pytest.raises(EvaluationError, match="line 2: no id or no image"):
        read_products(file)
    file.write_text("image,product\na.png\n")
    with pytest.raises(EvaluationError, match="line 2: not as many values"):
        read_queries(file)
    with pytest.raises(EvaluationError, match="nowhere"):
        read_queries(tmp_path / "nowhere.csv")


@pytest.mark.parametrize("text", ["1,2,3", "a,b,c,d", "3,2,1,4", "1,2,nan,4", "1,2,inf,4"])
def test_bad_box_names_the_place(tmp_path: Path, text: str) -> None:
    file = tmp_path / "queries.csv"
    file.write_text(f'image,product,box\na.png,a,"{text}"\n')
    with pytest.raises(EvaluationError, match="line 2: a box"):
        read_queries(file)


@pytest.mark.parametrize("text", ["1,2,3,4", "[1.0, 2.0, 3.0, 4.0]", "1 2 3 4"])
def test_box_in_any_of_its_spellings(tmp_path: Path, text: str) -> None:
    file = tmp_path / "queries.csv"
    file.write_text(f'image,product,box\na.png,a,"{text}"\n')
    assert read_queries(file)[0].box == Box(1, 2, 3, 4)


def test_query_for_a_product_that_nobody_sells_names_the_row(folder: Path) -> None:
    with (folder / "queries.csv").open("a") as file:
        file.write("a.png,nobody,,\n")
    with pytest.raises(EvaluationError, match="line 6: product 'nobody'"):
        read_retrieval_set(folder / "products.csv", folder / "queries.csv")
