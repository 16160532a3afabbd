"""The person's part of a photo ↔ the letterboxed tensor the parser sees. Training and serving share it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.card_fields import field_of, number_of, side_px_of
from segmentation.garment import BoolPixels, Box, Mask
from segmentation.guided_filter import GuidedFilter
from segmentation.letterbox import GREY
from segmentation.mask_rcnn.background import Background, person_on_background
from segmentation.photo import Photo, Pixels

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.uint8]


# Both chosen on photos that the parser was trained on. The radius is a share of the crop's height.
EDGE_RADIUS = 0.014
EDGES = GuidedFilter(smoothness=1e-3, work_px=192)
# A margin that no photo has: the frame is all of it.
WHOLE_PHOTO_MARGIN = 100.0


@dataclass(frozen=True, slots=True)
class CropRecipe:
    """How a person becomes a tensor; written to the model's card and read back from it.

    ``margin``: added on each side, a share of the box's width or height (a coarse mask errs in
    proportion to them). ``widen``: how far the
    predicted mask is grown, a share of the crop's height: it is coarse, and cuts hair and fingers.
    192×512 fits the street photos' persons: width / height is under 0.36 of three quarters.
    """

    width_px: int = 192
    height_px: int = 512
    margin: float = 0.06
    widen: float = 0.02
    background: Background = Background.GREY

    def as_card(self) -> dict[str, Any]:
        """For ``card.json``."""
        return {
            **asdict(self),
            "background": self.background.name.lower(),
            "values": "RGB / 127.5 - 1",
        }

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> CropRecipe:
        """The inverse of `as_card`. Raises ValueError for fields that are missing or wrong."""
        background = str(field_of(card, "background")).upper()
        if background not in Background.__members__:
            raise ValueError("background must be the name of one")
        return cls(
            width_px=side_px_of(card, "width_px"),
            height_px=side_px_of(card, "height_px"),
            margin=number_of(card, "margin", least=0, most=WHOLE_PHOTO_MARGIN),
            widen=number_of(card, "widen", least=0, most=1),
            background=Background[background],
        )


@dataclass(frozen=True, slots=True)
class CropFrame:
    """Where a crop lies: ``[x0, x1) × [y0, y1)`` of the photo, shown in the tensor's ``inner`` part.

    All whole pixels; ``inner``: left, top, width, height in the tensor.
    """

    x0: int
    y0: int
    x1: int
    y1: int
    inner: tuple[int, int, int, int]
    recipe: CropRecipe = field(default_factory=CropRecipe)

    @property
    def width(self) -> int:
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        return self.y1 - self.y0


def frame_person(box: Box, *, width: int, height: int, recipe: CropRecipe) -> CropFrame:
    """The frame of a person's box in a photo of ``width`` × ``height``; an empty box: all of it."""
    beside, above = recipe.margin * box.width, recipe.margin * box.height
    x0, x1 = max(0, round(box.x0 - beside)), min(width, round(box.x1 + beside))
    y0, y1 = max(0, round(box.y0 - above)), min(height, round(box.y1 + above))
    if box.area <= 0 or x1 <= x0 or y1 <= y0:
        x0, y0, x1, y1 = 0, 0, width, height
    scale = min(recipe.width_px / (x1 - x0), recipe.height_px / (y1 - y0))
    inner_width = min(recipe.width_px, max(1, round((x1 - x0) * scale)))
    inner_height = min(recipe.height_px, max(1, round((y1 - y0) * scale)))
    left = (recipe.width_px - inner_width) // 2
    top = (recipe.height_px - inner_height) // 2
    return CropFrame(x0, y0, x1, y1, (left, top, inner_width, inner_height), recipe)


def cut_pixels(pixels: Pixels, frame: CropFrame) -> Pixels:
    """HWC uint8 photo → HWC uint8 of the tensor's size; grey outside ``inner``."""
    part = pixels[frame.y0 : frame.y1, frame.x0 : frame.x1]
    shrinks = frame.inner[2] < frame.width
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    inner = cv2.resize(part, frame.inner[2:], interpolation=how)
    return np.asarray(_place(inner, frame, around=GREY))


