from __future__ import annotations

from pathlib import Path

from indexer.evaluation.dataset import Query, read_retrieval_set
from indexer.evaluation.finders import Segmented
from indexer.evaluation.misses import look_again, worst_answers
from indexer.evaluation.retrieval import Answer, evaluate_retrieval
from indexer.ranking import RankedPhoto
from tests.fakes import FakeEmbedder, FakePhotoParser


def _answer(name: str, rank: int, score: float) -> Answer:
    query = Query(name, Path(name), "p", None, None, "")
    return Answer(query, rank, RankedPhoto("p", 0, 0, score), 0, ())


def test_the_last_ranks_come_first_and_what_was_found_not_at_all() -> None:
    answers = [
        _answer("found", 1, 0.9),
        _answer("near", 2, 0.8),
        _answer("far", 40, 0.3),
        _answer("farther", 40, 0.2),
    ]
    assert [one.query.where for one in worst_answers(answers)] == ["farther", "far", "near"]
    assert len(worst_answers(answers, most=2)) == 2


def test_a_miss_shows_what_was_seen_in_both_photos(folder: Path) -> None:
    dataset = read_retrieval_set(folder / "products.csv", folder / "queries.csv")
    finder = Segmented(FakePhotoParser())
    report = evaluate_retrieval(dataset, finder=finder, embedder=FakeEmbedder())
    (miss,) = look_again(dataset, report, finder)
    assert miss.answer == report.answers[3]
    assert (miss.photo.width, miss.right_photo.width) == (90, 64)
    assert [garment.category for garment in miss.garments] == ["dress"]
    assert miss.right_garment.category == "dress"
