"""Train the parser: pix2pix on the persons of label PNGs, resumable at any step."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from segmentation.annotations.annotated_photo import is_validation
from segmentation.annotations.label_png import LabelPair
from segmentation.errors import AnnotationError, ModelError
from segmentation.labels import LabelSet
from segmentation.pix2pix.crop import CropRecipe
from segmentation.pix2pix.losses import (
    GanObjective,
    class_weights,
    discriminator_loss,
    generator_loss,
    one_hot,
    picture_loss,
    reconstruction_loss,
)
from segmentation.pix2pix.networks import (
    GeneratorKind,
    MobileNetUNet,
    ParserNetwork,
    PatchDiscriminator,
    build_generator,
    painted,
    planes_of,
)
from segmentation.pix2pix.palette import Head, palette
from segmentation.pix2pix.predict import INPUT, OUTPUT
from segmentation.training.ahead import made_ahead
from segmentation.training.checkpoint import load_checkpoint, save_checkpoint
from segmentation.training.export import export_onnx, load_weights, round_to_half, save_weights
from segmentation.training.person_crops import (
    Augmentation,
    PersonCrops,
    batches_of,
    epoch_batches,
)
from segmentation.training.schedule import one_cycle_factor

CHECKPOINT = "checkpoint.pt"
LOG = "log.jsonl"


@dataclass(frozen=True, slots=True)
class ParserRecipe:
    """Everything that decides the outcome, seed apart from data; written to the card.

    ``head``: class probabilities by weighted cross entropy, or a picture by its L1 distance;
    ``balance`` and ``l1_weight`` are of the first alone.
    ``encoder_share``: of the learning rate, for an encoder that starts from ImageNet.
    ``adversarial_from``: the share of all steps after which the discriminator joins in.
    ``discriminator_shrink``: it judges maps shrunk so many times.
    """

    epochs: int = 8
    batch: int = 8
    seed: int = 0
    generator: GeneratorKind = GeneratorKind.MOBILENET
    head: Head = Head.PROBABILITIES
    crop: CropRecipe = field(default_factory=CropRecipe)
    augmentation: Augmentation = field(default_factory=Augmentation)
    learning_rate: float = 2e-3
    encoder_share: float = 0.3
    weight_decay: float = 1e-2
    balance: float = 0.4
    l1_weight: float = 0.5
    adversarial_weight: float = 0.02
    adversarial_from: float = 0.4
    objective: GanObjective = GanObjective.LSGAN
    discriminator_width: int = 16
    discriminator_shrink: int = 2
    discriminator_rate: float = 2e-4
    precision: str = "bf16-mixed"

    def as_card(self) -> dict[str, Any]:
        """For ``card.json`` and the resume file."""
        document: dict[str, Any] = json.loads(json.dumps(asdict(self), default=str))
        return {**document, "crop": self.crop.as_card()}


@dataclass(frozen=True, slots=True)
class ParserProgress:
    """Reported after each step. ``epoch`` from 1; ``losses``: running means of this epoch."""

    epoch: int
    epochs: int
    step: int
    steps: int
    losses: dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class TrainedParser:
    """A generator in float32, rounded to what float16 can hold, and how it came about."""

    generator: nn.Module
    label_set: LabelSet
    recipe: ParserRecipe
    photos: int
    history: tuple[dict[str, Any], ...]

    def write(self, folder: Path) -> None:
        """``weights.safetensors`` and ``model.onnx``, as `ModelStore.create` asks for."""
        save_weights(self.generator, folder / "weights.safetensors")
        crop = self.recipe.crop
        example = (torch.zeros(1, 3, crop.height_px, crop.width_px),)
        export_onnx(
            ParserNetwork(self.generator, self.recipe.head).eval(),
            example,
            folder / "model.onnx",
            input_names=[INPUT],
            output_names=[OUTPUT],
        )

    def card(self) -> dict[str, Any]:
        """What a parser's ``card.json`` must hold to be served, and its recipe."""
        return {
            "label_set": {"name": self.label_set.name, "classes": list(self.label_set.classes)},
            "preprocessing": self.recipe.crop.as_card(),
            "head": self.recipe.head.value,
            "recipe": self.recipe.as_card(),
            "seed": self.recipe.seed,
            "training_photos": self.photos,
            "history": list(self.history),
        }


