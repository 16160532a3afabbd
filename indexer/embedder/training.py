"""The Siamese network's training: two views of a garment together, other garments apart.

NT-Xent (Chen et al. 2020, eq. 1) over batches of few categories, so that the negatives are
garments that a shopper could confuse; recoloured copies are negatives that only colour tells apart.
Every batch follows from the seed and its number, so that a resumed run repeats the broken one.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.fabric import Fabric
from pytorch_metric_learning.losses import NTXentLoss
from torch import Tensor

from indexer.embedder.items import CropStore
from indexer.embedder.network import DIMENSION, SiameseNetwork
from indexer.embedder.siamese import preprocess
from indexer.embedder.views import TRAINING, make_view, plain_view, recolour
from segmentation.errors import ModelError
from segmentation.garment import Cutout
from segmentation.photo import Pixels
from segmentation.training.ahead import made_ahead
from segmentation.training.checkpoint import load_checkpoint, save_checkpoint

_STREET = replace(TRAINING, uncut_share=0.02)
_STANDARDISED_CROPS = 512
_WARM_SHARE = 0.15
_FIGURES = ("r@1", "r@5", "r@10", "mrr")


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """Everything that decides the result beside the data; kept in the card."""

    epochs: int = 4
    size_px: int = 160
    garments_a_batch: int = 64
    categories_a_batch: int = 4
    recolours_a_batch: int = 8
    temperature: float = 0.07
    head_rate: float = 2e-3
    backbone_rate: float = 2e-4
    weight_decay: float = 1e-2
    seed: int = 0
    precision: str = "bf16-mixed"
    checkpoint_seconds: float = 150.0


@dataclass(frozen=True, slots=True)
class TrainingState:
    """What progress is shown from."""

    step: int
    steps: int
    epoch: int
    loss: float
    seconds_left: float


Report = Callable[[TrainingState], None]


def train_network(
    network: SiameseNetwork,
    store: CropStore,
    *,
    plan: TrainingPlan,
    folder: Path,
    start: str,
    report: Report | None = None,
    stop_after: int | None = None,
) -> SiameseNetwork:
    """Train in place and return the network in eval mode, in float32 on the CPU.

    ``start`` names the initial weights: a checkpoint in ``folder`` of the same plan, data and start
    is resumed. ``stop_after`` ends this call (with a checkpoint) after that many steps in all.

    Raises:
        ModelError: fewer than two garments to tell apart, or the loss is no number.
    """
    training = Items(store)
    batches = batch_plan(training, plan)
    torch.manual_seed(plan.seed)
    fabric = Fabric(accelerator="auto", devices=1, precision=plan.precision)  # type: ignore[arg-type]
    network.to(memory_format=torch.channels_last)
    model, optimizer = fabric.setup(network, _optimizer(network, plan))
    checkpoint = folder / f"checkpoint-{_run_name(plan, store, start)}.pt"
    loss_function = NTXentLoss(temperature=plan.temperature)
    first = _resume(checkpoint, network, optimizer)
    network.train()
    began = saved = time.monotonic()
    last = min(len(batches), stop_after or len(batches))
    steps = range(first, last)
    made = made_ahead(
        lambda step: training.batch(batches[step], step=step, plan=plan), steps, ahead=2
    )
    for step, (cutouts, labels) in zip(steps, made, strict=True):
        _set_rates(optimizer, plan, (step + 1) / len(batches))
        vectors = model(fabric.to_device(cutouts)).float()
        loss = loss_function(vectors, labels.to(vectors.device))
        value = float(loss.detach())
        if not math.isfinite(value):
            raise ModelError(f"the loss is {value} at step {step}: lower the learning rates")
        optimizer.zero_grad()
        fabric.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        now = time.monotonic()
        if report:
            left = (now - began) / (step + 1 - first) * (len(batches) - step - 1)
            epoch = step * plan.epochs // len(batches) + 1
            report(TrainingState(step + 1, len(batches), epoch, value, left))
        if now - saved > plan.checkpoint_seconds or step + 1 == last:
            _save(checkpoint, network, optimizer, step + 1)
            saved = now
    return network.cpu().eval()


class Items:
    """The garments of a store that may be trained on, and their batches."""

    def __init__(self, store: CropStore) -> None:
        self._pixels = store.pixels
        rows: dict[str, list[int]] = defaultdict(list)
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
        return len(self._rows[name]) > 1

    def _two_crops(self, name: str, generator: np.random.Generator) -> tuple[Pixels, Pixels]:
        """Two photos of the garment where there are two: flat and worn, front and back."""
        rows = generator.permutation(self._rows[name])
        return np.asarray(self._pixels[rows[0]]), np.asarray(self._pixels[rows[1 % len(rows)]])

    def _view(
        self, name: str, crop: Pixels, generator: np.random.Generator, plan: TrainingPlan
    ) -> Cutout:
        # A street garment uncut shows its neighbours, which another item is cut from.
        recipe = _STREET if name.startswith("street/") else TRAINING
        return make_view(crop, size_px=plan.size_px, generator=generator, recipe=recipe)


def batch_plan(items: Items, plan: TrainingPlan) -> list[tuple[str, ...]]:
    """The garments of every batch of every epoch, each batch from few categories.

    Products with several photos (flat and worn) stand among each other: only there does a worn
    garment meet others that were photographed in the same way.
    """
    batches: list[tuple[str, ...]] = []
    group_size = max(1, plan.garments_a_batch // plan.categories_a_batch)
    for epoch in range(plan.epochs):
        generator = np.random.default_rng((plan.seed, 3, epoch))
        by_kind: dict[tuple[str, bool], list[str]] = defaultdict(list)
        for name in map(str, generator.permutation(items.names)):
            by_kind[items.category[name], items.has_several_photos(name)].append(name)
        groups: list[list[str]] = []
        rest: list[list[str]] = []
        for names in by_kind.values():
            for start in range(0, len(names), group_size):
                group = names[start : start + group_size]
                (groups if len(group) == group_size else rest).append(group)
        order = [groups[i] for i in generator.permutation(len(groups))] + rest
        names_in_order = [name for group in order for name in group]
        for start in range(0, len(names_in_order), plan.garments_a_batch):
            batch = tuple(names_in_order[start : start + plan.garments_a_batch])
            if len(batch) > 1:
                batches.append(batch)
    return batches


def to_tensor(cutouts: Sequence[Cutout], size_px: int) -> Tensor:
    """Cut-outs as the network reads them, (n, 4, s, s), channels last in memory."""
    stacked = np.stack([preprocess(cutout, size_px=size_px) for cutout in cutouts])
    return torch.from_numpy(stacked).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def embed_with(network: SiameseNetwork, cutouts: Iterator[Cutout], *, size_px: int) -> Tensor:
    """(n, 256) float32 of a network in eval mode, 64 cut-outs at a time."""
    vectors, batch = [torch.zeros(0, DIMENSION)], []
    for cutout in cutouts:
        batch.append(cutout)
        if len(batch) == 64:
            vectors.append(network(to_tensor(batch, size_px)))
            batch = []
    if batch:
        vectors.append(network(to_tensor(batch, size_px)))
    return torch.cat(vectors)


def held_out_retrieval(
    network: SiameseNetwork, store: CropStore, *, plan: TrainingPlan
) -> dict[str, Any]:
    """How often held-out garments are found among themselves and every product trained on.

    Garments of street photos, each sought by its picture; the product is an altered view of it.
    ``worn``: products that were also photographed worn, each sought by that; None without them.
    ``{"queries", "gallery", "r@1", "r@5", "r@10", "mrr", "worn"}``; zeros where nothing is held out.
    """
    rows: dict[str, list[int]] = defaultdict(list)
    for row, crop in enumerate(store.crops):
        if crop.validation:
            rows[crop.item].append(row)
    others = [
        row
        for row, crop in enumerate(store.crops)
        if crop.item.startswith("catalog/") and not crop.validation
    ]
    size = plan.size_px
    recipe = replace(TRAINING, uncut_share=0.0, hidden_share=0.0, rough_share=0.0)
    generator = np.random.default_rng(7)

    def plain(chosen: Iterable[int]) -> Tensor:
        return embed_with(
            network, (plain_view(store.pixels[row], size_px=size) for row in chosen), size_px=size
        )

    def altered(row: int) -> Cutout:
        return make_view(store.pixels[row], size_px=size, generator=generator, recipe=recipe)

    network.eval()
    gallery = plain(others)
    seen = [rows[item] for item in sorted(rows) if not item.startswith("catalog/")]
    queries = plain(item[0] for item in seen)
    targets = embed_with(network, (altered(item[-1]) for item in seen), size_px=size)
    figures: dict[str, Any] = _figures(queries, targets, gallery)
    # Photos of the product come before those of it worn.
    worn = [rows[item] for item in sorted(rows) if item.startswith("catalog/")]
    figures["worn"] = None
    if worn:
        queries, targets = plain(item[-1] for item in worn), plain(item[0] for item in worn)
        figures["worn"] = _figures(queries, targets, gallery)
    return figures


def _figures(queries: Tensor, targets: Tensor, others: Tensor) -> dict[str, float]:
    scores = queries @ torch.cat([targets, others]).T
    if not len(queries):
        return {"queries": 0, "gallery": scores.shape[1], **dict.fromkeys(_FIGURES, 0.0)}
    ranks = (scores > scores.diagonal()[:, None]).sum(dim=1).float() + 1
    shares = [float((ranks <= k).float().mean()) for k in (1, 5, 10)]
    values = dict(zip(_FIGURES, [*shares, float((1 / ranks).mean())], strict=True))
    return {
        "queries": len(queries),
        "gallery": scores.shape[1],
        **{name: round(value, 4) for name, value in values.items()},
    }


def _optimizer(network: SiameseNetwork, plan: TrainingPlan) -> torch.optim.AdamW:
    head = [*network.head.parameters(), *network.colour.parameters()]
    backbone = [value for value in network.features.parameters() if value.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": backbone, "lr": plan.backbone_rate},
        {"params": head, "lr": plan.head_rate},
    ]
    return torch.optim.AdamW(groups, weight_decay=plan.weight_decay)


def _set_rates(optimizer: Any, plan: TrainingPlan, share: float) -> None:
    """One cycle (Smith 2018) from the share of the run alone, so that resuming needs no state."""
    if share < _WARM_SHARE:
        factor = share / _WARM_SHARE
    else:
        factor = 0.5 * (1 + math.cos(math.pi * (share - _WARM_SHARE) / (1 - _WARM_SHARE)))
    rates = (plan.backbone_rate, plan.head_rate)
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate * max(factor, 1e-3)


def _run_name(plan: TrainingPlan, store: CropStore, start: str) -> str:
    description = json.dumps([asdict(plan), store.fingerprint, len(store.crops), start])
    return hashlib.sha256(description.encode()).hexdigest()[:12]


def _resume(path: Path, network: SiameseNetwork, optimizer: Any) -> int:
    state = load_checkpoint(path)
    if state is None:
        return 0
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])


def _save(path: Path, network: SiameseNetwork, optimizer: Any, step: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    network_state, optimizer_state = network.state_dict(), optimizer.state_dict()
    save_checkpoint(path, {"network": network_state, "optimizer": optimizer_state, "step": step})
