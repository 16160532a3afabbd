"""What the embedder is trained by: losses and the pooling of the last features, side by side.

Every case trains a network from ImageNet's weights on the same garments for as many epochs, and is
asked for held-out ones: another view of a street garment, and a drawn product by its worn photo.
The gallery is what was trained on. One line a case:

- nt-xent: the loss of `garb embedder train`, the last features pooled by their mean
- multi-similarity: Wang et al. 2019, pytorch-metric-learning's constants, pooled by the mean
- triplet: cosine triplets of margin 0.1, mined semi-hard (Schroff et al. 2015), pooled by the mean
- gem: nt-xent and the generalised mean, as `garb embedder train` does it

    python -m benchmarks.embedder_losses --street DIR --catalog FEED [--worn QUERIES.csv] [--garments N]
        [--epochs N] [--cases nt-xent,triplet] [--out DIR]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from pytorch_metric_learning.distances import CosineSimilarity
from pytorch_metric_learning.losses import MultiSimilarityLoss, TripletMarginLoss
from pytorch_metric_learning.miners import TripletMarginMiner
from torch import Tensor

from indexer.embedder.crop_store import CropStore, open_crops
from indexer.embedder.network import SiameseNetwork, load_imagenet
from indexer.embedder.sources import training_sources
from indexer.embedder.training import LossFunction, held_out_retrieval, train_network
from indexer.embedder.training_batches import Items, TrainingPlan

CASES = ("nt-xent", "multi-similarity", "triplet", "gem")
_MARGIN = 0.1


class MeanNetwork(SiameseNetwork):
    """The last features by their mean."""

    def pool_deepest(self, values: Tensor, weights: Tensor) -> Tensor:
        """(n, c, h, w) and (n, 1, h, w) → (n, c)."""
        return (values * weights).sum(dim=(2, 3)) / weights.sum(dim=(2, 3))


def semi_hard_triplets(vectors: Tensor, labels: Tensor) -> Tensor:
    """The mean of triplets whose negative is farther than the positive, but within the margin."""
    distance = CosineSimilarity()
    miner = TripletMarginMiner(_MARGIN, type_of_triplets="semihard", distance=distance)
    loss: Tensor = TripletMarginLoss(_MARGIN, distance=distance)(
        vectors, labels, miner(vectors, labels)
    )
    return loss


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    sources = training_sources(
        catalogs=arguments.catalog, streets=arguments.street, worn=arguments.worn
    )
    store = some_of(open_crops(sources, arguments.out / "crops"), arguments.garments)
    for case in arguments.cases.split(","):
        plan = TrainingPlan(epochs=arguments.epochs)
        started = perf_counter()
        network = train(case, store, plan, arguments.out / case)
        seconds = perf_counter() - started
        figures = held_out_retrieval(network, store, plan=plan)
        line = {"case": case, "garments": arguments.garments, "epochs": plan.epochs, **figures}
        print(json.dumps({**line, "seconds": round(seconds, 1)}), flush=True)


def train(case: str, store: CropStore, plan: TrainingPlan, folder: Path) -> SiameseNetwork:
    """One network from ImageNet's weights; goes on where it was stopped."""
    torch.manual_seed(plan.seed)
    network = (SiameseNetwork() if case == "gem" else MeanNetwork()).eval()
    load_imagenet(network)
    network.freeze_first_layers()
    network.standardise(Items(store).standardising_batch(plan))
    losses: dict[str, LossFunction] = {
        "multi-similarity": MultiSimilarityLoss(),
        "triplet": semi_hard_triplets,
    }
    return train_network(
        network, store, plan=plan, folder=folder, start="imagenet", loss_function=losses.get(case)
    )


def some_of(store: CropStore, garments: int) -> CropStore:
    """About so many garments that are trained on, by the hash of their name; all held-out ones."""
    trained = {crop.item for crop in store.crops if not crop.validation}
    share = garments / max(1, len(trained))

    def chosen(item: str) -> bool:
        return int(hashlib.sha256(item.encode()).hexdigest()[:8], 16) < share * 2**32

    rows = [row for row, crop in enumerate(store.crops) if crop.validation or chosen(crop.item)]
    crops = tuple(store.crops[row] for row in rows)
    return CropStore(crops, np.asarray(store.pixels[rows]), f"{store.fingerprint}-{garments}")


def _arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--street", type=Path, action="append", required=True, metavar="DIR")
    parser.add_argument("--catalog", type=Path, action="append", default=[], metavar="FEED")
    parser.add_argument("--worn", type=Path, action="append", default=[], metavar="QUERIES.csv")
    parser.add_argument("--garments", type=int, default=3000, help="about so many to learn from")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--out", type=Path, default=Path("var/losses"))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
