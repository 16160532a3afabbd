"""The Siamese network's training: two views of a garment together, other garments apart.

NT-Xent (Chen et al. 2020, eq. 1); a killed training resumes where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.fabric import Fabric
from pytorch_metric_learning.losses import NTXentLoss
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from indexer.embedder.base import Vectors
from indexer.embedder.crop_store import CropStore
from indexer.embedder.items import Cut
from indexer.embedder.network import DIMENSION, SiameseNetwork
from indexer.embedder.training_batches import Items, TrainingPlan, batch_plan, to_tensor
from indexer.embedder.views import TRAINING, make_view, plain_view
from segmentation.errors import ModelError
from segmentation.garment import Cutout
from segmentation.training.ahead import made_ahead
from segmentation.training.checkpoint import load_checkpoint, save_checkpoint
from segmentation.training.exponential_mean import exponential_mean_of

_WARM_SHARE = 0.15
_FIGURES = ("r@1", "r@5", "r@10", "mrr")


@dataclass(frozen=True, slots=True)
class TrainingState:
    """What progress is shown from."""

    step: int
    steps: int
    epoch: int
    loss: float
    seconds_left: float


Report = Callable[[TrainingState], None]
LossFunction = Callable[[Tensor, Tensor], Tensor]


def train_network(
    network: SiameseNetwork,
    store: CropStore,
    *,
    plan: TrainingPlan,
    folder: Path,
    start: str,
    report: Report | None = None,
    stop_after: int | None = None,
    loss_function: LossFunction | None = None,
) -> SiameseNetwork:
    """Train in place and return the network in eval mode, in float32 on the CPU.

    ``start`` names the initial weights: a checkpoint in ``folder`` of the same plan, data and start
    is resumed. ``stop_after`` ends this call (with a checkpoint) after that many steps in all.
    ``loss_function`` of vectors and labels; None: NT-Xent at the plan's temperature.

    Raises:
        ModelError: fewer than two garments to tell apart, or the loss is no number.
    """
    training = Items(store)
    name = _run_name(plan, store, start)
    at_start = _vectors_at_start(network, training, plan, folder / f"start-{name}.npy")
    batches = batch_plan(training, plan, at_start)
    torch.manual_seed(plan.seed)
    fabric = Fabric(accelerator="auto", devices=1, precision=plan.precision)  # type: ignore[arg-type]
    network.to(memory_format=torch.channels_last)
    model, optimizer = fabric.setup(network, _optimizer(network, plan))
    checkpoint = folder / f"checkpoint-{name}.pt"
    loss_function = loss_function or NTXentLoss(temperature=plan.temperature)
    averaged = exponential_mean_of(network, plan.averaged_share * len(batches))
    first = _resume(checkpoint, network, averaged, optimizer)
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
        averaged.update_parameters(network)
        now = time.monotonic()
        if report:
            left = (now - began) / (step + 1 - first) * (len(batches) - step - 1)
            epoch = step * plan.epochs // len(batches) + 1
            report(TrainingState(step + 1, len(batches), epoch, value, left))
        if now - saved > plan.checkpoint_seconds or step + 1 == last:
            _save(checkpoint, network, averaged, optimizer, step + 1)
            saved = now
    network.load_state_dict(averaged.module.state_dict())
    return network.cpu().eval()


def _vectors_at_start(
    network: SiameseNetwork, items: Items, plan: TrainingPlan, cache: Path
) -> Vectors:
    """Of every garment, by the initial weights; kept for a resumed run, whose weights are others."""
    if cache.is_file():
        kept: Vectors = np.load(cache)
        return kept
    network.eval()
    vectors = embed_with(network, items.plain_views(plan.size_px), size_px=plan.size_px).numpy()
    cache.parent.mkdir(parents=True, exist_ok=True)
    temporary = cache.with_suffix(".tmp.npy")
    np.save(temporary, vectors)
    temporary.replace(cache)
    return vectors


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
    ``{"queries", "gallery", "r@1", "r@5", "r@10", "mrr", "worn"}``; without a garment held out there
    is no figure but the first two: a version is not worse for what was not measured.
    """
    rows: dict[str, list[int]] = defaultdict(list)
    others = []
    for row, crop in enumerate(store.crops):
        # As labelled alone: figures then do not hang on the segmenter.
        if crop.cut == Cut.SERVED:
            continue
        if crop.validation:
            rows[crop.item].append(row)
        elif crop.item.startswith("catalog/"):
            others.append(row)
    size = plan.served_px
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
        return {"queries": 0, "gallery": scores.shape[1]}
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


def _resume(path: Path, network: SiameseNetwork, averaged: AveragedModel, optimizer: Any) -> int:
    state = load_checkpoint(path)
    if state is None:
        return 0
    network.load_state_dict(state["network"])
    averaged.load_state_dict(state["averaged"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])


def _save(
    path: Path, network: SiameseNetwork, averaged: AveragedModel, optimizer: Any, step: int
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {
        "network": network.state_dict(),
        "averaged": averaged.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
    }
    save_checkpoint(path, state)
