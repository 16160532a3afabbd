"""Draft annotations of product photos: the foreground of a plain backdrop, named by the catalog."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from segmentation.annotations.annotated_photo import Instance
from segmentation.annotations.coco import write_coco
from segmentation.errors import AnnotationError, PhotoError
from segmentation.garment import Mask
from segmentation.labels import category_of
from segmentation.photo import read_photo
from segmentation.product_photo import backdrop_foreground

# The columns that a catalog import takes for photos; several in one are parted by "|".
_IMAGE = re.compile(r"images?|image_\d+")

# What `write_coco` takes: file name, (width, height), instances.
DraftedPhoto = tuple[str, tuple[int, int], Sequence[Instance]]


def draft_annotations(
    feed: Path,
    file: Path,
    *,
    most_per_category: int,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Counter[str]:
    """Write a COCO file of the first products of each category that stand out from their backdrop.

    ``feed``: CSV with columns image (or images, or image_1, image_2, …) and category; images relative
    to it. A product's first photo is drafted. Returns the number of photos drafted by category;
    "skipped" are those that cannot be read or do not stand out.

    Raises:
        AnnotationError: the feed cannot be read or lacks a column.
    """
    products = _products(feed)
    drafted: Counter[str] = Counter()

    def photos() -> Iterator[DraftedPhoto]:
        """One at a time: all masks together are gigabytes."""
        for done, (image, category) in enumerate(products, 1):
            if drafted[category] < most_per_category:
                drawn = _draw(feed.parent / image)
                if drawn is None:
                    drafted["skipped"] += 1
                else:
                    drafted[category] += 1
                    height, width = drawn.pixels.shape
                    yield image, (width, height), [Instance(category, drawn)]
            on_progress(done, len(products))

    write_coco(photos(), file)
    return drafted


def _draw(path: Path) -> Mask | None:
    try:
        return backdrop_foreground(read_photo(path))
    except PhotoError:
        return None


def _products(feed: Path) -> list[tuple[str, str]]:
    """(first image, category) of every product whose category is known."""
    try:
        with feed.open(newline="", encoding="utf-8-sig") as lines:
            rows = csv.DictReader(lines)
            columns = {name.strip().lower(): name for name in rows.fieldnames or ()}
            images = [
                columns[name] for name in sorted(columns, key=_place) if _IMAGE.fullmatch(name)
            ]
            if not images or "category" not in columns:
                raise AnnotationError(f"{feed}: no column {'category' if images else 'image'!r}")
            named = [(_first(row, images), category_of(row[columns["category"]])) for row in rows]
    except (OSError, ValueError, csv.Error) as error:
        raise AnnotationError(f"{feed}: {error}") from error
    return [(image, category) for image, category in named if category is not None]


def _place(column: str) -> tuple[int, str]:
    """The order in which a catalog import takes a product's photos."""
    _, _, number = column.partition("_")
    return (int(number) if number.isdecimal() else -1, column)


def _first(row: Mapping[str, str | None], columns: Sequence[str]) -> str:
    listed = (image.strip() for column in columns for image in (row[column] or "").split("|"))
    return next(filter(None, listed), "")
