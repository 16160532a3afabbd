"""Annotated photos → fixed-size training samples, altered anew every epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from segmentation.annotations.annotated_photo import AnnotatedPhoto, Instance
from segmentation.letterbox import GREY, Letterbox
from segmentation.photo import Pixels

_MIN_INSTANCE_PX = 12
_SCALE_RANGE = (0.8, 1.25)
_SHIFT = 0.08
_GAIN = 0.06
_BRIGHTNESS = 0.2
_CONTRAST = 0.2
_SATURATION = 0.25


@dataclass(frozen=True, slots=True)
class Canvas:
    """The network's input size in pixels."""

    height: int
    width: int


Batch = tuple[Tensor, list[dict[str, Tensor]]]


class InstanceDataset:
    """Samples ``(image CHW uint8 RGB, target)`` for `MaskRCNN.losses`, the image to be normalised.

    A sample depends on seed, epoch and photo alone, so that a resumed training sees the same.
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
        annotated = self._photos[index]
        photo, instances = annotated.read()
        pixels = photo.pixels
        matrix = random_placement(rng, pixels.shape[1], pixels.shape[0], self._canvas)
        size = (self._canvas.width, self._canvas.height)
        warped = cv2.warpAffine(
            pixels, matrix, size, flags=cv2.INTER_AREA, borderValue=(GREY, GREY, GREY)
        )
        image = alter_light(rng, warped.astype(np.uint8))
        chw = np.ascontiguousarray(image.transpose(2, 0, 1))
        return torch.from_numpy(chw), self._target(instances, matrix, size)

    def _target(
        self, instances: Sequence[Instance], matrix: npt.NDArray[Any], size: tuple[int, int]
    ) -> dict[str, Tensor]:
        boxes, labels, masks = [], [], []
        for instance in instances:
            if instance.iscrowd or instance.category not in self._labels:
                continue
            pixels = instance.mask.pixels.astype(np.uint8)
            mask = cv2.warpAffine(pixels, matrix, size, flags=cv2.INTER_NEAREST)
            x, y, width, height = cv2.boundingRect(mask)
            if width < 3 or height < 3 or cv2.countNonZero(mask) < _MIN_INSTANCE_PX:
                continue
            boxes.append([x, y, x + width, y + height])
            labels.append(self._labels[instance.category])
            masks.append(mask)
        count = len(boxes)
        stacked = np.stack(masks) if masks else np.zeros((0, size[1], size[0]), np.uint8)
        return {
            "boxes": torch.tensor(boxes, dtype=torch.float32).reshape(count, 4),
            "labels": torch.tensor(labels, dtype=torch.int64),
            "masks": torch.from_numpy(stacked),
        }


def batches_ahead(
    dataset: InstanceDataset, order: Sequence[int], size: int, *, ahead: int = 3
) -> Iterator[Batch]:
    """Batches in the given order, read in a thread ``ahead`` of the training.

    A thread, because decoding and warping release the interpreter and a forked worker of a process
    that has run OpenMP crashes.
    """
    chunks = [order[start : start + size] for start in range(0, len(order), size)]
    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(_batch, dataset, chunk) for chunk in chunks[:ahead]]
        for number in range(len(chunks)):
            batch = waiting.pop(0).result()
            if number + ahead < len(chunks):
                waiting.append(pool.submit(_batch, dataset, chunks[number + ahead]))
            yield batch


def _batch(dataset: InstanceDataset, indices: Sequence[int]) -> Batch:
    samples = [dataset[index] for index in indices]
    return torch.stack([image for image, _ in samples]), [target for _, target in samples]


def random_placement(
    rng: np.random.Generator, width: int, height: int, canvas: Canvas
) -> npt.NDArray[np.float64]:
    """2×3 matrix, picture → canvas: the letterbox, then scaled, shifted and mirrored at random."""
    box = Letterbox.fit(
        picture_width=width, picture_height=height, width=canvas.width, height=canvas.height
    )
    factor = rng.uniform(*_SCALE_RANGE)
    scale = box.scale * factor
    dx = (canvas.width - width * scale) / 2 + rng.uniform(-_SHIFT, _SHIFT) * canvas.width
    dy = (canvas.height - height * scale) / 2 + rng.uniform(-_SHIFT, _SHIFT) * canvas.height
    if rng.random() < 0.5:
        return np.array([[-scale, 0, dx + width * scale], [0, scale, dy]])
    return np.array([[scale, 0, dx], [0, scale, dy]])


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
