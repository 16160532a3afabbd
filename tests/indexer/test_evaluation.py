from __future__ import annotations

import json
from pathlib import Path

import pytest

from indexer.evaluation import (
    EvaluationError,
    RetrievalReport,
    Segmented,
    WholePhotos,
    evaluate_retrieval,
    read_queries,
)
from segmentation.garment import Box
from tests.fakes import FakeEmbedder, FakePhotoParser, fake_png

COLOURS = {"a": (200, 30, 40), "b": (30, 190, 60), "c": (20, 40, 200), "d": (190, 90, 30)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, colour in COLOURS.items():
        (tmp_path / f"{name}.png").write_bytes(fake_png(colour))
        (tmp_path / f"street-{name}.png").write_bytes(fake_png(colour, width=90, height=70))
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    products = "id,image,title\n" + "".join(f"{name},{name}.png,A title\n" for name in COLOURS)
    (tmp_path / "products.csv").write_text(products)
    queries = "image,product,category,view\n"
    queries += "".join(f"street-{name}.png,{name},,front\n" for name in "abc")
    (tmp_path / "queries.csv").write_text(queries + "street-d.png,a,dress,back\n")
    return tmp_path


def _evaluate(folder: Path, *, whole: bool = False) -> RetrievalReport:
    return evaluate_retrieval(
        folder / "products.csv",
        folder / "queries.csv",
        finder=WholePhotos() if whole else Segmented(FakePhotoParser()),
        embedder=FakeEmbedder(),
        threads=2,
    )


def test_the_report_is_the_contracts_document(folder: Path) -> None:
    report = _evaluate(folder)
    assert report.ranks == (1, 1, 1, 2)
    document = report.to_json()
    assert list(document) == [
        "queries", "gallery", "r@1", "r@5", "r@10", "mrr", "by_view", "seconds_per_query",
    ]  # fmt: skip
    assert (document["queries"], document["gallery"]) == (4, 4)
    assert (document["r@1"], document["r@5"], document["mrr"]) == (0.75, 1.0, 0.875)
    assert document["by_view"]["back"]["r@1"] == 0
    assert document["by_view"]["front"]["queries"] == 3
    json.dumps(document)


def test_whole_photos_need_no_segmentation(folder: Path) -> None:
    assert _evaluate(folder, whole=True).ranks[:3] == (1, 1, 1)


def test_a_product_photo_that_cannot_be_read_leaves_the_gallery_and_is_named(
    folder: Path,
) -> None:
    with (folder / "products.csv").open("a") as file:
        file.write("e,broken.png,T\nf,gone.png,T\n")
    report = _evaluate(folder)
    assert report.gallery == 4
    assert [skipped.product_id for skipped in report.skipped] == ["e", "f"]


@pytest.mark.parametrize(("product", "image"), [("nobody", "a.png"), ("e", "a.png")])
def test_a_query_whose_product_is_not_in_the_gallery_names_the_row(
    folder: Path, product: str, image: str
) -> None:
    with (folder / "products.csv").open("a") as file:
        file.write("e,broken.png,T\n")
    with (folder / "queries.csv").open("a") as file:
        file.write(f"{image},{product},,\n")
    with pytest.raises(EvaluationError, match="line 6"):
        _evaluate(folder)


def test_one_row_a_product_though_it_has_many_photos(folder: Path) -> None:
    (folder / "products.csv").write_text("id,image\na,a.png|b.png|c.png\nd,d.png\n")
    (folder / "queries.csv").write_text("image,product\nstreet-d.png,d\nstreet-b.png,d\n")
    report = _evaluate(folder)
    assert report.gallery == 2
    assert report.ranks == (1, 2)


def test_missing_columns_and_bad_boxes_name_the_place(folder: Path) -> None:
    queries = folder / "queries.csv"
    queries.write_text("image,view\na.png,front\n")
    with pytest.raises(EvaluationError, match="no column product"):
        read_queries(queries)
    queries.write_text('image,product,box\na.png,a,"1,2,3"\n')
    with pytest.raises(EvaluationError, match="line 2"):
        read_queries(queries)
    queries.write_text('image,product,box\na.png,a,"1,2,3,4"\n')
    assert read_queries(queries)[0].box == Box(1, 2, 3, 4)
