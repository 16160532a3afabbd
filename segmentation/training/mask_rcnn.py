"""Train Mask R-CNN: our own loop on Fabric; checkpoints every few minutes, resumes where it stopped."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from segmentation.annotations.annotated_photo import AnnotatedPhoto
from segmentation.errors import AnnotationError
from segmentation.mask_rcnn.architecture import NORMALISATION, Architecture
from segmentation.mask_rcnn.network import MaskRCNN, build_network
from segmentation.training.checkpoint import load_checkpoint, save_checkpoint
from segmentation.training.data import Batch, InstanceDataset, batches_ahead
from segmentation.training.placement import Canvas
from segmentation.training.progress import TrainingProgress, training_progress
from segmentation.training.schedule import one_cycle

CHECKPOINT = "checkpoint.pt"
_FROZEN_STAGES = ("0", "1", "2")


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides a training, apart from data and initial weights."""

    architecture: Architecture = Architecture.MOBILENET_V2_FPN
    height: int = 576
    width: int = 384
    epochs: int = 8
    batch: int = 4
    learning_rate: float = 6e-4
    backbone_learning_rate: float = 2.5e-4
    weight_decay: float = 1e-2
    seed: int = 0
    extra_share: float = 0.3
    checkpoint_seconds: float = 180.0

    def continued(self) -> Recipe:
        """The same from a trained version: at half the rate, so that what it knows is not undone."""
        return replace(
            self,
            learning_rate=self.learning_rate / 2,
            backbone_learning_rate=self.backbone_learning_rate / 2,
        )

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "architecture": self.architecture.value}


