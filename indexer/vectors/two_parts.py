"""An index of any size: a large part that never changes, and an exact one for what came since.

A replaced or removed vector of the large part loses its bit; its successor, like everything new, is
in the exact part. Merging builds a new large part beside the old one and swaps it in whole.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
import numpy.typing as npt

from indexer.vectors.base import (
    Ids,
    Storable,
    VectorIndex,
    Vectors,
    VectorView,
    best_first,
    checked_query,
)
from indexer.vectors.exact import is_among
from indexer.vectors.faiss_index import FaissIndex
from indexer.vectors.merged import MergedPart

_AT_ONCE = 10_000


class TwoPartView:
    """One moment: the merged part, which of its rows are valid, and a view of the recent part."""

    def __init__(
        self, merged: MergedPart | None, valid: npt.NDArray[np.bool_], recent: VectorView
    ) -> None:
        self.merged = merged
        self.valid = valid
        self._recent = recent

    @property
    def dimension(self) -> int:
        return self._recent.dimension

    @cached_property
    def merged_count(self) -> int:
        """How many of the valid ids are in the merged part."""
        return int(np.count_nonzero(self.valid))

    def __len__(self) -> int:
        return self.merged_count + len(self._recent)

    def ids(self) -> Ids:
        return self._ids

    def vectors(self, ids: Ids) -> Vectors:
        if self.merged is None:
            return self._recent.vectors(ids)
        ids = np.asarray(ids, np.int64)
        rows = np.searchsorted(self.merged.ids, ids)
        inside = rows < len(self.merged)
        inside[inside] = self.merged.ids[rows[inside]] == ids[inside]
        inside[inside] = self.valid[rows[inside]]
        found = np.empty((len(ids), self.dimension), np.float32)
        found[inside] = self.merged.gather(rows[inside])
        found[~inside] = self._recent.vectors(ids[~inside])
        return found

    def search(self, query: Vectors, k: int, *, allowed: Ids | None = None) -> tuple[Ids, Vectors]:
        query = checked_query(query, dimension=self.dimension)
        recent = self._recent.search(query, k, allowed=allowed)
        if self.merged is None:
            return recent
        rows = self.valid
        if allowed is not None:
            rows = rows & is_among(self.merged.ids, allowed)
        merged = self.merged.search(query, k, rows)
        ids = np.concatenate([recent[0], merged[0]])
        return best_first(ids, np.concatenate([recent[1], merged[1]]), k)

    @cached_property
    def _ids(self) -> Ids:
        if self.merged is None:
            return self._recent.ids()
        # Two ascending runs, which a stable sort merges.
        both = np.concatenate([self.merged.ids[self.valid], self._recent.ids()])
        return np.sort(both, kind="stable")


class TwoPartIndex:
    """One writer at a time; any number of threads read views. ``new_exact`` makes the recent part."""

    def __init__(
        self, dimension: int, new_exact: Callable[[int], VectorIndex] = FaissIndex
    ) -> None:
        self._new_exact = new_exact
        self._recent = new_exact(dimension)
        # Replaced in one step, so that a view taken meanwhile is of one moment.
        self._view = TwoPartView(None, np.empty(0, np.bool_), self._recent.view())

    @property
    def dimension(self) -> int:
        return self._view.dimension

    def __len__(self) -> int:
        return len(self._view)

    def add(self, ids: Ids, vectors: Storable) -> None:
        self._recent.add(ids, vectors)
        valid, _ = self._without(ids)
        self._view = TwoPartView(self._view.merged, valid, self._recent.view())

    def remove(self, ids: Ids) -> int:
        removed = self._recent.remove(ids)
        valid, gone = self._without(ids)
        if removed or gone:
            self._view = TwoPartView(self._view.merged, valid, self._recent.view())
        return removed + gone

    def view(self) -> TwoPartView:
        return self._view

    def adopt(self, merged: MergedPart, unchanged: Ids) -> None:
        """Put a merged part in the place of the one there is.

        ``unchanged``: the ids, ascending, whose vectors in it are those of now; all others that
        are stored go to a new recent part.
        """
        now = self._view
        valid = is_among(merged.ids, unchanged)
        rest = np.setdiff1d(now.ids(), merged.ids[valid], assume_unique=True)
        recent = self._new_exact(self.dimension)
        for start in range(0, len(rest), _AT_ONCE):
            some = rest[start : start + _AT_ONCE]
            recent.add(some, now.vectors(some))
        self._recent = recent
        self._view = TwoPartView(merged, valid, recent.view())

    def _without(self, ids: Ids) -> tuple[npt.NDArray[np.bool_], int]:
        """The merged part's valid rows without these ids, and how many that are fewer."""
        merged, valid = self._view.merged, self._view.valid
        if merged is None:
            return valid, 0
        gone = valid & is_among(merged.ids, np.asarray(ids, np.int64))
        count = int(np.count_nonzero(gone))
        return (valid & ~gone, count) if count else (valid, 0)
