"""The guided filter: soft masks whose edges are the photo's.

He, Sun, Tang 2013 (TPAMI 35(6)); worked out in few pixels and drawn in all as in He, Sun 2015
(arXiv:1505.00996). Each mask is taken as a linear function of the photo's colours in a window around each
pixel, so that where the colours have an edge the mask has it too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.photo import Pixels

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class GuidedFilter:
    """How colours are trusted.

    ``smoothness``: variance of a colour, of sRGB 0–1, under which it is no edge. ``work_px``: the sides
    of the picture that the lines are worked out in, at most.
    """

    smoothness: float
    work_px: int

    def apply(self, masks: Floats, photo: Pixels, *, radius_px: tuple[float, float]) -> Floats:
        """``masks`` KHW float32 of all that ``photo``, HWC uint8 sRGB, shows → KHW of its size.

        Masks may have fewer pixels than the photo; more than `work_px` a side are not looked at.
        ``radius_px``: of the window in the photo, across and down. Masks that add up to one still do.
        """
        height, width = photo.shape[:2]
        size = (min(width, self.work_px), min(height, self.work_px))
        window = (
            2 * max(1, round(radius_px[0] * size[0] / width)) + 1,
            2 * max(1, round(radius_px[1] * size[1] / height)) + 1,
        )
        lines = self._lines([_resized(mask, size) for mask in masks], _resized(photo, size), window)
        colours = [plane.astype(np.float32) for plane in cv2.split(photo)]
        drawn = np.empty((len(masks), height, width), np.float32)
        for plane, (*slopes, offset) in zip(drawn, lines, strict=True):
            cv2.resize(offset, (width, height), dst=plane)
            for slope, colour in zip(slopes, colours, strict=True):
                plane += cv2.resize(slope, (width, height)) * colour
        return drawn

    def _lines(
        self, masks: Sequence[Floats], colours: Floats, window: tuple[int, int]
    ) -> Iterator[list[Floats]]:
        """Of each mask (h, w): slopes by channel and offset of its best line over the windows."""

        def mean(values: Floats) -> Floats:
            return np.asarray(cv2.blur(values, window, borderType=cv2.BORDER_REFLECT), np.float32)

        planes = [np.asarray(plane, np.float32) for plane in cv2.split(colours)]
        means = [mean(plane) for plane in planes]
        rr, rg, rb, gg, gb, bb = (
            mean(planes[one] * planes[other]) - means[one] * means[other]
            for one, other in combinations_with_replacement(range(3), 2)
        )
        for variance in (rr, gg, bb):
            variance += self.smoothness * 255**2
        # The inverse of the 3 × 3 variance by its cofactors: a solver would be asked at every pixel.
        inverse = (
            (gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg),
            (rb * gb - rg * bb, rr * bb - rb * rb, rg * rb - rr * gb),
            (rg * gb - rb * gg, rg * rb - rr * gb, rr * gg - rg * rg),
        )
        determinant = rr * inverse[0][0] + rg * inverse[0][1] + rb * inverse[0][2]
        for mask in masks:
            share = mean(mask)
            red, green, blue = (
                mean(plane * mask) - of_plane * share
                for plane, of_plane in zip(planes, means, strict=True)
            )
            slopes = [(a * red + b * green + c * blue) / determinant for a, b, c in inverse]
            offset = share - sum(a * m for a, m in zip(slopes, means, strict=True))
            yield [mean(plane) for plane in (*slopes, offset)]


def _resized(values: npt.NDArray[np.float32] | Pixels, size: tuple[int, int]) -> Floats:
    """Averaged where it has more pixels than ``size``, width and height; drawn out where fewer."""
    least = (min(values.shape[1], size[0]), min(values.shape[0], size[1]))
    small = cv2.resize(values, least, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, size), np.float32)
