"""The whole road of the parser: the person is the predicted one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from segmentation.annotations.label_png import LabelMap
from segmentation.garment import Mask
from segmentation.labels import PERSON, LabelSet, parser_label_set
from segmentation.mask_rcnn.predict import MaskRCNNPredictor
from segmentation.models import ModelVersion
from segmentation.photo import Photo
from segmentation.pix2pix.predict import PersonParser
from segmentation.segmenter import MIN_SCORE, union_of


def parsing_road(
    mask_rcnn: MaskRCNNPredictor, parser: PersonParser
) -> Callable[[Photo, LabelMap], LabelMap]:
    """``predict(photo, ignored truth) → HW uint8 class numbers``; all background if nobody is found."""

    def predict(photo: Photo, _truth: LabelMap) -> LabelMap:
        person = predicted_person(mask_rcnn, photo)
        if person is None:
            return np.zeros((photo.height, photo.width), np.uint8)
        return parser.label_map(photo, person)

    return predict


def predicted_person(mask_rcnn: MaskRCNNPredictor, photo: Photo) -> Mask | None:
    """All persons of the photo as one mask; None where none is found."""
    found = mask_rcnn.predict(photo, min_score=MIN_SCORE)
    return union_of(i.mask for i in found if i.category == PERSON)


def label_set_of(version: ModelVersion) -> LabelSet:
    """The label set that a parser was trained with. Raises LabelError."""
    return parser_label_set(len(version.card["label_set"]["classes"]))