def train_parser(
    *,
    pairs: Sequence[LabelPair],
    names: Sequence[str],
    label_set: LabelSet,
    work_dir: Path,
    recipe: ParserRecipe | None = None,
    imagenet: Mapping[str, Tensor] | None = None,
    init_weights: Path | None = None,
    checkpoint_seconds: float = 120.0,
    on_progress: Callable[[ParserProgress], None] = lambda progress: None,
) -> TrainedParser:
    """Train on every pair that is not a validation photo; resume from ``work_dir`` if it can.

    Args:
        imagenet: weights for the encoder of the MobileNet generator (`imagenet.py`).
        init_weights: a parser's ``weights.safetensors`` to start from; its head is kept only if
            the number of classes is the same.
        work_dir: holds `CHECKPOINT` and `LOG`. A finished checkpoint returns at once.

    Raises:
        AnnotationError: nothing left to train on.
        ModelError: ``work_dir`` holds the checkpoint of another recipe, or weights do not fit.
    """
    recipe = recipe or ParserRecipe()
    kept = [pair for pair in pairs if not is_validation(pair.stem)]
    if not kept:
        raise AnnotationError("no photo to train the parser on (those ending in 7 validate)")
    work_dir.mkdir(parents=True, exist_ok=True)
    crops = PersonCrops(
        kept,
        names=names,
        label_set=label_set,
        recipe=recipe.crop,
        augmentation=recipe.augmentation,
        seed=recipe.seed,
    )
    torch.manual_seed(recipe.seed)
    generator = build_generator(recipe.generator, planes_of(recipe.head, len(label_set.classes)))
    if imagenet is not None and isinstance(generator, MobileNetUNet):
        generator.load_imagenet(imagenet)
    if init_weights is not None:
        _load_fitting(generator, init_weights)
    trainer = _Trainer(recipe, generator, crops, label_set, work_dir)
    trainer.run(checkpoint_seconds=checkpoint_seconds, on_progress=on_progress)
    round_to_half(generator)
    history = tuple(trainer.history)
    return TrainedParser(generator.cpu().eval(), label_set, recipe, len(kept), history)


