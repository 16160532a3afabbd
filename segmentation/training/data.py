"""Annotated photos → fixed-size training samples, altered anew every epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from segmentation.annotations.annotated_photo import AnnotatedPhoto, Instance
from segmentation.evaluation.metrics import merged_names
from segmentation.garment import Box
from segmentation.labels import PERSON, category_of, merge_for_annotation
from segmentation.photo import Photo, Pixels
from segmentation.training.ignoring import IGNORED
from segmentation.training.placement import (
    Canvas,
    Matrix,
    beside,
    close_up,
    random_placement,
    warped,
)

_MIN_INSTANCE_PX = 12
_PAIR_SHARE = 0.12
_CLOSE_SHARE = 0.2
_GAIN = 0.06
_BRIGHTNESS = 0.2
_CONTRAST = 0.2
_SATURATION = 0.25


Batch = tuple[Tensor, list[dict[str, Tensor]]]


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """``pixels``: the canvas, HWC uint8 RGB. ``masks``: label number and HW uint8, 1 = the thing.

    Label 0 is a region where nothing is learned, not even background.
    """

    pixels: Pixels
    masks: list[tuple[int, npt.NDArray[np.uint8]]]


class InstanceDataset:
    """Samples ``(image CHW uint8 RGB, target)`` for `MaskRCNN.losses`, the image to be normalised.

    A sample depends on seed, epoch and photo alone, so that a resumed training sees the same.
    A crowd is not learned: its box is one of the target's ``ignored``. So is that of a thing whose
    annotator did not look for all ``categories``: it may be one of them, under another name.
    """

    def __init__(
        self,
        photos: Sequence[AnnotatedPhoto],
        categories: Sequence[str],
        canvas: Canvas,
        *,
        seed: int,
    ) -> None:
        self._photos = photos
        self._labels = {name: number for number, name in enumerate(categories, 1)}
        self._canvas = canvas
        self._seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self._photos)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        rng = np.random.default_rng((self._seed, self.epoch, index))
        chance = rng.random()
        if chance < _PAIR_SHARE:
            other = int(rng.integers(len(self._photos)))
            placed = self._pair(rng, self._photos[index], self._photos[other])
        else:
            photo, instances = self._read(self._photos[index])
            close = chance < _PAIR_SHARE + _CLOSE_SHARE
            if close and (focus := _any_garment(rng, instances)):
                matrix = close_up(rng, photo.width, photo.height, self._canvas, of=focus)
            else:
                matrix = random_placement(rng, photo.width, photo.height, self._canvas)
            placed = self._warp(photo, instances, matrix)
        chw = np.ascontiguousarray(alter_light(rng, placed.pixels).transpose(2, 0, 1))
        return torch.from_numpy(chw), self._target(placed)

    def batch(self, indices: Sequence[int]) -> Batch:
        """The samples of these indices: images (n, 3, H, W) uint8, and a target each."""
        samples = [self[index] for index in indices]
        return torch.stack([image for image, _ in samples]), [target for _, target in samples]

    def _read(self, annotated: AnnotatedPhoto) -> tuple[Photo, list[Instance]]:
        photo, instances = annotated.read()
        if annotated.labelled >= self._labels.keys():
            return photo, [one for one in instances if one.category in self._labels]
        learned = learned_names(annotated.labelled, tuple(self._labels))
        return photo, [_as_learned(one, learned.get(one.category)) for one in instances]

    def _pair(
        self, rng: np.random.Generator, left: AnnotatedPhoto, right: AnnotatedPhoto
    ) -> _Placed:
        """Two photos side by side, what each shows in the middle of its half: two people."""
        middle = self._canvas.width // 2
        halves = []
        for annotated, at in ((left, 0.25), (right, 0.75)):
            photo, instances = self._read(annotated)
            boxes = [instance.mask.box() for instance in instances if instance.mask.area]
            focus = _around(boxes) if boxes else Box(0, 0, photo.width, photo.height)
            matrix = beside(rng, photo.width, photo.height, self._canvas, of=focus, at=at)
            halves.append(self._warp(photo, instances, matrix))
        pixels = halves[0].pixels
        pixels[:, middle:] = halves[1].pixels[:, middle:]
        for _, mask in halves[0].masks:
            mask[:, middle:] = 0
        for _, mask in halves[1].masks:
            mask[:, :middle] = 0
        return _Placed(pixels, halves[0].masks + halves[1].masks)

    def _warp(self, photo: Photo, instances: Sequence[Instance], matrix: Matrix) -> _Placed:
        size = (self._canvas.width, self._canvas.height)
        masks = []
        for instance in instances:
            label = 0 if instance.iscrowd else self._labels[instance.category]
            cloth = instance.mask.pixels.astype(np.uint8)
            mask = cv2.warpAffine(cloth, matrix, size, flags=cv2.INTER_NEAREST)
            masks.append((label, mask.astype(np.uint8)))
        return _Placed(warped(photo.pixels, matrix, self._canvas), masks)

    def _target(self, placed: _Placed) -> dict[str, Tensor]:
        boxes, labels, masks, ignored = [], [], [], []
        for label, mask in placed.masks:
            x, y, width, height = cv2.boundingRect(mask)
            if width < 3 or height < 3 or cv2.countNonZero(mask) < _MIN_INSTANCE_PX:
                continue
            if not label:
                ignored.append([x, y, x + width, y + height])
                continue
            boxes.append([x, y, x + width, y + height])
            labels.append(label)
            masks.append(mask)
        count = len(boxes)
        empty = np.zeros((0, self._canvas.height, self._canvas.width), np.uint8)
        return {
            "boxes": torch.tensor(boxes, dtype=torch.float32).reshape(count, 4),
            "labels": torch.tensor(labels, dtype=torch.int64),
            "masks": torch.from_numpy(np.stack(masks) if masks else empty),
            IGNORED: torch.tensor(ignored, dtype=torch.float32).reshape(len(ignored), 4),
        }


@cache
def learned_names(labelled: frozenset[str], classes: tuple[str, ...]) -> dict[str, str]:
    """A photo's name → the one class that it means; names that mean none or several are absent."""
    meant = [category_of(name) for name in classes]
    alone = {name: name for name in classes if meant.count(name) == 1}
    merges = merge_for_annotation(frozenset(classes)) or alone
    categories = {name: category_of(name) or name for name in labelled}
    by_category = {name: merges[of] for name, of in categories.items() if of in merges}
    merged = merged_names(sorted(labelled), frozenset(classes))
    return {**by_category, **merged, **{name: name for name in classes}}


