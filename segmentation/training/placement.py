"""Where a photo comes to lie on the network's canvas in training: whole, close up, or one of two.

A placement is a 2×3 matrix from the photo's pixels to the canvas's, for `warped` and `cv2.warpAffine`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.backdrop import shrunk
from segmentation.garment import Box
from segmentation.letterbox import GREY, Letterbox
from segmentation.photo import Pixels

Matrix = npt.NDArray[np.float64]

_SCALE_RANGE = (0.8, 1.25)
_SHIFT = 0.08
# A garment fills this share of the canvas close up, in the direction in which it fills more.
_CLOSE_SHARE = (0.5, 1.05)
_MOST_ZOOM = 3.5
_HALF_SCALE_RANGE = (0.75, 1.1)
_LEAST_WARPED = 0.5


@dataclass(frozen=True, slots=True)
class Canvas:
    """The network's input size in pixels."""

    height: int
    width: int


def random_placement(rng: np.random.Generator, width: int, height: int, canvas: Canvas) -> Matrix:
    """The whole photo, letterboxed, then scaled, shifted and mirrored a little."""
    scale = _letterbox_scale(width, height, canvas) * rng.uniform(*_SCALE_RANGE)
    x = canvas.width * (0.5 + rng.uniform(-_SHIFT, _SHIFT))
    y = canvas.height * (0.5 + rng.uniform(-_SHIFT, _SHIFT))
    return _placed(rng, width / 2, height / 2, scale, x, y)


def close_up(
    rng: np.random.Generator, width: int, height: int, canvas: Canvas, *, of: Box
) -> Matrix:
    """``of`` in the middle and large, as a shop's photos of a model show it."""
    least = _letterbox_scale(width, height, canvas)
    fit = min(canvas.width / max(of.width, 1), canvas.height / max(of.height, 1))
    scale = float(np.clip(fit * rng.uniform(*_CLOSE_SHARE), least, least * _MOST_ZOOM))
    x = canvas.width * (0.5 + rng.uniform(-_SHIFT, _SHIFT))
    y = canvas.height * (0.5 + rng.uniform(-_SHIFT, _SHIFT))
    return _placed(rng, (of.x0 + of.x1) / 2, (of.y0 + of.y1) / 2, scale, x, y)


def beside(
    rng: np.random.Generator, width: int, height: int, canvas: Canvas, *, of: Box, at: float
) -> Matrix:
    """``of`` in the middle of a half of the canvas: its centre ``at`` this share of the width."""
    scale = _letterbox_scale(width, height, canvas) * rng.uniform(*_HALF_SCALE_RANGE)
    x = canvas.width * (at + rng.uniform(-_SHIFT, _SHIFT) / 2)
    y = canvas.height * (0.5 + rng.uniform(-_SHIFT, _SHIFT))
    return _placed(rng, (of.x0 + of.x1) / 2, height / 2, scale, x, y)


def warped(pixels: Pixels, matrix: Matrix, canvas: Canvas) -> Pixels:
    """A photo (HWC uint8 RGB) on the canvas, grey beside it.

    `cv2.warpAffine` has no averaging, whatever its flags: where a photo becomes less than half as
    large it would show single pixels of a fine weave, and serving shows their mean.
    """
    if matrix[1, 1] < _LEAST_WARPED:
        height, width = pixels.shape[:2]
        pixels = shrunk(pixels, round(matrix[1, 1] * max(height, width)))
        matrix = _of_shrunk(matrix, width / pixels.shape[1], height / pixels.shape[0])
    size = (canvas.width, canvas.height)
    placed = cv2.warpAffine(
        pixels, matrix, size, flags=cv2.INTER_LINEAR, borderValue=(GREY, GREY, GREY)
    )
    return placed.astype(np.uint8)


def _of_shrunk(matrix: Matrix, across: float, down: float) -> Matrix:
    """The same placement of a photo that is so many times less wide and less high."""
    # Pixel i of it covers the photo's from i · across to (i + 1) · across: their middle.
    enlarged = [[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2], [0, 0, 1]]
    return np.asarray(matrix @ np.array(enlarged))


def _letterbox_scale(width: int, height: int, canvas: Canvas) -> float:
    return Letterbox.fit(
        picture_width=width, picture_height=height, width=canvas.width, height=canvas.height
    ).scale


def _placed(
    rng: np.random.Generator, from_x: float, from_y: float, scale: float, x: float, y: float
) -> npt.NDArray[Any]:
    """The point (from_x, from_y) at (x, y), mirrored every second time."""
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    across = scale * mirror
    return np.array([[across, 0, x - across * from_x], [0, scale, y - scale * from_y]])