def train_mask_rcnn(
    photos: Sequence[AnnotatedPhoto],
    categories: Sequence[str],
    *,
    extra: Sequence[AnnotatedPhoto] = (),
    recipe: Recipe,
    initial: Mapping[str, Tensor] | None,
    work_dir: Path,
) -> MaskRCNN:
    """Train on ``photos``, and on a new random share of ``extra`` each epoch.

    ``work_dir`` keeps the checkpoint and a log of losses; a killed training called again with the
    same arguments goes on where it stopped.

    Raises:
        AnnotationError: no photo.
    """
    if not photos:
        raise AnnotationError("no annotated photo to train on")
    work_dir.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    fabric = Fabric(accelerator="auto", devices=1, precision="bf16-mixed")
    network = build_network(recipe.architecture, classes=len(categories))
    if initial is not None:
        network.load_state_dict(dict(initial), strict=False)
    _freeze_stem(network, recipe.architecture)
    network = network.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(_parameter_groups(network, recipe))
    steps = _Steps(len(photos), len(extra), recipe)
    schedule = one_cycle(optimiser, steps.total)
    done = _resume(work_dir / CHECKPOINT, network, optimiser, schedule, recipe)
    loop = _Loop(fabric, network, optimiser, schedule, recipe, work_dir / CHECKPOINT)
    dataset = InstanceDataset(
        [*photos, *extra], categories, Canvas(recipe.height, recipe.width), seed=recipe.seed
    )
    with training_progress(work_dir / "log.jsonl", total=steps.total, done=done) as progress:
        for epoch in range(done // steps.per_epoch, recipe.epochs):
            dataset.epoch = epoch
            order = steps.order(epoch)[done % steps.per_epoch * recipe.batch :]
            done = loop.run_epoch(
                batches_ahead(dataset, order, recipe.batch), done, progress, epoch
            )
    loop.save(done)
    return network


@dataclass(frozen=True, slots=True)
class _Steps:
    """Which photos make which step: a function of the seed alone."""

    photos: int
    extra: int
    recipe: Recipe

    @property
    def extra_per_epoch(self) -> int:
        return min(self.extra, round(self.photos * self.recipe.extra_share))

    @property
    def per_epoch(self) -> int:
        return -(-(self.photos + self.extra_per_epoch) // self.recipe.batch)

    @property
    def total(self) -> int:
        return self.per_epoch * self.recipe.epochs

    def order(self, epoch: int) -> list[int]:
        rng = np.random.default_rng((self.recipe.seed, epoch))
        drawn = rng.choice(self.extra, self.extra_per_epoch, replace=False) + self.photos
        mixed = np.concatenate([np.arange(self.photos), drawn]).astype(int)
        return [int(index) for index in rng.permutation(mixed)]


class _Loop:
    def __init__(
        self,
        fabric: Fabric,
        network: MaskRCNN,
        optimiser: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LRScheduler,
        recipe: Recipe,
        checkpoint: Path,
    ) -> None:
        self._fabric = fabric
        self._network = network.to(fabric.device)
        self._optimiser = optimiser
        self._schedule = schedule
        self._recipe = recipe
        self._checkpoint = checkpoint
        self._saved_at = time.monotonic()
        normalisation = NORMALISATION[recipe.architecture]
        self._mean = torch.tensor(normalisation.mean, device=fabric.device).view(1, 3, 1, 1)
        self._std = torch.tensor(normalisation.std, device=fabric.device).view(1, 3, 1, 1)

    def run_epoch(
        self,
        batches: Iterable[Batch],
        done: int,
        progress: TrainingProgress,
        epoch: int,
    ) -> int:
        self._network.train()
        sums: dict[str, float] = {}
        count = 0
        for images, targets in batches:
            losses = self._step(images, targets)
            done += 1
            count += 1
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value
            mean = sum(sums.values()) / count
            progress.advance(f"epoch {epoch + 1}/{self._recipe.epochs} loss {mean:.3f}")
            if time.monotonic() - self._saved_at > self._recipe.checkpoint_seconds:
                self.save(done)
        means = {name: round(value / count, 4) for name, value in sums.items()} if count else {}
        progress.note(epoch=epoch + 1, step=done, losses=means)
        self.save(done)
        return done

    def _step(self, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, float]:
        device = self._fabric.device
        images = (images.to(device).float() - self._mean) / self._std
        images = images.contiguous(memory_format=torch.channels_last)
        targets = [{k: v.to(device) for k, v in target.items()} for target in targets]
        with self._fabric.autocast():
            losses = self._network.losses(images, targets)
            total = torch.stack(list(losses.values())).sum()
        self._optimiser.zero_grad(set_to_none=True)
        if torch.isfinite(total):
            self._fabric.backward(total)
            nn.utils.clip_grad_norm_(self._network.parameters(), 5.0)
            self._optimiser.step()
        self._schedule.step()
        return {name: float(value.detach()) for name, value in losses.items()}

    def save(self, done: int) -> None:
        state = {
            "recipe": self._recipe.as_json(),
            "done": done,
            "network": self._network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "schedule": self._schedule.state_dict(),
            "rng": torch.get_rng_state(),
        }
        save_checkpoint(self._checkpoint, state)
        self._saved_at = time.monotonic()


def _resume(
    path: Path,
    network: MaskRCNN,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    recipe: Recipe,
) -> int:
    state = load_checkpoint(path)
    if state is None or state["recipe"] != recipe.as_json():
        return 0
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    schedule.load_state_dict(state["schedule"])
    torch.set_rng_state(state["rng"])
    return int(state["done"])


def _freeze_stem(network: MaskRCNN, architecture: Architecture) -> None:
    """The first stages see edges and colours: ImageNet's serve, and their gradients cost most."""
    if architecture is Architecture.MOBILENET_V2_FPN:
        for stage in _FROZEN_STAGES:
            network.backbone.body[stage].requires_grad_(False)


def _parameter_groups(network: MaskRCNN, recipe: Recipe) -> list[dict[str, Any]]:
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            key = (name.startswith("backbone.body"), parameter.ndim > 1)
            groups.setdefault(key, []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": recipe.backbone_learning_rate if body else recipe.learning_rate,
            "weight_decay": recipe.weight_decay if decays else 0.0,
        }
        for (body, decays), parameters in groups.items()
    ]
