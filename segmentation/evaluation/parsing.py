"""Pixel accuracy and mean IoU of a parser, at the photos' own size."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from segmentation.annotations.label_png import LabelPair, read_label_map
from segmentation.errors import AnnotationError
from segmentation.evaluation.held_out import need_photos
from segmentation.labels import LabelSet, lookup_table
from segmentation.photo import Photo, read_photo

LabelMap = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ParsingFigures:
    """Figures over all pixels of all photos. ``iou``: None for a class neither drawn nor predicted."""

    pixel_accuracy: float
    mean_iou: float
    iou: dict[str, float | None]
    photos: int
    seconds_per_photo: float

    def as_json(self) -> dict[str, Any]:
        """The contract's document."""
        return {
            "pixel_accuracy": self.pixel_accuracy,
            "mean_iou": self.mean_iou,
            "iou": self.iou,
            "photos": self.photos,
            "seconds_per_photo": self.seconds_per_photo,
        }


def confusion_matrix(truth: LabelMap, predicted: LabelMap, *, classes: int) -> Counts:
    """(classes, classes) int64: pixels by true class (rows) and predicted class (columns).

    Raises:
        AnnotationError: the two maps differ in size.
    """
    if truth.shape != predicted.shape:
        raise AnnotationError(f"label map of {truth.shape} pixels, photo of {predicted.shape}")
    joint = truth.astype(np.int64) * classes + predicted
    return np.bincount(joint.ravel(), minlength=classes * classes).reshape(classes, classes)


def figures_of(
    confusion: Counts, *, classes: Sequence[str], photos: int, seconds: float
) -> ParsingFigures:
    """Pixel accuracy, and IoU = hits / (drawn + predicted − hits); the mean is over classes seen."""
    hits = np.diag(confusion)
    unions = confusion.sum(axis=0) + confusion.sum(axis=1) - hits
    iou = {
        name: round(float(hit / union), 4) if union else None
        for name, hit, union in zip(classes, hits, unions, strict=True)
    }
    seen = unions > 0
    total = int(confusion.sum())
    return ParsingFigures(
        pixel_accuracy=round(float(hits.sum() / total), 4) if total else 0.0,
        mean_iou=round(float(np.mean(hits[seen] / unions[seen])), 4) if seen.any() else 0.0,
        iou=iou,
        photos=photos,
        seconds_per_photo=round(seconds / photos, 4) if photos else 0.0,
    )


def evaluate_parsing(
    pairs: Sequence[LabelPair],
    *,
    names: Sequence[str],
    label_set: LabelSet,
    predict: Callable[[Photo, LabelMap], LabelMap],
    on_photo: Callable[[int], None] = lambda done: None,
) -> ParsingFigures:
    """Run ``predict(photo, true label map) → class numbers`` over label PNGs; time it alone.

    The true map (classes of ``label_set``) is passed for predictions that start from the true
    person; the whole road ignores it and finds the person itself.

    Raises:
        AnnotationError: no photo, or a label map of another size than its photo.
    """
    need_photos(pairs)
    table = lookup_table(names, label_set)
    classes = len(label_set.classes)
    confusion = np.zeros((classes, classes), np.int64)
    photos, seconds = 0, 0.0
    for pair in pairs:
        photo = read_photo(pair.path)
        truth = table[read_label_map(pair.label_path)]
        started = time.perf_counter()
        predicted = predict(photo, truth)
        seconds += time.perf_counter() - started
        try:
            confusion += confusion_matrix(truth, predicted, classes=classes)
        except AnnotationError as error:
            raise AnnotationError(f"{pair.label_path}: {error}") from error
        photos += 1
        on_photo(photos)
    return figures_of(confusion, classes=label_set.classes, photos=photos, seconds=seconds)
