"""What every embedder offers; matching, ingest and evaluation rely on nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from segmentation.garment import Cutout

Vectors = npt.NDArray[np.float32]


class Embedder(Protocol):
    """Cut-outs → vectors whose dot product says how alike two garments are."""

    @property
    def version(self) -> str:
        """The model version's name: vectors of different versions are never compared."""
        ...

    @property
    def dimension(self) -> int:
        """Numbers a vector."""
        ...

    def embed(self, cutouts: Sequence[Cutout]) -> Vectors:
        """float32 ``(n, dimension)``, rows of unit length in the order given; ``n`` may be 0.

        May be called from several threads at once.
        """
        ...


@runtime_checkable
class TextEmbedder(Embedder, Protocol):
    """An embedder that reads words too, into the same space as its cut-outs."""

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """As `embed`, for words: the dot product with a cut-out's vector says how well they fit."""
        ...