def _as_learned(instance: Instance, name: str | None) -> Instance:
    return replace(instance, category=name) if name else replace(instance, iscrowd=True)


def _any_garment(rng: np.random.Generator, instances: Sequence[Instance]) -> Box | None:
    """The box of one garment; a person's would be the whole photo again."""
    garments = [i for i in instances if i.category != PERSON and not i.iscrowd and i.mask.area]
    return garments[int(rng.integers(len(garments)))].mask.box() if garments else None


def _around(boxes: Sequence[Box]) -> Box:
    return Box(
        min(box.x0 for box in boxes),
        min(box.y0 for box in boxes),
        max(box.x1 for box in boxes),
        max(box.y1 for box in boxes),
    )


def alter_light(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """Change white balance, brightness, contrast and saturation a little. HWC uint8 RGB."""
    gain = rng.uniform(1 - _GAIN, 1 + _GAIN, 3) * rng.uniform(1 - _BRIGHTNESS, 1 + _BRIGHTNESS)
    saturation = rng.uniform(1 - _SATURATION, 1 + _SATURATION)
    contrast = rng.uniform(1 - _CONTRAST, 1 + _CONTRAST)
    # All three are linear, so one 3×4 matrix does them in one pass.
    towards_grey = saturation * np.eye(3) + (1 - saturation) / 3
    matrix = np.zeros((3, 4))
    matrix[:, :3] = contrast * towards_grey @ np.diag(gain)
    matrix[:, 3] = (1 - contrast) * float(cv2.mean(pixels)[1])
    return np.asarray(cv2.transform(pixels, matrix), dtype=np.uint8)
