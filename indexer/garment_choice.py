"""Which garments of a parsed photo a request is about."""

from __future__ import annotations

from dataclasses import replace

from indexer.ranking import near_categories
from segmentation.believed import FAINT_SCORE
from segmentation.colour import dominant_colours
from segmentation.errors import PhotoError
from segmentation.garment import Box, Garment, ParsedPhoto
from segmentation.labels import category_of
from segmentation.photo import Photo

# A drawn box means the garment it overlaps best, if it overlaps one at least this much (IoU).
SAME_GARMENT_IOU = 0.3


class BoxError(PhotoError):
    """A box that covers nothing of the photo."""


def choose_garments(
    parsed: ParsedPhoto, *, category: str | None, box: Box | None
) -> tuple[Garment, ...]:
    """The garments to match, best first, never empty.

    A box picks the garment it overlaps best, or stands for itself where it meets none. A category
    (Garb's own) leaves its garments; where there is none that is more than a guess, the best of those
    that it is often taken for. Of both, it is a garment of that name within the box. Where nothing is left and nobody is in the photo, it is what stands out from a plain backdrop;
    else the photo is matched whole.

    Raises:
        BoxError: the box lies outside the photo or is less than a pixel wide.
    """
    choices = _choices(parsed.garments, category)
    if box is not None:
        inside = region_of(parsed.photo, box)
        in_box = (_in_box(garments, inside, named=category is not None) for garments in choices)
        return (next(filter(None, in_box), None) or bare_garment(parsed.photo, inside),)
    return next(filter(None, choices), ()) or (_unnamed_garment(parsed),)


def _choices(garments: tuple[Garment, ...], category: str | None) -> list[tuple[Garment, ...]]:
    """What a request can be about, the likeliest first."""
    if category is None:
        return [garments]
    of_category = tuple(g for g in garments if category_of(g.category) == category)
    seen = tuple(g for g in of_category if g.score is None or g.score >= FAINT_SCORE)
    near = [g for g in garments if category_of(g.category) in near_categories(category)]
    return [seen, tuple(near[:1]), of_category]


def as_answered(garment: Garment, photo: Photo) -> Garment:
    """A garment as the answer tells it: what has no name is the whole photo, without a mask."""
    if garment.category is not None or garment.mask is None:
        return garment
    return replace(garment, box=whole_box(photo), mask=None)


def whole_box(photo: Photo) -> Box:
    """The box of the whole photo."""
    return Box(0, 0, photo.width, photo.height)


def bare_garment(photo: Photo, box: Box) -> Garment:
    """Pixels matched as they are: no category, score or mask, the colours of the box."""
    rows = slice(int(box.y0), max(int(box.y0) + 1, round(box.y1)))
    columns = slice(int(box.x0), max(int(box.x0) + 1, round(box.x1)))
    colours = dominant_colours(photo.pixels[rows, columns].reshape(-1, 3))
    return Garment(category=None, score=None, box=box, mask=None, colours=colours)


def _unnamed_garment(parsed: ParsedPhoto) -> Garment:
    photo, mask = parsed.photo, parsed.foreground
    if mask is None or parsed.person_mask is not None:
        return bare_garment(photo, whole_box(photo))
    colours = dominant_colours(mask.pixels_of(photo))
    return Garment(None, None, mask.box(), mask, colours)


def region_of(photo: Photo, box: Box) -> Box:
    """The part of a box that lies in the photo.

    Raises:
        BoxError: less than a pixel of it does.
    """
    inside = box.clipped(width=photo.width, height=photo.height)
    if inside.width < 1 or inside.height < 1:
        raise BoxError(
            f"the box {box.as_list()} covers nothing of the {photo.width}×{photo.height} photo"
        )
    return inside


def _in_box(garments: tuple[Garment, ...], box: Box, *, named: bool) -> Garment | None:
    best = max(garments, key=lambda garment: garment.box.iou(box), default=None)
    if best is not None and best.box.iou(box) >= SAME_GARMENT_IOU:
        return best
    within = [garment for garment in garments if named and garment.box.lies_in(box)]
    return within[0] if within else None
