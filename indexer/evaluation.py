"""Recall of the whole pipeline on any catalog and any queries: photo in, right product found or not."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol, TypeVar

import numpy as np

from indexer.catalog.rows import VectorRow
from indexer.embedder.base import Embedder
from indexer.garment_choice import choose_garments, whole_box
from indexer.generation import Generation, Shelf
from indexer.ranking import rank_products
from indexer.vectors.base import Vectors
from indexer.vectors.exact import ExactIndex
from segmentation.cutout import cut_out
from segmentation.errors import GarbError, PhotoError
from segmentation.garment import Box, Garment
from segmentation.labels import category_of
from segmentation.photo import Photo, read_photo
from segmentation.product_photo import choose_product_garment
from segmentation.segmenter import PhotoParser

RECALL_AT = (1, 5, 10)

Item = TypeVar("Item")
Result = TypeVar("Result")
Progress = Callable[[str, int, int], None]


class EvaluationError(GarbError):
    """A CSV that cannot be evaluated; the message names file and line."""


class GarmentFinder(Protocol):
    """How photos become garments: through the models, or not at all."""

    def of_product(self, photo: Photo, category: str | None) -> Garment: ...

    def of_query(
        self, photo: Photo, category: str | None, box: Box | None
    ) -> tuple[Garment, ...]: ...


class Segmented:
    """The whole road."""

    def __init__(self, photo_parser: PhotoParser) -> None:
        self._photo_parser = photo_parser

    def of_product(self, photo: Photo, category: str | None) -> Garment:
        parsed = self._photo_parser.parse(photo, expected=category)
        return choose_product_garment(parsed, category)[0]

    def of_query(self, photo: Photo, category: str | None, box: Box | None) -> tuple[Garment, ...]:
        parsed = self._photo_parser.parse(photo, expected=category, expected_box=box)
        return choose_garments(parsed, category=category, box=box)


class WholePhotos:
    """No segmentation: what the first stages are worth is the difference to this."""

    def of_product(self, photo: Photo, category: str | None) -> Garment:
        return Garment(category=None, score=None, box=whole_box(photo), mask=None)

    def of_query(self, photo: Photo, category: str | None, box: Box | None) -> tuple[Garment, ...]:
        return (self.of_product(photo, category),)


@dataclass(frozen=True, slots=True)
class GalleryPhoto:
    """One photo of a product. ``category``: Garb's, None if unmapped."""

    product_id: str
    path: Path
    category: str | None


