"""What every case of `benchmarks.vectors` sees, and how its recall, time and memory are counted."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil

K = 10

Floats = npt.NDArray[np.float32]
Search = Callable[[Floats], npt.NDArray[np.int64]]


class Case:
    """The vectors of a run, as a case's own process sees them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.vectors: npt.NDArray[np.float16] = np.load(folder / "vectors.npy", mmap_mode="r")
        self.queries: Floats = np.load(folder / "queries.npy")
        self.nearest: npt.NDArray[np.int64] = np.load(folder / "nearest.npy")

    def searched(self, search: Search) -> dict[str, float]:
        """Recall and the median time of a query."""
        found, milliseconds = [], []
        search(self.queries[0])
        for query in self.queries:
            started = time.thread_time()
            found.append(search(query))
            milliseconds.append((time.thread_time() - started) * 1000)
        return {
            "recall_at_10": round(recall(found, list(self.nearest)), 4),
            "ms": round(statistics.median(milliseconds), 3),
            "ms_p99": round(float(np.quantile(milliseconds, 0.99)), 3),
        }


def recall(
    found: Sequence[npt.NDArray[np.int64]], wanted: Sequence[npt.NDArray[np.int64]]
) -> float:
    shares = [len(np.intersect1d(f, w)) / len(w) for f, w in zip(found, wanted, strict=True)]
    return float(np.mean(shares))


def bytes_a_vector(before_mb: float, count: int) -> int:
    return round((resident_mb() - before_mb) * 1e6 / count)


def resident_mb() -> float:
    """Private memory of this process: pages of the benchmark's own file are not counted."""
    return float(psutil.Process().memory_full_info().uss) / 1e6
