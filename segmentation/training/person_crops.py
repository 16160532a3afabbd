"""Label pairs → training crops for the parser: persons masked as coarsely as predicted ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from segmentation.annotations.label_png import LabelPair, read_label_map
from segmentation.errors import AnnotationError
from segmentation.garment import BoolPixels, Box, Mask
from segmentation.labels import BACKGROUND_NAMES, LabelSet, lookup_table
from segmentation.letterbox import GREY
from segmentation.photo import Photo, Pixels, decode_photo, encode_jpeg, read_photo
from segmentation.pix2pix.crop import (
    CropFrame,
    CropRecipe,
    Labels,
    cut_labels,
    cut_mask,
    cut_pixels,
    frame_person,
    inner_mask,
    person_kept,
    to_tensor,
    widen_mask,
    widen_radius_px,
)

_MASK_HEAD_PX = 28


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far training crops stray from the photo. Probabilities 0–1; the rest as named.

    ``keep_background``: the street stays. ``keep_piece``: a rectangle beside the person stays.
    ``coarse``: the mask goes through Mask R-CNN's 28×28 grid. ``cut_piece``: a bite is missing.
    """

    flip: float = 0.5
    box_jitter: float = 0.06
    rotate: float = 0.5
    rotate_degrees: float = 8.0
    colour: float = 0.8
    jpeg: float = 0.3
    blur: float = 0.1
    coarse: float = 0.35
    keep_background: float = 0.08
    keep_piece: float = 0.3
    cut_piece: float = 0.15
    reach: float = 0.015


