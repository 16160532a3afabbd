"""Batches that the embedder learns from: two views of each garment, among garments like it.

A batch is of few categories and of garments that the initial network finds alike, so that the
negatives are what a shopper could confuse; recoloured copies are negatives that only colour tells
apart. Every batch follows from the seed and its number, so that a resumed run repeats the broken one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from indexer.embedder.base import Vectors
from indexer.embedder.crop_store import CropStore
from indexer.embedder.items import Cut
from indexer.embedder.siamese import preprocess
from indexer.embedder.views import TRAINING, make_view, plain_view, recolour
from segmentation.errors import ModelError
from segmentation.garment import Cutout
from segmentation.photo import Pixels

_STREET = replace(TRAINING, uncut_share=0.02)
_STANDARDISED_CROPS = 512
# Garments alike are sought among so many times a group's size: nearest of all would be copies.
_SOUGHT_AMONG = 8


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """Everything that decides the result beside the data; kept in the card.

    ``size_px``: of the views it learns from; ``served_px``: of the cut-outs that the exported graph
    takes. Larger ones show more of a cloth and find more, without longer training (docs/models.md).
    """

    epochs: int = 4
    size_px: int = 160
    served_px: int = 192
    garments_a_batch: int = 64
    categories_a_batch: int = 4
    recolours_a_batch: int = 8
    temperature: float = 0.07
    head_rate: float = 2e-3
    backbone_rate: float = 2e-4
    weight_decay: float = 1e-2
    averaged_share: float = 0.1
    seed: int = 0
    precision: str = "bf16-mixed"
    checkpoint_seconds: float = 150.0


class Items:
    """The garments of a store that may be trained on, and their batches."""

    def __init__(self, store: CropStore) -> None:
        self._pixels = store.pixels
        rows: dict[str, list[int]] = defaultdict(list)
        self._cuts = [crop.cut for crop in store.crops]
        self.category: dict[str, str] = {}
        for row, crop in enumerate(store.crops):
            if not crop.validation:
                rows[crop.item].append(row)
                self.category[crop.item] = crop.category
        if len(rows) < 2:
            raise ModelError("at least two garments are needed to train on")
        self.names = sorted(rows)
        self._rows = rows

    def standardising_batch(self, plan: TrainingPlan) -> Tensor:
        """A fixed sample of views, to measure the pooled features' spread on."""
        generator = np.random.default_rng((plan.seed, 1))
        names = generator.permutation(self.names)[:_STANDARDISED_CROPS]
        crops = [self._two_crops(name, generator)[0] for name in names]
        views = [
            self._view(name, crop, generator, plan) for name, crop in zip(names, crops, strict=True)
        ]
        return to_tensor(views, plan.size_px)

    def plain_views(self, size_px: int) -> Iterator[Cutout]:
        """The first photo of each garment, in the order of ``names``."""
        return (
            plain_view(self._pixels[self._rows[name][0]], size_px=size_px) for name in self.names
        )

    def batch(
        self, names: Sequence[str], *, step: int, plan: TrainingPlan
    ) -> tuple[Tensor, Tensor]:
        """Two views of each garment, then recoloured ones: (n, 4, s, s) and a label each."""
        generator = np.random.default_rng((plan.seed, 2, step))
        pairs = [self._two_crops(name, generator) for name in names]
        views = [
            self._view(name, pair[side], generator, plan)
            for side in range(2)
            for name, pair in zip(names, pairs, strict=True)
        ]
        for pair in pairs[: plan.recolours_a_batch]:
            other = recolour(pair[0], generator=generator)
            views.append(make_view(other, size_px=plan.size_px, generator=generator))
        own = torch.arange(len(names))
        labels = torch.cat([own, own, torch.arange(len(names), len(views) - len(names))])
        return to_tensor(views, plan.size_px), labels

    def has_several_photos(self, name: str) -> bool:
        return sum(self._cuts[row] != Cut.SERVED for row in self._rows[name]) > 1

    def _two_crops(self, name: str, generator: np.random.Generator) -> tuple[Pixels, Pixels]:
        """Two crops of the garment where there are two, cut in two ways where there are two ways.

        Flat and worn, as labelled and as found; else front and back.
        """
        rows = [int(row) for row in generator.permutation(self._rows[name])]
        first, others = rows[0], rows[1:] or rows
        otherwise = [row for row in others if self._cuts[row] != self._cuts[first]]
        second = (otherwise or others)[0]
        return np.asarray(self._pixels[first]), np.asarray(self._pixels[second])

    def _view(
        self, name: str, crop: Pixels, generator: np.random.Generator, plan: TrainingPlan
    ) -> Cutout:
        # A street garment uncut shows its neighbours, which another item is cut from.
        recipe = _STREET if name.startswith("street/") else TRAINING
        return make_view(crop, size_px=plan.size_px, generator=generator, recipe=recipe)


def batch_plan(items: Items, plan: TrainingPlan, vectors: Vectors) -> list[tuple[str, ...]]:
    """The garments of every batch of every epoch, each batch of few categories and of like garments.

    ``vectors``: float32 (n, d) of unit length in the order of ``items.names``: what is alike.
    Products with several photos (flat and worn) stand among each other: only there does a worn
    garment meet others that were photographed in the same way.
    """
    batches: list[tuple[str, ...]] = []
    group_size = max(1, plan.garments_a_batch // plan.categories_a_batch)
    for epoch in range(plan.epochs):
        generator = np.random.default_rng((plan.seed, 3, epoch))
        by_kind: dict[tuple[str, bool], list[int]] = defaultdict(list)
        for number in generator.permutation(len(items.names)).tolist():
            name = items.names[number]
            by_kind[items.category[name], items.has_several_photos(name)].append(number)
        groups: list[list[int]] = []
        rest: list[list[int]] = []
        for numbers in by_kind.values():
            for start in range(0, len(numbers), _SOUGHT_AMONG * group_size):
                among = numbers[start : start + _SOUGHT_AMONG * group_size]
                for group in groups_alike(vectors[among], group_size):
                    chosen = [among[place] for place in group]
                    (groups if len(chosen) == group_size else rest).append(chosen)
        order = [groups[i] for i in generator.permutation(len(groups))] + rest
        names_in_order = [items.names[number] for group in order for number in group]
        for start in range(0, len(names_in_order), plan.garments_a_batch):
            batch = tuple(names_in_order[start : start + plan.garments_a_batch])
            if len(batch) > 1:
                batches.append(batch)
    return batches


def groups_alike(vectors: Vectors, size: int) -> list[list[int]]:
    """Rows in groups of ``size``: the first one left and those most like it, again and again."""
    left = list(range(len(vectors)))
    groups = []
    while left:
        likeness = vectors[left] @ vectors[left[0]]
        likeness[0] = np.inf
        nearest = np.argsort(-likeness, kind="stable")[:size]
        groups.append([left[place] for place in nearest])
        taken = set(groups[-1])
        left = [row for row in left if row not in taken]
    return groups


def to_tensor(cutouts: Sequence[Cutout], size_px: int) -> Tensor:
    """Cut-outs as the network reads them, (n, 4, s, s), channels last in memory."""
    stacked = np.stack([preprocess(cutout, size_px=size_px) for cutout in cutouts])
    return torch.from_numpy(stacked).contiguous(memory_format=torch.channels_last)
