"""What of a garment is looked for: its cut-out, and of a pair of shoes the larger one alone as well.

Two shoes that stand apart are small in the square that holds both. Alone one shows more of itself, and
less of how they stand: the mean of the two vectors finds more than either (docs/models.md). Products
keep the one vector of their cut-out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from indexer.embedder.base import Embedder
from indexer.vectors.base import Vectors
from segmentation.cutout import cut_out
from segmentation.garment import Cutout, Garment, Mask
from segmentation.labels import category_of
from segmentation.photo import Photo

_PAIRED = "shoes"
# Of the larger one's pixels: less is a strap or a piece of one shoe.
_LEAST_OF_SECOND = 0.4
# Cracks up to this share of the pair's longer side do not part a shoe.
_CRACK_SHARE = 0.04


def views_of(photo: Photo, garment: Garment) -> tuple[Cutout, ...]:
    """The cut-out as it stands, then, of a pair whose shoes stand apart, that of the larger one."""
    larger = larger_of_pair(garment)
    return tuple(cut_out(photo, one) for one in (garment, larger) if one is not None)


def embed_views(embedder: Embedder, views: Sequence[Sequence[Cutout]]) -> Vectors:
    """float32 ``(n, dimension)`` of unit length: of each garment the mean over its views."""
    vectors = embedder.embed([view for of_one in views for view in of_one])
    if not len(vectors):
        return vectors
    starts = np.cumsum([0, *(len(of_one) for of_one in views[:-1])])
    sums = np.add.reduceat(vectors, starts, axis=0)
    return np.asarray(sums / np.linalg.norm(sums, axis=1, keepdims=True), np.float32)


def larger_of_pair(garment: Garment) -> Garment | None:
    """One shoe of two that stand apart; None where it is no such pair."""
    if garment.mask is None or category_of(garment.category) != _PAIRED:
        return None
    box = garment.mask.box()
    part = (slice(int(box.y0), int(box.y1)), slice(int(box.x0), int(box.x1)))
    cloth = garment.mask.pixels[part]
    if not cloth.any():
        return None
    crack = 1 + 2 * round(_CRACK_SHARE * max(cloth.shape) / 2)
    whole = cv2.morphologyEx(
        cloth.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((crack, crack), np.uint8)
    )
    _, piece_of, stats, _ = cv2.connectedComponentsWithStats(whole)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if len(areas) < 2 or np.sort(areas)[-2] < _LEAST_OF_SECOND * areas.max():
        return None
    pixels = np.zeros_like(garment.mask.pixels)
    pixels[part] = cloth & (piece_of == 1 + int(areas.argmax()))
    mask = Mask(pixels)
    return replace(garment, mask=mask, box=mask.box())
