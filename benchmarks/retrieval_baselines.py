"""What retrieval is worth without Garb: two peers on the files of `garb evaluate retrieval`.

Both compare whole photos and are ranked by Garb's own rules, the query's category among them, so that
a line differs from `garb evaluate retrieval --no-segmentation` by the vectors alone:

- imagenet: MobileNetV2 as ImageNet left it (GARB_IMAGENET_WEIGHTS), its features averaged over the photo
- colours: a CIELAB histogram; the score is the Bhattacharyya coefficient

    python -m benchmarks.retrieval_baselines PRODUCTS.csv QUERIES.csv [--threads N]
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from indexer.embedder.base import Embedder, Vectors
from indexer.embedder.network import SiameseNetwork, load_imagenet
from indexer.evaluation.dataset import read_retrieval_set
from indexer.evaluation.finders import WholePhotos
from indexer.evaluation.retrieval import evaluate_retrieval
from segmentation.garment import Cutout

BINS = (8, 16, 16)
_IMAGENET_CHANNELS = 1280


class ImageNetFeatures:
    """The last feature map averaged where the photo is, not over the padding around it."""

    version = "imagenet"
    dimension = _IMAGENET_CHANNELS

    def __init__(self) -> None:
        network = SiameseNetwork()
        load_imagenet(network)
        self._features = network.features.eval()

    def embed(self, cutouts: Sequence[Cutout]) -> Vectors:
        """float32 (n, 1280), unit length."""
        pixels = np.stack([cutout.pixels for cutout in cutouts]).transpose(0, 3, 1, 2)
        alpha = np.stack([cutout.alpha for cutout in cutouts])[:, None].astype(np.float32)
        with torch.inference_mode():
            maps = self._features(torch.from_numpy(pixels.astype(np.float32)) / 127.5 - 1)
            weights = F.adaptive_avg_pool2d(torch.from_numpy(alpha), maps.shape[-2:])
            means = (maps * weights).sum(dim=(2, 3)) / weights.sum(dim=(2, 3))
            return np.asarray(F.normalize(means).numpy(), np.float32)


class ColourHistogram:
    """Shares of the photo's pixels a CIELAB cell; roots of shares have unit length."""

    version = "colours"
    dimension = BINS[0] * BINS[1] * BINS[2]

    def embed(self, cutouts: Sequence[Cutout]) -> Vectors:
        """float32 (n, 2048), unit length."""
        return np.stack([self._histogram(cutout) for cutout in cutouts])

    def _histogram(self, cutout: Cutout) -> Vectors:
        lab = cv2.cvtColor(cutout.pixels, cv2.COLOR_RGB2LAB)
        photo = (cutout.alpha > 127).astype(np.uint8)
        cells = cv2.calcHist([lab], [0, 1, 2], photo, list(BINS), [0, 256] * 3).ravel()
        return np.asarray(np.sqrt(cells / cells.sum()), np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("products", type=Path, metavar="PRODUCTS.csv")
    parser.add_argument("queries", type=Path, metavar="QUERIES.csv")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    # Photos already run beside each other.
    torch.set_num_threads(1)
    peers: tuple[Embedder, ...] = (ImageNetFeatures(), ColourHistogram())
    dataset = read_retrieval_set(arguments.products, arguments.queries)
    for peer in peers:
        report = evaluate_retrieval(
            dataset,
            finder=WholePhotos(),
            embedder=peer,
            threads=arguments.threads,
        )
        print(json.dumps({"case": peer.version, **report.to_json()}), flush=True)


if __name__ == "__main__":
    main()
