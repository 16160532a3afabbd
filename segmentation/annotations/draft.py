"""Draft annotations of product photos: the foreground of a plain backdrop, named by the catalog."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from segmentation.annotations.annotated_photo import Instance
from segmentation.annotations.coco import write_coco
from segmentation.errors import AnnotationError, PhotoError
from segmentation.garment import Mask
from segmentation.labels import category_of
from segmentation.photo import read_photo
from segmentation.product_photo import backdrop_foreground


def draft_annotations(
    feed: Path,
    file: Path,
    *,
    most_per_category: int,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Counter[str]:
    """Write a COCO file of the first products of each category that stand out from their backdrop.

    ``feed``: CSV with columns image and category; images relative to it. Returns the number of
    photos drafted by category; "skipped" are those that cannot be read or do not stand out.

    Raises:
        AnnotationError: the feed cannot be read or lacks a column.
    """
    chosen = _choose(feed, most_per_category)
    drafted: Counter[str] = Counter()
    photos = []
    for done, (image, category) in enumerate(chosen, 1):
        drawn = _draw(feed.parent / image)
        if drawn is None:
            drafted["skipped"] += 1
        else:
            drafted[category] += 1
            height, width = drawn.pixels.shape
            photos.append((image, (width, height), [Instance(category, drawn)]))
        on_progress(done, len(chosen))
    write_coco(photos, file)
    return drafted


def _draw(path: Path) -> Mask | None:
    try:
        return backdrop_foreground(read_photo(path))
    except PhotoError:
        return None


def _choose(feed: Path, most: int) -> list[tuple[str, str]]:
    try:
        with feed.open(newline="", encoding="utf-8-sig") as lines:
            rows = [(row["image"] or "", row["category"]) for row in csv.DictReader(lines)]
    except KeyError as error:
        raise AnnotationError(f"{feed}: no column {error}") from error
    except (OSError, ValueError) as error:
        raise AnnotationError(f"{feed}: {error}") from error
    taken: Counter[str] = Counter()
    chosen = []
    for image, word in rows:
        category = category_of(word)
        taken[word] += 1
        if category is not None and taken[word] <= most:
            chosen.append((image, category))
    return chosen
