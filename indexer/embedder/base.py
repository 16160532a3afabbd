"""What every embedder offers; matching, ingest and evaluation rely on nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

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
