"""Masks of 28×28 cells drawn along the edges of the photo.

A cell of a standing person is 9 by 25 pixels: the mask's edge runs somewhere within. The guided
filter (He, Sun, Tang 2013; in few pixels: He, Sun 2015, arXiv:1505.00996) takes each mask as a linear
function of the photo's colours nearby, so that its edge follows theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.garment import Mask
from segmentation.labels import PERSON
from segmentation.photo import Pixels

if TYPE_CHECKING:
    from segmentation.mask_rcnn.predict import ScoredInstance

Floats = npt.NDArray[np.float32]

# Chosen on photos that the segmenter was trained on, among 0.7 to 3 cells, 1e-4 to 1e-2 and 64 to 128.
RADIUS_CELLS = 2.0
SMOOTHNESS = 3e-4 * 255**2
WORK_PX = 64
# Rows and columns of the six different elements of a symmetric 3 × 3 matrix.
_ONE, _OTHER, _DIAGONAL = [0, 0, 0, 1, 1, 2], [0, 1, 2, 1, 2, 2], [0, 3, 5]
# A garment of at least this score, more than half inside a person's box, is theirs.
WORN_SCORE = 0.5
WORN_SHARE = 0.5


def along_edges(mask: Floats, photo: Pixels, cell_px: tuple[float, float]) -> Floats:
    """A soft mask whose edges are the photo's.

    Args:
        mask: HW float32, 0–1.
        photo: HWC uint8 sRGB, the same pixels.
        cell_px: width and height of one cell of the network's mask.
    """
    height, width = mask.shape
    size = (min(width, WORK_PX), min(height, WORK_PX))
    small_mask = cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
    small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    window = (
        2 * max(1, round(RADIUS_CELLS * cell_px[0] * size[0] / width)) + 1,
        2 * max(1, round(RADIUS_CELLS * cell_px[1] * size[1] / height)) + 1,
    )
    lines = _linear_in_colour(np.asarray(small_mask, np.float32), np.asarray(small), window)
    lines = np.asarray(cv2.resize(lines, (width, height)), np.float32)
    # By channel, in place: this is every pixel of the garment's box.
    drawn = lines[..., 3].copy()
    for channel in range(3):
        drawn += lines[..., channel] * photo[..., channel]
    return drawn


def _linear_in_colour(mask: Floats, colours: Floats, window: tuple[int, int]) -> Floats:
    """(h, w, 4): slopes by channel and offset of the mask's best line over each window."""

    def mean(values: Floats) -> Floats:
        return np.asarray(cv2.blur(values, window, borderType=cv2.BORDER_REFLECT), np.float32)

    colour, share = mean(colours), mean(mask)
    covariance = mean(colours * mask[..., None]) - colour * share[..., None]
    products = mean(colours[..., _ONE] * colours[..., _OTHER])
    variance = products - colour[..., _ONE] * colour[..., _OTHER]
    variance[..., _DIAGONAL] += SMOOTHNESS
    # The inverse of the 3 × 3 variance by its cofactors: a solver would be asked 4,000 times.
    rr, rg, rb, gg, gb, bb = cv2.split(variance)
    cofactors = (
        (gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg),
        (rb * gb - rg * bb, rr * bb - rb * rb, rg * rb - rr * gb),
        (rg * gb - rb * gg, rg * rb - rr * gb, rr * gg - rg * rg),
    )
    determinant = rr * cofactors[0][0] + rg * cofactors[0][1] + rb * cofactors[0][2]
    red, green, blue = cv2.split(covariance)
    slope = [(a * red + b * green + c * blue) / determinant for a, b, c in cofactors]
    offset = share - sum(a * m for a, m in zip(slope, cv2.split(colour), strict=True))
    return mean(np.dstack([*slope, offset]))


def people_with_garments(instances: Sequence[ScoredInstance]) -> list[ScoredInstance]:
    """The instances, what people wear added to them: a garment's mask has the finer cells."""
    worn = [i for i in instances if i.category != PERSON and i.score >= WORN_SCORE]
    return [
        _dressed(instance, worn) if instance.category == PERSON else instance
        for instance in instances
    ]


def _dressed(person: ScoredInstance, garments: Sequence[ScoredInstance]) -> ScoredInstance:
    masks = [
        garment.mask.pixels
        for garment in garments
        if garment.box.shared(person.box) > WORN_SHARE * garment.box.area
    ]
    return replace(person, mask=Mask(np.logical_or.reduce([person.mask.pixels, *masks])))
