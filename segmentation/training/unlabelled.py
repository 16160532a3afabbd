"""Photos that label only the new classes: what the model so far sees of the old ones stands in.

A photo of a shop that annotated its scarves shows tops and shoes too. Taken as it is, it would teach
that they are background.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from segmentation.annotations.annotated_photo import AnnotatedPhoto, Instance
from segmentation.evaluation.metrics import InstancePredictor
from segmentation.garment import mask_from_rle, mask_iou
from segmentation.labels import PERSON
from segmentation.training.recipe import Unlabelled

# From this score on a detection is a label; from the other on there might be something.
SURE = 0.6
DOUBTFUL = 0.15
_SAME_THING_IOU = 0.5

Seen = Mapping[str, Sequence[Mapping[str, Any]]]


def complete(
    photos: Sequence[AnnotatedPhoto], seen: Seen, known: Sequence[str], unlabelled: Unlabelled
) -> list[AnnotatedPhoto]:
    """The photos with what the teacher has ``seen`` of the ``known`` classes they do not label.

    What stands in as a label is an instance; a region where nothing must be learned is a crowd.
    """
    if unlabelled is Unlabelled.BACKGROUND:
        return list(photos)
    sure = SURE if unlabelled is Unlabelled.TEACHER else np.inf
    return [
        AnnotatedPhoto(
            photo.path,
            partial(_instances, photo, seen.get(str(photo.path), ()), sure),
            photo.labelled | frozenset(known),
        )
        for photo in photos
    ]


def look_with(
    teacher: InstancePredictor,
    photos: Sequence[AnnotatedPhoto],
    *,
    cache: Path,
    on_photo: Callable[[int, int], None] = lambda done, total: None,
) -> Seen:
    """What the teacher sees of the classes that each photo does not label, by the photo's path.

    Detections that are a labelled instance under another name are left out. Read from ``cache``
    where it is, else written to it.
    """
    if cache.is_file():
        stored: Seen = json.loads(cache.read_text("utf-8"))
        return stored
    seen = {}
    for done, photo in enumerate(photos, 1):
        seen[str(photo.path)] = _look_at(photo, teacher)
        on_photo(done, len(photos))
    cache.parent.mkdir(parents=True, exist_ok=True)
    temporary = cache.with_name(cache.name + ".tmp")
    temporary.write_text(json.dumps(seen), "utf-8")
    temporary.replace(cache)
    return seen


def _look_at(photo: AnnotatedPhoto, teacher: InstancePredictor) -> list[dict[str, Any]]:
    if photo.labelled >= set(teacher.categories):
        return []
    pixels, instances = photo.read()
    labelled = [instance.mask.pixels for instance in instances]
    return [
        {"category": found.category, "score": round(found.score, 3), "rle": found.mask.rle()}
        for found in teacher.predict(pixels, min_score=DOUBTFUL)
        if found.category not in photo.labelled
        and found.mask.area
        # A person wears what is labelled; anything else that covers it is the thing itself.
        and (
            found.category == PERSON
            or all(mask_iou(found.mask.pixels, other) <= _SAME_THING_IOU for other in labelled)
        )
    ]


def _instances(
    photo: AnnotatedPhoto, seen: Sequence[Mapping[str, Any]], sure: float
) -> tuple[Instance, ...]:
    stand_in = (
        Instance(found["category"], mask_from_rle(found["rle"]), iscrowd=found["score"] < sure)
        for found in seen
    )
    return (*photo.read_instances(), *stand_in)
