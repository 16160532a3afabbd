"""The Siamese embedder as it is served: an exported graph, no torch."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from indexer.embedder.base import Vectors
from segmentation.errors import ModelDamaged
from segmentation.garment import Cutout
from segmentation.graph import load_graph
from segmentation.models import ModelVersion

INPUT = "cutouts"
OUTPUT = "vectors"
BATCH = 32


class SiameseEmbedder:
    """Runs one version; its card says the input's size and the vectors' dimension."""

    def __init__(self, version: ModelVersion, *, threads: int = 0) -> None:
        """Verify and load a version.

        Raises:
            ModelDamaged: a file differs from the card, or the card lacks size or dimension.
            MissingDependency: no runtime is installed.
        """
        version.verify()
        try:
            self._size_px = int(version.card["input"]["size_px"])
            self._dimension = int(version.card["dimension"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelDamaged(f"{version.card_path}: no input size or dimension") from error
        self._version = version.name
        self._graph = load_graph(version.graph_path, threads=threads)

    @property
    def version(self) -> str:
        return self._version

    @property
    def dimension(self) -> int:
        return self._dimension

    def embed(self, cutouts: Sequence[Cutout]) -> Vectors:
        """float32 ``(n, dimension)``, unit length, in the order given."""
        vectors = np.zeros((len(cutouts), self._dimension), np.float32)
        for start in range(0, len(cutouts), BATCH):
            batch = cutouts[start : start + BATCH]
            # Padded to a power of two: the runtime prepares itself anew for every batch size.
            padded = np.zeros(
                (1 << (len(batch) - 1).bit_length(), 4, self._size_px, self._size_px), np.float32
            )
            for row, cutout in zip(padded, batch, strict=False):
                row[:] = preprocess(cutout, size_px=self._size_px)
            answer = self._graph.run({INPUT: padded})[OUTPUT]
            vectors[start : start + len(batch)] = answer[: len(batch)]
        return vectors


def preprocess(cutout: Cutout, *, size_px: int) -> Vectors:
    """A cut-out as the network reads it: CHW float32, RGB / 127.5 − 1, then alpha 0–1."""
    pixels, alpha = cutout.pixels, cutout.alpha
    if pixels.shape[0] != size_px:
        shrinking = pixels.shape[0] > size_px
        interpolation = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
        side = (size_px, size_px)
        pixels = np.asarray(cv2.resize(pixels, side, interpolation=interpolation), np.uint8)
        alpha = np.asarray(cv2.resize(alpha, side, interpolation=interpolation), np.uint8)
    channels = np.empty((4, size_px, size_px), np.float32)
    channels[:3] = pixels.transpose(2, 0, 1) / np.float32(127.5) - np.float32(1)
    channels[3] = alpha / np.float32(255)
    return channels
