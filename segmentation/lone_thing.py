"""One thing alone before a plain backdrop: what stands out is the thing, whatever it is taken for."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from segmentation.garment import Mask
from segmentation.labels import ACCESSORY_CATEGORIES, PERSON, category_of
from segmentation.mask_rcnn.predict import ScoredInstance
from segmentation.product_photo import PAIR, PAIRED_CATEGORY
from segmentation.sharpen import LEAST_STANDING_OUT

# A lone garment is taken for somebody in it.
SURE_PERSON_SCORE = 0.95
# Of all that stands out, by the instance that it is a print of.
_HELD = 0.75
# A bag that is less of the piece hangs on somebody who was not seen.
_LEAST_OF_ITS_PIECE = 1 / 3
# Of the expected piece's area: what else is as large may be the other shoe.
_OF_A_PAIR = 0.5


def surely_worn(seen: Sequence[ScoredInstance]) -> bool:
    """People score 1.00 before a plain backdrop, and a coat alone up to 0.91, with nobody in it."""
    return any(i.category == PERSON and i.score >= SURE_PERSON_SCORE for i in seen)


def with_cloth_of_the_backdrops_colour(foreground: Mask, seen: Sequence[ScoredInstance]) -> Mask:
    """A lone thing as what stands out from the backdrop, and what the segmenter sees round it.

    Of a white shirt on white paper only the print stands out: the shirt is an instance, if a faint
    one, that holds nearly all of it and is much larger.
    """
    for instance in seen:
        shared = np.count_nonzero(instance.mask.pixels & foreground.pixels)
        held = shared / foreground.area
        standing = shared / max(1, instance.mask.area)
        if instance.category != PERSON and held > _HELD and standing < LEAST_STANDING_OUT:
            return Mask(instance.mask.pixels | foreground.pixels)
    return foreground


def without_rivals(
    seen: Sequence[ScoredInstance], foreground: Mask, expected: str | None
) -> list[ScoredInstance]:
    """Without other garments in the piece of the foreground that is the expected thing.

    A bag's handle is taken for a top, a backpack for a hat. Of clothes an outfit may hang there in
    one piece, so only what is photographed by itself is known to be one thing, or a pair.
    """
    if expected not in ACCESSORY_CATEGORIES:
        return list(seen)
    _, numbered, stats, _ = cv2.connectedComponentsWithStats(foreground.pixels.astype(np.uint8))
    areas = stats[:, cv2.CC_STAT_AREA]
    areas[0] = 0

    def piece(mask: Mask) -> int:
        return int(np.bincount(numbered[mask.pixels & foreground.pixels], minlength=1).argmax())

    fitting = [i for i in seen if category_of(i.category) == expected]
    pieces = {piece(i.mask) for i in fitting} or {piece(foreground)}
    area = max(areas[list(pieces)])
    if fitting and max(i.mask.area for i in fitting) < _LEAST_OF_ITS_PIECE * area:
        return list(seen)
    alike = np.flatnonzero(areas > _OF_A_PAIR * area)
    if expected == PAIRED_CATEGORY and len(alike) == PAIR:
        pieces.update(alike.tolist())
    return [i for i in seen if i in fitting or piece(i.mask) not in pieces]
