"""How close a product photo's stored colours come to the colour a shopper asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.errors import GarbError
from segmentation.garment import NamedColour

# The blended score is half the garment's likeness and half the colour's.
COLOUR_WEIGHT = 0.5
# A colour that covers less than this is a trim or a button, not the colour of the garment.
SMALLEST_SHARE = 0.15

_HEX = re.compile(r"#?([0-9a-fA-F]{6})")

Lab = npt.NDArray[np.float32]


class ColourError(GarbError):
    """A colour that is not six hexadecimal digits."""


def lab_of(hex_colours: Sequence[str]) -> Lab:
    """``#rrggbb`` (the # may be missing) → CIELAB, D65, float32 (n, 3), L 0–100.

    Raises:
        ColourError: not such a colour.
    """
    triples = []
    for text in hex_colours:
        found = _HEX.fullmatch(text)
        if found is None:
            raise ColourError(f"{text!r} is no colour; write six hexadecimal digits: #1b2a4a")
        triples.append(tuple(bytes.fromhex(found.group(1))))
    rgb = np.asarray(triples, np.float32).reshape(1, -1, 3) / 255
    lab: Lab = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB), np.float32)[0]
    return lab


def closeness(wanted: Lab, colours: Sequence[NamedColour]) -> float:
    """1 for the same colour, falling by 0.01 a unit of CIELAB distance (ΔE*ab) to 0.

    ``wanted``: float32 (3,). The closest of the photo's larger colours counts; without any: 0.
    """
    large = [colour.hex for colour in colours if colour.share >= SMALLEST_SHARE]
    if not large:
        return 0.0
    distances = np.linalg.norm(lab_of(large) - wanted, axis=1)
    return max(0.0, 1.0 - float(distances.min()) / 100)


def blended(score: float, colour_closeness: float) -> float:
    """The score that colour-ranked matches show."""
    return (1 - COLOUR_WEIGHT) * score + COLOUR_WEIGHT * colour_closeness
