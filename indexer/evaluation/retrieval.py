"""The products indexed in memory, every query asked, and where the right product came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from indexer.catalog.rows import VectorRow
from indexer.embedder.base import Embedder
from indexer.evaluation.dataset import EvaluationError, GalleryPhoto, Query, RetrievalSet
from indexer.evaluation.figures import figures_of, grouped
from indexer.evaluation.finders import Crop, GarmentFinder, as_found
from indexer.generation import Generation, Shelf
from indexer.in_order import in_order
from indexer.ranking import NAMED, SEEN, RankedPhoto, rank_products
from indexer.vectors.base import Vectors
from indexer.vectors.exact import ExactIndex
from indexer.vectors.two_parts import TwoPartIndex
from segmentation.cutout import cut_out
from segmentation.errors import PhotoError
from segmentation.garment import Garment
from segmentation.labels import category_of
from segmentation.photo import Photo, read_photo

# Of the products that came first, how many are kept to be shown.
FIRST = 5

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """How a query came out.

    ``rank``: of the right product, from 1. ``right``: its closest photo; ``garment``: which of the
    query's garments it was closest to. ``first``: the best `FIRST` products, best first.
    A photo's ``image_id`` is its place in the set's photos.
    """

    query: Query
    rank: int
    right: RankedPhoto
    garment: int
    first: tuple[RankedPhoto, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A product photo or a query that could not be used. ``where``: file and line."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class RetrievalReport:
    """``gallery``: how many products could be found."""

    answers: tuple[Answer, ...]
    gallery: int
    seconds_per_query: float
    left_out: tuple[LeftOut, ...]

    @property
    def ranks(self) -> tuple[int, ...]:
        return tuple(answer.rank for answer in self.answers)

    def ranks_by_view(self) -> dict[str, list[int]]:
        return grouped((answer.query.view, answer.rank) for answer in self.answers)

    def to_json(self) -> dict[str, Any]:
        return {
            "queries": len(self.answers),
            "gallery": self.gallery,
            **figures_of(self.ranks),
            "by_view": {
                view: {"queries": len(ranks), **figures_of(ranks)}
                for view, ranks in self.ranks_by_view().items()
            },
            "seconds_per_query": round(self.seconds_per_query, 4),
        }


def evaluate_retrieval(
    dataset: RetrievalSet,
    *,
    finder: GarmentFinder,
    embedder: Embedder,
    threads: int = 1,
    on_progress: Progress = lambda stage, done, total: None,
) -> RetrievalReport:
    """Index the products in memory and ask every query.

    Photos that cannot be read are left out, and so are queries whose product has no other.
    ``seconds_per_query``: decoding to ranks, by the clock, with ``threads`` queries at once.

    Raises:
        EvaluationError: no query could be asked.
    """
    (report,) = evaluate_crops(
        dataset,
        finder=finder,
        embedder=embedder,
        crops=(as_found,),
        threads=threads,
        on_progress=on_progress,
    )
    return report


def evaluate_crops(
    dataset: RetrievalSet,
    *,
    finder: GarmentFinder,
    embedder: Embedder,
    crops: Sequence[Crop],
    threads: int = 1,
    on_progress: Progress = lambda stage, done, total: None,
) -> list[RetrievalReport]:
    """A report a crop; each photo is read and its garments found once. As `evaluate_retrieval`."""
    road = _Road(finder, embedder, tuple(crops))
    galleries, left_out = _index(dataset.photos, road, threads, on_progress)
    findable = set(galleries[0].product_ids)
    queries = [query for query in dataset.queries if query.product_id in findable]
    left_out += [
        LeftOut(query.where, f"product {query.product_id!r} has no photo that can be read")
        for query in dataset.queries
        if query.product_id not in findable
    ]
    started = perf_counter()
    answers, unreadable = _ask(queries, galleries, road, threads, on_progress)
    seconds = (perf_counter() - started) / max(1, len(queries))
    left_out += unreadable
    if not answers:
        raise EvaluationError(f"no query could be asked; {left_out[0].where}: {left_out[0].reason}")
    return [
        RetrievalReport(tuple(of_crop), gallery.product_count, seconds, tuple(left_out))
        for of_crop, gallery in zip(zip(*answers, strict=True), galleries, strict=True)
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _EmbeddedQuery:
    """``vectors``: float32 (crops, garments, dimension); a category a garment."""

    vectors: Vectors
    categories: tuple[str | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Road:
    """What a photo goes through; used by several threads at once."""

    finder: GarmentFinder
    embedder: Embedder
    crops: tuple[Crop, ...]

    def of_product(self, photo: GalleryPhoto) -> Vectors | LeftOut:
        """float32 (crops, dimension)."""
        try:
            pixels = read_photo(photo.path)
        except PhotoError as error:
            return LeftOut(photo.where, str(error))
        return self._embedded(pixels, [self.finder.of_product(pixels, photo.category)])[:, 0]

    def of_query(self, query: Query) -> _EmbeddedQuery | LeftOut:
        try:
            pixels = read_photo(query.path)
            garments = self.finder.of_query(pixels, query.category, query.box)
        except PhotoError as error:
            return LeftOut(query.where, str(error))
        categories = tuple(query.category or category_of(one.category) for one in garments)
        return _EmbeddedQuery(self._embedded(pixels, garments), categories)

    def _embedded(self, pixels: Photo, garments: Sequence[Garment]) -> Vectors:
        cutouts = [cut_out(pixels, crop(pixels, one)) for crop in self.crops for one in garments]
        vectors: Vectors = self.embedder.embed(cutouts)
        return vectors.reshape(len(self.crops), len(garments), -1)


def _index(
    photos: Sequence[GalleryPhoto], road: _Road, threads: int, on_progress: Progress
) -> tuple[list[Generation], list[LeftOut]]:
    """A gallery a crop, and the photos that could not be read."""
    rows: list[list[VectorRow]] = [[] for _ in road.crops]
    left_out = []
    on_progress("products", 0, len(photos))
    for number, found in enumerate(in_order(road.of_product, photos, threads=threads)):
        if isinstance(found, LeftOut):
            left_out.append(found)
        else:
            for of_crop, vector in zip(rows, found, strict=True):
                of_crop.append(_row(number, photos[number], vector))
        on_progress("products", number + 1, len(photos))
    return [_gallery(of_crop, road.embedder.dimension) for of_crop in rows], left_out


def _ask(
    queries: Sequence[Query],
    galleries: Sequence[Generation],
    road: _Road,
    threads: int,
    on_progress: Progress,
) -> tuple[list[list[Answer]], list[LeftOut]]:
    """Of each query that could be read an answer a crop, and the others."""

    def ask(query: Query) -> list[Answer] | LeftOut:
        embedded = road.of_query(query)
        if isinstance(embedded, LeftOut):
            return embedded
        return [
            _answer(query, gallery, vectors, embedded.categories)
            for gallery, vectors in zip(galleries, embedded.vectors, strict=True)
        ]

    answers, left_out = [], []
    on_progress("queries", 0, len(queries))
    for number, answer in enumerate(in_order(ask, queries, threads=threads), start=1):
        if isinstance(answer, LeftOut):
            left_out.append(answer)
        else:
            answers.append(answer)
        on_progress("queries", number, len(queries))
    return answers, left_out


def _row(number: int, photo: GalleryPhoto, vector: Vectors) -> VectorRow:
    return VectorRow(
        sequence=number,
        image_id=number,
        product_id=photo.product_id,
        position=0,
        category=photo.category,
        deleted=False,
        vector=vector.astype(np.float16),
    )


def _gallery(rows: Sequence[VectorRow], dimension: int) -> Generation:
    # The judge itself: a gallery is small, and figures should not hang on a backend.
    shelf = Shelf(TwoPartIndex(dimension, ExactIndex))
    shelf.apply(rows)
    return shelf.generation(len(rows))


def _answer(
    query: Query, gallery: Generation, vectors: Vectors, categories: Sequence[str | None]
) -> Answer:
    """All garments' matches merged by score."""
    costs = SEEN if query.category is None else NAMED
    best: dict[str, tuple[RankedPhoto, int]] = {}
    for garment, (vector, category) in enumerate(zip(vectors, categories, strict=True)):
        ranked = rank_products(
            gallery, vector, gallery.product_count, category=category, costs=costs
        )
        for photo in ranked:
            known = best.get(photo.product_id)
            if known is None or photo.score > known[0].score:
                best[photo.product_id] = (photo, garment)
    right, garment = best[query.product_id]
    first = sorted((photo for photo, _ in best.values()), key=lambda photo: -photo.score)
    # A tie counts against us: an embedder that maps all to one point must not look perfect.
    rank = sum(photo.score >= right.score for photo in first)
    return Answer(query, rank, right, garment, tuple(first[:FIRST]))
