from __future__ import annotations

from collections.abc import Callable
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


@pytest.mark.parametrize(
    "text",
    [
        "ID,Image,images\np,a.png,b.png\n",
        "id;image\np;a.png|b.png\n",
        "id\timage_2\timage_1\timage_alt\np\tb.png\ta.png\tA dress\n",
        "id,image,additional_image_link\np,a.png|b.png,\n",
        "id,image_link,additional_image_link\np,a.png,b.png\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_products_are_read_from_every_feed_that_an_import_takes(
    tmp_path: Path, text: str, encoding: str
) -> None:
    file = tmp_path / "products.csv"
    file.write_text(text, encoding)
    photos = [(photo.product_id, photo.path.name) for photo in read_products(file)]
    assert photos == [("p", "a.png"), ("p", "b.png")]


def test_products_may_be_json_lines(tmp_path: Path) -> None:
    file = tmp_path / "products.jsonl"
    file.write_text('{"id": "p", "images": ["a.png"], "category": "Jeans"}\n')
    (photo,) = read_products(file)
    assert (photo.path, photo.category) == (tmp_path / "a.png", "trousers")


def test_of_a_folder_of_feeds_the_images_lie_in_it_and_rows_tell_their_file(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("id,image\np,a.png\n")
    (tmp_path / "two.csv").write_text("id,image\nq,b.png\n")
    photos = read_products(tmp_path)
    assert [photo.path for photo in photos] == [tmp_path / "a.png", tmp_path / "b.png"]
    assert photos[1].where == f"{tmp_path / 'two.csv'}, line 2"


@pytest.mark.parametrize(
    "text",
    ["Image,PRODUCT,View\na.png, p ,front\n", "note;view;image;product\nx;front;a.png;p\n"],
)
def test_queries_are_read_with_any_separator_and_case_of_the_columns(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "queries.csv"
    file.write_text(text, "utf-16")
    (query,) = read_queries(file)
    assert (query.path, query.product_id, query.view) == (tmp_path / "a.png", "p", "front")
    assert query.where == f"{file}, line 2"


def test_missing_columns_and_values_name_the_place(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    for text, words in (
        ("image,view\na.png,front\n", "no column 'product'"),
        ("product,view\np,front\n", "no column 'image'"),
        ("image,product\na.png\n", "line 2: 1 fields where the header has 2"),
        ("image,product\n,p\n", "line 2: no image"),
        ("image,product\n", "no rows"),
        ("", "empty"),
    ):
        file.write_text(text)
        with pytest.raises(EvaluationError, match=words):
            read_queries(file)
    for text, words in (
        ("image\na.png\n", "no column 'id'"),
        ("id,image\np,\n", "line 2: no image"),
        ("id,image\n,a.png\n", "line 2: no id"),
        ("id,image\n", "no rows"),
    ):
        file.write_text(text)
        with pytest.raises(EvaluationError, match=words):
            read_products(file)


@pytest.mark.parametrize("read", [read_products, read_queries])
def test_a_file_that_is_not_there_is_named_once(
    tmp_path: Path, read: Callable[[Path], object]
) -> None:
    with pytest.raises(EvaluationError, match="nowhere") as raised:
        read(tmp_path / "nowhere.csv")
    assert str(raised.value).count("nowhere") == 1
    assert "Errno" not in str(raised.value)


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
