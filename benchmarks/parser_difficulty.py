"""Which photos make a parser's work hard, by measure: alike colours, a sharp background."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.annotations.label_png import LabelMap
from segmentation.ciede2000 import ciede2000
from segmentation.garment import BoolPixels
from segmentation.photo import Photo

# Shares of the photo's height.
_WINDOW = 0.04
_AWAY = 0.01


@dataclass(frozen=True, slots=True)
class Difficulty:
    """``contrast``: median ΔE00 (CIEDE2000) along the clothes' border, None without one.

    ``sharpness``: variance of the Laplacian of the background's brightness, 0–255.
    """

    contrast: float | None
    sharpness: float


def difficulty_of(
    photo: Photo, label_map: LabelMap, *, background: int, clothes: int
) -> Difficulty:
    """Of a photo and its true class numbers (HW uint8)."""
    return Difficulty(
        border_contrast(photo, label_map == clothes, label_map == background),
        background_sharpness(photo, label_map == background),
    )


def border_contrast(photo: Photo, clothes: BoolPixels, street: BoolPixels) -> float | None:
    """Along the border, the colours of both sides are their means within a window around it."""
    side = max(3, round(_WINDOW * photo.height))
    scaled = photo.pixels.astype(np.float32) / 255
    lab = np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB), np.float32)
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    border = clothes & (cv2.dilate(street.astype(np.uint8), reach) > 0)
    if not border.any():
        return None
    inside, outside = (_local_mean(lab, part, side)[border] for part in (clothes, street))
    return float(np.median(ciede2000(inside, outside)))


def background_sharpness(photo: Photo, street: BoolPixels) -> float:
    """The person's own outline does not count."""
    radius = max(1, round(_AWAY * photo.height))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    far = cv2.erode(street.astype(np.uint8), disc) > 0
    grey = cv2.cvtColor(photo.pixels, cv2.COLOR_RGB2GRAY)
    edges = cv2.Laplacian(grey, cv2.CV_32F)
    return float(edges[far].var()) if far.any() else 0.0


def _local_mean(
    values: npt.NDArray[np.float32], mask: BoolPixels, side: int
) -> npt.NDArray[np.float32]:
    """HWC means over the mask's pixels within a square window."""
    weight = mask.astype(np.float32)
    total = cv2.blur(values * weight[..., None], (side, side))
    return np.asarray(total / np.maximum(cv2.blur(weight, (side, side)), 1e-6)[..., None])
