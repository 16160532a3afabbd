"""COCO average precision of instances, and the person's overlap."""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from segmentation.annotations.annotated_photo import AnnotatedPhoto, Instance
from segmentation.annotations.coco import coco_annotation
from segmentation.evaluation.held_out import need_photos
from segmentation.garment import mask_iou
from segmentation.labels import PERSON, category_of, merge_for_annotation
from segmentation.mask_rcnn.predict import ScoredInstance
from segmentation.photo import Photo

# COCO's figure ranks every detection: low scores must be in, and cost nothing if they are right.
_MIN_SCORE = 0.05
_PERSON_SCORE = 0.5


class InstancePredictor(Protocol):
    """`MaskRCNNPredictor` and its fakes."""

    categories: tuple[str, ...]

    def predict(self, photo: Photo, *, min_score: float) -> list[ScoredInstance]: ...


class OnPredicted(Protocol):
    """Sees each photo with what is annotated and what is predicted, in the annotation's names."""

    def __call__(
        self,
        annotated: AnnotatedPhoto,
        photo: Photo,
        instances: Sequence[Instance],
        predicted: Sequence[ScoredInstance],
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class CategoryFigures:
    """AP over IoU .50:.95 and at .50 of one category with ``n`` labelled instances."""

    mask_ap: float
    mask_ap50: float
    n: int


@dataclass(frozen=True, slots=True)
class SegmentationFigures:
    """Means over the annotation's categories that occur; ``person_iou`` None if not annotated."""

    mask_ap: float
    mask_ap50: float
    box_ap: float
    box_ap50: float
    per_category: dict[str, CategoryFigures]
    person_iou: float | None
    photos: int
    seconds_per_photo: float

    def as_json(self) -> dict[str, Any]:
        """The contract's document."""
        return {
            "mask_ap": self.mask_ap,
            "mask_ap50": self.mask_ap50,
            "box_ap": self.box_ap,
            "box_ap50": self.box_ap50,
            "per_category": {
                name: {"mask_ap": figures.mask_ap, "mask_ap50": figures.mask_ap50, "n": figures.n}
                for name, figures in self.per_category.items()
            },
            "person_iou": self.person_iou,
            "photos": self.photos,
            "seconds_per_photo": self.seconds_per_photo,
        }


def merged_names(model: Sequence[str], annotation: frozenset[str]) -> dict[str, str]:
    """Model category → the annotation's name for it; categories it does not know are absent.

    A known label set merges as a whole (a coat is a "top" of the export set). Else names match, or
    mean one of the model's categories (jeans are its trousers), if no other name means it too.
    """
    merges = merge_for_annotation(annotation)
    if merges is not None and not annotation <= set(model):
        return {name: merges[name] for name in model if name in merges}
    merged = {name: name for name in model if name in annotation}
    meanings = {name: category_of(name) for name in annotation.difference(model)}
    for name, category in meanings.items():
        alone = list(meanings.values()).count(category) == 1
        if category is not None and category in model and category not in merged and alone:
            merged[category] = name
    return merged


def evaluate_instances(
    predictor: InstancePredictor,
    photos: Sequence[AnnotatedPhoto],
    *,
    on_photo: Callable[[int], None] = lambda done: None,
    on_predicted: OnPredicted | None = None,
) -> SegmentationFigures:
    """Compare predictions with annotations at the photos' own size, COCO's way (Lin et al. 2014).

    What a photo is not annotated for is unknown there: finding it is neither right nor wrong.

    Raises:
        AnnotationError: no photo, or annotations that do not fit one.
    """
    need_photos(photos)
    names = sorted(frozenset().union(*(photo.labelled for photo in photos)))
    numbers = {name: number for number, name in enumerate(names, 1)}
    merges = merged_names(predictor.categories, frozenset(names))
    truths: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    images: list[dict[str, Any]] = []
    person_ious: list[float] = []
    seconds = 0.0
    for number, annotated in enumerate(photos, 1):
        photo, instances = annotated.read()
        started = time.perf_counter()
        predicted = predictor.predict(photo, min_score=_MIN_SCORE)
        seconds += time.perf_counter() - started
        images.append({"id": number, "width": photo.width, "height": photo.height})
        for instance in instances:
            category = numbers[instance.category]
            truths.append(
                coco_annotation(instance, number=len(truths) + 1, image=number, category=category)
            )
        merged = [
            replace(scored, category=merges[scored.category])
            for scored in predicted
            if merges.get(scored.category) in annotated.labelled
        ]
        found += [_detection(scored, number, numbers[scored.category]) for scored in merged]
        if PERSON in numbers:
            person_ious += _person_iou(instances, predicted)
        if on_predicted is not None:
            on_predicted(annotated, photo, instances, merged)
        on_photo(number)
    mask = _average_precision(images, truths, found, numbers, "segm")
    box = _average_precision(images, truths, found, numbers, "bbox")
    counts = {
        name: sum(t["category_id"] == number and not t["iscrowd"] for t in truths)
        for name, number in numbers.items()
    }
    occurring = [name for name in names if counts[name]]
    return SegmentationFigures(
        mask_ap=_mean(mask[name][0] for name in occurring),
        mask_ap50=_mean(mask[name][1] for name in occurring),
        box_ap=_mean(box[name][0] for name in occurring),
        box_ap50=_mean(box[name][1] for name in occurring),
        per_category={
            name: CategoryFigures(round(mask[name][0], 4), round(mask[name][1], 4), counts[name])
            for name in occurring
        },
        person_iou=_mean(person_ious) if person_ious else None,
        photos=len(photos),
        seconds_per_photo=round(seconds / len(photos), 4),
    )


def _detection(scored: ScoredInstance, image: int, category: int) -> dict[str, Any]:
    box = scored.box
    return {
        "image_id": image,
        "category_id": category,
        "segmentation": scored.mask.rle(),
        "bbox": [box.x0, box.y0, box.width, box.height],
        "score": scored.score,
    }


def _average_precision(
    images: list[dict[str, Any]],
    truths: list[dict[str, Any]],
    found: list[dict[str, Any]],
    numbers: dict[str, int],
    kind: str,
) -> dict[str, tuple[float, float]]:
    if not found or not truths:
        return dict.fromkeys(numbers, (0.0, 0.0))
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints; stdout is the answer's.
        truth = COCO()
        truth.dataset = {
            "images": images,
            "annotations": truths,
            "categories": [{"id": number, "name": name} for name, number in numbers.items()],
        }
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(found), kind)
        evaluation.evaluate()
        evaluation.accumulate()
    # precision: IoU thresholds × recalls × categories × areas × detections; −1 where no truth is.
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    figures = {}
    for name, number in numbers.items():
        table = precision[:, :, evaluation.params.catIds.index(number)]
        figures[name] = (_valid_mean(table), _valid_mean(table[0]))
    return figures


def _person_iou(instances: Sequence[Instance], predicted: Sequence[ScoredInstance]) -> list[float]:
    truth = [instance.mask.pixels for instance in instances if instance.category == PERSON]
    if not truth:
        return []
    guess = [
        scored.mask.pixels
        for scored in predicted
        if scored.category == PERSON and scored.score >= _PERSON_SCORE
    ]
    true_pixels = np.logical_or.reduce(truth)
    return [mask_iou(true_pixels, np.logical_or.reduce(guess)) if guess else 0.0]


def _valid_mean(values: Any) -> float:
    valid = values[values > -1]
    return float(valid.mean()) if valid.size else 0.0


def _mean(values: Any) -> float:
    listed = list(values)
    return round(float(np.mean(listed)), 4) if listed else 0.0
