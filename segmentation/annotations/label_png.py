"""Label PNGs: a label number for every pixel, the file named like its photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from segmentation.annotations.annotated_photo import Instance
from segmentation.errors import AnnotationError
from segmentation.garment import BoolPixels, Mask
from segmentation.labels import PERSON, garment_merges

MIN_PIECE_SHARE = 0.001
PIECEWISE_CATEGORIES = frozenset({"shoes", "bag"})
PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")

LabelMap = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class LabelPair:
    """A photo and its label PNG; ``stem`` is the name they share."""

    stem: str
    photo_path: Path
    label_path: Path


def list_label_pairs(photos: Path, labels: Path) -> list[LabelPair]:
    """Every label PNG with its photo, sorted by name.

    Raises:
        AnnotationError: a folder is missing, has no PNG, or a label has no photo.
    """
    for folder in (photos, labels):
        if not folder.is_dir():
            raise AnnotationError(f"{folder}: no such folder")
    by_stem = {
        path.stem: path for path in sorted(photos.iterdir()) if path.suffix.lower() in PHOTO_SUFFIXES
    }
    pairs = []
    for label_path in sorted(labels.glob("*.png")):
        if label_path.stem not in by_stem:
            raise AnnotationError(f"{label_path}: no photo of that name in {photos}")
        pairs.append(LabelPair(label_path.stem, by_stem[label_path.stem], label_path))
    if not pairs:
        raise AnnotationError(f"{labels}: no label PNG in this folder")
    return pairs


def read_label_map(path: Path) -> LabelMap:
    """HW uint8 label numbers of an 8-bit palette or grey PNG.

    Raises:
        AnnotationError: unreadable, or a PNG of colours instead of numbers.
    """
    try:
        with Image.open(path, formats=("PNG",)) as image:
            if image.mode not in ("P", "L", "1"):
                raise AnnotationError(f"{path}: a {image.mode} picture, not 8-bit label numbers")
            return np.array(image, dtype=np.uint8)
    except (OSError, SyntaxError, ValueError) as error:
        raise AnnotationError(f"{path}: {error}") from error


def garment_instances(label_map: LabelMap, names: Sequence[str]) -> tuple[Instance, ...]:
    """Garments of a label map, and the person: every labelled pixel.

    Shoes and bags: one instance a connected piece; the others: one a category, all its pieces
    together. Pieces (8-connected) under 0.1% of the photo are dropped first.
    """
    merges = garment_merges()
    instances: list[Instance] = []
    for category in dict.fromkeys(merges.values()):
        numbers = [i for i, name in enumerate(names) if merges.get(name) == category]
        pieces = _pieces(np.isin(label_map, numbers))
        if category in PIECEWISE_CATEGORIES:
            instances += [Instance(category, Mask(piece)) for piece in pieces]
        elif pieces:
            instances.append(Instance(category, Mask(np.logical_or.reduce(pieces))))
    background = [i for i, name in enumerate(names) if name in ("null", "background")]
    person = _pieces(~np.isin(label_map, background))
    if person:
        instances.append(Instance(PERSON, Mask(np.logical_or.reduce(person))))
    return tuple(instances)


def _pieces(pixels: BoolPixels) -> list[BoolPixels]:
    count, numbered, stats, _ = cv2.connectedComponentsWithStats(
        pixels.astype(np.uint8), connectivity=8
    )
    smallest = MIN_PIECE_SHARE * pixels.size
    return [
        numbered == number
        for number in range(1, count)
        if stats[number, cv2.CC_STAT_AREA] >= smallest
    ]
