"""What passes between the stages: frozen, and in pixels of the upright photo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco_mask

from segmentation.photo import Photo, Pixels

BoolPixels = npt.NDArray[np.bool_]

_INSIDE_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Box:
    """Half-open rectangle ``[x0, x1) × [y0, y1)`` in pixels, origin top left."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        return max(0.0, self.x1 - self.x0)

    @property
    def height(self) -> float:
        return max(0.0, self.y1 - self.y0)

    @property
    def area(self) -> float:
        return self.width * self.height

    def shared(self, other: Box) -> float:
        """The area of the intersection."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        return max(0.0, width) * max(0.0, height)

    def iou(self, other: Box) -> float:
        """Intersection over union, 0–1."""
        shared = self.shared(other)
        union = self.area + other.area - shared
        return shared / union if union > 0 else 0.0

    def lies_in(self, other: Box) -> bool:
        """Whether hardly any of it is outside the other."""
        return self.area > 0 and self.shared(other) >= _INSIDE_SHARE * self.area

    def clipped(self, *, width: int, height: int) -> Box:
        """The part inside a photo of this size."""
        return Box(
            min(max(self.x0, 0.0), width),
            min(max(self.y0, 0.0), height),
            min(max(self.x1, 0.0), width),
            min(max(self.y1, 0.0), height),
        )

    def as_list(self) -> list[float]:
        """``[x0, y0, x1, y1]`` rounded to a tenth of a pixel, as answers print it."""
        return [round(float(value), 1) for value in (self.x0, self.y0, self.x1, self.y1)]


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """Pixels of one thing. ``pixels``: HW bool, the photo's own size."""

    pixels: BoolPixels

    @property
    def area(self) -> int:
        return int(np.count_nonzero(self.pixels))

    def box(self) -> Box:
        """The tight box; ``Box(0, 0, 0, 0)`` for an empty mask."""
        columns = np.flatnonzero(self.pixels.any(axis=0))
        rows = np.flatnonzero(self.pixels.any(axis=1))
        if not len(columns):
            return Box(0, 0, 0, 0)
        return Box(float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))

    def window(self) -> tuple[slice, slice]:
        """The rows and the columns of the tight box."""
        box = self.box()
        return slice(int(box.y0), int(box.y1)), slice(int(box.x0), int(box.x1))

    def pixels_of(self, photo: Photo) -> Pixels:
        """(N, 3) uint8 sRGB: the photo's pixels that it covers, row by row."""
        part = self.window()
        # By number and in its box: picked by a mask of the whole photo they take eight times as long.
        covered = np.flatnonzero(self.pixels[part])
        return photo.pixels[part].reshape(-1, 3).take(covered, axis=0)

    def rle(self) -> dict[str, Any]:
        """COCO compressed run-length form: ``{"size": [height, width], "counts": str}``."""
        encoded = coco_mask.encode(np.asfortranarray(self.pixels.astype(np.uint8)))
        height, width = (int(side) for side in encoded["size"])
        return {"size": [height, width], "counts": encoded["counts"].decode("ascii")}

    def outer_rings(self) -> list[list[list[int]]]:
        """Outer contours, largest first, as ``[[x, y], …]`` rings of at least three points."""
        contours, _ = cv2.findContours(
            self.pixels.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
        )
        rings = sorted((ring for ring in contours if len(ring) >= 3), key=cv2.contourArea)
        return [[[int(x), int(y)] for x, y in ring.reshape(-1, 2)] for ring in reversed(rings)]


def mask_iou(one: BoolPixels, other: BoolPixels) -> float:
    """Intersection over union of two masks of one size, 0–1; 0 where both are empty."""
    shared = int(np.count_nonzero(one & other))
    return shared / int(np.count_nonzero(one | other)) if shared else 0.0


def mask_from_rle(rle: Mapping[str, Any]) -> Mask:
    """The inverse of `Mask.rle`; also reads uncompressed counts (a list of run lengths).

    Raises:
        ValueError: the runs are none, or do not cover the picture exactly. pycocotools leaves what
            they do not cover uninitialised.
    """
    height, width = (int(side) for side in rle["size"])
    counts = rle["counts"]
    runs = _listed_runs(counts) if isinstance(counts, list) else _run_lengths(str(counts))
    ends = np.cumsum(runs)
    # Each of them: of huge runs the sum alone comes round to any number.
    outside = (runs < 0) | (ends < 0) | (ends > height * width)
    if outside.any() or runs.sum() != height * width:
        raise ValueError(f"run lengths do not cover {width}×{height} pixels")
    # Columns first, and the first run is background.
    pixels = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(width, height).T
    return Mask(np.ascontiguousarray(pixels))


