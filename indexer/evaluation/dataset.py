"""PRODUCTS.csv and QUERIES.csv: the gallery, and what is asked of it."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from segmentation.errors import GarbError
from segmentation.garment import Box
from segmentation.labels import category_of


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
    """id,image[,title,category,…]; several images are separated by ``|`` or in image_1, image_2 …

    Raises:
        EvaluationError: the file cannot be read or a column is missing.
    """
    photos = []
    for where, row in _rows(path, required=("id",)):
        names = [name for name in row if name == "image" or name.startswith("image_")]
        images = [part.strip() for name in names for part in row[name].split("|")]
        if not row["id"] or not any(images):
            raise EvaluationError(f"{where}: no id or no image")
        photos += [
            GalleryPhoto(
                where=where,
                product_id=row["id"],
                title=row.get("title", ""),
                category=category_of(row.get("category", "")),
                path=path.parent / image,
            )
            for image in images
            if image
        ]
    return photos


def read_queries(path: Path) -> list[Query]:
    """image,product[,category][,box][,view]; a box is ``x0,y0,x1,y1`` or separated by blanks.

    Raises:
        EvaluationError: the file cannot be read, or a column or value is wrong.
    """
    return [
        Query(
            where=where,
            path=path.parent / row["image"],
            product_id=row["product"],
            category=category_of(row.get("category", "")),
            box=_box(row.get("box", ""), where),
            view=row.get("view", ""),
        )
        for where, row in _rows(path, required=("image", "product"))
    ]


def _rows(path: Path, *, required: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
    """Each row with its file and line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            absent = [name for name in required if name not in (reader.fieldnames or ())]
            if absent:
                raise EvaluationError(f"{path}: no column {', '.join(absent)}")
            rows = [(f"{path}, line {reader.line_num}", row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EvaluationError(f"{path}: {error}") from error
    for where, row in rows:
        if None in row or None in row.values():
            raise EvaluationError(f"{where}: not as many values as columns")
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
    if not (math.isfinite(x0 + y0 + x1 + y1) and x0 < x1 and y0 < y1):
        raise EvaluationError(f"{where}: a box has x0 < x1 and y0 < y1, not {text!r}")
    return Box(x0, y0, x1, y1)
