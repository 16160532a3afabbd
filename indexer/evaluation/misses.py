"""The queries whose right product came last, looked at once more with all that was seen in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from indexer.evaluation.dataset import RetrievalSet
from indexer.evaluation.finders import GarmentFinder
from indexer.evaluation.retrieval import Answer, RetrievalReport
from segmentation.garment import Garment
from segmentation.photo import Photo, read_photo

MOST_MISSES = 12


@dataclass(frozen=True, slots=True, eq=False)
class Miss:
    """A query and the right product's closest photo, with the garments found in both."""

    answer: Answer
    photo: Photo
    garments: tuple[Garment, ...]
    right_photo: Photo
    right_garment: Garment


def worst_answers(answers: Iterable[Answer], *, most: int = MOST_MISSES) -> list[Answer]:
    """The answers whose right product was not first, the worst rank first, ties by lower score."""
    missed = [answer for answer in answers if answer.rank > 1]
    return sorted(missed, key=lambda one: (-one.rank, one.right.score))[:most]


def look_again(dataset: RetrievalSet, report: RetrievalReport, finder: GarmentFinder) -> list[Miss]:
    """The worst misses of a report: masks of all queries at once would not fit into memory.

    Raises:
        PhotoError: a photo is gone since the report was made.
    """
    misses = []
    for answer in worst_answers(report.answers):
        query, right = answer.query, dataset.photos[answer.right.image_id]
        photo, right_photo = read_photo(query.path), read_photo(right.path)
        garments = finder.of_query(photo, query.category, query.box)
        right_garment = finder.of_product(right_photo, right.category)
        misses.append(Miss(answer, photo, garments, right_photo, right_garment))
    return misses
