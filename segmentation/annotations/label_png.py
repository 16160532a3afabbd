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
from segmentation.annotations.photo_folders import PhotoFolders
from segmentation.errors import AnnotationError
from segmentation.garment import BoolPixels, Mask
from segmentation.labels import (
    PERSON,
    PIECEWISE_CATEGORIES,
    InstanceClasses,
    category_of,
    garment_classes,
)

MIN_PIECE_SHARE = 0.001
PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")

LabelMap = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class LabelPair:
    """A photo, ``path``, and its label PNG; ``stem`` is the name they share."""

    stem: str
    path: Path
    label_path: Path


def list_label_pairs(photos: Path, labels: Path) -> list[LabelPair]:
    """Every label PNG with its photo, sorted by name.

    Raises:
        AnnotationError: a folder is missing, has no PNG, or a label has no photo or several.
    """
    folders = PhotoFolders([photos])
    if not labels.is_dir():
        raise AnnotationError(f"{labels}: no such folder")
    pairs = []
    for label_path in label_files(labels):
        path = folders.find_labelled(label_path, PHOTO_SUFFIXES)
        if path is None:
            raise AnnotationError(f"{label_path}: no photo of that name in {photos}")
        pairs.append(LabelPair(label_path.stem, path, label_path))
    if not pairs:
        raise AnnotationError(f"{labels}: no label PNG in this folder")
    return pairs


def label_files(folder: Path) -> list[Path]:
    """Every PNG of a folder, sorted by name; cameras and Windows write .PNG too."""
    return sorted(path for path in folder.glob("*") if path.suffix.lower() == ".png")


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
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise AnnotationError(f"{path}: {error}") from error


def garment_instances(label_map: LabelMap, names: Sequence[str]) -> tuple[Instance, ...]:
    """Garments of a label map, and the person: every labelled pixel.

    Shoes and bags: one instance a connected piece; the others: one a category, all its pieces
    together. Pieces (8-connected) under 0.1% of the photo are dropped first.
    """
    return label_instances(label_map, names, garment_classes(names))


def label_instances(
    label_map: LabelMap, names: Sequence[str], classes: InstanceClasses
) -> tuple[Instance, ...]:
    """As `garment_instances`, of any classes; what a shop calls boots is shoes."""
    categories = list(dict.fromkeys(classes.categories.values()))
    table = np.zeros(256, np.uint8)
    for number, name in enumerate(names):
        if name in classes.categories:
            table[number] = categories.index(classes.categories[name]) + 1
    numbered = cv2.LUT(label_map, table)
    instances: list[Instance] = []
    for number, category in enumerate(categories, 1):
        pixels = numbered == number
        pieces = _pieces(pixels) if pixels.any() else []
        if category_of(category) in PIECEWISE_CATEGORIES:
            instances += [Instance(category, Mask(piece)) for piece in pieces]
        elif pieces:
            instances.append(Instance(category, Mask(_union(pieces))))
    of_person = np.zeros(256, np.uint8)
    of_person[: len(names)] = [name in classes.person_names for name in names]
    person = _pieces(cv2.LUT(label_map, of_person) > 0)
    if person:
        instances.append(Instance(PERSON, Mask(_union(person))))
    return tuple(instances)


def _union(pieces: Sequence[BoolPixels]) -> BoolPixels:
    return pieces[0] if len(pieces) == 1 else np.logical_or.reduce(pieces)


def _pieces(pixels: BoolPixels) -> list[BoolPixels]:
    smallest = MIN_PIECE_SHARE * pixels.size
    x, y, width, height = cv2.boundingRect(pixels.view(np.uint8))
    if width * height < smallest:
        return []
    window = (slice(y, y + height), slice(x, x + width))
    # The margin keeps OpenCV from pictures one pixel wide, where it crashes.
    count, numbered, stats, _ = cv2.connectedComponentsWithStats(
        np.pad(pixels[window], 1).view(np.uint8), connectivity=8
    )
    numbered = numbered[1:-1, 1:-1]
    pieces = []
    for number in range(1, count):
        if stats[number, cv2.CC_STAT_AREA] >= smallest:
            piece = np.zeros_like(pixels)
            piece[window] = numbered == number
            pieces.append(piece)
    return pieces
