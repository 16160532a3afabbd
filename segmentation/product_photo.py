"""Product photos: which of the garments is the product, and the foreground of a plain backdrop."""

from __future__ import annotations

from enum import StrEnum

import cv2
import numpy as np

from segmentation.colour import dominant_colours
from segmentation.garment import BoolPixels, Box, Garment, Mask, ParsedPhoto
from segmentation.labels import category_of
from segmentation.photo import Photo, Pixels

PAIRED_CATEGORY = "shoes"
PAIR = 2
_LONG_SIDE_PX = 256
_MIN_SIDE_PX = 32
_BORDER_SHARE = 0.03
_MIN_AREA_SHARE = 0.04
_MAX_AREA_SHARE = 0.85
_MAX_BORDER_TOUCH = 0.15
_GRABCUT_ROUNDS = 4
_MAX_HOLE_SHARE = 0.015


class GarmentSource(StrEnum):
    """How the product was found in its photo."""

    CATEGORY = "category"
    LARGEST = "largest"
    BACKDROP = "backdrop"
    WHOLE = "whole"


def backdrop_foreground(photo: Photo) -> Mask | None:
    """The thing in the middle of a plain or repeating backdrop, None where it does not stand out.

    GrabCut (Rother et al. 2004): the frame of the photo is background, the rest decides itself.
    """
    small, scale = _shrink(photo.pixels)
    if min(small.shape[:2]) < _MIN_SIDE_PX:
        return None
    pixels = _largest_piece(_grabcut(small))
    share = pixels.mean()
    if not _MIN_AREA_SHARE <= share <= _MAX_AREA_SHARE or _border_touch(pixels) > _MAX_BORDER_TOUCH:
        return None
    if scale == 1.0:
        return Mask(pixels)
    soft = cv2.resize(
        pixels.astype(np.float32), (photo.width, photo.height), interpolation=cv2.INTER_LINEAR
    )
    return Mask(soft > 0.5)


def _shrink(pixels: Pixels) -> tuple[Pixels, float]:
    height, width = pixels.shape[:2]
    scale = min(1.0, _LONG_SIDE_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8), scale


def _grabcut(pixels: Pixels) -> BoolPixels:
    height, width = pixels.shape[:2]
    border = max(2, round(_BORDER_SHARE * max(height, width)))
    state = np.full((height, width), cv2.GC_PR_BGD, np.uint8)
    state[height // 10 : -height // 10, width // 10 : -width // 10] = cv2.GC_PR_FGD
    state[:border], state[-border:] = cv2.GC_BGD, cv2.GC_BGD
    state[:, :border], state[:, -border:] = cv2.GC_BGD, cv2.GC_BGD
    cv2.setRNGSeed(0)
    backdrop, thing = np.zeros((1, 65)), np.zeros((1, 65))
    # Lab keeps cloth and backdrop of one lightness apart better than RGB.
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)
    nowhere = (0, 0, 0, 0)  # Only read when it starts from a rectangle.
    cv2.grabCut(lab, state, nowhere, backdrop, thing, _GRABCUT_ROUNDS, cv2.GC_INIT_WITH_MASK)
    return np.asarray((state == cv2.GC_FGD) | (state == cv2.GC_PR_FGD))


def _largest_piece(pixels: BoolPixels) -> BoolPixels:
    kernel = np.ones((3, 3), np.uint8)
    opened = cv2.morphologyEx(pixels.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    count, numbered, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=8)
    if count < 2:
        return np.zeros_like(pixels)
    areas = stats[1:, cv2.CC_STAT_AREA]
    # A pair of shoes is two pieces: keep every piece of comparable size.
    kept = 1 + np.flatnonzero(areas >= 0.25 * areas.max())
    return _without_small_holes(np.isin(numbered, kept))


def _without_small_holes(pixels: BoolPixels) -> BoolPixels:
    count, numbered, stats, _ = cv2.connectedComponentsWithStats(
        (~pixels).astype(np.uint8), connectivity=4
    )
    # Prints and buttons leave small holes; the gap between two legs is large and stays.
    largest = _MAX_HOLE_SHARE * np.count_nonzero(pixels)
    small = [i for i in range(1, count) if stats[i, cv2.CC_STAT_AREA] <= largest]
    return np.asarray(pixels | np.isin(numbered, small))


def _border_touch(pixels: BoolPixels) -> float:
    border = max(3, round(2 * _BORDER_SHARE * max(pixels.shape)))
    frame = np.ones_like(pixels)
    frame[border:-border, border:-border] = False
    return float(pixels[frame].mean())


def choose_product_garment(
    parsed: ParsedPhoto, category: str | None
) -> tuple[Garment, GarmentSource]:
    """The garment that a product photo sells, and how it was chosen.

    In order: the best-scored garment of the product's category; the largest one; the foreground of
    a plain backdrop; the whole picture. ``category``: Garb's own, None when the shop's is unmapped.
    """
    fitting = [g for g in parsed.garments if category_of(g.category) == category]
    if category is not None and fitting:
        return _together(fitting, parsed), GarmentSource.CATEGORY
    if parsed.garments:
        return max(parsed.garments, key=_area), GarmentSource.LARGEST
    foreground = parsed.foreground or backdrop_foreground(parsed.photo)
    if foreground is not None:
        colours = dominant_colours(foreground.pixels_of(parsed.photo))
        garment = Garment(category, None, foreground.box(), foreground, colours)
        return garment, GarmentSource.BACKDROP
    photo = parsed.photo
    return whole_photo(photo), GarmentSource.WHOLE


def whole_photo(photo: Photo) -> Garment:
    """The photo itself as a garment without category, score or mask."""
    box = Box(0, 0, photo.width, photo.height)
    return Garment(None, None, box, None, dominant_colours(photo.pixels.reshape(-1, 3)))


def _together(garments: list[Garment], parsed: ParsedPhoto) -> Garment:
    """A pair of shoes is one product: its two instances join. Others: the best-scored one."""
    best = max(garments, key=lambda garment: garment.score or 0.0)
    pair = [garment for garment in garments if _area(garment) > 0.5 * _area(best)]
    if category_of(best.category) != PAIRED_CATEGORY or len(pair) != PAIR or best.mask is None:
        return best
    masks = [garment.mask.pixels for garment in pair if garment.mask is not None]
    mask = Mask(np.logical_or.reduce(masks))
    colours = dominant_colours(mask.pixels_of(parsed.photo))
    return Garment(best.category, best.score, mask.box(), mask, colours)


def _area(garment: Garment) -> float:
    return garment.mask.area if garment.mask is not None else garment.box.area