def _listed_runs(counts: list[Any]) -> npt.NDArray[np.int64]:
    try:
        runs = np.asarray(counts, np.int64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError("not a list of whole numbers") from error
    if runs.ndim != 1:
        raise ValueError("not a list of whole numbers")
    return runs


def _run_lengths(counts: str) -> npt.NDArray[np.int64]:
    """COCO's compressed string → run lengths (cocoapi ``maskApi.c``, ``rleFrString``).

    Five bits a character, low ones first, bit 5 set where more follow; from the fourth number on
    it is the difference to the number two before.
    """
    codes = np.frombuffer(counts.encode("utf-8", "surrogatepass"), np.uint8).astype(np.int64) - 48
    if not len(codes) or (codes < 0).any() or (codes > 63).any() or codes[-1] & 32:
        raise ValueError("not a compressed run-length string")
    ends = np.flatnonzero((codes & 32) == 0)
    starts = np.concatenate([[0], ends[:-1] + 1])
    shifts = 5 * (np.arange(len(codes)) - np.repeat(starts, ends - starts + 1))
    if shifts.max() > 30:
        raise ValueError("not a compressed run-length string")
    numbers = np.add.reduceat((codes & 31) << shifts, starts)
    numbers -= np.where(codes[ends] & 16, np.int64(1) << (shifts[ends] + 5), 0)
    numbers[1::2] = np.cumsum(numbers[1::2])
    numbers[2::2] = np.cumsum(numbers[2::2])
    return numbers


@dataclass(frozen=True, slots=True)
class NamedColour:
    """A colour of a region: English name, ``#rrggbb``, share of the region's pixels 0–1."""

    name: str
    hex: str
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Garment:
    """One garment of a photo. ``category``, ``score`` and ``mask`` are None for the whole photo.

    ``pattern``: of its cloth, None where nobody looked or it is none that has a name;
    ``shop_tags``: the shop's own words for it.
    """

    category: str | None
    score: float | None
    box: Box
    mask: Mask | None
    colours: tuple[NamedColour, ...] = ()
    pattern: str | None = None
    shop_tags: tuple[str, ...] = ()

    @property
    def tags(self) -> tuple[str, ...]:
        """The names of its colours, then its pattern, the shop's words and its category."""
        names = (colour.name for colour in self.colours)
        told = (*names, self.pattern, *self.shop_tags, self.category)
        return tuple(dict.fromkeys(filter(None, told)))


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """The parser's regions of the person, each the photo's own size; they do not overlap."""

    skin: Mask
    hair: Mask
    clothes: Mask

    def and_beside(self, others: Regions) -> Regions:
        """These, and another person's where none of these is."""
        free = ~(self.skin.pixels | self.hair.pixels | self.clothes.pixels)
        return Regions(
            Mask(self.skin.pixels | (others.skin.pixels & free)),
            Mask(self.hair.pixels | (others.hair.pixels & free)),
            Mask(self.clothes.pixels | (others.clothes.pixels & free)),
        )


@dataclass(frozen=True, slots=True)
class Person:
    """Computed only on request: where the person is, and the colours of skin and hair."""

    box: Box
    skin: NamedColour | None
    hair: NamedColour | None


@dataclass(frozen=True, slots=True, eq=False)
class ParsedPhoto:
    """A photo cut into garments, best first. ``person_mask`` and ``regions`` are None if no person.

    ``foreground``: all that stands out from a plain backdrop, None where there is none.
    """

    photo: Photo
    garments: tuple[Garment, ...]
    person_mask: Mask | None = None
    regions: Regions | None = None
    person: Person | None = None
    foreground: Mask | None = None
    timings_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Cutout:
    """A garment alone on grey. ``pixels``: square HWC uint8 sRGB; ``alpha``: HW uint8, 255 = cloth."""

    pixels: Pixels
    alpha: Pixels
