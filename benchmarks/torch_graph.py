"""Garb's own networks run by plain torch, in the place of the exported graphs: a peer of `stages`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from indexer.embedder import siamese
from indexer.embedder.network import SiameseNetwork
from segmentation.graph import Array
from segmentation.mask_rcnn import predict as mask_rcnn
from segmentation.mask_rcnn.architecture import Architecture
from segmentation.mask_rcnn.network import build_network
from segmentation.models import CARD, WEIGHTS
from segmentation.pix2pix import predict as pix2pix
from segmentation.pix2pix.networks import GeneratorKind, ParserNetwork, build_generator
from segmentation.training.export import load_weights


class TorchGraph:
    """A network from a version's weights, eager, as `segmentation.graph.Graph` is asked."""

    def __init__(self, network: nn.Module, names: tuple[str, ...]) -> None:
        self._network = network.eval()
        self._names = names

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        with torch.inference_mode():
            found = self._network(*(torch.from_numpy(array) for array in inputs.values()))
        arrays = found if isinstance(found, tuple) else (found,)
        return {name: array.numpy() for name, array in zip(self._names, arrays, strict=True)}


def serve_with_torch(threads: int) -> None:
    """Have every model that is loaded from now on run by torch."""
    torch.set_num_threads(threads)
    for module, load in (
        (mask_rcnn, _load_mask_rcnn),
        (pix2pix, _load_parser),
        (siamese, _load_embedder),
    ):
        module.load_graph = lambda path, *_, load=load, **_named: load(path.parent)  # type: ignore[attr-defined]


def _load_mask_rcnn(folder: Path) -> TorchGraph:
    card = _card(folder)
    network = build_network(
        Architecture(card["recipe"]["architecture"]), classes=len(card["categories"])
    )
    network.load_state_dict(load_weights(folder / WEIGHTS))
    return TorchGraph(network, ("boxes", "labels", "scores", "masks"))


def _load_parser(folder: Path) -> TorchGraph:
    card = _card(folder)
    kind = GeneratorKind(card["recipe"]["generator"])
    generator = build_generator(kind, len(card["label_set"]["classes"]))
    generator.load_state_dict(load_weights(folder / WEIGHTS))
    return TorchGraph(ParserNetwork(generator), (pix2pix.OUTPUT,))


def _load_embedder(folder: Path) -> TorchGraph:
    network = SiameseNetwork()
    network.load_state_dict(load_weights(folder / WEIGHTS))
    return TorchGraph(network, (siamese.OUTPUT,))


def _card(folder: Path) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((folder / CARD).read_text())
    return card
