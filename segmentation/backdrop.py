"""Plain backdrops: a wall, paper or carpet around the thing, and which pixels stand out from it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.garment import BoolPixels, Mask
from segmentation.photo import Photo, Pixels

Floats = npt.NDArray[np.float32]

# How much of the two plainest sides must be backdrop, and of the third. With a person a street must
# not pass (877 tried, none did); a lone product may be cut off.
PLAIN_SIDES_WITH_PERSON = (0.95, 0.95)
PLAIN_SIDES_LONE = (0.9, 0.65)
# Distances are of CIELAB, in its own units.
PLAIN_DISTANCE = 8.0
PLAIN_SPREAD = 4.0
WORK_PX = 320
_LOOK_PX = 96
_BORDER_SHARE = 0.05
_FIT_WITHIN = (25.0, 15.0, 10.0, 8.0)
_LEAST_FITTED = 0.4
LOOSE_DISTANCE = 6.0
STRICT_DISTANCE = 12.0
# A shadow is the backdrop's colour, darker: half of what is darker does not count.
_DARKER_COUNTS = 0.5
# CIELAB a pixel, of the photo as it comes here: cloth ends within two pixels, a shadow fades.
_CRISP_EDGE = 3.0
_LEAST_PIECE = 0.002
_LEAST_FOREGROUND = 0.02
_MOST_HOLE = 0.015


@dataclass(frozen=True, slots=True, eq=False)
class Backdrop:
    """CIELAB of the backdrop at any place: a quadratic in x and y, each −1 to 1 over the photo.

    ``coefficients``: float32 (6, 3), of 1, x, y, x², y², xy. ``sides``: what share of the top,
    bottom, left and right border is backdrop, 0–1.
    """

    coefficients: Floats
    sides: tuple[float, float, float, float]

    def colours(self, height: int, width: int) -> Floats:
        """(height, width, 3) float32 CIELAB of the empty backdrop."""
        one, x, y, xx, yy, xy = self.coefficients
        nothing = np.zeros_like(one)
        in_y_and_x = np.array([[one, x, xx], [y, xy, nothing], [yy, nothing, nothing]])
        rows, columns = (_powers(_places(side)) for side in (height, width))
        planes = [rows @ in_y_and_x[..., c] @ columns.T for c in range(3)]
        return np.stack(planes, axis=-1)

    def covers(self, least_shares: tuple[float, float]) -> bool:
        """Whether the sides show as much of it as `PLAIN_SIDES_LONE` or another pair asks."""
        _, third, second, _ = sorted(self.sides)
        return second >= least_shares[0] and third >= least_shares[1]


@dataclass(frozen=True, slots=True, eq=False)
class Foreground:
    """All that stands out from a plain backdrop.

    ``pixels``: HW bool, of the photo shrunk until its longer side is `WORK_PX` at most.
    """

    pixels: BoolPixels
    backdrop: Backdrop

    def mask(self, photo: Photo) -> Mask | None:
        """A mask of the photo's size, None where next to nothing stands out."""
        if self.pixels.mean() < _LEAST_FOREGROUND:
            return None
        return Mask(resized_mask(self.pixels, width=photo.width, height=photo.height))


def foreground_of(photo: Photo) -> Foreground | None:
    """What stands out from the photo's backdrop, None where that is not plain."""
    backdrop = plain_backdrop(photo.pixels)
    if backdrop is None:
        return None
    return Foreground(standing_out(shrunk(photo.pixels, WORK_PX), backdrop), backdrop)


def plain_backdrop(pixels: Pixels) -> Backdrop | None:
    """The backdrop of a photo (HWC uint8 sRGB) whose border is plain, else None.

    One side may be covered: a garment that is cut off, a model's legs. A street fails on the
    others: wall and ground differ by more than a smooth model can follow.
    """
    small = shrunk(pixels, _LOOK_PX)
    height, width = small.shape[:2]
    depth = max(2, round(_BORDER_SHARE * max(height, width)))
    if min(height, width) <= 2 * depth:
        return None
    strips = _strips(depth)
    lab = np.concatenate([_lab(np.ascontiguousarray(small[s])).reshape(-1, 3) for s in strips])
    y, x = np.meshgrid(_places(height), _places(width), indexing="ij")
    y, x = (np.concatenate([places[s].ravel() for s in strips]) for places in (y, x))
    terms = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=-1)
    coefficients = _fit(terms, lab)
    if coefficients is None:
        return None
    distance = np.linalg.norm(lab - terms @ coefficients, axis=1)
    plain = distance < PLAIN_DISTANCE
    if not plain.any() or np.median(distance[plain]) > PLAIN_SPREAD:
        return None
    ends = np.cumsum([small[s][..., 0].size for s in strips])[:-1]
    top, bottom, left, right = (float(side.mean()) for side in np.split(plain, ends))
    backdrop = Backdrop(coefficients, (top, bottom, left, right))
    return backdrop if backdrop.covers(PLAIN_SIDES_LONE) else None


