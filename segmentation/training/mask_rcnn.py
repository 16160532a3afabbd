"""Train Mask R-CNN: our own loop on Fabric; checkpoints every few minutes, resumes where it stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from rich.console import Console
from torch import Tensor, nn

from segmentation.annotations.annotated_photo import AnnotatedPhoto
from segmentation.errors import AnnotationError
from segmentation.mask_rcnn.architecture import NORMALISATION, Architecture
from segmentation.mask_rcnn.network import CLASS_HEADS, MaskRCNN
from segmentation.training.ahead import made_ahead
from segmentation.training.checkpoint import load_checkpoint, save_checkpoint
from segmentation.training.data import InstanceDataset
from segmentation.training.devices import all_finite, average_gradients, open_fabric
from segmentation.training.early_stopping import Choice
from segmentation.training.exponential_mean import exponential_mean_of
from segmentation.training.ignoring import ignore_regions
from segmentation.training.placement import Canvas
from segmentation.training.progress import TrainingProgress, training_progress
from segmentation.training.recipe import Fresh, Recipe
from segmentation.training.sampling import Steps, repeat_factors
from segmentation.training.schedule import one_cycle

CHECKPOINT = "checkpoint.pt"
LOG = "log.jsonl"
_FROZEN_STAGES = ("0", "1", "2")
_CURVE_POINTS = 100
_MOST_GRADIENT = 5.0


@dataclass(frozen=True, slots=True)
class TrainingPhotos:
    """What there is to learn from.

    ``categories``: what is learned; nothing else that is drawn is.
    ``occurring``: the categories drawn in each of ``photos``; empty: all are shown equally often.
    """

    photos: Sequence[AnnotatedPhoto]
    categories: Sequence[str]
    extra: Sequence[AnnotatedPhoto] = ()
    occurring: Sequence[frozenset[str]] = ()

    def steps(self, recipe: Recipe) -> Steps:
        """What each step shows."""
        repeats = [1.0] * len(self.photos)
        if self.occurring and recipe.rare_share > 0:
            repeats = repeat_factors(self.occurring, rare_share=recipe.rare_share)
        return Steps(repeats, len(self.extra), recipe)


@dataclass(frozen=True, slots=True, eq=False)
class TrainedNetwork:
    """``curve``: (step, mean loss since the point before). ``history``: one entry an epoch.

    ``chosen_epoch``: from 1, whose weights these are; None when nothing was measured and the last
    was taken.
    """

    network: MaskRCNN
    curve: tuple[tuple[int, float], ...]
    history: tuple[dict[str, Any], ...]
    chosen_epoch: int | None


def train_mask_rcnn(
    network: MaskRCNN,
    data: TrainingPhotos,
    *,
    recipe: Recipe,
    work_dir: Path,
    fresh: Fresh = Fresh.NOTHING,
    measure: Callable[[MaskRCNN], float] | None = None,
    fabric: Fabric | None = None,
) -> TrainedNetwork:
    """Train on the photos, and on a new random share of the extra ones each epoch, in place.

    ``work_dir`` keeps the checkpoint and a log of losses; a killed training called again with the
    same arguments goes on where it stopped. The weights that come out are the mean of the last steps',
    each counting less than the one after it (Polyak, Juditsky 1992): single steps' are noisy.
    ``measure`` is asked about these after each epoch when the recipe has patience: the higher, the
    better.

    Raises:
        AnnotationError: no photo.
    """
    if not data.photos:
        raise AnnotationError("no annotated photo to train on")
    work_dir.mkdir(parents=True, exist_ok=True)
    fabric = fabric or open_fabric(precision=recipe.precision)
    ignore_regions(network)
    _freeze(network, recipe.architecture)
    network.to(memory_format=torch.channels_last)
    loop = _Loop(fabric, network, data, recipe, work_dir, fresh)
    loop.resume()
    log = work_dir / LOG
    console = Console(stderr=True, quiet=not fabric.is_global_zero)
    done, total = loop.state.done, loop.steps.total
    with training_progress(log, total=total, done=done, console=console) as progress:
        while loop.state.done < loop.steps.total and not loop.state.stopped:
            loop.run_epoch(progress, measure if recipe.patience else None)
    return loop.finish()


@dataclass(slots=True)
class _State:
    """Where a training stands: what a resumed one needs beside weights and optimiser."""

    done: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    point_sum: float = 0.0
    curve: list[tuple[int, float]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    highest: float = 0.0
    kept_epoch: int = 0
    stopped: bool = False


class _Loop:
    def __init__(
        self,
        fabric: Fabric,
        network: MaskRCNN,
        data: TrainingPhotos,
        recipe: Recipe,
        work_dir: Path,
        fresh: Fresh,
    ) -> None:
        self.state = _State()
        self.steps = data.steps(recipe)
        self._fabric = fabric
        self._network = network.to(fabric.device)
        self._recipe = recipe
        self._work_dir = work_dir
        self._optimiser = torch.optim.AdamW(_parameter_groups(network, recipe))
        self._stepper: Any = fabric.setup_optimizers(self._optimiser)
        self._schedule = one_cycle(self._optimiser, self.steps.total)
        self._dataset = InstanceDataset(
            [*data.photos, *data.extra],
            data.categories,
            Canvas(recipe.height, recipe.width),
            seed=recipe.seed,
        )
        self._trained = [one for one in network.parameters() if one.requires_grad]
        self._averaged = exponential_mean_of(
            self._network, recipe.averaged_share * self.steps.total
        )
        self._waiting = _not_fresh(network, fresh)
        share = recipe.heads_share if self._waiting else 0.0
        self._alone_until = round(share * self.steps.total)
        self._point = max(1, self.steps.total // _CURVE_POINTS)
        self._saved_at = time.monotonic()
        normalisation = NORMALISATION[recipe.architecture]
        self._mean = torch.tensor(normalisation.mean, device=fabric.device).view(1, 3, 1, 1)
        self._std = torch.tensor(normalisation.std, device=fabric.device).view(1, 3, 1, 1)

    def run_epoch(
        self, progress: TrainingProgress, measure: Callable[[MaskRCNN], float] | None
    ) -> None:
        """From where the state stands to the end of its epoch."""
        state, fabric = self.state, self._fabric
        epoch, first = divmod(state.done, self.steps.per_epoch)
        self._dataset.epoch = epoch
        batches = self.steps.batches(epoch, rank=fabric.global_rank, ranks=fabric.world_size)
        self._network.train()
        _hold_statistics(self._network)
        started = time.monotonic()
        for images, targets in made_ahead(self._dataset.batch, batches[first:]):
            self._take_note(self._step(images, targets))
            mean = sum(state.sums.values()) / (state.done - epoch * self.steps.per_epoch)
            progress.advance(f"epoch {epoch + 1}/{self._recipe.epochs} loss {mean:.3f}")
            now = time.monotonic()
            state.seconds += now - started
            started = now
            # The end of an epoch is saved with what it is worth.
            if (
                now - self._saved_at > self._recipe.checkpoint_seconds
                and state.done % self.steps.per_epoch
            ):
                self.save()
        self._end_epoch(epoch + 1, progress, measure)

    def finish(self) -> TrainedNetwork:
        """The network, with the averaged weights: of the epoch that was kept, or else the last."""
        state = self.state
        chosen = state.kept_epoch or None
        kept = load_checkpoint(self._kept(chosen)) if chosen else None
        self._network.load_state_dict(kept or self._average.state_dict())
        self._network.requires_grad_(True)
        return TrainedNetwork(self._network, tuple(state.curve), tuple(state.history), chosen)

    def resume(self) -> None:
        """Go on from the checkpoint of the same recipe, if there is one."""
        saved = load_checkpoint(self._work_dir / CHECKPOINT)
        if saved is not None and saved["recipe"] == self._recipe.as_json():
            self._network.load_state_dict(saved["network"])
            self._averaged.load_state_dict(saved["averaged"])
            self._optimiser.load_state_dict(saved["optimiser"])
            self._schedule.load_state_dict(saved["schedule"])
            self.state = _State(**saved["state"])

    def save(self) -> None:
        """Replace the checkpoint."""
        if self._fabric.is_global_zero:
            state = {
                "recipe": self._recipe.as_json(),
                "state": asdict(self.state),
                "network": self._network.state_dict(),
                "averaged": self._averaged.state_dict(),
                "optimiser": self._optimiser.state_dict(),
                "schedule": self._schedule.state_dict(),
            }
            save_checkpoint(self._work_dir / CHECKPOINT, state)
        self._saved_at = time.monotonic()

    def _step(self, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, float]:
        fabric = self._fabric
        # What the heads sample depends on the step alone, so a resumed run repeats an unbroken one.
        torch.manual_seed(
            (self._recipe.seed * 1_000_003 + self.state.done) * 64 + fabric.global_rank
        )
        for parameter in self._waiting:
            parameter.requires_grad_(self.state.done >= self._alone_until)
        images = (images.to(fabric.device).float() - self._mean) / self._std
        images = images.contiguous(memory_format=torch.channels_last)
        targets = [{k: v.to(fabric.device) for k, v in target.items()} for target in targets]
        with fabric.autocast():
            losses = self._network.losses(images, targets)
            total = torch.stack(list(losses.values())).sum()
        self._optimiser.zero_grad(set_to_none=True)
        if all_finite(fabric, total):
            fabric.backward(total)
            average_gradients(fabric, [one for one in self._trained if one.requires_grad])
            fabric.clip_gradients(
                self._network, self._stepper, max_norm=_MOST_GRADIENT, error_if_nonfinite=False
            )
            self._stepper.step()
        self._averaged.update_parameters(self._network)
        self._schedule.step()
        return {name: float(value.detach()) for name, value in losses.items()}

    def _take_note(self, losses: Mapping[str, float]) -> None:
        state = self.state
        state.done += 1
        for name, value in losses.items():
            state.sums[name] = state.sums.get(name, 0.0) + value
        state.point_sum += sum(losses.values())
        if state.done % self._point == 0:
            state.curve.append((state.done, round(state.point_sum / self._point, 4)))
            state.point_sum = 0.0

    def _end_epoch(
        self,
        epoch: int,
        progress: TrainingProgress,
        measure: Callable[[MaskRCNN], float] | None,
    ) -> None:
        state = self.state
        count = self.steps.per_epoch
        entry: dict[str, Any] = {
            "epoch": epoch,
            "step": state.done,
            "losses": {name: round(value / count, 4) for name, value in state.sums.items()},
            "seconds": round(state.seconds, 1),
        }
        if measure is not None:
            entry["held_out_mask_ap"] = self._measure(epoch, measure)
        state.history.append(entry)
        state.sums, state.seconds = {}, 0.0
        if self._fabric.is_global_zero:
            # Before it is saved: a kill between the two notes an epoch twice, and never leaves one out.
            progress.note(**entry)
        self.save()
        if self._fabric.is_global_zero:
            for old in self._work_dir.glob("kept-*.pt"):
                if old != self._kept(state.kept_epoch):
                    old.unlink()

    def _measure(self, epoch: int, measure: Callable[[MaskRCNN], float]) -> float:
        """Ask what the weights are worth; keep them or give up, all processes alike."""
        state, fabric = self.state, self._fabric
        measured = measure(self._average) if fabric.is_global_zero else 0.0
        measured = float(fabric.broadcast(measured))
        choice = Choice(self._recipe.patience, state.highest, state.kept_epoch)
        if choice.keeps(epoch, measured) and fabric.is_global_zero:
            save_checkpoint(self._kept(epoch), self._average.state_dict())
        fabric.barrier()
        state.highest, state.kept_epoch = choice.highest, choice.epoch
        state.stopped = choice.gives_up(epoch)
        return measured

    @property
    def _average(self) -> MaskRCNN:
        network = self._averaged.module
        assert isinstance(network, MaskRCNN)
        return network

    def _kept(self, epoch: int) -> Path:
        return self._work_dir / f"kept-{epoch}.pt"


def _freeze(network: MaskRCNN, architecture: Architecture) -> None:
    """All but what learns; and the first stages, which see edges and colours: ImageNet's serve."""
    network.requires_grad_(False)
    network.learning.requires_grad_(True)
    if architecture is Architecture.MOBILENET_V2_FPN:
        for stage in _FROZEN_STAGES:
            network.backbone.body[stage].requires_grad_(False)


def _hold_statistics(network: MaskRCNN) -> None:
    """What does not learn normalises as it was trained to, and is not moved by what it now sees."""
    learning = set(network.learning.modules())
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module not in learning:
            module.eval()


def _not_fresh(network: MaskRCNN, fresh: Fresh) -> list[nn.Parameter]:
    """The parameters that stand still while what has no trained weights is trained alone."""
    if fresh is Fresh.NOTHING:
        return []
    return [
        parameter
        for name, parameter in network.named_parameters()
        if parameter.requires_grad
        and (name.startswith("backbone.body.") or fresh is Fresh.CLASS_HEADS)
        and not name.startswith(CLASS_HEADS)
    ]


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
