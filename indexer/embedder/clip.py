"""CLIP as it is served: two exported towers and a tokenizer, no torch.

``model.onnx`` is the image tower, which stands where every embedder's graph does; ``text.onnx`` is
the text tower.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np
from PIL import Image

from indexer.embedder.base import Vectors
from indexer.embedder.clip_tokenizer import Cleaning, ClipTokenizer
from indexer.embedder.graph_batches import MOST_DIMENSIONS, vectors_of
from segmentation.card_fields import channels_of, side_px_of, whole_number_of
from segmentation.errors import ModelDamaged
from segmentation.execution import ALL_CORES, Execution, Profile
from segmentation.garment import Cutout
from segmentation.graph import Graph, load_graph
from segmentation.models import ModelVersion

FAMILY = "clip"
TEXT_GRAPH = "text.onnx"
TOKENIZER = "tokenizer.json"
IMAGES, TOKENS, VECTORS = "images", "tokens", "vectors"
BATCH = 16
# Most networks take 77 tokens, those for whole pages some thousands.
CONTEXT_LENGTHS = range(1, 8_193)


class Interpolation(IntEnum):
    """open_clip's names for what Pillow resizes with."""

    BICUBIC = Image.Resampling.BICUBIC
    BILINEAR = Image.Resampling.BILINEAR


@dataclass(frozen=True, slots=True, eq=False)
class ImageInput:
    """How a square picture becomes the image tower's input. ``mean``, ``std``: (3,) float32, of 0–1.

    open_clip crops and pads what is not square; cut-outs are square, so here it only resizes.
    """

    size_px: int
    mean: Vectors
    std: Vectors
    interpolation: Interpolation

    @classmethod
    def from_card(cls, fields: dict[str, Any]) -> ImageInput:
        """Raises KeyError, TypeError or ValueError for fields that are missing or wrong."""
        return cls(
            size_px=side_px_of(fields, "size_px"),
            mean=np.asarray(channels_of(fields, "mean"), np.float32),
            std=np.asarray(channels_of(fields, "std", above=0), np.float32),
            interpolation=Interpolation[str(fields["interpolation"]).upper()],
        )

    def preprocess(self, cutout: Cutout) -> Vectors:
        """CHW float32, standardised: what open_clip's own transform makes of the same picture."""
        picture = Image.fromarray(cutout.pixels)
        side = (self.size_px, self.size_px)
        if picture.size != side:
            picture = picture.resize(side, Image.Resampling(self.interpolation))
        values = np.asarray(picture, np.float32) / np.float32(255)
        return ((values - self.mean) / self.std).transpose(2, 0, 1)


class ClipEmbedder:
    """Runs one version; its card says how pictures and words are prepared."""

    def __init__(self, version: ModelVersion, execution: Execution = ALL_CORES) -> None:
        """Verify and load a version. The text tower is loaded when first asked for.

        Raises:
            ModelDamaged: a file differs from the card, or the card lacks what serving needs.
            MissingDependency: no runtime, or no tokenizer is installed.
        """
        version.verify()
        card = version.card
        try:
            self._input = ImageInput.from_card(card["input"])
            dimensions = range(1, MOST_DIMENSIONS + 1)
            self._dimension = whole_number_of(card, "dimension", within=dimensions)
            self._tokenizer = ClipTokenizer(
                version.folder / TOKENIZER,
                cleaning=Cleaning(card["text"]["cleaning"]),
                context_length=whole_number_of(card, "text.context_length", within=CONTEXT_LENGTHS),
                zeroed_token=card["text"]["zeroed_token"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelDamaged(
                f"{version.card_path}: not the card of a CLIP model ({error})"
            ) from error
        self._version = version.name
        self._execution = replace(execution, profile=Profile.EXACT)
        self._images = load_graph(version.graph_path, self._execution)
        self._text_path = version.folder / TEXT_GRAPH
        self._text: Graph | None = None
        self._loading_text = threading.Lock()

    @property
    def version(self) -> str:
        return self._version

    @property
    def dimension(self) -> int:
        return self._dimension

    def embed(self, cutouts: Sequence[Cutout]) -> Vectors:
        """float32 ``(n, dimension)``, unit length, in the order given."""
        return vectors_of(
            self._images,
            cutouts,
            lambda part: np.stack([self._input.preprocess(cutout) for cutout in part]),
            names=(IMAGES, VECTORS),
            dimension=self._dimension,
            batch=BATCH,
        )

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """float32 ``(n, dimension)``, unit length, in the order given."""
        return vectors_of(
            self._text_tower(),
            texts,
            self._tokenizer,
            names=(TOKENS, VECTORS),
            dimension=self._dimension,
            batch=BATCH,
        )

    def _text_tower(self) -> Graph:
        """Most processes never read a word, and the tower takes seconds and much memory to load."""
        with self._loading_text:
            if self._text is None:
                self._text = load_graph(self._text_path, self._execution)
            return self._text
