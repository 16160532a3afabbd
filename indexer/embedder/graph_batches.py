"""Any number of inputs through a graph, in batches of few sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from indexer.embedder.base import Vectors
from segmentation.graph import Graph

Item = TypeVar("Item")
Rows = npt.NDArray[Any]


def vectors_of(
    graph: Graph,
    items: Sequence[Item],
    prepare: Callable[[Sequence[Item]], Rows],
    *,
    names: tuple[str, str],
    dimension: int,
    batch: int = 32,
) -> Vectors:
    """float32 (n, dimension), in the order of ``items``.

    ``prepare``: at most ``batch`` items → their rows of the input. ``names``: of input and output.
    """
    vectors = np.zeros((len(items), dimension), np.float32)
    for start in range(0, len(items), batch):
        rows = prepare(items[start : start + batch])
        # Padded to a power of two: the runtime prepares itself anew for every batch size.
        padded = np.zeros((1 << (len(rows) - 1).bit_length(), *rows.shape[1:]), rows.dtype)
        padded[: len(rows)] = rows
        answer = graph.run({names[0]: padded})[names[1]]
        vectors[start : start + len(rows)] = answer[: len(rows)]
    return vectors
