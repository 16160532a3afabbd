"""The photos that a segmenter does worst on, as pictures: true masks beside predicted ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.annotations.annotated_photo import AnnotatedPhoto, Instance
from segmentation.garment import BoolPixels, Mask, mask_iou
from segmentation.labels import PERSON
from segmentation.mask_rcnn.predict import ScoredInstance
from segmentation.photo import Photo, Pixels, encode_jpeg

_MIN_SCORE = 0.5
_SAME_IOU = 0.5
_HEIGHT_PX = 360
_WIDTH_PX = 270
_HUES = 12

Named = Sequence[tuple[str, BoolPixels]]


@dataclass(frozen=True, slots=True)
class WorstPhoto:
    """``truth``, ``predicted``: JPEG files. ``quality``: as `panoptic_quality`."""

    name: str
    quality: float
    missed: tuple[str, ...]
    invented: tuple[str, ...]
    truth: bytes
    predicted: bytes


class WorstPhotos:
    """Keeps the pictures of the ``most`` worst photos it is shown; an `OnPredicted`."""

    def __init__(self, *, most: int = 12) -> None:
        self._most = most
        self._kept: list[WorstPhoto] = []

    def look_at(
        self,
        annotated: AnnotatedPhoto,
        photo: Photo,
        instances: Sequence[Instance],
        predicted: Sequence[ScoredInstance],
    ) -> None:
        """Keep the photo if it is among the worst so far."""
        truth = [(one.category, one.mask.pixels) for one in instances if not one.iscrowd]
        found = [(one.category, one.mask.pixels) for one in predicted if one.score >= _MIN_SCORE]
        quality, missed, invented = panoptic_quality(truth, found)
        if not truth or (len(self._kept) == self._most and quality >= self._kept[-1].quality):
            return
        worst = WorstPhoto(
            annotated.path.name,
            quality,
            tuple(missed),
            tuple(invented),
            _picture(photo, truth),
            _picture(photo, found),
        )
        self._kept = sorted([*self._kept, worst], key=lambda one: one.quality)[: self._most]

    def pictures(self) -> tuple[WorstPhoto, ...]:
        """The worst first."""
        return tuple(self._kept)


def panoptic_quality(truth: Named, found: Named) -> tuple[float, list[str], list[str]]:
    """(quality 0–1, categories missed, categories invented).

    Σ IoU of the pairs over pairs + half of what has none; a pair has one category and an IoU over
    ½ (Kirillov et al. 2019).
    """
    left = list(found)
    overlap, missed = 0.0, []
    for category, pixels in truth:
        ious = [mask_iou(pixels, other) if name == category else 0.0 for name, other in left]
        best = int(np.argmax(ious)) if ious else -1
        if best < 0 or ious[best] <= _SAME_IOU:
            missed.append(category)
            continue
        overlap += ious[best]
        left.pop(best)
    pairs = len(truth) - len(missed)
    of = pairs + (len(missed) + len(left)) / 2
    return (overlap / of if of else 1.0), missed, [name for name, _ in left]


def _picture(photo: Photo, things: Named) -> bytes:
    """The photo made small and grey, each thing in a colour of its category with its outline."""
    scale = min(1.0, _HEIGHT_PX / photo.height, _WIDTH_PX / photo.width)
    size = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    small = cv2.resize(photo.pixels, size, interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    faded = (grey // 2 + 96).astype(np.uint8)
    canvas: Pixels = np.repeat(faded[..., None], 3, axis=2)
    colours = _colours(things)
    # Large things first, so that a bag is seen upon a coat.
    for category, pixels in sorted(things, key=lambda one: -int(np.count_nonzero(one[1]))):
        mask = cv2.resize(pixels.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        colour = colours[category]
        if category != PERSON:
            inside = mask.astype(bool)
            canvas[inside] = (0.4 * canvas[inside] + 0.6 * np.array(colour)).astype(np.uint8)
        outline, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(canvas, outline, -1, colour, 1)
    for category, pixels in things:
        box = Mask(pixels).box()
        at = (int(box.x0 * scale) + 2, min(size[1] - 3, int(box.y0 * scale) + 12))
        _write(canvas, category, at)
    return encode_jpeg(Photo(canvas), quality=80)


def _write(canvas: npt.NDArray[np.uint8], text: str, at: tuple[int, int]) -> None:
    for colour, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, thickness, cv2.LINE_AA)


def _colours(things: Named) -> Mapping[str, tuple[int, int, int]]:
    """A colour a category, the same in every picture: its hue follows from its name."""
    colours = {}
    for category in {name for name, _ in things}:
        hue = sum(category.encode()) * 7 % _HUES * (180 // _HUES)
        hsv = np.array([[[hue, 200, 230]]], np.uint8)
        red, green, blue = (int(value) for value in cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0])
        colours[category] = (red, green, blue)
    return colours
