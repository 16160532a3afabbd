"""PRODUCTS.csv and QUERIES.csv: the gallery, and what is asked of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from indexer.errors import FeedError
from indexer.feeds.open import open_feed
from indexer.feeds.record import BadRow, ProductRecord
from indexer.feeds.table import NamedTable
from segmentation.errors import GarbError
from segmentation.garment import Box
from segmentation.labels import category_of

_QUERY_COLUMNS = frozenset(("image", "product", "category", "box", "view"))


class EvaluationError(GarbError):
    """What cannot be evaluated; the message names file and line."""


@dataclass(frozen=True, slots=True)
class GalleryPhoto:
    """One photo of a product. ``where``: file and line; ``category``: Garb's, None if unmapped."""

    where: str
    product_id: str
    title: str
    category: str | None
    path: Path


@dataclass(frozen=True, slots=True)
class Query:
    """A photo and the product that must be found in it. ``where``, ``category``: as above."""

    where: str
    path: Path
    product_id: str
    category: str | None
    box: Box | None
    view: str


@dataclass(frozen=True, slots=True)
class RetrievalSet:
    """A gallery and its queries; every query's product has a photo in the gallery."""

    photos: tuple[GalleryPhoto, ...]
    queries: tuple[Query, ...]


def read_retrieval_set(products_csv: Path, queries_csv: Path) -> RetrievalSet:
    """Read both files; whether the photos exist shows when they are read.

    Raises:
        EvaluationError: a file cannot be read, a column is missing, a value is wrong, or a query
            asks for a product that is not among the products.
    """
    photos = read_products(products_csv)
    queries = read_queries(queries_csv)
    known = {photo.product_id for photo in photos}
    for query in queries:
        if query.product_id not in known:
            raise EvaluationError(
                f"{query.where}: product {query.product_id!r} is not in {products_csv}"
            )
    return RetrievalSet(tuple(photos), tuple(queries))


def read_products(path: Path) -> list[GalleryPhoto]:
    """A feed as an import reads it: id,image[,title,category,…]; images are relative to it.

    Raises:
        EvaluationError: the file cannot be read, or a row that an import would not take.
        MissingDependency: a Parquet feed without pyarrow.
    """
    folder = path if path.is_dir() else path.parent
    photos: list[GalleryPhoto] = []
    with _told_as_evaluation_errors(path):
        for row in open_feed(path):
            where = f"{path / row.file if row.file else path}, line {row.line}"
            photos += _gallery_photos(row, where, folder)
    if not photos:
        raise EvaluationError(f"{path}: no rows")
    return photos


def read_queries(path: Path) -> list[Query]:
    """image,product[,category][,box][,view]; a box is ``x0,y0,x1,y1`` or separated by blanks.

    Raises:
        EvaluationError: the file cannot be read, or a column or value is wrong.
    """
    queries = []
    with _told_as_evaluation_errors(path):
        for row in NamedTable(path, _query_column, id_column="product"):
            if isinstance(row, BadRow):
                raise EvaluationError(f"{path}, line {row.line}: {row.reason}")
            line, values = row
            if "image" not in values:
                raise EvaluationError(f"{path}: no column 'image' in the header")
            queries.append(_query(values, f"{path}, line {line}", path.parent))
    if not queries:
        raise EvaluationError(f"{path}: no rows")
    return queries


@contextmanager
def _told_as_evaluation_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except FeedError as error:
        raise EvaluationError(str(error)) from error
    except OSError as error:
        raise EvaluationError(f"{path}: {error.strerror or error}") from error


def _gallery_photos(
    row: ProductRecord | BadRow, where: str, folder: Path
) -> Iterator[GalleryPhoto]:
    if isinstance(row, BadRow):
        raise EvaluationError(f"{where}: {row.reason}")
    if not row.images:
        raise EvaluationError(f"{where}: no image")
    category = category_of(row.category)
    for image in row.images:
        yield GalleryPhoto(where, row.id, row.title, category, folder / image)


def _query(values: Mapping[str, str], where: str, folder: Path) -> Query:
    if not values["image"]:
        raise EvaluationError(f"{where}: no image")
    return Query(
        where=where,
        path=folder / values["image"],
        product_id=values["product"],
        category=category_of(values.get("category", "")),
        box=_box(values.get("box", ""), where),
        view=values.get("view", ""),
    )


def _query_column(column: str) -> str:
    """The name of a column that is read, empty for all others."""
    known = column.lower()
    return known if known in _QUERY_COLUMNS else ""


def _box(text: str, where: str) -> Box | None:
    if not text.strip():
        return None
    try:
        x0, y0, x1, y1 = (float(part) for part in text.strip(" []").replace(",", " ").split())
    except ValueError as error:
        raise EvaluationError(f"{where}: a box is x0,y0,x1,y1, not {text!r}") from error
    if not (math.isfinite(x0 + y0 + x1 + y1) and x0 < x1 and y0 < y1):
        raise EvaluationError(f"{where}: a box has x0 < x1 and y0 < y1, not {text!r}")
    return Box(x0, y0, x1, y1)
