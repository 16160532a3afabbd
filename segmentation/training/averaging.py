"""Versions trained one from another, averaged: better than each (Wortsman et al. 2022, arXiv:2109.01903).

What a training gained and what it forgot lie in different directions of the weights: half way
between the version before and the one after it much of the gain is there and little is forgotten.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from segmentation.annotations.annotated_photo import AnnotatedPhoto
from segmentation.errors import AnnotationError, ModelError
from segmentation.evaluation.held_out import survey
from segmentation.evaluation.metrics import evaluate_instances
from segmentation.mask_rcnn.predict import MaskRCNNPredictor, canvas_tensor
from segmentation.models import WEIGHTS, ModelKind, ModelStore, ModelVersion
from segmentation.training.export import load_weights, round_to_half
from segmentation.training.initial import network_for, taught
from segmentation.training.segmenter import write_segmenter

# What the last version's card says of all.
_CARRIED = ("taught", "data", "annotations", "licences")


def average_segmenters(
    versions: Sequence[ModelVersion],
    held_out: Sequence[AnnotatedPhoto],
    *,
    models: ModelStore,
    on_photo: Callable[[int], None] = lambda done: None,
) -> ModelVersion:
    """A version whose weights are the mean of all, measured on photos that none was trained on.

    Raises:
        AnnotationError: no photo to measure on.
        ModelError: fewer than two versions, they differ in architecture, categories or input, or a
            file is damaged.
    """
    if len(versions) < 2:
        raise ModelError("two versions or more are averaged")
    if not held_out:
        raise AnnotationError("no photo is held out to measure on: give more photos")
    last = versions[-1]
    for version in versions:
        version.verify()
        if _kind_of(version) != _kind_of(last):
            raise ModelError(
                f"{version.name} and {last.name} differ in architecture, categories or input"
            )
    network = network_for(last.card)
    network.load_state_dict(_mean([load_weights(version.weights_path) for version in versions]))
    round_to_half(network.eval())
    card: dict[str, Any] = {
        **{key: last.card[key] for key in ("categories", "preprocessing", "recipe", "seed")},
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "averaged": [
            {"version": version.name, "sha256": version.card["sha256"][WEIGHTS]}
            for version in versions
        ],
        **{key: last.card[key] for key in _CARRIED if key in last.card},
    }
    photo, _ = held_out[0].read()
    example = torch.from_numpy(canvas_tensor(photo, card))
    staged = models.create(
        ModelKind.SEGMENTER,
        f"averaged-{time.strftime('%Y%m%d-%H%M%S')}",
        write=lambda folder: write_segmenter(network, example, folder),
        card=card,
    )
    figures = evaluate_instances(MaskRCNNPredictor(staged), held_out, on_photo=on_photo)
    known = {"held_out": figures.as_json(), "held_out_identity": survey(held_out).identity}
    return models.add_figures(staged, known)


def _kind_of(version: ModelVersion) -> tuple[Any, ...]:
    card = version.card
    return card["recipe"]["architecture"], card["categories"], taught(card), card["preprocessing"]


def _mean(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Of numbers; what is counted is the last one's."""
    return {
        name: torch.stack([state[name].float() for state in states]).mean(dim=0)
        if value.is_floating_point()
        else value
        for name, value in states[-1].items()
    }
