"""Label colours ↔ class numbers: hues and brightnesses far enough apart to survive a JPEG."""

from __future__ import annotations

from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.photo import Pixels


class Head(StrEnum):
    """What a parser's network gives for a photo."""

    PROBABILITIES = "probabilities"  # a plane a class
    PICTURE = "picture"  # the label picture in palette colours, as Isola et al. paint it


# (saturation, value) rings of HSV. Each ring has at most as many hues as keep neighbours apart on it.
_RINGS = (
    (1.0, 1.0, 14),
    (0.5, 1.0, 9),
    (1.0, 0.6, 9),
    (0.95, 0.8, 11),
    (0.55, 0.7, 7),
    (1, 0.35, 5),
)
_GREYS = (1.0, 0.75, 0.5, 0.25)


def palette(classes: int) -> Pixels:
    """(classes, 3) uint8 sRGB; class 0, the background, is black.

    Raises:
        ValueError: more classes than there are separable colours (60).
    """
    hsv = [(0.0, 0.0, 0.0)]
    for saturation, value, most in _RINGS:
        hues = min(most, classes - len(hsv))
        hsv += [(360.0 * i / hues, saturation, value) for i in range(hues)]
    hsv += [(0.0, 0.0, value) for value in _GREYS]
    if not 1 <= classes <= len(hsv):
        raise ValueError(f"{classes} classes; the palette has {len(hsv)} colours")
    colours = np.array([hsv[:classes]], np.float32)
    rgb = np.asarray(cv2.cvtColor(colours, cv2.COLOR_HSV2RGB))[0]
    return np.asarray(np.rint(rgb * 255), np.uint8)


def paint_labels(label_map: npt.NDArray[np.uint8], *, classes: int) -> Pixels:
    """HW uint8 class numbers → HWC uint8 sRGB."""
    return np.asarray(palette(classes)[label_map])


def read_painted(pixels: Pixels, *, classes: int) -> npt.NDArray[np.uint8]:
    """HWC uint8 sRGB → HW uint8: for every pixel the class whose colour is nearest in HSV."""
    distances = np.stack(
        [
            np.square(_cone(pixels) - colour).sum(axis=2)
            for colour in _cone(palette(classes)[None])[0]
        ]
    )
    return np.asarray(distances.argmin(axis=0), np.uint8)


def _cone(pixels: Pixels) -> npt.NDArray[np.float32]:
    """HSV as a cone: hue has no meaning near black, and red's two ends meet."""
    hsv = np.asarray(cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2HSV))
    angle = np.deg2rad(hsv[..., 0])
    chroma = hsv[..., 1] * hsv[..., 2]
    cone = np.stack([chroma * np.cos(angle), chroma * np.sin(angle), hsv[..., 2]], axis=-1)
    return np.asarray(cone, np.float32)
