"""The Siamese embedder as it is served: an exported graph, no torch."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from indexer.embedder.base import Vectors
from indexer.embedder.colour_signature import DIMENSION as COLOURS
from indexer.embedder.colour_signature import colour_signature
from indexer.embedder.graph_batches import MOST_DIMENSIONS, vectors_of
from segmentation.card_fields import damaged_card, number_of, side_px_of, whole_number_of
from segmentation.execution import ALL_CORES, Execution
from segmentation.garment import Cutout
from segmentation.graph import load_graph
from segmentation.models import ModelVersion

INPUT = "cutouts"
OUTPUT = "vectors"


class SiameseEmbedder:
    """Runs one version; its card says the input's size, the vectors' dimension and the colours' weight.

    With a weight a vector is the network's and the `colour_signature` side by side, so that the
    inner product of two is (1 − weight) · likeness + weight · likeness of colours.
    """

    def __init__(
        self,
        version: ModelVersion,
        execution: Execution = ALL_CORES,
    ) -> None:
        """Verify and load a version.

        Raises:
            ModelDamaged: a file differs from the card, or the card lacks what serving needs.
            MissingDependency: no runtime is installed.
        """
        version.verify()
        try:
            card = {"colours": {"weight": 0}, **version.card}
            self._size_px = side_px_of(card, "input.size_px")
            self._colours = number_of(card, "colours.weight", least=0, most=1)
            beside_network = COLOURS if self._colours else 0
            dimensions = range(beside_network + 1, MOST_DIMENSIONS + 1)
            self._dimension = whole_number_of(card, "dimension", within=dimensions)
        except ValueError as error:
            raise damaged_card(version, error) from error
        self._version = version.name
        self._graph = load_graph(version.graph_path, execution)

    @property
    def version(self) -> str:
        return self._version

    @property
    def dimension(self) -> int:
        return self._dimension

    def embed(self, cutouts: Sequence[Cutout]) -> Vectors:
        """float32 ``(n, dimension)``, unit length, in the order given."""
        of_network = self._dimension - (COLOURS if self._colours else 0)
        vectors = vectors_of(
            self._graph, cutouts, self._rows, names=(INPUT, OUTPUT), dimension=of_network
        )
        return beside(vectors, cutouts, weight=self._colours)

    def _rows(self, cutouts: Sequence[Cutout]) -> Vectors:
        return np.stack([preprocess(cutout, size_px=self._size_px) for cutout in cutouts])


def beside(vectors: Vectors, cutouts: Sequence[Cutout], *, weight: float) -> Vectors:
    """The vectors with the cut-outs' colours beside them, of unit length; as they are at weight 0."""
    if not weight:
        return vectors
    colours = np.zeros((len(cutouts), COLOURS), np.float32)
    for row, cutout in zip(colours, cutouts, strict=True):
        row[:] = colour_signature(cutout)
    joined = (np.sqrt(1 - weight) * vectors, np.sqrt(weight) * colours)
    return np.concatenate(joined, axis=1).astype(np.float32)


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