class PersonCrops:
    """(photo CHW float32 RGB / 127.5 − 1, target HW int64) of the person of each pair.

    An index is (epoch, position): the same one gives the same crop, so that a resumed training
    sees what an unbroken one would have seen.
    """

    def __init__(
        self,
        pairs: Sequence[LabelPair],
        *,
        names: Sequence[str],
        label_set: LabelSet,
        recipe: CropRecipe,
        augmentation: Augmentation | None,
        seed: int,
    ) -> None:
        self._pairs = tuple(pairs)
        self._table = lookup_table(names, label_set)
        self._person = np.array(
            [i < len(names) and names[i] not in BACKGROUND_NAMES for i in range(256)]
        )
        self._recipe = recipe
        self._augmentation = augmentation
        self._seed = seed

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: tuple[int, int]) -> tuple[Tensor, Tensor]:
        epoch, position = index
        photo, numbers = self._read(self._pairs[position])
        person = self._person[numbers]
        labels = self._table[numbers]
        if self._augmentation is None:
            pixels, target = plain_crop(photo, labels, person, recipe=self._recipe)
        else:
            random = np.random.default_rng((self._seed, epoch, position))
            pixels, target = augmented_crop(
                photo, labels, person, recipe=self._recipe, how=self._augmentation, random=random
            )
        return torch.from_numpy(pixels), torch.from_numpy(target.astype(np.int64))

    def batch(self, indices: Sequence[tuple[int, int]]) -> tuple[Tensor, Tensor]:
        """Stacked crops and targets of these indices."""
        photos, targets = zip(*(self[index] for index in indices), strict=True)
        return torch.stack(photos), torch.stack(targets)

    def count_pixels(self, *, classes: int, most: int = 100) -> Tensor:
        """(classes,) int64 pixels by class in the plain crops of at most ``most`` pairs."""
        counts = np.zeros(classes, np.int64)
        step = max(1, len(self._pairs) // most)
        for pair in self._pairs[::step]:
            photo, numbers = self._read(pair)
            person = self._person[numbers]
            frame = _frame(photo, person, self._recipe)
            labels = cut_labels(self._table[numbers], frame)
            counts += np.bincount(labels[inner_mask(frame)], minlength=classes)
        return torch.from_numpy(counts)

    def _read(self, pair: LabelPair) -> tuple[Photo, Labels]:
        photo, numbers = read_photo(pair.path), read_label_map(pair.label_path)
        if photo.pixels.shape[:2] != numbers.shape:
            raise AnnotationError(
                f"{pair.label_path}: {numbers.shape[1]}×{numbers.shape[0]} pixels, its photo "
                f"{photo.width}×{photo.height}"
            )
        return photo, numbers


def epoch_batches(
    *, count: int, batch: int, seed: int, epoch: int, first_batch: int
) -> list[list[tuple[int, int]]]:
    """Indices of one epoch's batches from ``first_batch`` on: shuffled by seed and epoch."""
    order = np.random.default_rng((seed, epoch)).permutation(count)
    starts = range(0, batches_of(count, batch) * batch, batch)
    return [
        [(epoch, int(position)) for position in order[start : start + batch]] for start in starts
    ][first_batch:]


def batches_of(count: int, batch: int) -> int:
    """Full batches in an epoch; a single short one when there are fewer samples than a batch."""
    return max(1, count // batch)


def plain_crop(
    photo: Photo, labels: Labels, person: BoolPixels, *, recipe: CropRecipe
) -> tuple[npt.NDArray[np.float32], Labels]:
    """What serving would see of the true person, and its class numbers."""
    frame = _frame(photo, person, recipe)
    kept = person_kept(person, frame)
    tensor = to_tensor(cut_pixels(photo.pixels, frame), kept, background=recipe.background)
    return tensor, np.where(kept, cut_labels(labels, frame), 0)


def augmented_crop(
    photo: Photo,
    labels: Labels,
    person: BoolPixels,
    *,
    recipe: CropRecipe,
    how: Augmentation,
    random: np.random.Generator,
) -> tuple[npt.NDArray[np.float32], Labels]:
    """A crop and its class numbers with the geometry, the mask and the colours disturbed."""
    frame = _frame(photo, person, recipe, jitter=how.box_jitter, random=random)
    pixels, target = cut_pixels(photo.pixels, frame), cut_labels(labels, frame)
    true_mask = cut_mask(person, frame)
    shown = inner_mask(frame)
    if random.random() < how.rotate:
        turn = _turn(frame, random.uniform(-how.rotate_degrees, how.rotate_degrees))
        pixels = _warp(pixels, turn, cv2.INTER_LINEAR)
        target = _warp(target, turn, cv2.INTER_NEAREST)
        true_mask = _warp(true_mask.astype(np.uint8), turn, cv2.INTER_NEAREST).astype(bool)
        shown = _warp(shown.astype(np.uint8), turn, cv2.INTER_NEAREST).astype(bool)
    kept = rough_mask(true_mask, frame=frame, how=how, random=random) & shown
    # Serving calls everything outside the mask background: what is hidden is not to be guessed.
    target = np.where(kept, target, 0)
    pixels = _disturb_colours(pixels, how, random)
    if random.random() < how.flip:
        pixels, target, kept = pixels[:, ::-1], target[:, ::-1], kept[:, ::-1]
    tensor = to_tensor(pixels, kept, background=recipe.background)
    return tensor, np.ascontiguousarray(target)


def rough_mask(
    mask: BoolPixels, *, frame: CropFrame, how: Augmentation, random: np.random.Generator
) -> BoolPixels:
    """A true mask made as wrong as a predicted one, then widened as serving does."""
    if random.random() < how.keep_background:
        return np.ones_like(mask)
    rough = _coarse(mask, random) if random.random() < how.coarse else mask
    if random.random() < how.cut_piece:
        rough = rough & ~_rectangle(mask.shape, random, 0.12)
    spread = how.reach * frame.inner[3]
    radius = widen_radius_px(frame) + round(random.normal(0, spread))
    rough = widen_mask(rough, radius_px=radius)
    if random.random() < how.keep_piece:
        rough = rough | _rectangle(mask.shape, random, 0.3)
    # A person the mask has all but lost teaches nothing.
    lost = np.count_nonzero(mask & ~rough) > 0.25 * max(1, int(np.count_nonzero(mask)))
    return widen_mask(mask, radius_px=widen_radius_px(frame)) if lost else rough


def _coarse(mask: BoolPixels, random: np.random.Generator) -> BoolPixels:
    box = Mask(mask).box()
    if box.area <= 0:
        return mask
    x0, y0, x1, y1 = (int(side) for side in (box.x0, box.y0, box.x1, box.y1))
    part = mask[y0:y1, x0:x1].astype(np.float32)
    small = cv2.resize(part, (_MASK_HEAD_PX, _MASK_HEAD_PX), interpolation=cv2.INTER_AREA)
    noise = np.asarray(random.normal(0, 0.12, small.shape), np.float32)
    large = cv2.resize(small + noise, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
    coarse = np.zeros_like(mask)
    coarse[y0:y1, x0:x1] = large > random.uniform(0.35, 0.6)
    return coarse


def _rectangle(shape: tuple[int, ...], random: np.random.Generator, longest: float) -> BoolPixels:
    height = max(1, round(shape[0] * float(random.uniform(0.05, longest))))
    width = max(1, round(shape[1] * float(random.uniform(0.05, longest))))
    top = int(random.integers(0, shape[0] - height + 1))
    left = int(random.integers(0, shape[1] - width + 1))
    rectangle = np.zeros(shape[:2], bool)
    rectangle[top : top + height, left : left + width] = True
    return rectangle


def _frame(
    photo: Photo,
    person: BoolPixels,
    recipe: CropRecipe,
    *,
    jitter: float = 0.0,
    random: np.random.Generator | None = None,
) -> CropFrame:
    box = Mask(person).box()
    if random is not None:
        dx, dy = box.width * jitter, box.height * jitter
        left, right = random.normal(0, dx, 2)
        top, bottom = random.normal(0, dy, 2)
        box = Box(box.x0 - left, box.y0 - top, box.x1 + right, box.y1 + bottom)
    return frame_person(box, width=photo.width, height=photo.height, recipe=recipe)


def _turn(frame: CropFrame, degrees: float) -> npt.NDArray[np.float64]:
    centre = (frame.recipe.width_px / 2, frame.recipe.height_px / 2)
    return np.asarray(cv2.getRotationMatrix2D(centre, degrees, 1.0), np.float64)


def _warp(pixels: Any, turn: npt.NDArray[np.float64], how: int) -> Any:
    size = (pixels.shape[1], pixels.shape[0])
    corners = (GREY, GREY, GREY) if pixels.ndim == 3 else 0
    return cv2.warpAffine(pixels, turn, size, flags=how, borderValue=corners)


def _disturb_colours(pixels: Pixels, how: Augmentation, random: np.random.Generator) -> Pixels:
    if random.random() < how.colour:
        values = pixels.astype(np.float32)
        grey = values.mean(axis=2, keepdims=True)
        values = grey + (values - grey) * random.uniform(0.6, 1.4)
        values = (values - 128) * random.uniform(0.75, 1.25) + 128 + random.uniform(-25, 25)
        values *= random.uniform(0.92, 1.08, 3).astype(np.float32)
        pixels = np.clip(values, 0, 255).astype(np.uint8)
    if random.random() < how.blur:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), random.uniform(0.4, 1.2)))
    if random.random() < how.jpeg:
        quality = int(random.integers(35, 90))
        pixels = decode_photo(encode_jpeg(Photo(pixels), quality=quality)).pixels
    return pixels
