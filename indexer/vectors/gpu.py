"""The merged part's vectors on a GPU, where FAISS is built for one and there is one.

A GPU reads all of a million vectors in less time than a core looks through a few lists, so there
every row is a candidate and none is missed.
"""

from __future__ import annotations

import logging
from threading import Lock

import numpy as np
import numpy.typing as npt

from indexer.vectors.base import Vectors
from indexer.vectors.faiss_index import import_faiss

# What FAISS's kernels can select at once.
MOST_NEAREST = 2_048

_ROWS_AT_ONCE = 20_000
# FAISS reserves 1.5 GB for itself otherwise, in every process of a server.
_SCRATCH_BYTES = 64 << 20

log = logging.getLogger(__name__)


class GpuRows:
    """Rows in float16 on the first GPU. Any thread may ask; one is answered at a time."""

    def __init__(self, vectors: npt.NDArray[np.float16]) -> None:
        """Copy them there. Raises RuntimeError where they do not fit."""
        faiss = import_faiss()
        # Kept: the index does not own it.
        self._resources = faiss.StandardGpuResources()
        self._resources.setTempMemory(_SCRATCH_BYTES)
        config = faiss.GpuIndexFlatConfig()
        config.useFloat16 = True
        self._index = faiss.GpuIndexFlatIP(self._resources, vectors.shape[1], config)
        for start in range(0, len(vectors), _ROWS_AT_ONCE):
            self._index.add(vectors[start : start + _ROWS_AT_ONCE].astype(np.float32))
        # FAISS's GPU resources serve one thread at a time.
        self._asking = Lock()

    def nearest(self, query: Vectors, count: int) -> npt.NDArray[np.intp]:
        """The rows of highest inner product, best first; `MOST_NEAREST` at most.

        The query is rounded to float16 as the rows are: score them again where that matters. None
        where the GPU fails, as when others have taken its memory (logged).
        """
        try:
            with self._asking:
                _, rows = self._index.search(query[None], min(count, MOST_NEAREST))
        except RuntimeError as error:
            log.warning("the GPU found nothing: %s", _first_line(error))
            return np.empty(0, np.intp)
        return np.asarray(rows[0][rows[0] >= 0], np.intp)


def rows_on_gpu(vectors: npt.NDArray[np.float16]) -> GpuRows | None:
    """They, or None where FAISS is not built for GPUs, there is none, or it has no room (logged)."""
    faiss = import_faiss()
    if not hasattr(faiss, "StandardGpuResources") or not faiss.get_num_gpus():
        return None
    try:
        return GpuRows(vectors)
    except RuntimeError as error:
        log.warning(
            "vectors are searched on the CPU, the GPU does not take them: %s", _first_line(error)
        )
        return None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["no reason given"])[0]
