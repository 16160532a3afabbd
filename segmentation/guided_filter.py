"""The guided filter: soft masks whose edges are the photo's.

He, Sun, Tang 2013 (TPAMI 35(6)); worked out in few pixels and drawn in all as in He, Sun 2015
(arXiv:1505.00996). Each mask is taken as a linear function of the photo's colours in a window around each
pixel, so that where the colours have an edge the mask has it too.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.photo import Pixels

Floats = npt.NDArray[np.float32]

# Rows and columns of the six different elements of a symmetric 3 × 3 matrix.
_ONE, _OTHER, _DIAGONAL = [0, 0, 0, 1, 1, 2], [0, 1, 2, 1, 2, 2], [0, 3, 5]


# As many as OpenCV resizes at once.
_CHANNELS = 4


@dataclass(frozen=True, slots=True)
class GuidedFilter:
    """How colours are trusted.

    ``smoothness``: variance of a colour, of sRGB 0–1, under which it is no edge. ``work_px``: the sides
    of the picture that the lines are worked out in, at most.
    """

    smoothness: float
    work_px: int

    def apply(self, masks: Floats, photo: Pixels, *, radius_px: tuple[float, float]) -> Floats:
        """``masks`` HWK float32 and ``photo`` HWC uint8 sRGB of the same pixels → HWK.

        ``radius_px``: of the window, across and down. Masks that add up to one still do.
        """
        height, width, count = masks.shape
        size = (min(width, self.work_px), min(height, self.work_px))
        small = _shrunk(photo, size)
        window = (
            2 * max(1, round(radius_px[0] * size[0] / width)) + 1,
            2 * max(1, round(radius_px[1] * size[1] / height)) + 1,
        )
        fours = [
            _shrunk(masks[..., at : at + _CHANNELS], size) for at in range(0, count, _CHANNELS)
        ]
        lines = self._lines(np.dstack(fours), small, window)
        drawn = np.empty((height, width, count), np.float32)
        for number, line in enumerate(lines):
            large = np.asarray(cv2.resize(line, (width, height)), np.float32)
            plane = large[..., 3].copy()
            for channel in range(3):
                plane += large[..., channel] * photo[..., channel]
            drawn[..., number] = plane
        return drawn

    def _lines(self, masks: Floats, colours: Floats, window: tuple[int, int]) -> list[Floats]:
        """Of each mask (h, w, 4): slopes by channel and offset of its best line over the windows."""

        def mean(values: Floats) -> Floats:
            return np.asarray(cv2.blur(values, window, borderType=cv2.BORDER_REFLECT), np.float32)

        colour = mean(colours)
        products = mean(colours[..., _ONE] * colours[..., _OTHER])
        variance = products - colour[..., _ONE] * colour[..., _OTHER]
        variance[..., _DIAGONAL] += self.smoothness * 255**2
        # The inverse of the 3 × 3 variance by its cofactors: a solver would be asked at every pixel.
        rr, rg, rb, gg, gb, bb = cv2.split(variance)
        cofactors = (
            (gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg),
            (rb * gb - rg * bb, rr * bb - rb * rb, rg * rb - rr * gb),
            (rg * gb - rb * gg, rg * rb - rr * gb, rr * gg - rg * rg),
        )
        determinant = rr * cofactors[0][0] + rg * cofactors[0][1] + rb * cofactors[0][2]
        lines = []
        for number in range(masks.shape[2]):
            mask = np.ascontiguousarray(masks[..., number])
            share = mean(mask)
            covariance = mean(colours * mask[..., None]) - colour * share[..., None]
            red, green, blue = cv2.split(covariance)
            slope = [(a * red + b * green + c * blue) / determinant for a, b, c in cofactors]
            offset = share - sum(a * m for a, m in zip(slope, cv2.split(colour), strict=True))
            lines.append(mean(np.dstack([*slope, offset])))
        return lines


def _shrunk(values: npt.NDArray[np.float32] | Pixels, size: tuple[int, int]) -> Floats:
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32)
