"""How close a product photo's stored colours come to the colour a shopper asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.ciede2000 import ciede2000
from segmentation.errors import GarbError
from segmentation.garment import NamedColour

# The CIEDE2000 difference at which a colour counts half: two cloths with one main colour.
HALF_CLOSE = 15.0

_HEX = re.compile(r"#?([0-9a-fA-F]{6})")

Lab = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]


class ColourError(GarbError):
    """A colour that is not six hexadecimal digits."""


def read_colour(text: str) -> str:
    """``1B2A4A``, with # or without it → ``#1b2a4a``.

    Raises:
        ColourError: not six hexadecimal digits.
    """
    found = _HEX.fullmatch(text)
    if found is None:
        raise ColourError(f"{text!r} is no colour; write six hexadecimal digits: #1b2a4a")
    return "#" + found.group(1).lower()


def lab_of(hex_colours: Sequence[str]) -> Lab:
    """``#rrggbb`` (the # may be missing) → CIELAB, D65, float32 (n, 3), L 0–100.

    Raises:
        ColourError: not such a colour.
    """
    triples = [tuple(bytes.fromhex(read_colour(text)[1:])) for text in hex_colours]
    rgb = np.asarray(triples, np.float32).reshape(1, -1, 3) / 255
    lab: Lab = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB), np.float32)[0]
    return lab


def closeness(wanted: Lab, photos: Sequence[Sequence[NamedColour]]) -> Floats:
    """How much of each photo's cloth has a wanted colour, float64 (n,), 0–1; 0 without colours.

    Each colour counts by its share and by 2 ^ −(ΔE00 / `HALF_CLOSE`)²: what is another colour
    anyway is not ranked by how far it is.

    ``wanted``: float32 (3,), or (m, 3) of which the nearest counts.
    """
    owners = np.repeat(np.arange(len(photos)), [len(colours) for colours in photos])
    colours = [colour for of_photo in photos for colour in of_photo]
    if not colours:
        return np.zeros(len(photos))
    shares = np.array([colour.share for colour in colours])
    differences = ciede2000(
        wanted.reshape(-1, 1, 3), lab_of([colour.hex for colour in colours])
    ).min(axis=0)
    near = np.exp2(-((differences / HALF_CLOSE) ** 2))
    sums = np.bincount(owners, shares * near, len(photos))
    known = np.bincount(owners, shares, len(photos))
    return np.divide(sums, known, out=np.zeros(len(photos)), where=known > 0)
