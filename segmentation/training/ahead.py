"""Batches made while the one before is learned from."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Indices = TypeVar("Indices")
Batch = TypeVar("Batch")


def made_ahead(
    make: Callable[[Indices], Batch], batches: Sequence[Indices], *, ahead: int = 3
) -> Iterator[Batch]:
    """``make`` of each of the batches in turn, in a thread ``ahead`` of the training.

    A thread, because decoding and warping release the interpreter and a forked worker of a process
    that has run OpenMP crashes.
    """
    with ThreadPoolExecutor(1) as pool:
        waiting = deque(pool.submit(make, indices) for indices in batches[:ahead])
        for number in range(len(batches)):
            batch = waiting.popleft().result()
            if number + ahead < len(batches):
                waiting.append(pool.submit(make, batches[number + ahead]))
            yield batch