def cut_labels(labels: Labels, frame: CropFrame) -> Labels:
    """HW uint8 of the photo's size → HW uint8 of the tensor's size; 0 outside ``inner``."""
    part = labels[frame.y0 : frame.y1, frame.x0 : frame.x1]
    inner = cv2.resize(part, frame.inner[2:], interpolation=cv2.INTER_NEAREST_EXACT)
    return np.asarray(_place(inner, frame))


def cut_mask(mask: BoolPixels, frame: CropFrame) -> BoolPixels:
    """HW bool of the photo's size → HW bool of the tensor's size; False outside ``inner``."""
    part = mask[frame.y0 : frame.y1, frame.x0 : frame.x1].astype(np.float32)
    inner = cv2.resize(part, frame.inner[2:], interpolation=cv2.INTER_AREA)
    return np.asarray(_place(inner, frame) > 0.5)


def widen_mask(mask: BoolPixels, *, radius_px: int) -> BoolPixels:
    """Grow (or, under 0, shrink) a mask by a disc."""
    if radius_px == 0:
        return mask
    side = 2 * abs(radius_px) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    change = cv2.dilate if radius_px > 0 else cv2.erode
    return np.asarray(change(mask.astype(np.uint8), disc)).astype(bool)


def widen_radius_px(frame: CropFrame) -> int:
    """The recipe's ``widen`` in pixels of the tensor."""
    return round(frame.recipe.widen * frame.inner[3])


def inner_mask(frame: CropFrame) -> BoolPixels:
    """HW bool of the tensor's size: where the photo is."""
    mask = np.zeros((frame.recipe.height_px, frame.recipe.width_px), bool)
    left, top, width, height = frame.inner
    mask[top : top + height, left : left + width] = True
    return mask


def person_kept(person: BoolPixels, frame: CropFrame) -> BoolPixels:
    """HW bool of the tensor's size: the widened person, the only pixels that can be one."""
    kept = widen_mask(cut_mask(person, frame), radius_px=widen_radius_px(frame))
    return kept & inner_mask(frame)


def to_tensor(pixels: Pixels, kept: BoolPixels, *, background: Background) -> Floats:
    """CHW float32, RGB / 127.5 − 1, the background where ``kept`` is False."""
    seen = person_on_background(Photo(pixels), Mask(kept), background).pixels
    values = seen.astype(np.float32) / np.float32(127.5) - np.float32(1)
    return np.ascontiguousarray(values.transpose(2, 0, 1))


def uncrop_labels(probabilities: Floats, frame: CropFrame, photo: Photo) -> Labels:
    """(C, h, w) of the tensor's size → HW uint8 class numbers of the photo's size.

    Drawn along the photo's edges before the classes are compared. Class 0 outside the crop.
    """
    pixels = np.ascontiguousarray(photo.pixels[frame.y0 : frame.y1, frame.x0 : frame.x1])
    radius = EDGE_RADIUS * frame.height
    left, top, width, height = frame.inner
    # The probabilities add up to one, so the background's follows from the others'.
    others = probabilities[1:, top : top + height, left : left + width]
    planes = EDGES.apply(others, pixels, radius_px=(radius, radius))
    label_map = np.zeros((photo.height, photo.width), np.uint8)
    part = label_map[frame.y0 : frame.y1, frame.x0 : frame.x1]
    best = 1 - planes.sum(axis=0)
    for number, plane in enumerate(planes, start=1):
        part[plane > best] = number
        np.maximum(best, plane, out=best)
    return label_map


def _place(inner: Any, frame: CropFrame, *, around: int = 0) -> Any:
    shape = (frame.recipe.height_px, frame.recipe.width_px, *inner.shape[2:])
    whole = np.full(shape, around, inner.dtype)
    left, top, width, height = frame.inner
    whole[top : top + height, left : left + width] = inner
    return whole
