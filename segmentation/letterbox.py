"""Fit a picture into a fixed canvas and bring results back: shared by training and serving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.garment import Box
from segmentation.photo import Pixels

GREY = 128


@dataclass(frozen=True, slots=True)
class Letterbox:
    """``canvas = picture × scale + (dx, dy)``, in pixels."""

    scale: float
    dx: float
    dy: float
    width: int
    height: int

    @staticmethod
    def fit(*, picture_width: float, picture_height: float, width: int, height: int) -> Letterbox:
        """Centre a picture in the canvas, as large as it fits."""
        scale = min(width / picture_width, height / picture_height)
        dx = (width - picture_width * scale) / 2
        dy = (height - picture_height * scale) / 2
        return Letterbox(scale, dx, dy, width, height)

    def apply(self, pixels: Pixels, *, fill: int = GREY) -> Pixels:
        """HWC uint8 → canvas HWC uint8; what lies outside the picture is ``fill``."""
        height, width = pixels.shape[:2]
        new_width = max(1, round(width * self.scale))
        new_height = max(1, round(height * self.scale))
        interpolation = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_LINEAR
        small = cv2.resize(pixels, (new_width, new_height), interpolation=interpolation)
        canvas = np.full((self.height, self.width, *pixels.shape[2:]), fill, np.uint8)
        x, y = round(self.dx), round(self.dy)
        canvas[y : y + new_height, x : x + new_width] = small[: self.height - y, : self.width - x]
        return canvas

    def to_picture(self, box: Box) -> Box:
        """A box of the canvas in pixels of the picture."""
        return Box(
            (box.x0 - self.dx) / self.scale,
            (box.y0 - self.dy) / self.scale,
            (box.x1 - self.dx) / self.scale,
            (box.y1 - self.dy) / self.scale,
        )


def to_tensor(
    pixels: Pixels, *, mean: Sequence[float], std: Sequence[float]
) -> npt.NDArray[np.float32]:
    """HWC uint8 → (1, 3, H, W) float32 ``(pixel − mean) / std``."""
    height, width = pixels.shape[:2]
    tensor = np.empty((1, 3, height, width), np.float32)
    levels = np.arange(256, dtype=np.float32)
    for channel, plane in enumerate(cv2.split(pixels)):
        # Looked up: there are 256 answers.
        table = (levels - np.float32(mean[channel])) / np.float32(std[channel])
        cv2.LUT(plane, table, tensor[0, channel])
    return tensor
