"""The whole road of the parser: the person is the predicted one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from segmentation.annotations.label_png import LabelMap
from segmentation.believed import MIN_SCORE
from segmentation.errors import LabelError
from segmentation.garment import Mask
from segmentation.labels import PERSON, LabelSet, lookup_table, parser_label_set
from segmentation.mask_rcnn.predict import MaskRCNNPredictor
from segmentation.models import ModelVersion
from segmentation.photo import Photo
from segmentation.pix2pix.predict import PersonParser
from segmentation.segmenter import union_of


def parsing_road(
    mask_rcnn: MaskRCNNPredictor, parser: PersonParser, *, label_set: LabelSet
) -> Callable[[Photo, LabelMap], LabelMap]:
    """``predict(photo, ignored truth) → HW uint8 class numbers`` of ``label_set``.

    The parser's classes merge into its; all is background if nobody is found.

    Raises:
        LabelError: the parser has fewer classes.
    """
    merged = merging_table(parser.classes, label_set)

    def predict(photo: Photo, _truth: LabelMap) -> LabelMap:
        person = predicted_person(mask_rcnn, photo)
        if person is None:
            return np.zeros((photo.height, photo.width), np.uint8)
        return merged[parser.label_map(photo, person)]

    return predict


def predicted_person(mask_rcnn: MaskRCNNPredictor, photo: Photo) -> Mask | None:
    """All persons of the photo as one mask; None where none is found."""
    found = mask_rcnn.predict(photo, min_score=MIN_SCORE)
    return union_of(i.mask for i in found if i.category == PERSON)


def merging_table(classes: Sequence[str], label_set: LabelSet) -> npt.NDArray[np.uint8]:
    """uint8[256]: a parser's class number → class number of a set of as many classes or fewer.

    Raises:
        LabelError: the set has more.
    """
    if len(classes) < len(label_set.classes):
        raise LabelError(
            f"a parser of {len(classes)} classes cannot be measured by {len(label_set.classes)}: "
            "leave --label-set out or give a smaller one"
        )
    if tuple(classes) == label_set.classes:
        return np.arange(256, dtype=np.uint8)
    return lookup_table(classes, label_set)


def label_set_of(version: ModelVersion) -> LabelSet:
    """The label set that a parser was trained with. Raises LabelError."""
    return parser_label_set(len(version.card["label_set"]["classes"]))
