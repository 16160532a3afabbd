"""Exact search in FAISS: one flat float16 index, appended to, with a bitmap of what is valid.

Flat because catalogs start small and exact answers need no tuning; float16 because it is twice as
fast as float32 at the same recall. Nothing is ever changed in place: a replaced or removed vector
loses its bit, and when half of the rows are dead the index is built anew.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from indexer.vectors.base import Ids, Storable, Vectors, best_first, checked_query, checked_vectors
from indexer.vectors.exact import is_among, positions_of
from segmentation.errors import MissingDependency

if TYPE_CHECKING:
    import faiss

# A scan passes a row in some 0.1 µs and gathering one takes 2 µs (256 numbers, one core): gather
# only where fewer than one row in this many is allowed.
GATHER_ONE_IN = 32
# An index smaller than this is not worth building anew, however many of its rows are dead.
COMPACT_FROM = 1_024


class FaissView:
    """The rows of one moment. Rows appended later have no bit here, rows removed later keep theirs."""

    def __init__(self, storage: _Storage, row_ids: Ids, valid: npt.NDArray[np.bool_]) -> None:
        self._storage = storage
        self._row_ids = row_ids
        self._valid = valid
        rows = np.flatnonzero(valid)
        order = np.argsort(row_ids[rows])
        self._ids: Ids = row_ids[rows][order]
        self._rows = rows[order]  # the row of each of ``_ids``

    @property
    def dimension(self) -> int:
        return self._storage.dimension

    def __len__(self) -> int:
        return len(self._ids)

    def ids(self) -> Ids:
        return self._ids

    def vectors(self, ids: Ids) -> Vectors:
        return self._storage.gather(self._rows[positions_of(ids, self._ids)])

    def search(self, query: Vectors, k: int, *, allowed: Ids | None = None) -> tuple[Ids, Vectors]:
        query = checked_query(query, dimension=self.dimension)
        rows = self._rows if allowed is None else self._rows[is_among(self._ids, allowed)]
        if k <= 0 or not len(rows):
            return np.empty(0, np.int64), np.empty(0, np.float32)
        if len(rows) * GATHER_ONE_IN <= len(self._valid):
            scores = self._storage.gather(rows) @ query
            return best_first(self._row_ids[rows], scores, k)
        valid = self._valid
        if allowed is not None:
            valid = np.zeros_like(valid)
            valid[rows] = True
        found, scores = self._storage.scan(query, min(k, len(rows)), valid)
        return best_first(self._row_ids[found], scores, k)


class FaissIndex:
    """One writer at a time; any number of threads read views, and wait only while rows are appended.

    Raises:
        MissingDependency: FAISS is not installed.
    """

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._storage = _Storage(dimension)
        self._row_ids: Ids = np.empty(0, np.int64)
        self._valid: npt.NDArray[np.bool_] = np.empty(0, np.bool_)
        self._view = FaissView(self._storage, self._row_ids, self._valid)

    @property
    def dimension(self) -> int:
        return self._dimension

    def __len__(self) -> int:
        return len(self._view)

    def add(self, ids: Ids, vectors: Storable) -> None:
        ids = np.asarray(ids, np.int64)
        stored = checked_vectors(ids, vectors, dimension=self._dimension)
        if not len(ids):
            return
        self._storage.append(stored)
        kept = self._valid & ~np.isin(self._row_ids, ids)
        self._row_ids = np.concatenate([self._row_ids, ids])
        self._valid = np.concatenate([kept, np.ones(len(ids), np.bool_)])
        self._publish()

    def remove(self, ids: Ids) -> int:
        gone = self._valid & np.isin(self._row_ids, ids)
        if gone.any():
            self._valid = self._valid & ~gone
            self._publish()
        return int(np.count_nonzero(gone))

    def view(self) -> FaissView:
        return self._view

    def _publish(self) -> None:
        live = int(np.count_nonzero(self._valid))
        if len(self._valid) >= COMPACT_FROM and live * 2 < len(self._valid):
            self._compact()
        self._view = FaissView(self._storage, self._row_ids, self._valid)

    def _compact(self) -> None:
        rows = np.flatnonzero(self._valid)
        fresh = _Storage(self._dimension)
        if len(rows):
            fresh.append(self._storage.gather(rows).astype(np.float16))
        # Views that still read the old storage keep it alive until they are dropped.
        self._storage = fresh
        self._row_ids = self._row_ids[rows]
        self._valid = np.ones(len(rows), np.bool_)


class _Storage:
    """The FAISS index and its lock: appending may move the codes while a search reads them."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._faiss = import_faiss()
        self._lock = _ReadWriteLock()
        self._index: faiss.IndexScalarQuantizer = self._faiss.IndexScalarQuantizer(
            dimension, self._faiss.ScalarQuantizer.QT_fp16, self._faiss.METRIC_INNER_PRODUCT
        )

    def append(self, vectors: npt.NDArray[np.float16]) -> None:
        with self._lock.writing():
            self._index.add(vectors.astype(np.float32))

    def gather(self, rows: npt.NDArray[np.intp]) -> Vectors:
        """Rows as float32 (n, dimension)."""
        with self._lock.reading():
            if not len(rows):
                return np.empty((0, self.dimension), np.float32)
            # In C++: numpy takes 12 ns a number to widen float16, FAISS a tenth of it.
            return np.asarray(self._index.reconstruct_batch(rows.astype(np.int64)), np.float32)

    def scan(
        self, query: Vectors, k: int, valid: npt.NDArray[np.bool_]
    ) -> tuple[npt.NDArray[np.int64], Vectors]:
        """The best ``k`` of the valid rows, unordered among equals: rows and scores."""
        bits = np.packbits(valid, bitorder="little")
        selector = self._faiss.IDSelectorBitmap(bits)
        parameters = self._faiss.SearchParameters(sel=selector)
        with self._lock.reading(), one_thread():
            scores, rows = self._index.search(query[None], k, params=parameters)
        found = rows[0] >= 0
        return rows[0][found], scores[0][found]


class _ReadWriteLock:
    """Many readers or one writer; a waiting writer goes first, so that appends never starve."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._one_writer = threading.Lock()
        self._readers = 0
        self._writers = 0  # writing or waiting to

    @contextmanager
    def reading(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._writers)
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        with self._changed:
            self._writers += 1
            self._changed.wait_for(lambda: not self._readers)
        try:
            with self._one_writer:
                yield
        finally:
            with self._changed:
                self._writers -= 1
                self._changed.notify_all()


@contextmanager
def one_thread() -> Iterator[None]:
    """Let FAISS answer the one query in here in this thread alone.

    It shares out queries and never a query: more threads do nothing but wait for this one, which
    takes 5 ms of CPU where the search takes 0.1, and longer where other work has the cores.
    """
    faiss = import_faiss()
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)  # Of this thread alone.
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


def import_faiss() -> Any:
    """The module, loaded where it is used. Raises MissingDependency."""
    try:
        import faiss  # noqa: PLC0415 - an extra: `cpu` and `gpu` are alternatives
    except ImportError as error:
        raise MissingDependency(
            'searching needs FAISS: pip install "garb[cpu]" (or "garb[gpu]")'
        ) from error
    return faiss
