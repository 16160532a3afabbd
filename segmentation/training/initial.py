"""Weights to train from: ImageNet, COCO, none, or an earlier version whose classes keep their rows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from segmentation.errors import ModelError
from segmentation.mask_rcnn.architecture import Architecture
from segmentation.mask_rcnn.network import (
    CLASS_HEADS,
    MaskRCNN,
    build_network,
    load_coco_weights,
    load_imagenet_backbone,
    load_matching,
)
from segmentation.models import ModelVersion
from segmentation.training.export import load_weights
from segmentation.training.recipe import Fresh, Recipe, Start


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


def fresh_part(start: Start | ModelVersion, categories: Sequence[str]) -> Fresh:
    """What `initial_network` leaves without trained weights while others have them."""
    if isinstance(start, ModelVersion):
        known = set(categories) <= set(start.card["categories"])
        return Fresh.NOTHING if known else Fresh.CLASS_HEADS
    return {
        Start.IMAGENET: Fresh.ALL_BUT_BACKBONE,
        Start.COCO: Fresh.CLASS_HEADS,
        Start.NONE: Fresh.NOTHING,
    }[start]


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
        if not name.startswith(CLASS_HEADS):
            continue
        fresh = own[name].clone()
        per_class = 4 if "bbox_pred" in name else 1
        for to, source in rows.items():
            fresh[to * per_class : (to + 1) * per_class] = value[
                source * per_class : (source + 1) * per_class
            ]
        moved[name] = fresh
    return moved
