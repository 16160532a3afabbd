"""A garment alone: its pixels on a fixed grey, with a soft edge."""

from __future__ import annotations

import cv2
import numpy as np

from segmentation.garment import Box, Cutout, Garment
from segmentation.letterbox import GREY
from segmentation.photo import Photo, Pixels

CUTOUT_SIZE_PX = 224
_MARGIN_SHARE = 0.06
# A garment's square is never held larger than this.
_WINDOW_PX = 4096


def cut_out(photo: Photo, garment: Garment, *, size_px: int = CUTOUT_SIZE_PX) -> Cutout:
    """Cut a garment from its photo into a square of ``size_px``, centred, its proportions kept.

    What is not cloth is blended to grey by the alpha channel, never replaced by colour: dark cloth
    keeps its colour. Without a mask the whole box is cloth.
    """
    box = garment.mask.box() if garment.mask is not None else garment.box
    box = box.clipped(width=photo.width, height=photo.height)
    if box.width < 1 or box.height < 1:
        box = Box(0, 0, photo.width, photo.height)
    side = max(4, round(max(box.width, box.height) * (1 + 2 * _MARGIN_SHARE)))
    left = round((box.x0 + box.x1 - side) / 2)
    top = round((box.y0 + box.y1 - side) / 2)
    colour = _square(photo.pixels, left, top, side, size_px)
    alpha = _square(_cloth(photo, garment), left, top, side, size_px, most=255)
    blended = colour.astype(np.float32) - GREY
    blended *= (alpha.astype(np.float32) / 255)[..., None]
    blended += GREY
    return Cutout(np.rint(blended, out=blended).astype(np.uint8), alpha)


def _cloth(photo: Photo, garment: Garment) -> Pixels:
    """HW uint8, 1 where the garment is."""
    if garment.mask is not None:
        return garment.mask.pixels.view(np.uint8)
    cloth = np.zeros((photo.height, photo.width), np.uint8)
    box = garment.box.clipped(width=photo.width, height=photo.height)
    cloth[round(box.y0) : round(box.y1), round(box.x0) : round(box.x1)] = 1
    return cloth


def _square(
    pixels: Pixels, left: int, top: int, side: int, size_px: int, *, most: int = 1
) -> Pixels:
    """The square window, zero outside the picture, ``most`` times as bright, resized."""
    height, width = pixels.shape[:2]
    x0, y0 = max(left, 0), max(top, 0)
    part = pixels[y0 : min(top + side, height), x0 : min(left + side, width)]
    x0, y0 = x0 - left, y0 - top
    if most != 1:
        part = part * np.uint8(most)
    if side > _WINDOW_PX:
        # A panorama's square would take gigabytes.
        scale = _WINDOW_PX / side
        size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
        part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
        x0, y0, side = round(x0 * scale), round(y0 * scale), _WINDOW_PX
        part = part[: side - y0, : side - x0]
    window = np.zeros((side, side, *pixels.shape[2:]), np.uint8)
    window[y0 : y0 + part.shape[0], x0 : x0 + part.shape[1]] = part
    interpolation = cv2.INTER_AREA if side > size_px else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(window, (size_px, size_px), interpolation=interpolation), np.uint8)