@dataclass(frozen=True, slots=True)
class Query:
    """A photo and the product that must be found in it. ``line``: in the CSV, from 1."""

    line: int
    path: Path
    product_id: str
    category: str | None
    box: Box | None
    view: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A product photo that could not be read."""

    product_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class RetrievalReport:
    """``ranks``: of the right product, from 1, a query; None where it was not found at all."""

    ranks: tuple[int | None, ...]
    views: tuple[str, ...]
    gallery: int
    seconds_per_query: float
    skipped: tuple[Skipped, ...]

    def to_json(self) -> dict[str, Any]:
        by_view: dict[str, list[int | None]] = defaultdict(list)
        for view, rank in zip(self.views, self.ranks, strict=True):
            if view:
                by_view[view].append(rank)
        return {
            "queries": len(self.ranks),
            "gallery": self.gallery,
            **_figures(self.ranks),
            "by_view": {
                view: {"queries": len(ranks), **_figures(ranks)}
                for view, ranks in sorted(by_view.items())
            },
            "seconds_per_query": round(self.seconds_per_query, 4),
        }


def evaluate_retrieval(
    products_csv: Path,
    queries_csv: Path,
    *,
    finder: GarmentFinder,
    embedder: Embedder,
    threads: int = 1,
    on_progress: Progress = lambda stage, done, total: None,
) -> RetrievalReport:
    """Index the products in memory and ask every query.

    ``seconds_per_query``: decoding to ranks, by the clock, with ``threads`` queries at once.

    Raises:
        EvaluationError: a column or file is missing, or a query's product is not in the gallery.
        PhotoError: a query's photo cannot be read.
    """
    photos = read_products(products_csv)
    queries = read_queries(queries_csv)
    missing = _first_missing(queries, {photo.product_id for photo in photos})
    if missing is not None:
        raise EvaluationError(_not_in_gallery(queries_csv, missing, "is not in the products"))

    def embedded(photo: GalleryPhoto) -> Vectors | Skipped:
        try:
            pixels = read_photo(photo.path)
        except PhotoError as error:
            return Skipped(photo.product_id, str(error))
        garment = finder.of_product(pixels, photo.category)
        vector: Vectors = embedder.embed([cut_out(pixels, garment)])[0]
        return vector

    def note(stage: str) -> Callable[[int], None]:
        total = len(photos) if stage == "products" else len(queries)
        return lambda done: on_progress(stage, done, total)

    vectors = _in_threads(embedded, photos, threads, note("products"))
    generation = _gallery(photos, vectors, embedder.dimension)
    missing = _first_missing(queries, set(generation.product_ids))
    if missing is not None:
        raise EvaluationError(
            _not_in_gallery(queries_csv, missing, "has no photo that can be read")
        )

    def rank(query: Query) -> int | None:
        pixels = read_photo(query.path)
        garments = finder.of_query(pixels, query.category, query.box)
        found = embedder.embed([cut_out(pixels, garment) for garment in garments])
        categories = [garment.category or query.category for garment in garments]
        return _rank_of(query.product_id, generation, found, categories)

    started = perf_counter()
    ranks = _in_threads(rank, queries, threads, note("queries"))
    return RetrievalReport(
        ranks=tuple(ranks),
        views=tuple(query.view for query in queries),
        gallery=generation.product_count,
        seconds_per_query=(perf_counter() - started) / max(1, len(queries)),
        skipped=tuple(one for one in vectors if isinstance(one, Skipped)),
    )


def read_products(path: Path) -> list[GalleryPhoto]:
    """id,image[,category,…]; several images are separated by ``|`` or in image_1, image_2 …

    Raises:
        EvaluationError: the file cannot be read or a column is missing.
    """
    photos = []
    for line, row in _rows(path, required=("id",)):
        names = [name for name in row if name == "image" or name.startswith("image_")]
        images = [part.strip() for name in names for part in (row[name] or "").split("|")]
        if not row["id"] or not any(images):
            raise EvaluationError(f"{path}, line {line}: no id or no image")
        category = category_of(row.get("category") or "")
        photos += [GalleryPhoto(row["id"], path.parent / one, category) for one in images if one]
    return photos


def read_queries(path: Path) -> list[Query]:
    """image,product[,category][,box][,view]; a box is ``x0,y0,x1,y1`` or separated by blanks.

    Raises:
        EvaluationError: the file cannot be read, or a column or value is wrong.
    """
    return [
        Query(
            line=line,
            path=path.parent / row["image"],
            product_id=row["product"],
            category=category_of(row.get("category") or ""),
            box=_box(row.get("box") or "", f"{path}, line {line}"),
            view=row.get("view") or "",
        )
        for line, row in _rows(path, required=("image", "product"))
    ]


def _rows(path: Path, *, required: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            absent = [name for name in required if name not in (reader.fieldnames or ())]
            if absent:
                raise EvaluationError(f"{path}: no column {', '.join(absent)}")
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EvaluationError(f"{path}: {error}") from error
    for line, row in rows:
        if None in row or None in row.values():
            raise EvaluationError(f"{path}, line {line}: not as many values as columns")
    if not rows:
        raise EvaluationError(f"{path}: no rows")
    return rows


def _box(text: str, where: str) -> Box | None:
    if not text.strip():
        return None
    try:
        x0, y0, x1, y1 = (float(part) for part in text.strip(" []").replace(",", " ").split())
    except ValueError as error:
        raise EvaluationError(f"{where}: a box is x0,y0,x1,y1, not {text!r}") from error
    return Box(x0, y0, x1, y1)


def _gallery(
    photos: Sequence[GalleryPhoto], vectors: Sequence[Vectors | Skipped], dimension: int
) -> Generation:
    rows = [
        VectorRow(
            sequence=number,
            image_id=number,
            product_id=photo.product_id,
            position=0,
            category=photo.category,
            deleted=False,
            vector=vector.astype(np.float16),
        )
        for number, (photo, vector) in enumerate(zip(photos, vectors, strict=True))
        if not isinstance(vector, Skipped)
    ]
    # The judge itself: a gallery is small, and figures should not hang on a backend.
    shelf = Shelf(ExactIndex(dimension))
    shelf.apply(rows)
    return shelf.generation(len(rows))


def _rank_of(
    product_id: str, generation: Generation, vectors: Vectors, categories: Sequence[str | None]
) -> int | None:
    """The right product's place when all garments' matches are merged by score."""
    best: dict[str, float] = {}
    for vector, category in zip(vectors, categories, strict=True):
        for photo in rank_products(generation, vector, generation.product_count, category=category):
            best[photo.product_id] = max(photo.score, best.get(photo.product_id, photo.score))
    if product_id not in best:
        return None
    # A tie counts against us: an embedder that maps all to one point must not look perfect.
    mine = best.pop(product_id)
    return 1 + sum(score >= mine for score in best.values())


def _figures(ranks: Sequence[int | None]) -> dict[str, float]:
    found = [rank for rank in ranks if rank is not None]
    count = max(1, len(ranks))
    recalls = {f"r@{k}": sum(rank <= k for rank in found) / count for k in RECALL_AT}
    values = recalls | {"mrr": sum(1 / rank for rank in found) / count}
    return {name: round(value, 4) for name, value in values.items()}


def _first_missing(queries: Iterable[Query], known: set[str]) -> Query | None:
    return next((query for query in queries if query.product_id not in known), None)


def _not_in_gallery(path: Path, query: Query, why: str) -> str:
    return f"{path}, line {query.line}: product {query.product_id!r} {why}"


def _in_threads(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    threads: int,
    on_done: Callable[[int], None],
) -> list[Result]:
    results = []
    with ThreadPoolExecutor(max_workers=threads) as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            for number, future in enumerate(futures, start=1):
                results.append(future.result())
                on_done(number)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return results
