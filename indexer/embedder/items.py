"""What the embedder learns from: garments of labelled street photos and photos of products.

Each garment is cut out as a square RGBA crop; `crop_store` keeps them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from indexer.errors import FeedError
from indexer.evaluation.dataset import EvaluationError, read_queries
from indexer.feeds.open import open_feed
from indexer.feeds.record import ProductRecord
from segmentation.annotations.annotated_photo import Instance, is_validation
from segmentation.annotations.label_png import garment_instances, list_label_pairs, read_label_map
from segmentation.annotations.read import label_names
from segmentation.backdrop import foreground_of
from segmentation.errors import AnnotationError, PhotoError
from segmentation.evaluation.held_out import split
from segmentation.garment import Box, Garment, Mask, mask_iou
from segmentation.labels import PERSON, category_of
from segmentation.photo import Photo, Pixels, read_photo
from segmentation.product_photo import backdrop_foreground

CROP_PX = 160
MARGIN = 1.15
MIN_AREA_SHARE = 0.004
# GrabCut's time goes with the pixels, and views blur its edge anyway.
FOREGROUND_PX = 128
# A found garment is the labelled one if they overlap at least this much (IoU).
_SAME_GARMENT_IOU = 0.3
_GREY_BORDER = (128, 128, 128, 0)

# The garments of a street photo as serving finds them.
FindGarments = Callable[[Photo], Sequence[Garment]]


@dataclass(frozen=True, slots=True)
class Source:
    """A file to cut: a labelled street photo, one photo of a product, or of a product worn.

    ``box``: where in a street photo the product is, where several people wear the category.
    """

    item: str
    photo: str
    labels: str | None
    names: tuple[str, ...]
    category: str | None
    held_out: bool
    box: tuple[float, float, float, float] | None = None


class Cut(StrEnum):
    """How a garment came out of its photo."""

    BACKDROP = "backdrop"
    LABELS = "labels"
    SERVED = "served"


@dataclass(frozen=True, slots=True)
class Crop:
    """One crop of the store. Crops of the same ``item`` show the same garment."""

    item: str
    category: str
    area_share: float
    validation: bool
    cut: Cut


def street_sources(photos: Path, labels: Path | None = None) -> list[Source]:
    """Labelled photos of a folder; labels default to the folder ``labels`` beside it.

    The segmenter's photos are held out: names that end in 7, else every tenth by name.

    Raises:
        AnnotationError: a folder is missing.
        LabelError: ``labels.json`` is missing.
    """
    folder = labels or photos.parent / "labels"
    names = label_names(folder, None)
    pairs = list_label_pairs(photos, folder)
    held_out = {pair.stem for pair in split(pairs)[1]}
    return [
        Source(
            f"street/{pair.stem}",
            str(pair.path),
            str(pair.label_path),
            names,
            category=None,
            held_out=pair.stem in held_out,
        )
        for pair in pairs
    ]


def worn_sources(queries: Path) -> list[Source]:
    """Products worn in labelled street photos: rows image, product, category and maybe box.

    The labels lie in the folder ``labels`` beside that of the photos. Products whose id ends in 7
    are held out.

    Raises:
        AnnotationError: not such a file, or a row that cannot be used; the message names the line.
        LabelError: ``labels.json`` is missing.
    """
    try:
        rows = read_queries(queries)
    except EvaluationError as error:
        raise AnnotationError(
            f"{error}; worn products are rows image, product, category"
        ) from error
    sources = []
    for row in rows:
        if row.category is None:
            raise AnnotationError(f"{row.where}: no category that Garb knows")
        folder = row.path.parent.parent / "labels"
        sources.append(
            Source(
                f"catalog/{row.product_id}",
                str(row.path),
                str(folder / f"{row.path.stem}.png"),
                label_names(folder, None),
                category=row.category,
                held_out=is_validation(row.product_id),
                box=(row.box.x0, row.box.y0, row.box.x1, row.box.y1) if row.box else None,
            )
        )
    return sources


def catalog_sources(feed: Path) -> list[Source]:
    """Product photos of a feed that lie on disk, relative to the feed, as an import reads it.

    Rows that an import would only report are left out.

    Raises:
        AnnotationError: the feed cannot be read or has no id, or none of its rows has an image.
    """
    sources = []
    folder = feed if feed.is_dir() else feed.parent
    try:
        records = [row for row in open_feed(feed) if isinstance(row, ProductRecord)]
        for record in records:
            item = f"catalog/{record.id}"
            paths = [folder / image for image in record.images]
            sources += [
                Source(item, str(path), None, (), record.category, held_out=False)
                for path in paths
                if path.is_file()
            ]
    except FeedError as error:
        raise AnnotationError(str(error)) from error
    if not any(record.images for record in records):
        raise AnnotationError(f"{feed}: no row with an id and an image")
    return sources


def cut_source(source: Source, find: FindGarments | None = None) -> list[tuple[Crop, Pixels]]:
    """Every garment of one file; a photo that cannot be read gives none."""
    try:
        photo = read_photo(Path(source.photo))
    except PhotoError:
        return []
    if source.labels is None:
        mask = _product_mask(photo)
        category = category_of(source.category) or "other"
        crop = Crop(
            source.item, category, mask.area / mask.pixels.size, source.held_out, Cut.BACKDROP
        )
        return [(crop, square_crop(photo, mask))]
    label_map = read_label_map(Path(source.labels))
    if label_map.shape != photo.pixels.shape[:2]:
        return []
    if source.box:
        label_map = _within(label_map, source.box)
    found = find(photo) if find else ()
    cut = []
    for instance in garment_instances(label_map, source.names):
        share = instance.mask.area / label_map.size
        if instance.category == PERSON or share < MIN_AREA_SHARE:
            continue
        if source.category not in (None, instance.category):
            continue
        # Both shoes are one garment: each is a view of the other.
        item = source.item if source.category else f"{source.item}/{instance.category}"
        crop = Crop(item, instance.category, share, source.held_out, Cut.LABELS)
        cut.append((crop, square_crop(photo, instance.mask)))
        served = _best_of(found, instance)
        if served is not None:
            cut.append((replace(crop, cut=Cut.SERVED), square_crop(photo, served)))
    return cut


def _best_of(found: Sequence[Garment], instance: Instance) -> Mask | None:
    """The mask of the found garment that overlaps a labelled one best, None where it was missed."""
    masks = [one.mask for one in found if one.mask and one.category == instance.category]
    overlaps = [mask_iou(mask.pixels, instance.mask.pixels) for mask in masks]
    best = max(range(len(masks)), key=overlaps.__getitem__, default=None)
    return None if best is None or overlaps[best] < _SAME_GARMENT_IOU else masks[best]


def _within(
    label_map: npt.NDArray[np.uint8], box_xyxy: tuple[float, float, float, float]
) -> npt.NDArray[np.uint8]:
    x0, y0, x1, y1 = (round(side) for side in box_xyxy)
    kept = np.zeros_like(label_map)
    kept[y0:y1, x0:x1] = label_map[y0:y1, x0:x1]
    return kept


def square_crop(photo: Photo, mask: Mask, *, size_px: int = CROP_PX) -> Pixels:
    """The square round a mask's box with a margin, HWC uint8 RGBA, grey beyond the photo."""
    box = mask.box() if mask.area else Box(0, 0, photo.width, photo.height)
    side = max(box.width, box.height) * MARGIN
    x0, y0 = (box.x0 + box.x1 - side) / 2, (box.y0 + box.y1 - side) / 2
    layers = np.dstack([photo.pixels, mask.pixels.astype(np.uint8) * 255])
    left, top = max(0, int(x0)), max(0, int(y0))
    layers = layers[top : int(y0 + side) + 1, left : int(x0 + side) + 1]
    scale = size_px / side
    if scale < 1:
        width, height = (max(1, round(length * scale)) for length in layers.shape[1::-1])
        shrunk = cv2.resize(layers, (width, height), interpolation=cv2.INTER_AREA)
        ratio_x, ratio_y = width / layers.shape[1], height / layers.shape[0]
    else:
        shrunk, ratio_x, ratio_y = layers, 1.0, 1.0
    matrix = np.array(
        [
            [scale / ratio_x, 0, (left - x0) * scale],
            [0, scale / ratio_y, (top - y0) * scale],
        ],
        np.float32,
    )
    square = cv2.warpAffine(
        shrunk, matrix, (size_px, size_px), flags=cv2.INTER_LINEAR, borderValue=_GREY_BORDER
    )
    return square.astype(np.uint8, copy=False)


def _product_mask(photo: Photo) -> Mask:
    """As serving cuts a lone product: what stands out of its plain backdrop."""
    foreground = foreground_of(photo)
    mask = foreground.mask(photo) if foreground else None
    if mask is not None:
        return mask
    scale = min(1.0, FOREGROUND_PX / max(photo.width, photo.height))
    size = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    small = cv2.resize(photo.pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    mask = backdrop_foreground(Photo(small))
    if mask is None:
        return Mask(np.ones(photo.pixels.shape[:2], bool))
    soft = cv2.resize(mask.pixels.astype(np.float32), (photo.width, photo.height))
    return Mask(soft > 0.5)
