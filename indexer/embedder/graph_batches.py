"""Any number of inputs through a graph, in batches of few sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from indexer.embedder.base import Vectors
from segmentation.errors import ModelDamaged
from segmentation.graph import Graph

Item = TypeVar("Item")
Rows = npt.NDArray[Any]

MOST_DIMENSIONS = 65_536


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

    Raises:
        ModelDamaged: the graph gives vectors of another dimension.
    """
    vectors = np.zeros((len(items), dimension), np.float32)
    for start in range(0, len(items), batch):
        rows = prepare(items[start : start + batch])
        padded = np.zeros((_padded(len(rows)), *rows.shape[1:]), rows.dtype)
        padded[: len(rows)] = rows
        answer = graph.run({names[0]: padded})[names[1]]
        if answer.shape[1:] != (dimension,):
            raise ModelDamaged(
                f"dimension leaves {dimension} numbers to the network, which gives "
                f"{answer.shape[-1]}"
            )
        vectors[start : start + len(rows)] = answer[: len(rows)]
    return vectors


def _padded(count: int) -> int:
    """A little more than ``count``: the runtime prepares itself anew for every size of a batch.

    Each up to 8, then four in an octave: most photos have fewer garments, and none is made up for them.
    """
    step = max(1, (1 << (count - 1).bit_length()) // 8)
    return -(-count // step) * step
