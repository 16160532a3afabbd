"""Instances made by hand, on a photo of 80×120 pixels."""

from __future__ import annotations

import numpy as np

from segmentation.garment import BoolPixels, Mask
from segmentation.mask_rcnn.predict import ScoredInstance


def patch_of(x0: int, y0: int, x1: int, y1: int) -> BoolPixels:
    pixels = np.zeros((120, 80), bool)
    pixels[y0:y1, x0:x1] = True
    return pixels


PERSON_PX = patch_of(20, 5, 60, 110)


def instance_of(category: str, pixels: BoolPixels, score: float = 0.9) -> ScoredInstance:
    return ScoredInstance(category, score, Mask(pixels).box(), Mask(pixels))
