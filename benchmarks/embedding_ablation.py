"""What of a garment is embedded, and how: each choice beside the one that is served.

The garments are found once by the active models; each line is the recall of the same queries with one thing
done otherwise:

- served: the cut-out, the network's vector and its colours as the card weighs them
- box: all that lies in the garment's box
- flipped: the mean of the cut-out's and its mirror image's vector
- colours W: the network's vector beside the colours, their scores weighted 1 − W and W

    python -m benchmarks.embedding_ablation PRODUCTS.csv QUERIES.csv [--threads N]
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from indexer.bootstrap import load_models, open_storage
from indexer.embedder.base import Embedder, Vectors
from indexer.embedder.colour_signature import DIMENSION as COLOURS
from indexer.embedder.network import DIMENSION
from indexer.embedder.siamese import beside
from indexer.evaluation.dataset import read_retrieval_set
from indexer.evaluation.finders import Crop, GarmentFinder, Segmented, as_found, box_crop
from indexer.evaluation.retrieval import evaluate_retrieval
from indexer.settings import Settings
from segmentation.garment import Box, Cutout, Garment
from segmentation.photo import Photo

COLOUR_WEIGHTS = (0.0, 0.1, 0.2, 0.3)


class Remembered:
    """A finder that looks at each photo once; ``crop`` says what of its garments is embedded."""

    def __init__(self, finder: GarmentFinder) -> None:
        self.crop: Crop = as_found
        self._finder = finder
        self._found: dict[tuple[object, ...], tuple[Garment, ...]] = {}

    def of_product(self, photo: Photo, category: str | None) -> Garment:
        key = (_digest(photo), category)
        if key not in self._found:
            self._found[key] = (self._finder.of_product(photo, category),)
        return self.crop(photo, self._found[key][0])

    def of_query(self, photo: Photo, category: str | None, box: Box | None) -> tuple[Garment, ...]:
        key = (_digest(photo), category, box, "query")
        if key not in self._found:
            self._found[key] = self._finder.of_query(photo, category, box)
        return tuple(self.crop(photo, garment) for garment in self._found[key])


class Flipped:
    """The mean of both mirror images' vectors."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.version, self.dimension = "flipped", embedder.dimension

    def embed(self, cutouts: Sequence[Cutout]) -> Vectors:
        """float32 (n, dimension), unit length."""
        mirrored = [
            Cutout(
                np.ascontiguousarray(one.pixels[:, ::-1]), np.ascontiguousarray(one.alpha[:, ::-1])
            )
            for one in cutouts
        ]
        both = self._embedder.embed(cutouts) + self._embedder.embed(mirrored)
        return np.asarray(both / np.linalg.norm(both, axis=1, keepdims=True), np.float32)


class WithColours:
    """The network's vector with the cut-out's colours beside it, at another weight than the card's."""

    def __init__(self, embedder: Embedder, network_dimension: int, weight: float) -> None:
        self._embedder, self._network, self._weight = embedder, network_dimension, weight
        self.version = f"colours {weight}"
        self.dimension = network_dimension + (COLOURS if weight else 0)

    def embed(self, cutouts: Sequence[Cutout]) -> Vectors:
        """float32 (n, dimension), unit length."""
        vectors = self._embedder.embed(cutouts)[:, : self._network]
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return beside(np.asarray(unit, np.float32), cutouts, weight=self._weight)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("products", type=Path, metavar="PRODUCTS.csv")
    parser.add_argument("queries", type=Path, metavar="QUERIES.csv")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    dataset = read_retrieval_set(arguments.products, arguments.queries)
    with open_storage(Settings.from_env(os.environ)) as storage:
        photo_parser, embedder = load_models(storage)
    finder = Remembered(Segmented(photo_parser))
    variants: list[tuple[str, Embedder, Crop]] = [
        ("served", embedder, as_found),
        ("box", embedder, box_crop),
        ("flipped", Flipped(embedder), as_found),
        *((f"colours {w}", WithColours(embedder, DIMENSION, w), as_found) for w in COLOUR_WEIGHTS),
    ]
    for name, variant, crop in variants:
        finder.crop = crop
        report = evaluate_retrieval(
            dataset, finder=finder, embedder=variant, threads=arguments.threads
        )
        print(json.dumps({"case": name, **report.to_json()}), flush=True)


def _digest(photo: Photo) -> bytes:
    return sha256(photo.pixels.tobytes()).digest()


if __name__ == "__main__":
    main()
