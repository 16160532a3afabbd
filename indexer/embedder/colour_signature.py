"""The colours of a garment as numbers that stand beside its vector.

Shares of the cloth in CIELAB cells: chroma (a, b) without lightness, which a street's light changes
most, and lightness alone. A pixel between two cells counts in both, so that a little other light is
a little other signature. The inner product of two is their Bhattacharyya coefficient.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from indexer.embedder.base import Vectors
from segmentation.garment import Cutout

CHROMA_CELLS = 8
LIGHTNESS_CELLS = 8
DIMENSION = CHROMA_CELLS**2 + LIGHTNESS_CELLS
# CIELAB: a and b of nearly all cloth.
_MOST_CHROMA = 64.0
_WORK_PX = 64


def colour_signature(cutout: Cutout) -> Vectors:
    """float32 (`DIMENSION`,) of unit length; chroma and lightness count the same."""
    size = (_WORK_PX, _WORK_PX)
    # Sampled, not averaged: a mixture of cloth and the grey around it is neither's colour.
    pixels, alpha = (
        cv2.resize(layer, size, interpolation=cv2.INTER_NEAREST)
        for layer in (cutout.pixels, cutout.alpha)
    )
    cloth = alpha > 127
    if not cloth.any():
        cloth = np.ones(cloth.shape, bool)
    rgb = pixels[cloth][None].astype(np.float32) / 255
    lab = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)[0], np.float32)
    lightness = _in_cells(lab[:, 0] / 100, LIGHTNESS_CELLS)
    a, b = (_in_cells(lab[:, i] / (2 * _MOST_CHROMA) + 0.5, CHROMA_CELLS) for i in (1, 2))
    chroma = (a.T @ b).ravel() / len(lab)
    return np.sqrt(np.concatenate([chroma, lightness.mean(axis=0)]) / 2).astype(np.float32)


def _in_cells(values: npt.NDArray[np.floating[Any]], cells: int) -> npt.NDArray[np.float32]:
    """(n, cells): how much of each value, of 0–1, lies in each cell: in two neighbours at most."""
    places = np.clip(values, 0, 1) * (cells - 1)
    distances = np.abs(places[:, None] - np.arange(cells))
    return np.asarray(np.maximum(1 - distances, 0), np.float32)
