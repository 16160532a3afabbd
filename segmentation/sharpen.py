"""Garments before a plain backdrop: their masks as exact as the backdrop shows them.

A mask of 28×28 cells loses sleeves, legs and straps, and what stands out from a plain backdrop is
known to the pixel. In the street nothing is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from segmentation.backdrop import PLAIN_SIDES_WITH_PERSON, Foreground, resized_mask
from segmentation.garment import BoolPixels, Mask, Regions
from segmentation.labels import HANDLED_CATEGORIES, PERSON, category_of
from segmentation.mask_rcnn.predict import ScoredInstance
from segmentation.photo import Photo

# A garment that stands out less than this is the backdrop's colour: its mask stays.
LEAST_STANDING_OUT = 0.6
# Better than this, and what does not stand out is taken from it.
MOSTLY_STANDING_OUT = 0.85
# How far from its mask a worn garment may reach, a share of the photo's longer side.
_REACH_SHARE = 0.02
_LEAST_PIECE = 0.05  # Of the mask: smaller pieces apart from it are not cloth.


def sharpened(
    photo: Photo,
    found: Sequence[ScoredInstance],
    regions: Regions | None,
    foreground: Foreground | None,
) -> list[ScoredInstance]:
    """The instances, the garments' masks redrawn where the photo has a plain backdrop.

    What stands out, ``foreground``, goes to the nearest garment. On a person it must also be near,
    and not be skin or hair.
    """
    garments = [instance for instance in found if instance.category != PERSON]
    worn = len(garments) < len(found)
    if not garments or foreground is None:
        return list(found)
    if worn and not foreground.backdrop.covers(PLAIN_SIDES_WITH_PERSON):
        return list(found)
    cloth = foreground.pixels
    height, width = cloth.shape
    masks = [resized_mask(g.mask.pixels, width=width, height=height) for g in garments]
    if regions is not None:
        bare = regions.skin.pixels | regions.hair.pixels
        dressed = ~resized_mask(bare, width=width, height=height)
        cloth = cloth & dressed
        masks = [mask & dressed for mask in masks]
    reach = _REACH_SHARE * max(height, width) if worn else float("inf")
    shares = _shared_out(cloth, masks, reach=reach)
    redrawn = {
        id(garment): _redrawn(garment, mask, share, cloth, photo)
        for garment, mask, share in zip(garments, masks, shares, strict=True)
    }
    return [redrawn.get(id(instance), instance) for instance in found]


def _shared_out(
    cloth: BoolPixels, masks: Sequence[BoolPixels], *, reach: float
) -> list[BoolPixels]:
    """A part of ``cloth`` for each mask: its own pixels, and those of nobody that it is nearest to."""
    taken = np.logical_or.reduce(masks)
    if not taken.any():
        return [np.zeros_like(cloth) for _ in masks]
    distance, nearest = cv2.distanceTransformWithLabels(
        (~taken).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    owner_at = np.zeros(int(nearest.max()) + 1, np.int32)
    owners = np.zeros(cloth.shape, np.int32)
    for number in range(len(masks) - 1, -1, -1):
        owners[masks[number]] = number
    owner_at[nearest[taken]] = owners[taken]
    owner = owner_at[nearest]
    free = cloth & ~taken & (distance <= reach)
    return [
        _without_crumbs((cloth & mask) | (free & (owner == number)), mask)
        for number, mask in enumerate(masks)
    ]


def _without_crumbs(pixels: BoolPixels, mask: BoolPixels) -> BoolPixels:
    """Pieces apart from the mask are not the garment's if small or cut off: specks, furniture."""
    count, numbered, stats, _ = cv2.connectedComponentsWithStats(
        pixels.astype(np.uint8), connectivity=8
    )
    kept = stats[:count, cv2.CC_STAT_AREA] > _LEAST_PIECE * np.count_nonzero(mask)
    for edge in (numbered[0], numbered[-1], numbered[:, 0], numbered[:, -1]):
        kept[edge] = False
    kept[np.unique(numbered[mask])] = True
    kept[0] = False
    return np.asarray(kept[numbered])


def _redrawn(
    garment: ScoredInstance, mask: BoolPixels, share: BoolPixels, cloth: BoolPixels, photo: Photo
) -> ScoredInstance:
    if category_of(garment.category) in HANDLED_CATEGORIES:
        mask = mask & ~_enclosed(share)
    standing = int(np.count_nonzero(mask & cloth)) / max(1, int(np.count_nonzero(mask)))
    if standing < LEAST_STANDING_OUT:
        return garment
    pixels = share if standing >= MOSTLY_STANDING_OUT else share | mask
    redrawn = Mask(resized_mask(pixels, width=photo.width, height=photo.height))
    return replace(garment, mask=redrawn, box=redrawn.box())


def _enclosed(pixels: BoolPixels) -> BoolPixels:
    """What they surround: through a handle the backdrop shows, which 28×28 cells fill."""
    _, numbered = cv2.connectedComponents((~pixels).astype(np.uint8), connectivity=4)
    outside = np.concatenate([numbered[0], numbered[-1], numbered[:, 0], numbered[:, -1]])
    return ~pixels & ~np.isin(numbered, outside)
