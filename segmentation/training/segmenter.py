"""Annotations → a new version of the segmenter: training, export, figures on held-out photos."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from segmentation.annotations.annotated_photo import AnnotatedPhoto, is_validation
from segmentation.errors import AnnotationError, ModelError
from segmentation.evaluation.metrics import SegmentationFigures, evaluate_instances
from segmentation.graph import load_reference_graph
from segmentation.labels import GARMENT_CATEGORIES, PERSON
from segmentation.mask_rcnn.architecture import NORMALISATION, Architecture
from segmentation.mask_rcnn.network import (
    MaskRCNN,
    build_network,
    load_coco_weights,
    load_imagenet_backbone,
    load_matching,
)
from segmentation.mask_rcnn.predict import MaskRCNNPredictor, canvas_tensor
from segmentation.models import GRAPH, WEIGHTS, ModelKind, ModelStore, ModelVersion
from segmentation.photo import read_photo
from segmentation.training.export import export_onnx, load_weights, round_to_half, save_weights
from segmentation.training.mask_rcnn import Recipe, train_mask_rcnn

_HEAD_PREFIXES = ("roi_heads.box_predictor.", "roi_heads.mask_predictor.mask_fcn_logits.")
_PARITY_BOX_PX = 1.0
_PARITY_SCORE = 0.01
_PARITY_DETECTIONS = 8
OUTPUTS = ("boxes", "labels", "scores", "masks")


class Start(StrEnum):
    """Initial weights that are not a version."""

    IMAGENET = "imagenet"
    COCO = "coco"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Trained:
    """A new version, its figures on the held-out photos, and those of the version it began from."""

    version: ModelVersion
    metrics: SegmentationFigures
    before: SegmentationFigures | None


def split(photos: Sequence[AnnotatedPhoto]) -> tuple[list[AnnotatedPhoto], list[AnnotatedPhoto]]:
    """(to train on, held out): names that end in 7 are held out; else every tenth by name."""
    held = [photo for photo in photos if is_validation(photo.path.stem)]
    if not held:
        held = sorted(photos, key=lambda photo: photo.path.name)[4::10]
    paths = {photo.path for photo in held}
    return [photo for photo in photos if photo.path not in paths], held


def train_segmenter(
    photos: Sequence[AnnotatedPhoto],
    held_out: Sequence[AnnotatedPhoto],
    *,
    extra: Sequence[AnnotatedPhoto] = (),
    recipe: Recipe,
    start: Start | ModelVersion,
    models: ModelStore,
    notes: dict[str, Any],
    on_photo: Callable[[int, int], None] = lambda done, total: None,
) -> Trained:
    """Train, export, check the export against torch, and measure on ``held_out``.

    A killed training called again with the same data and recipe goes on where it stopped.
    ``notes`` go into the card as they are: where the data came from, licences.

    Raises:
        AnnotationError: nothing to train on, nothing held out, or a photo in both.
        ModelError: initial weights that do not load, or an export that differs from torch.
    """
    _check(photos, held_out)
    categories = categories_of(photos)
    initial = initial_network(start, categories, recipe)
    work_dir = models.training_dir(ModelKind.SEGMENTER, _fingerprint(photos, extra, recipe, start))
    network = train_mask_rcnn(
        photos,
        categories,
        extra=extra,
        recipe=recipe,
        initial=initial.state_dict(),
        work_dir=work_dir,
    )
    network = network.cpu().eval()
    round_to_half(network)
    architecture = recipe.architecture.value.replace("_", "-")
    name = f"mask-rcnn-{architecture}-{time.strftime('%Y%m%d-%H%M%S')}"
    card = _card(categories, recipe, start, len(photos), len(extra), notes)
    example = torch.from_numpy(canvas_tensor(read_photo(held_out[0].path), card))
    staged = models.create(
        ModelKind.SEGMENTER, name, write=lambda folder: _write(network, example, folder), card=card
    )
    total = len(held_out)
    metrics = evaluate_instances(
        MaskRCNNPredictor(staged), held_out, on_photo=lambda done: on_photo(done, total)
    )
    before = None
    if isinstance(start, ModelVersion):
        before = evaluate_instances(MaskRCNNPredictor(start), held_out)
    version = models.add_figures(staged, {"held_out": metrics.as_json()})
    return Trained(version, metrics, before)


def categories_of(photos: Sequence[AnnotatedPhoto]) -> tuple[str, ...]:
    """The categories that occur in the annotations: label PNGs' in Garb's order, others by name."""
    labelled = frozenset().union(*(photo.labelled for photo in photos))
    known = [name for name in (*GARMENT_CATEGORIES, PERSON) if name in labelled]
    return (*known, *sorted(labelled - set(known)))


def initial_network(
    start: Start | ModelVersion, categories: Sequence[str], recipe: Recipe
) -> MaskRCNN:
    """A network to train from. Classes that the earlier version knows keep their weights.

    Raises:
        ModelError: the weights cannot be loaded.
    """
    torch.manual_seed(recipe.seed)
    network = build_network(recipe.architecture, classes=len(categories))
    if start is Start.IMAGENET:
        load_imagenet_backbone(network, recipe.architecture)
    elif start is Start.COCO:
        if recipe.architecture is not Architecture.RESNET50_FPN_V2:
            raise ModelError("COCO weights exist for --architecture resnet50_fpn_v2 only")
        load_coco_weights(network)
    elif isinstance(start, ModelVersion):
        trained = start.card["recipe"]["architecture"]
        if trained != recipe.architecture:
            raise ModelError(f"{start.name} is a {trained}: give --architecture {trained}")
        start.verify()
        state = load_weights(start.weights_path)
        own = network.state_dict()
        load_matching(network, _with_heads(state, own, start.card["categories"], categories))
    return network


def _with_heads(
    state: dict[str, Tensor],
    own: dict[str, Tensor],
    old: Sequence[str],
    new: Sequence[str],
) -> dict[str, Tensor]:
    """Carry the rows of the class heads over by name; a new class starts as the network made it."""
    moved = dict(state)
    rows = {new.index(name) + 1: old.index(name) + 1 for name in new if name in old} | {0: 0}
    for name, value in state.items():
        if not name.startswith(_HEAD_PREFIXES):
            continue
        fresh = own[name].clone()
        per_class = 4 if "bbox_pred" in name else 1
        for to, source in rows.items():
            fresh[to * per_class : (to + 1) * per_class] = value[
                source * per_class : (source + 1) * per_class
            ]
        moved[name] = fresh
    return moved


def _write(network: MaskRCNN, example: Tensor, folder: Path) -> None:
    save_weights(network, folder / WEIGHTS)
    export_onnx(
        network,
        (example,),
        folder / GRAPH,
        input_names=["image"],
        output_names=list(OUTPUTS),
        dynamic_axes={name: {0: "n"} for name in OUTPUTS},
    )
    check_parity(network, folder / GRAPH, example)


def check_parity(network: MaskRCNN, graph: Path, example: Tensor) -> None:
    """The graph must find torch's best detections: boxes within 1 px, scores within 0.01.

    Raises:
        ModelError: it does not.
    """
    with torch.no_grad():
        boxes, labels, scores, _ = (value.numpy() for value in network(example))
    found = load_reference_graph(graph).run({"image": example.numpy()})
    best = np.argsort(-scores)[:_PARITY_DETECTIONS]
    for box, label, score in zip(boxes[best], labels[best], scores[best], strict=True):
        near = np.abs(found["boxes"] - box).max(axis=1, initial=0) <= _PARITY_BOX_PX
        same = near & (found["labels"] == label) & (abs(found["scores"] - score) <= _PARITY_SCORE)
        if not same.any():
            raise ModelError("the exported graph differs from torch; nothing was kept")


def _check(photos: Sequence[AnnotatedPhoto], held_out: Sequence[AnnotatedPhoto]) -> None:
    if not photos:
        raise AnnotationError("no annotated photo to train on")
    if not held_out:
        raise AnnotationError("no photo is held out to measure on: give --val or more photos")
    both = {photo.path.resolve() for photo in photos} & {photo.path.resolve() for photo in held_out}
    if both:
        raise AnnotationError(f"{min(both).name} is both trained on and held out")


def _fingerprint(
    photos: Sequence[AnnotatedPhoto],
    extra: Sequence[AnnotatedPhoto],
    recipe: Recipe,
    start: Start | ModelVersion,
) -> str:
    names = [photo.path.name for photo in (*photos, *extra)]
    origin = start.name if isinstance(start, ModelVersion) else start.value
    text = json.dumps([names, recipe.as_json(), origin])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _card(
    categories: Sequence[str],
    recipe: Recipe,
    start: Start | ModelVersion,
    photos: int,
    extra: int,
    notes: dict[str, Any],
) -> dict[str, Any]:
    normalisation = NORMALISATION[recipe.architecture]
    return {
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "categories": list(categories),
        "preprocessing": {
            "size": [recipe.height, recipe.width],
            "fit": "letterbox on grey 128",
            "mean": list(normalisation.mean),
            "std": list(normalisation.std),
        },
        "recipe": recipe.as_json(),
        "seed": recipe.seed,
        "initial_weights": start.name if isinstance(start, ModelVersion) else start.value,
        "data": {"photos": photos, "extra_photos": extra},
        **notes,
    }
