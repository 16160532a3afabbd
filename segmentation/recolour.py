"""A garment in another colour: what a shopper means by "this, but red"."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.colour import dominant_colours
from segmentation.garment import Cutout
from segmentation.photo import Pixels

# The CIELAB difference from the main colour at which a pixel takes half of the change: light and
# shade of the cloth go along, stripes and prints of another colour stay.
HALF_TAKEN = 25.0
_LIGHTNESS_WEIGHT = 0.6

Floats = npt.NDArray[np.float32]


def recoloured(cutout: Cutout, hex_colour: str) -> Cutout:
    """The cut-out with its main colour moved to ``#rrggbb``; folds, weave and other colours stay.

    As it was where nothing of it is cloth.
    """
    colours = dominant_colours(cutout.pixels[cutout.alpha > 127], most=1)
    if not colours:
        return cutout
    main, wanted = (_lab(_pixel(code))[0, 0] for code in (colours[0].hex, hex_colour))
    pixels = _lab(cutout.pixels)
    apart = (pixels - main) * np.array([_LIGHTNESS_WEIGHT, 1, 1], np.float32)
    taken = np.exp2(-((np.linalg.norm(apart, axis=2) / HALF_TAKEN) ** 2)) * (cutout.alpha / 255)
    moved = pixels + taken[..., None].astype(np.float32) * (wanted - main)
    rgb = cv2.cvtColor(moved, cv2.COLOR_LAB2RGB)
    return Cutout(np.clip(np.rint(rgb * 255), 0, 255).astype(np.uint8), cutout.alpha)


def _lab(pixels_rgb: Pixels) -> Floats:
    """HWC uint8 sRGB → HWC float32 CIELAB (D65), L 0–100."""
    scaled = pixels_rgb.astype(np.float32) / 255
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB), np.float32)


def _pixel(hex_colour: str) -> Pixels:
    return np.frombuffer(bytes.fromhex(hex_colour.lstrip("#")), np.uint8).reshape(1, 1, 3)