class _Trainer:
    """The loop and all its state: `_state` is everything that a resumed run needs."""

    def __init__(
        self,
        recipe: ParserRecipe,
        generator: nn.Module,
        crops: PersonCrops,
        label_set: LabelSet,
        work_dir: Path,
    ) -> None:
        self.recipe = recipe
        self.crops = crops
        self.classes = len(label_set.classes)
        self.steps_per_epoch = batches_of(len(crops), recipe.batch)
        self.steps = self.steps_per_epoch * recipe.epochs
        self.step = 0
        self.sums: dict[str, float] = {}
        self.history: list[dict[str, Any]] = []
        self._files = (work_dir / CHECKPOINT, work_dir / LOG)
        self._identity = json.dumps(
            {**recipe.as_card(), "labels": label_set.name, "photos": len(crops)}, sort_keys=True
        )
        self._fabric = Fabric(accelerator="auto", devices=1, precision=recipe.precision)  # type: ignore[arg-type]
        discriminator = PatchDiscriminator(
            planes_of(recipe.head, self.classes),
            ndf=recipe.discriminator_width,
            shrink=recipe.discriminator_shrink,
        )
        self._generator, self._generator_steps = self._setup(
            generator,
            torch.optim.AdamW(
                _parameter_groups(generator, encoder_share=recipe.encoder_share),
                lr=recipe.learning_rate,
                betas=(0.9, 0.99),
                weight_decay=recipe.weight_decay,
            ),
        )
        self._discriminator, self._discriminator_steps = self._setup(
            discriminator,
            torch.optim.Adam(
                discriminator.parameters(), lr=recipe.discriminator_rate, betas=(0.5, 0.999)
            ),
        )
        self._weights = torch.ones(self.classes)
        if not self._resume():
            counts = crops.count_pixels(classes=self.classes)
            self._weights = class_weights(counts, power=recipe.balance)
        self._weights = self._weights.to(self._fabric.device)
        colours = torch.from_numpy(palette(self.classes)) / 127.5 - 1
        self._colours = colours.to(self._fabric.device)

    def run(
        self,
        *,
        checkpoint_seconds: float,
        on_progress: Callable[[ParserProgress], None],
    ) -> None:
        """Train to the last step; the caller shows the progress."""
        saved = epoch_started = time.monotonic()
        while self.step < self.steps:
            self._generator.train()
            for photo, target in self._batches():
                self._take_step(photo, target)
                self.step += 1
                on_progress(self._progress())
                now = time.monotonic()
                if now - saved > checkpoint_seconds and self.step % self.steps_per_epoch:
                    save_checkpoint(self._files[0], self._state())
                    saved = now
            now = time.monotonic()
            self._end_epoch(seconds=now - epoch_started)
            save_checkpoint(self._files[0], self._state())
            saved = epoch_started = now

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        epoch, first_batch = divmod(self.step, self.steps_per_epoch)
        batches = epoch_batches(
            count=len(self.crops),
            batch=self.recipe.batch,
            seed=self.recipe.seed,
            epoch=epoch,
            first_batch=first_batch,
        )
        device = self._fabric.device
        for photo, target in made_ahead(self.crops.batch, batches):
            yield photo.to(device, memory_format=torch.channels_last), target.to(device)

    def _take_step(self, photo: Tensor, target: Tensor) -> None:
        recipe = self.recipe
        rate = recipe.learning_rate * one_cycle_factor(self.step, steps=self.steps)
        for group in self._generator_steps.param_groups:
            group["lr"] = rate * group["share"]
        # Dropout depends on the step alone, so a resumed run repeats an unbroken one.
        torch.manual_seed(recipe.seed * 1_000_003 + self.step)
        logits = self._generator(photo).float()
        if recipe.head == Head.PICTURE:
            loss = picture_loss(painted(logits, recipe.head), self._true_map(target))
        else:
            loss = reconstruction_loss(
                logits, target, weights=self._weights, l1_weight=recipe.l1_weight
            )
        losses = {"reconstruction": float(loss.detach())}
        adversarial = recipe.adversarial_weight > 0
        if adversarial and self.step >= recipe.adversarial_from * self.steps:
            fake = painted(logits, recipe.head)
            losses["discriminator"] = self._teach_discriminator(photo, target, fake.detach())
            self._discriminator.requires_grad_(False)  # Its own gradients are not wanted here.
            judged = generator_loss(self._judge(photo, fake), objective=recipe.objective)
            self._discriminator.requires_grad_(True)
            losses["adversarial"] = float(judged.detach())
            loss = loss + recipe.adversarial_weight * judged
        self._generator_steps.zero_grad()
        self._fabric.backward(loss)
        self._fabric.clip_gradients(self._generator, self._generator_steps, max_norm=5.0)
        self._generator_steps.step()
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
            self.sums[name + "_steps"] = self.sums.get(name + "_steps", 0.0) + 1

    def _true_map(self, target: Tensor) -> Tensor:
        """(N, H, W) int64 → what the head should give."""
        if self.recipe.head == Head.PICTURE:
            return self._colours[target].permute(0, 3, 1, 2)
        return one_hot(target, self.classes, softness=0.1)

    def _teach_discriminator(self, photo: Tensor, target: Tensor, fake: Tensor) -> float:
        real = self._true_map(target)
        loss = discriminator_loss(
            self._judge(photo, real), self._judge(photo, fake), objective=self.recipe.objective
        )
        self._discriminator_steps.zero_grad()
        self._fabric.backward(loss)
        self._discriminator_steps.step()
        return float(loss.detach())

    def _judge(self, photo: Tensor, maps: Tensor) -> Tensor:
        return torch.as_tensor(self._discriminator(photo, maps)).float()

    def _setup(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[Any, Any]:
        network.to(memory_format=torch.channels_last)
        wrapped, stepper = self._fabric.setup(network, optimizer)
        return wrapped, stepper

    def _progress(self) -> ParserProgress:
        epoch = (self.step - 1) // self.steps_per_epoch + 1
        return ParserProgress(epoch, self.recipe.epochs, self.step, self.steps, self._means())

    def _means(self) -> dict[str, float]:
        names = [name for name in self.sums if not name.endswith("_steps")]
        return {name: round(self.sums[name] / self.sums[name + "_steps"], 5) for name in names}

    def _end_epoch(self, *, seconds: float) -> None:
        epoch = self.step // self.steps_per_epoch
        entry = {"epoch": epoch, **self._means(), "seconds": round(seconds, 1)}
        self.history.append(entry)
        self.sums = {}
        with self._files[1].open("a", encoding="utf-8") as log:
            log.write(json.dumps(entry) + "\n")

    def _state(self) -> dict[str, Any]:
        return {
            "identity": self._identity,
            "step": self.step,
            "sums": self.sums,
            "history": self.history,
            "weights": self._weights.cpu(),
            "generator": self._generator.state_dict(),
            "generator_steps": self._generator_steps.state_dict(),
            "discriminator": self._discriminator.state_dict(),
            "discriminator_steps": self._discriminator_steps.state_dict(),
        }

    def _resume(self) -> bool:
        state = load_checkpoint(self._files[0])
        if state is None:
            return False
        if state["identity"] != self._identity:
            raise ModelError(
                f"{self._files[0]} is of another training; remove it or name another folder"
            )
        self.step, self.sums, self.history = state["step"], state["sums"], state["history"]
        self._weights = state["weights"]
        self._generator.load_state_dict(state["generator"])
        self._generator_steps.load_state_dict(state["generator_steps"])
        self._discriminator.load_state_dict(state["discriminator"])
        self._discriminator_steps.load_state_dict(state["discriminator_steps"])
        return True


def _parameter_groups(generator: nn.Module, *, encoder_share: float) -> list[dict[str, Any]]:
    named = list(generator.named_parameters())
    encoder = [value for name, value in named if name.startswith("encoder.")]
    others = [value for name, value in named if not name.startswith("encoder.")]
    groups = [{"params": others, "share": 1.0}]
    return [*groups, {"params": encoder, "share": encoder_share}] if encoder else groups


def _load_fitting(generator: nn.Module, path: Path) -> None:
    state, own = load_weights(path), generator.state_dict()
    if set(state) != set(own):
        raise ModelError(f"{path}: the weights of another generator")
    fitting = {name: value for name, value in state.items() if value.shape == own[name].shape}
    if len(fitting) < 0.9 * len(own):
        raise ModelError(f"{path}: the weights of another generator")
    generator.load_state_dict(fitting, strict=False)
