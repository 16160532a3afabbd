"""Annotations → a new version of the segmenter: training, export, figures on held-out photos, report."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.fabric import Fabric
from torch import Tensor

from segmentation.annotations.annotated_photo import AnnotatedPhoto
from segmentation.errors import AnnotationError, ModelError
from segmentation.evaluation.held_out import survey
from segmentation.evaluation.metrics import SegmentationFigures, evaluate_instances
from segmentation.evaluation.report import TrainingStory, write_report
from segmentation.evaluation.worst import WorstPhotos
from segmentation.graph import load_reference_graph
from segmentation.labels import GARMENT_CATEGORIES, PERSON
from segmentation.mask_rcnn.architecture import NORMALISATION
from segmentation.mask_rcnn.network import LEAST_SCORE, MaskRCNN
from segmentation.mask_rcnn.predict import MaskRCNNPredictor, canvas_tensor
from segmentation.models import GRAPH, REPORT, WEIGHTS, ModelKind, ModelStore, ModelVersion
from segmentation.photo import read_photo
from segmentation.training.devices import open_fabric
from segmentation.training.early_stopping import TIE, measure_on, photos_to_choose_by
from segmentation.training.export import export_onnx, round_to_half, save_weights
from segmentation.training.initial import fresh_part, initial_network, taught, taught_network
from segmentation.training.mask_rcnn import TrainedNetwork, TrainingPhotos, train_mask_rcnn
from segmentation.training.recipe import Fresh, Recipe, Start

_PARITY_BOX_PX = 1.0
_PARITY_SCORE = 0.01
_PARITY_DETECTIONS = 8
# Of two proposals that score alike, rounding decides which one suppresses the other.
_PARITY_SHARE = 0.5
INPUTS = ("image", "least_score")
OUTPUTS = ("boxes", "labels", "scores", "masks")

OnPhoto = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Trained:
    """A new version, its figures on the held-out photos, and those of the version it began from."""

    version: ModelVersion
    metrics: SegmentationFigures
    before: SegmentationFigures | None
    report: Path


@dataclass(frozen=True, slots=True)
class _Job:
    """A training that is decided: what is learned, from where, and what has a say in it.

    ``kept``: the classes that stay as ``start`` has them, before those that are learned.
    """

    data: TrainingPhotos
    recipe: Recipe
    start: Start | ModelVersion
    kept: tuple[str, ...]
    work_dir: Path
    choosing: tuple[AnnotatedPhoto, ...]

    @property
    def categories(self) -> tuple[str, ...]:
        return (*self.kept, *self.data.categories)

    def network(self) -> MaskRCNN:
        if self.kept and isinstance(self.start, ModelVersion):
            return taught_network(self.start, self.data.categories, self.recipe)
        return initial_network(self.start, self.categories, self.recipe)

    def fresh(self) -> Fresh:
        return Fresh.NOTHING if self.kept else fresh_part(self.start, self.categories)


def train_segmenter(
    photos: Sequence[AnnotatedPhoto],
    held_out: Sequence[AnnotatedPhoto],
    *,
    extra: Sequence[AnnotatedPhoto] = (),
    recipe: Recipe,
    start: Start | ModelVersion,
    models: ModelStore,
    notes: dict[str, Any],
    extend: bool = False,
    fabric: Fabric | None = None,
    on_photo: OnPhoto = lambda what, done, total: None,
) -> Trained | None:
    """Train, export, check the export against torch, measure on ``held_out``, and report.

    A killed training called again with the same data and recipe goes on where it stopped.
    ``extend``: the classes that ``start`` knows stay exactly as they are, and those that the
    annotations add are learned beside them; else the annotations' classes replace them. ``notes``
    go into the card as they are: where the data came from, licences. None in all processes but the
    first.

    Raises:
        AnnotationError: nothing to train on, nothing held out, a photo in both, no earlier version
            to extend, no class that it does not know, or no photo annotated for all that are new.
        ModelError: initial weights that do not load, or an export that differs from torch.
    """
    _check(photos, held_out)
    fabric = fabric or open_fabric(precision=recipe.precision)
    found = survey(photos, on_photo=lambda done, n: on_photo("reading annotations", done, n))
    further = survey(extra, on_photo=lambda done, n: on_photo("reading extra photos", done, n))
    identities = [found.identity, further.identity, survey(held_out).identity]
    with fabric.rank_zero_first():
        job = _prepare(
            photos, held_out, extra, found.occurring, identities, recipe, start, models, extend
        )
    trained = train_mask_rcnn(
        job.network(),
        job.data,
        recipe=recipe,
        work_dir=job.work_dir,
        fresh=job.fresh(),
        measure=measure_on(job.choosing, _served(job.categories, recipe)) if job.choosing else None,
        fabric=fabric,
    )
    if not fabric.is_global_zero:
        return None
    staged = _publish(trained, job, held_out, models, notes)
    return _measure(staged, trained, job, held_out, models, on_photo)


def categories_of(photos: Sequence[AnnotatedPhoto]) -> tuple[str, ...]:
    """The categories that occur in the annotations: label PNGs' in Garb's order, others by name."""
    labelled = frozenset().union(*(photo.labelled for photo in photos))
    known = [name for name in (*GARMENT_CATEGORIES, PERSON) if name in labelled]
    return (*known, *sorted(labelled - set(known)))


def _prepare(
    photos: Sequence[AnnotatedPhoto],
    held_out: Sequence[AnnotatedPhoto],
    extra: Sequence[AnnotatedPhoto],
    occurring: Sequence[frozenset[str]],
    identities: Sequence[str],
    recipe: Recipe,
    start: Start | ModelVersion,
    models: ModelStore,
    extend: bool,
) -> _Job:
    kept: tuple[str, ...] = ()
    categories = categories_of(photos)
    if extend:
        if not isinstance(start, ModelVersion):
            raise AnnotationError("--classes extend needs a version to extend: --init bundled, say")
        kept = tuple(start.card["categories"])
        categories = tuple(name for name in categories if name not in kept)
        if not categories:
            raise AnnotationError(f"{start.name} knows all classes of the annotations already")
    # Who was not looking for a new class left it unmarked: such a photo would teach that it is none.
    new = frozenset(categories) if extend else frozenset()
    photos, occurring = _labelling(new, photos, occurring)
    extra, _ = _labelling(new, extra, [new] * len(extra))
    if not photos:
        raise AnnotationError(
            f"no photo is annotated for all of {', '.join(categories)}: teach them one after another"
        )
    origin = start.name if isinstance(start, ModelVersion) else start.value
    identity = [*identities, recipe.as_json(), origin, extend]
    fingerprint = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]
    work_dir = models.training_dir(ModelKind.SEGMENTER, fingerprint)
    return _Job(
        TrainingPhotos(photos, categories, extra, occurring),
        recipe,
        start,
        kept,
        work_dir,
        tuple(photos_to_choose_by(held_out)) if recipe.patience else (),
    )


def _labelling(
    new: frozenset[str],
    photos: Sequence[AnnotatedPhoto],
    occurring: Sequence[frozenset[str]],
) -> tuple[Sequence[AnnotatedPhoto], Sequence[frozenset[str]]]:
    """The photos annotated for all ``new`` classes, and which of these occur in each; all without any."""
    if not new:
        return photos, occurring
    kept = [
        (photo, found & new)
        for photo, found in zip(photos, occurring, strict=True)
        if photo.labelled >= new
    ]
    return [photo for photo, _ in kept], [found for _, found in kept]


def _publish(
    trained: TrainedNetwork,
    job: _Job,
    held_out: Sequence[AnnotatedPhoto],
    models: ModelStore,
    notes: dict[str, Any],
) -> ModelVersion:
    network = trained.network.cpu().eval()
    round_to_half(network)
    architecture = job.recipe.architecture.value.replace("_", "-")
    name = f"mask-rcnn-{architecture}-{time.strftime('%Y%m%d-%H%M%S')}"
    card = {**_card(job, trained), **notes}
    example = torch.from_numpy(canvas_tensor(read_photo(held_out[0].path), card))
    return models.create(
        ModelKind.SEGMENTER,
        name,
        write=lambda folder: write_segmenter(network, example, folder),
        card=card,
    )


def _measure(
    staged: ModelVersion,
    trained: TrainedNetwork,
    job: _Job,
    held_out: Sequence[AnnotatedPhoto],
    models: ModelStore,
    on_photo: OnPhoto,
) -> Trained:
    total = len(held_out)
    worst = WorstPhotos()
    metrics = evaluate_instances(
        MaskRCNNPredictor(staged),
        held_out,
        on_photo=lambda done: on_photo("measuring", done, total),
        on_predicted=worst.look_at,
    )
    before = None
    known: dict[str, Any] = {
        "held_out": metrics.as_json(),
        "held_out_identity": survey(held_out).identity,
    }
    if isinstance(job.start, ModelVersion):
        before = evaluate_instances(
            MaskRCNNPredictor(job.start),
            held_out,
            on_photo=lambda done: on_photo("measuring the version before", done, total),
        )
        known["before"] = {"version": job.start.name, "held_out": before.as_json()}
    if trained.chosen_epoch is not None:
        chosen_by = {photo.path for photo in job.choosing}
        others = [photo for photo in held_out if photo.path not in chosen_by]
        figures = evaluate_instances(MaskRCNNPredictor(staged), others)
        known["held_out_without_a_say"] = figures.as_json()
    version = models.add_figures(staged, known)
    story = TrainingStory(version.card, trained.curve, trained.history)
    report = write_report(
        version.folder / REPORT, story, metrics=metrics, before=before, worst=worst.pictures()
    )
    return Trained(version, metrics, before, report)


def write_segmenter(network: MaskRCNN, example: Tensor, folder: Path) -> None:
    """Weights and graph, checked against each other on ``example`` (1, 3, height, width).

    Raises:
        ModelError: the graph finds something else than torch.
    """
    save_weights(network, folder / WEIGHTS)
    export_onnx(
        network,
        (example, torch.tensor([LEAST_SCORE])),
        folder / GRAPH,
        input_names=list(INPUTS),
        output_names=list(OUTPUTS),
        dynamic_axes={
            "image": {2: "height", 3: "width"},
            **{name: {0: "n"} for name in OUTPUTS},
        },
    )
    check_parity(network, folder / GRAPH, example)


def check_parity(network: MaskRCNN, graph: Path, example: Tensor) -> None:
    """The graph must find most of torch's best detections: boxes within 1 px, scores within 0.01.

    Raises:
        ModelError: it does not.
    """
    with torch.no_grad():
        boxes, labels, scores, _ = (value.numpy() for value in network(example))
    least = np.array([LEAST_SCORE], np.float32)
    found = load_reference_graph(graph).run({"image": example.numpy(), "least_score": least})
    best = np.argsort(-scores)[:_PARITY_DETECTIONS]
    agreeing = 0
    for box, label, score in zip(boxes[best], labels[best], scores[best], strict=True):
        near = np.abs(found["boxes"] - box).max(axis=1, initial=0) <= _PARITY_BOX_PX
        same = near & (found["labels"] == label) & (abs(found["scores"] - score) <= _PARITY_SCORE)
        agreeing += bool(same.any())
    if agreeing < _PARITY_SHARE * len(best):
        raise ModelError("the exported graph differs from torch; nothing was kept")


def _check(photos: Sequence[AnnotatedPhoto], held_out: Sequence[AnnotatedPhoto]) -> None:
    if not photos:
        raise AnnotationError("no annotated photo to train on")
    if not held_out:
        raise AnnotationError("no photo is held out to measure on: give --val or more photos")
    both = {photo.path.resolve() for photo in photos} & {photo.path.resolve() for photo in held_out}
    if both:
        raise AnnotationError(f"{min(both).name} is both trained on and held out")


def _served(categories: Sequence[str], recipe: Recipe) -> dict[str, Any]:
    """What a predictor must know."""
    normalisation = NORMALISATION[recipe.architecture]
    return {
        "categories": list(categories),
        "preprocessing": {
            "size": [recipe.height, recipe.width],
            "any_size": True,
            "fit": "letterbox on grey 128",
            "mean": list(normalisation.mean),
            "std": list(normalisation.std),
        },
    }


def _card(job: _Job, trained: TrainedNetwork) -> dict[str, Any]:
    recipe, start = job.recipe, job.start
    card: dict[str, Any] = {
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        **_served(job.categories, recipe),
        "recipe": recipe.as_json(),
        "seed": recipe.seed,
        "initial_weights": start.name if isinstance(start, ModelVersion) else start.value,
        "data": {"photos": len(job.data.photos), "extra_photos": len(job.data.extra)},
        "history": list(trained.history),
        "curve": [list(point) for point in trained.curve],
    }
    if job.kept and isinstance(start, ModelVersion):
        card["taught"] = [*taught(start.card), list(job.data.categories)]
    if trained.chosen_epoch is not None:
        card["early_stopping"] = {
            "chosen_epoch": trained.chosen_epoch,
            "measure": "mask_ap",
            "chosen_on_held_out_photos": len(job.choosing),
            "as_good_within": TIE,
            "note": "these held-out photos had a say in the weights: held_out includes them, "
            "held_out_without_a_say does not",
        }
    return card
