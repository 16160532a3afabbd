"""Photos with regions drawn on them, as VIA and COCO files list them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from segmentation.annotations.annotated_photo import AnnotatedPhoto, Instance
from segmentation.annotations.finding import FindingKind, Flaw, FlawError
from segmentation.errors import AnnotationError
from segmentation.garment import Mask
from segmentation.labels import is_showable
from segmentation.photo import Photo, read_photo

# A click on the very edge may fall a pixel outside.
EDGE_PX = 1.0
_FAR = 10
_FARTHEST = 1e9  # px

Ring = npt.NDArray[np.float64]
Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Region:
    """One region: its name and its drawing are one object, so that neither can lose the other.

    ``draw``: (height, width) → the mask; raises FlawError. ``rings``: N×2 float64 x, y, px; empty
    for run lengths.
    """

    number: str
    category: str
    draw: Callable[[Size], Mask]
    rings: tuple[Ring, ...] = ()
    iscrowd: bool = False


@dataclass(frozen=True, slots=True)
class Examined:
    """An entry after a look at its photo: what is sound of it, None if nothing, and its flaws."""

    sound: ListedPhoto | None
    flaws: tuple[Flaw, ...]
    # Of each sound region: its number and category.
    classes: tuple[tuple[str, str], ...]


class ListedPhoto(Protocol):
    """A photo that annotations list, sound or not. ``path`` is None where the photo is missing."""

    @property
    def file_name(self) -> str: ...
    @property
    def path(self) -> Path | None: ...
    @property
    def flaws(self) -> tuple[Flaw, ...]: ...
    @property
    def names_drawn(self) -> frozenset[str]: ...

    def examine(self, photo: Photo) -> Examined:
        """Hold what is annotated against the upright photo."""
        ...

    def annotated(self, labelled: frozenset[str]) -> AnnotatedPhoto:
        """What to learn from; ``labelled``: the categories that the annotator looked for."""
        ...


@dataclass(frozen=True, slots=True)
class Listing:
    """What one file or folder lists. ``labelled`` None: the names that its sound regions have."""

    source: Path
    photos: tuple[ListedPhoto, ...]
    labelled: frozenset[str] | None
    # Of no photo: an annotation without one, a name that is no class.
    flaws: tuple[Flaw, ...] = ()


@dataclass(frozen=True, slots=True)
class DrawnPhoto:
    """A photo and the regions drawn on it. ``flaws``: of what could not be read into ``regions``.

    ``size``: the (height, width) that the regions are drawn at; None where the file does not say.
    """

    file_name: str
    path: Path | None
    regions: tuple[Region, ...]
    flaws: tuple[Flaw, ...] = ()
    size: Size | None = None

    @property
    def names_drawn(self) -> frozenset[str]:
        return frozenset(region.category for region in self.regions)

    def examine(self, photo: Photo) -> Examined:
        """Draw each region: one that covers nothing, or lies outside the photo, is named."""
        size = (photo.height, photo.width)
        if self.size is not None and self.size != size:
            return Examined(None, (*self.flaws, _size_flaw(self.size, size)), ())
        sound, flaws = [], list(self.flaws)
        for region in self.regions:
            flaw = _flaw_of(region, size)
            if flaw is not None:
                flaws.append(flaw)
            if flaw is None or flaw.kind is FindingKind.PARTLY_OUTSIDE:
                sound.append(region)
        if not self.regions and not self.flaws:
            flaws.append(Flaw(FindingKind.EMPTY_PHOTO, None, "nothing is annotated in this photo"))
        kept = replace(self, regions=tuple(sound), flaws=(), size=size)
        # Emptied of its broken regions, it would teach that its garments are background.
        emptied = not sound and bool(self.regions or self.flaws)
        classes = tuple((region.number, region.category) for region in sound)
        return Examined(None if emptied else kept, tuple(flaws), classes)

    def annotated(self, labelled: frozenset[str]) -> AnnotatedPhoto:
        assert self.path is not None, "flaws name a missing photo"
        read = partial(_instances, self.regions, self.path, self.size)
        return AnnotatedPhoto(self.path, read, labelled)


def class_name(name: str) -> str:
    """The name of a region's class. Raises FlawError where it cannot be shown or written."""
    if not is_showable(name):
        raise FlawError(FindingKind.UNNAMED_REGION, f"no class is called {name[:40]!a}")
    return name


def number_of(said: object, *, what: str) -> float:
    """A coordinate or a length; ``what`` names it in the reason. Raises FlawError."""
    try:
        return float(said)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError) as error:
        reason = f"unknown shape: {what} is {json.dumps(said)[:40]}, not a number"
        raise FlawError(FindingKind.UNKNOWN_SHAPE, reason) from error


def clipped_far(ring: Ring, size: Size) -> Ring:
    """Points at a great distance brought nearer: rasterising takes memory by the outline's length."""
    reach = _FAR * max(size)
    return np.clip(ring, -reach, reach)


def _instances(regions: Sequence[Region], path: Path, size: Size | None) -> tuple[Instance, ...]:
    if size is None:
        photo = read_photo(path)
        size = (photo.height, photo.width)
    instances = []
    for region in regions:
        try:
            instances.append(Instance(region.category, region.draw(size), region.iscrowd))
        except FlawError as error:
            raise AnnotationError(f"{path}: region {region.number}: {error}") from error
    return tuple(instances)


def _flaw_of(region: Region, size: Size) -> Flaw | None:
    height, width = size
    where = f"the photo of {width}×{height} px"
    if region.rings:
        points = np.concatenate(region.rings)
        low, high = points.min(axis=0), points.max(axis=0)
        if (high <= 0).any() or low[0] >= width or low[1] >= height:
            return Flaw(FindingKind.OUTSIDE_PHOTO, region.number, f"lies outside {where}")
        if all(_is_flat(ring) for ring in region.rings):
            return Flaw(FindingKind.NO_AREA, region.number, "is a point or a line: it has no area")
    try:
        mask = region.draw(size)
    except FlawError as error:
        return Flaw(error.kind, region.number, str(error))
    if not mask.area:
        return Flaw(FindingKind.NO_AREA, region.number, "covers no pixel of the photo")
    if region.rings:
        over = max(*(-low), high[0] - width, high[1] - height)
        if over > EDGE_PX:
            reason = f"reaches {over:.6g} px outside {where}"
            return Flaw(FindingKind.PARTLY_OUTSIDE, region.number, reason)
    return None


def _is_flat(ring: Ring) -> bool:
    """Whether all points lie on one line."""
    near = np.clip(ring, -_FARTHEST, _FARTHEST)  # The products below stay finite.
    offsets = near - near[0]
    farthest = offsets[np.abs(offsets).sum(axis=1).argmax()]
    cross = offsets[:, 0] * farthest[1] - offsets[:, 1] * farthest[0]
    return bool((np.abs(cross) < 1e-6).all())


def _size_flaw(said: Size, found: Size) -> Flaw:
    reason = f"annotated at {said[1]}×{said[0]} px, the upright photo has {found[1]}×{found[0]}"
    if said == found[::-1] and said[0] != said[1]:
        reason += " (was it annotated before it was turned upright?)"
    return Flaw(FindingKind.SIZE_MISMATCH, None, reason)
