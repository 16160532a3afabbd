"""From crops to a model version: start, train, measure, export, check, card."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from indexer.embedder.colour_signature import DIMENSION as COLOURS
from indexer.embedder.crop_store import CropStore
from indexer.embedder.network import DIMENSION, SiameseNetwork, load_imagenet
from indexer.embedder.siamese import INPUT, OUTPUT
from indexer.embedder.training import Report, held_out_retrieval, train_network
from indexer.embedder.training_batches import Items, TrainingPlan, to_tensor
from indexer.embedder.views import plain_view
from segmentation.errors import ModelError
from segmentation.execution import Execution, Profile
from segmentation.graph import load_graph
from segmentation.models import GRAPH, WEIGHTS, ModelKind, ModelStore, ModelVersion, sha256_of
from segmentation.training.export import export_onnx, load_weights, round_to_half, save_weights

LEAST_PARITY = 0.999
# Of the colours beside what the network says, in serving.
COLOUR_WEIGHT = 0.2
# Weights of another pooling would fit, and mean something else.
ARCHITECTURE = (
    "MobileNetV2, masked pooling at four depths (the last by a generalised mean) "
    "and of the pixels, linear"
)
IMAGENET = "imagenet"
NOTHING = "none"


@dataclass(frozen=True, slots=True)
class TrainedEmbedder:
    """``before``: the same figures of the weights that the training began from."""

    version: ModelVersion
    metrics: dict[str, Any]
    before: dict[str, Any]


def train_embedder(
    store: CropStore,
    *,
    plan: TrainingPlan,
    start: str | ModelVersion,
    folder: Path,
    models: ModelStore,
    average: bool = False,
    name: str | None = None,
    licences: Sequence[str] = (),
    report: Report | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> TrainedEmbedder:
    """Train and add a version. ``start``: ``imagenet``, ``none``, or a version to go on from.

    ``folder`` keeps checkpoints: the same call again goes on from the last one. ``average``: keep the
    mean of the weights before and after, which forgets less of what the start knew (Wortsman et al.
    2022, arXiv:2109.01903). ``licences``: of data and initial weights, for the card.

    Raises:
        ModelError: weights that do not fit, or an exported graph that differs from the network.
    """
    began = time.monotonic()
    network = start_network(store, plan=plan, start=start)
    say("measuring the start")
    before = held_out_retrieval(network, store, plan=plan)
    say(f"start: {before}")
    start_name = (
        start if isinstance(start, str) else f"{start.name} {start.card['sha256'][WEIGHTS]}"
    )
    at_start = {key: value.clone() for key, value in network.state_dict().items()}
    train_network(network, store, plan=plan, folder=folder, start=start_name, report=report)
    if average:
        network.load_state_dict(_mean_of(at_start, network.state_dict()))
    round_to_half(network)
    say("measuring the result")
    metrics = held_out_retrieval(network, store, plan=plan)
    say(f"result: {metrics}")
    exported = folder / "export"
    exported.mkdir(parents=True, exist_ok=True)
    parity = _export(network, store, exported, size_px=plan.served_px)
    card = {
        **_card(store, plan, start_name, licences),
        "averaged_with_start": average,
        "figures": metrics,
        "before": before,
        "parity_cosine": round(parity, 6),
        "seconds": round(time.monotonic() - began),
    }
    version = _create(models, name, exported, card)
    return TrainedEmbedder(version, metrics, before)


def start_network(
    store: CropStore, *, plan: TrainingPlan, start: str | ModelVersion
) -> SiameseNetwork:
    """A network with its initial weights; a fresh head is fitted to the spread of the features.

    Raises:
        ModelError: the weights are missing or of another network.
    """
    torch.manual_seed(plan.seed)
    network = SiameseNetwork().eval()
    if isinstance(start, ModelVersion):
        start.verify()
        if start.card.get("architecture") != ARCHITECTURE:
            raise ModelError(f"{start.name}: its weights are of another network")
        try:
            network.load_state_dict(load_weights(start.weights_path))
        except RuntimeError as error:
            raise ModelError(f"{start.name}: its weights are of another network") from error
    elif start == IMAGENET:
        load_imagenet(network)
    elif start != NOTHING:
        raise ModelError(f"cannot start from {start!r}")
    if start != NOTHING:
        # Random ones have nothing worth keeping.
        network.freeze_first_layers()
    if isinstance(start, str):
        network.standardise(Items(store).standardising_batch(plan))
    return network


def _mean_of(one: dict[str, Tensor], other: dict[str, Tensor]) -> dict[str, Tensor]:
    """Half way between two states; what counts steps is the second's."""
    return {
        key: torch.lerp(one[key], value, 0.5) if value.is_floating_point() else value
        for key, value in other.items()
    }


def _export(network: SiameseNetwork, store: CropStore, folder: Path, *, size_px: int) -> float:
    """Write both files; returns the least cosine between network and graph on real crops."""
    save_weights(network, folder / WEIGHTS)
    rows = np.linspace(0, len(store.crops) - 1, min(32, len(store.crops))).astype(int)
    crops = to_tensor([plain_view(store.pixels[row], size_px=size_px) for row in rows], size_px)
    crops = crops.contiguous()
    batch = {0: "n"}
    export_onnx(
        network,
        (crops[:2],),
        folder / GRAPH,
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_axes={INPUT: batch, OUTPUT: batch},
    )
    with torch.no_grad():
        expected = network(crops).numpy()
    exact = Execution(threads=1, profile=Profile.EXACT)
    answer = load_graph(folder / GRAPH, exact).run({INPUT: crops.numpy()})[OUTPUT]
    least = float((answer * expected).sum(axis=1).min())
    if not least >= LEAST_PARITY:
        raise ModelError(f"the exported graph differs from the network (cosine {least:.5f})")
    return least


def _create(
    models: ModelStore, name: str | None, exported: Path, card: dict[str, Any]
) -> ModelVersion:
    """Add what was exported as a version, by default named by its weights."""

    def write(target: Path) -> None:
        for file_name in (GRAPH, WEIGHTS):
            (target / file_name).write_bytes((exported / file_name).read_bytes())

    name = name or f"siamese-{sha256_of(exported / WEIGHTS)[:10]}"
    return models.create(ModelKind.EMBEDDER, name, write=write, card=card)


def _card(
    store: CropStore, plan: TrainingPlan, start: str, licences: Sequence[str]
) -> dict[str, Any]:
    training = [crop for crop in store.crops if not crop.validation]
    street = {crop.item for crop in training if crop.item.startswith("street/")}
    catalog = {crop.item for crop in training if crop.item.startswith("catalog/")}
    return {
        "architecture": ARCHITECTURE,
        "dimension": DIMENSION + COLOURS,
        "colours": {"weight": COLOUR_WEIGHT},
        "input": {
            "size_px": plan.served_px,
            "layout": "NCHW float32: RGB / 127.5 − 1 on grey 128, then alpha 0–1; any batch",
        },
        "recipe": {**asdict(plan), "loss": "NT-Xent", "optimiser": "AdamW, one cycle"},
        "seed": plan.seed,
        "start": start,
        "data": {
            "street_garments": len(street),
            "catalog_garments": len(catalog),
            "crops": len(training),
            "fingerprint": store.fingerprint,
            "held_out": "street photos whose name ends in 7, else every tenth; "
            "worn products whose id ends in 7",
        },
        "licences": list(licences),
    }
