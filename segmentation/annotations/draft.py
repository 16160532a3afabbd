"""Draft annotations of product photos: the foreground of a plain backdrop, named by the catalog."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from segmentation.annotations.annotated_photo import Instance
from segmentation.annotations.coco import write_coco
from segmentation.errors import AnnotationError
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
    photos drafted by category, "skipped" among them.

    Raises:
        AnnotationError: the feed cannot be read or lacks a column.
    """
    chosen = _choose(feed, most_per_category)
    drafted: Counter[str] = Counter()
    photos = []
    for done, (image, category) in enumerate(chosen, 1):
        photo = read_photo(feed.parent / image)
        mask = backdrop_foreground(photo)
        if mask is None:
            drafted["skipped"] += 1
        else:
            drafted[category] += 1
            photos.append((image, (photo.width, photo.height), [Instance(category, mask)]))
        on_progress(done, len(chosen))
    write_coco(photos, file)
    return drafted


def _choose(feed: Path, most: int) -> list[tuple[str, str]]:
    try:
        with feed.open(newline="", encoding="utf-8-sig") as lines:
            rows = [(row["image"], row["category"]) for row in csv.DictReader(lines)]
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
