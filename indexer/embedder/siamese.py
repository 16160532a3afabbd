"""The Siamese embedder as it is served: an exported graph, no torch."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from indexer.embedder.base import Vectors
from indexer.embedder.in_batches import vectors_of
from segmentation.errors import ModelDamaged
from segmentation.garment import Cutout
from segmentation.graph import load_graph
from segmentation.models import ModelVersion

INPUT = "cutouts"
OUTPUT = "vectors"


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
        return vectors_of(
            self._graph, cutouts, self._rows, names=(INPUT, OUTPUT), dimension=self._dimension
        )

    def _rows(self, cutouts: Sequence[Cutout]) -> Vectors:
        return np.stack([preprocess(cutout, size_px=self._size_px) for cutout in cutouts])


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