def _fit(terms: Floats, lab: Floats) -> Floats | None:
    """Least squares that leaves out more each round of what does not fit."""
    distance = np.linalg.norm(lab - np.median(lab, axis=0), axis=1)
    coefficients = None
    for within in _FIT_WITHIN:
        fitted = distance < within
        if fitted.mean() < _LEAST_FITTED:
            return None
        chosen = terms[fitted]
        coefficients = np.linalg.lstsq(chosen.T @ chosen, chosen.T @ lab[fitted], rcond=None)[0]
        distance = np.linalg.norm(lab - terms @ coefficients, axis=1)
    return coefficients


def _strips(depth: int) -> tuple[tuple[slice, slice], ...]:
    """The top, bottom, left and right border; the corners are the sides'."""
    middle, whole = slice(depth, -depth), slice(None)
    return (
        (slice(depth), middle),
        (slice(-depth, None), middle),
        (whole, slice(depth)),
        (whole, slice(-depth, None)),
    )


def _places(side: int) -> Floats:
    return np.linspace(-1, 1, side, dtype=np.float32)


def _powers(places: Floats) -> Floats:
    return np.stack([np.ones_like(places), places, places * places], axis=-1)


def standing_out(pixels: Pixels, backdrop: Backdrop) -> BoolPixels:
    """HW bool: what is not backdrop and not its shadow. ``pixels``: HWC uint8 sRGB, 320 px or so."""
    lab = _lab(np.asarray(cv2.GaussianBlur(pixels, (3, 3), 0), np.uint8))
    difference = lab - backdrop.colours(*lab.shape[:2])
    loose_at, strict_at = _thresholds(difference)
    far = _length(difference)
    lightness = difference[..., 0]
    difference[..., 0] = np.maximum(lightness, -_DARKER_COUNTS * lightness)
    strict = _length(difference) > strict_at
    loose = far > loose_at
    return _tidy(strict | _crisp(loose & ~strict, loose, far))


def _length(difference: Floats) -> Floats:
    return np.asarray(np.sqrt(np.einsum("hwc,hwc->hw", difference, difference)))


def resized_mask(pixels: BoolPixels, *, width: int, height: int) -> BoolPixels:
    """The mask at another size, its edge where it was."""
    if pixels.shape == (height, width):
        return pixels
    values = pixels.astype(np.uint8) * np.uint8(255)
    how = cv2.INTER_AREA if width < pixels.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(values, (width, height), interpolation=how)) > 127


def _thresholds(difference: Floats) -> tuple[float, float]:
    """Above the backdrop's own texture, as its border shows it."""
    height, width = difference.shape[:2]
    depth = max(2, round(_BORDER_SHARE * max(height, width)))
    distance = np.linalg.norm(
        np.concatenate([difference[s].reshape(-1, 3) for s in _strips(depth)]), axis=1
    )
    plain = distance[distance < 2 * PLAIN_DISTANCE]
    texture = float(np.quantile(plain, 0.95)) if plain.size else 0.0
    return max(LOOSE_DISTANCE, 1.5 * texture), max(STRICT_DISTANCE, 1.5 * texture)


def _crisp(doubtful: BoolPixels, loose: BoolPixels, far: Floats) -> BoolPixels:
    """The doubtful pieces whose edge against the backdrop is cloth's: light cloth on white."""
    count, numbered = cv2.connectedComponents(doubtful.astype(np.uint8), connectivity=4)
    if count < 2:
        return doubtful
    outer = cv2.dilate((~loose).astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    edge = doubtful & outer
    steep = np.hypot(
        cv2.Sobel(far, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(far, cv2.CV_32F, 0, 1, scale=0.125)
    )
    of_edge = numbered[edge]
    lengths = np.bincount(of_edge, minlength=count)
    steepness = np.bincount(of_edge, weights=steep[edge], minlength=count)
    crisp = steepness >= _CRISP_EDGE * lengths  # No edge: enclosed by cloth, so cloth.
    crisp[0] = False
    return np.asarray(crisp[numbered])


def _tidy(found: BoolPixels) -> BoolPixels:
    """Without specks, and without the small holes of prints and buttons."""
    kernel = np.ones((3, 3), np.uint8)
    opened = cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    kept = _large_pieces(np.asarray(opened, np.uint8), _LEAST_PIECE * found.size)
    most = _MOST_HOLE * np.count_nonzero(kept)
    return ~_large_pieces((~kept).astype(np.uint8), most, connectivity=4)


def _large_pieces(pixels: npt.NDArray[np.uint8], least: float, connectivity: int = 8) -> BoolPixels:
    count, numbered, stats, _ = cv2.connectedComponentsWithStats(pixels, connectivity=connectivity)
    large = stats[:count, cv2.CC_STAT_AREA] > least
    large[0] = False
    return np.asarray(large[numbered])


def shrunk(pixels: Pixels, longest: int) -> Pixels:
    """The photo with its longer side ``longest`` px at most."""
    height, width = pixels.shape[:2]
    scale = min(1.0, longest / max(height, width))
    if scale == 1.0:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _lab(pixels: Pixels) -> Floats:
    """CIELAB whose a and b begin at −128 + 128: only differences are taken."""
    lab = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)).astype(np.float32)
    lab[..., 0] *= np.float32(100 / 255)
    return lab
