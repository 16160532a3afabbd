"""Label PNGs → a new version of the parser: training, export, figures of the whole road, card."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from segmentation.annotations.label_png import LabelPair
from segmentation.errors import AnnotationError, ModelError
from segmentation.evaluation.held_out import split
from segmentation.evaluation.parsing import evaluate_parsing
from segmentation.evaluation.road import parsing_road
from segmentation.labels import LabelSet
from segmentation.mask_rcnn.background import Background
from segmentation.mask_rcnn.predict import MaskRCNNPredictor
from segmentation.models import ModelKind, ModelStore, ModelVersion, sha256_of
from segmentation.pix2pix.crop import CropRecipe
from segmentation.pix2pix.predict import PersonParser
from segmentation.training.imagenet import mobilenet_features
from segmentation.training.pix2pix import ParserProgress, ParserRecipe, train_parser
from segmentation.training.recipe import Start


def train_parser_version(
    pairs: Sequence[LabelPair],
    *,
    extra: Sequence[LabelPair] = (),
    names: Sequence[str],
    label_set: LabelSet,
    background: Background,
    epochs: int,
    seed: int,
    start: Start | ModelVersion,
    models: ModelStore,
    segmenter: ModelVersion,
    notes: dict[str, Any],
) -> ModelVersion:
    """Train on the pairs that are not held out, and measure the whole road on those that are.

    ``extra`` pairs are trained on too, and never measured on. From an earlier version it goes on at
    half the rate.

    Raises:
        AnnotationError: nothing to train on, or nothing held out.
        ModelError: initial weights that are not there or do not fit.
    """
    if start is Start.COCO:
        raise ModelError("COCO weights are of a segmenter: --init bundled, imagenet or none")
    kept, held_out = split(pairs)
    if not held_out:
        raise AnnotationError("no photo is held out to measure on: five are needed, or names in 7")
    recipe = ParserRecipe(epochs=epochs, seed=seed, crop=CropRecipe(background=background))
    if isinstance(start, ModelVersion):
        recipe = replace(recipe, learning_rate=recipe.learning_rate / 2)
    origin = start.name if isinstance(start, ModelVersion) else start.value
    labelled = [_identity(pairs), _identity(extra), list(names), label_set.name]
    text = json.dumps([*labelled, recipe.as_card(), origin])
    fingerprint = hashlib.sha256(text.encode()).hexdigest()[:16]
    with _progress() as progress:
        task = progress.add_task("training", total=None)

        def report(state: ParserProgress) -> None:
            losses = " ".join(f"{name} {value:.3f}" for name, value in state.losses.items())
            text = f"epoch {state.epoch}/{state.epochs} {losses}"
            progress.update(task, completed=state.step, total=state.steps, description=text)

        trained = train_parser(
            pairs=[*kept, *extra],
            names=names,
            label_set=label_set,
            work_dir=models.training_dir(ModelKind.PARSER, fingerprint),
            recipe=recipe,
            imagenet=mobilenet_features() if start is Start.IMAGENET else None,
            init_weights=start.weights_path if isinstance(start, ModelVersion) else None,
            on_progress=report,
        )
    card = {
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "initial_weights": origin,
        "extra_photos": len(extra),
        **trained.card(),
        **notes,
    }
    name = f"pix2pix-{label_set.name.replace('_', '-')}-{time.strftime('%Y%m%d-%H%M%S')}"
    version = models.create(ModelKind.PARSER, name, write=trained.write, card=card)
    road = parsing_road(MaskRCNNPredictor(segmenter), PersonParser(version), label_set=label_set)
    figures = evaluate_parsing(held_out, names=names, label_set=label_set, predict=road)
    return models.add_figures(version, {"segmenter": segmenter.name, "held_out": figures.as_json()})


def _identity(pairs: Sequence[LabelPair]) -> list[list[Any]]:
    """What tells these photos and labels from others: a mended label PNG is another one."""
    return [
        [pair.path.name, pair.path.stat().st_size, sha256_of(pair.label_path)] for pair in pairs
    ]


def _progress() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True))
