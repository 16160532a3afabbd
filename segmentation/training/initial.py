"""Networks to train from: ImageNet, COCO, none, or an earlier version whose classes keep their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from segmentation.errors import ModelError
from segmentation.labels import category_of
from segmentation.mask_rcnn.architecture import Architecture
from segmentation.mask_rcnn.network import (
    CLASS_HEADS,
    MaskRCNN,
    build_network,
    coco_weights,
    load_imagenet_backbone,
    load_matching,
)
from segmentation.models import ModelVersion
from segmentation.training.export import load_weights
from segmentation.training.recipe import Fresh, Recipe, Start


def initial_network(
    start: Start | ModelVersion, categories: Sequence[str], recipe: Recipe
) -> MaskRCNN:
    """A network to train from. Classes keep their weights that the earlier version, or COCO, knows.

    By name, or else by what the name means: boots begin as the earlier version's shoes. COCO knows
    the person, and besides a tie, a handbag and things that nobody wears.

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
        state, known = coco_weights()
        load_matching(network, _with_heads(state, network.state_dict(), known, categories))
    elif isinstance(start, ModelVersion):
        state = _weights(start, recipe)
        own = network.state_dict()
        load_matching(network, _with_heads(state, own, _first_classes(start.card), categories))
    return network


def taught_network(start: ModelVersion, new: Sequence[str], recipe: Recipe) -> MaskRCNN:
    """The version's network with heads for ``new`` classes, which begin as copies of its first ones.

    Raises:
        ModelError: it is of another architecture, or a file is damaged.
    """
    torch.manual_seed(recipe.seed)
    state = _weights(start, recipe)
    network = network_for({**start.card, "taught": [*taught(start.card), list(new)]})
    heads = network.added[-1].state_dict()
    begun = _with_heads(state, heads, _first_classes(start.card), new)
    copies = {f"added.{len(network.added) - 1}.{name}": begun[name] for name in heads}
    load_matching(network, {**state, **copies})
    return network


def network_for(card: Mapping[str, Any]) -> MaskRCNN:
    """An untrained network that a version's weights fit."""
    return build_network(
        Architecture(card["recipe"]["architecture"]),
        classes=len(_first_classes(card)),
        added=[len(classes) for classes in taught(card)],
    )


def taught(card: Mapping[str, Any]) -> list[list[str]]:
    """The classes that were taught later and have heads of their own, those of each time together."""
    return list(card.get("taught", []))


def _first_classes(card: Mapping[str, Any]) -> list[str]:
    later = {name for classes in taught(card) for name in classes}
    return [name for name in card["categories"] if name not in later]


def _weights(start: ModelVersion, recipe: Recipe) -> dict[str, Tensor]:
    trained = start.card["recipe"]["architecture"]
    if trained != recipe.architecture:
        raise ModelError(f"{start.name} is a {trained}: give --architecture {trained}")
    start.verify()
    return load_weights(start.weights_path)


def fresh_part(start: Start | ModelVersion, categories: Sequence[str]) -> Fresh:
    """What `initial_network` leaves without trained weights while others have them."""
    if isinstance(start, ModelVersion):
        known = len(_sources(_first_classes(start.card), categories)) == len(categories)
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
    """Carry the rows of the class heads over.

    A class without a source begins with the mean of all others' boxes and masks, and with the scores that
    the network made.
    """
    moved = dict(state)
    sources = _sources(old, new)
    rows = {new.index(to) + 1: old.index(source) + 1 for to, source in sources.items()} | {0: 0}
    for name, value in state.items():
        if not name.startswith(CLASS_HEADS):
            continue
        per_class = 4 if "bbox_pred" in name else 1
        of_class = value.reshape(-1, per_class, *value.shape[1:])
        begun = own[name].clone().reshape(-1, per_class, *value.shape[1:])
        if "cls_score" not in name:
            begun[1:] = of_class[1:].mean(dim=0)
        for to, source in rows.items():
            begun[to] = of_class[source]
        moved[name] = begun.flatten(0, 1)
    return moved


def _sources(old: Sequence[str], new: Sequence[str]) -> dict[str, str]:
    """New class → the old one that it begins as: of its name, or else the category that it means."""
    meant = {name: name if name in old else category_of(name) for name in new}
    return {name: source for name, source in meant.items() if source and source in old}
