"""Any annotations → `AnnotatedPhoto`s: a VIA or COCO file told apart by content, or label PNGs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from segmentation.annotations.annotated_photo import AnnotatedPhoto, Instance
from segmentation.annotations.coco import is_coco, read_coco
from segmentation.annotations.label_png import (
    LabelPair,
    garment_instances,
    list_label_pairs,
    read_label_map,
)
from segmentation.annotations.via import is_via, read_via
from segmentation.errors import AnnotationError
from segmentation.labels import GARMENT_CATEGORIES, PERSON, read_label_names


def read_annotations(
    source: Path, photos: Sequence[Path], *, names: Path | None = None
) -> list[AnnotatedPhoto]:
    """Read a VIA 1, VIA 2 or COCO file, or a folder of label PNGs.

    ``names``: ``labels.json`` for label PNGs; by default looked for in the folder, then beside it.

    Raises:
        AnnotationError: unreadable, or none of the formats; the message names the file.
        LabelError: label names are needed and missing.
    """
    if source.is_dir():
        return _read_label_folder(source, photos, names)
    try:
        document = json.loads(source.read_text("utf-8"))
    except OSError as error:
        raise AnnotationError(f"{source}: {error.strerror}") from error
    except ValueError as error:
        raise AnnotationError(f"{source}: not JSON ({error})") from error
    try:
        if is_coco(document):
            return read_coco(document, photos)
        if is_via(document):
            return read_via(document, photos)
    except AnnotationError as error:
        raise AnnotationError(f"{source}: {error}") from error
    raise AnnotationError(f"{source}: neither a COCO nor a VGG Image Annotator file")


def label_names(folder: Path, names: Path | None) -> tuple[str, ...]:
    """The label names of a folder of label PNGs: given, in it, or beside it. Raises LabelError."""
    beside = [folder / "labels.json", folder.parent / "labels.json"]
    found = names or next((path for path in beside if path.is_file()), beside[0])
    return read_label_names(found)


def _read_label_folder(
    folder: Path, photos: Sequence[Path], names: Path | None
) -> list[AnnotatedPhoto]:
    numbered = label_names(folder, names)
    if len(photos) != 1:
        photos = [path for path in photos if _has_photos_of(path, folder)][:1] or photos[:1]
    labelled = frozenset({*GARMENT_CATEGORIES, PERSON})
    return [
        AnnotatedPhoto(pair.photo_path, partial(_instances, pair, numbered), labelled)
        for pair in list_label_pairs(photos[0], folder)
    ]


def _has_photos_of(photos: Path, labels: Path) -> bool:
    first = next(iter(sorted(labels.glob("*.png"))), None)
    return first is not None and any(photos.glob(f"{first.stem}.*"))


def _instances(pair: LabelPair, names: tuple[str, ...]) -> tuple[Instance, ...]:
    return garment_instances(read_label_map(pair.label_path), names)
