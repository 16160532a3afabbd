from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from indexer.evaluation.dataset import EvaluationError, read_retrieval_set
from indexer.evaluation.finders import (
    GarmentFinder,
    Segmented,
    WholePhotos,
    as_found,
    box_crop,
    whole_photo,
)
from indexer.evaluation.retrieval import RetrievalReport, evaluate_crops, evaluate_retrieval
from indexer.vectors.base import Vectors
from segmentation.garment import Box, Cutout
from tests.fakes import FakeEmbedder, FakePhotoParser, fake_photo


def _evaluate(folder: Path, finder: GarmentFinder | None = None) -> RetrievalReport:
    return evaluate_retrieval(
        read_retrieval_set(folder / "products.csv", folder / "queries.csv"),
        finder=finder or Segmented(FakePhotoParser()),
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


def test_an_answer_holds_what_came_first_and_the_right_product(folder: Path) -> None:
    answer = _evaluate(folder).answers[3]
    assert answer.query.product_id == answer.right.product_id == "a"
    assert [photo.product_id for photo in answer.first][:2] == ["d", "a"]
    assert len(answer.first) == 4
    assert answer.first[1].score == answer.right.score < answer.first[0].score
    assert answer.right.image_id == 0


def test_whole_photos_need_no_segmentation(folder: Path) -> None:
    assert _evaluate(folder, WholePhotos()).ranks[:3] == (1, 1, 1)


def test_photos_that_cannot_be_read_are_left_out_and_named(folder: Path) -> None:
    with (folder / "products.csv").open("a") as file:
        file.write("a,gone.png,T\ne,broken.png,T\n")
    with (folder / "queries.csv").open("a") as file:
        file.write("broken.png,a,,\na.png,e,,\n")
    report = _evaluate(folder)
    assert (report.gallery, len(report.answers)) == (4, 4)
    assert {one.where.rpartition("/")[2] for one in report.left_out} == {
        "products.csv, line 6",
        "products.csv, line 7",
        "queries.csv, line 6",
        "queries.csv, line 7",
    }
    assert [one.reason for one in report.left_out if "line 7" in one.where][1] == (
        "product 'e' has no photo that can be read"
    )


def test_a_box_beside_the_photo_leaves_its_query_out(folder: Path) -> None:
    (folder / "queries.csv").write_text(
        'image,product,box\nstreet-a.png,a,"500,500,600,600"\nstreet-a.png,a,"20,10,70,60"\n'
    )
    report = _evaluate(folder)
    assert report.ranks == (1,)
    assert "covers nothing" in report.left_out[0].reason


def test_where_nothing_can_be_asked_it_says_why(folder: Path) -> None:
    (folder / "queries.csv").write_text("image,product\nbroken.png,a\n")
    with pytest.raises(EvaluationError, match=r"line 2: .*broken\.png"):
        _evaluate(folder)


def test_one_row_a_product_though_it_has_many_photos(folder: Path) -> None:
    (folder / "products.csv").write_text("id,image\na,a.png|b.png|c.png\nd,d.png\n")
    (folder / "queries.csv").write_text("image,product\nstreet-d.png,d\nstreet-b.png,d\n")
    report = _evaluate(folder)
    assert report.gallery == 2
    assert report.ranks == (1, 2)
    assert [photo.product_id for photo in report.answers[1].first] == ["a", "d"]


def test_an_embedder_that_maps_all_to_one_point_does_not_look_perfect(folder: Path) -> None:
    class Constant(FakeEmbedder):
        def embed(self, cutouts: Sequence[Cutout]) -> Vectors:
            vectors = np.zeros((len(cutouts), self.dimension), np.float32)
            vectors[:, 0] = 1
            return vectors

    report = evaluate_retrieval(
        read_retrieval_set(folder / "products.csv", folder / "queries.csv"),
        finder=WholePhotos(),
        embedder=Constant(),
    )
    # The last query names a category, which no product has.
    assert report.ranks == (4, 4, 4, 4)


def test_several_crops_are_one_pass_and_give_what_each_gives_alone(folder: Path) -> None:
    dataset = read_retrieval_set(folder / "products.csv", folder / "queries.csv")
    parser, embedder = FakePhotoParser(), FakeEmbedder()
    crops = (whole_photo, box_crop, as_found)
    reports = evaluate_crops(dataset, finder=Segmented(parser), embedder=embedder, crops=crops)
    assert parser.photos_parsed == 8
    assert embedder.cutouts_embedded == 3 * 8
    assert reports[0].answers == _evaluate(folder, WholePhotos()).answers
    assert reports[2].answers == _evaluate(folder).answers


def test_crops_of_a_garment() -> None:
    photo = fake_photo((200, 30, 40))
    (garment,) = FakePhotoParser().parse(photo).garments
    assert as_found(photo, garment) is garment
    box = box_crop(photo, garment)
    assert (box.box, box.mask, box.category) == (garment.box, None, garment.category)
    whole = whole_photo(photo, garment)
    assert (whole.box, whole.mask, whole.category) == (Box(0, 0, 64, 80), None, None)
