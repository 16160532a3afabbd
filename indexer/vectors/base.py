"""What every vector index can do, and what a reader of one sees."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from indexer.errors import VectorRefused

Ids = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.float32]
Storable = npt.NDArray[np.floating[Any]]

# A unit vector in float16 keeps its length to 1e-3; anything shorter than this is no direction.
MIN_LENGTH = 1e-3


@runtime_checkable
class VectorView(Protocol):
    """One generation of an index: it does not change while it is read."""

    @property
    def dimension(self) -> int: ...

    def __len__(self) -> int: ...

    def ids(self) -> Ids:
        """The ids that are valid, ascending; int64 (n,)."""
        ...

    def vectors(self, ids: Ids) -> Vectors:
        """Stored vectors, float32 (n, dimension), rounded to float16, in the order of ``ids``.

        Raises:
            KeyError: an id that is not in this generation.
        """
        ...

    def search(self, query: Vectors, k: int, *, allowed: Ids | None = None) -> tuple[Ids, Vectors]:
        """The ``k`` valid ids of highest inner product, best first, ties by id.

        ``query``: float32 (dimension,). ``allowed``: only these ids may be found (None: all).
        Fewer come back only when fewer are valid and allowed. Returns ids and float32 scores.

        Raises:
            VectorRefused: the query is not finite, has no length or another dimension.
        """
        ...


@runtime_checkable
class VectorIndex(Protocol):
    """Vectors under int64 ids, to be changed by one writer while many read its views."""

    @property
    def dimension(self) -> int: ...

    def __len__(self) -> int: ...

    def add(self, ids: Ids, vectors: Storable) -> None:
        """Store vectors, any float (n, dimension); an id already there is replaced.

        All or none are stored.

        Raises:
            VectorRefused: NaN, infinite or zero vectors, another dimension, an id twice.
        """
        ...

    def remove(self, ids: Ids) -> int:
        """Forget ids, those not there ignored; returns how many were there."""
        ...

    def view(self) -> VectorView:
        """What is stored now, unchanged by whatever is added or removed later."""
        ...


def checked_vectors(ids: Ids, vectors: npt.ArrayLike, *, dimension: int) -> npt.NDArray[np.float16]:
    """The vectors as they are stored, float16 (n, dimension); raises as `VectorIndex.add` says."""
    array = np.asarray(vectors)
    if array.ndim != 2 or array.shape != (len(ids), dimension):
        raise VectorRefused(
            f"{len(ids)} vectors of {dimension} numbers expected, not {array.shape}"
        )
    if len(np.unique(ids)) != len(ids):
        raise VectorRefused("an id is named twice")
    # Overflow to infinity is found by the check that follows.
    with np.errstate(over="ignore"):
        stored = array.astype(np.float16)
    lengths = np.linalg.norm(stored.astype(np.float32), axis=1)
    bad = np.flatnonzero(~np.isfinite(lengths) | (lengths < MIN_LENGTH))
    if len(bad):
        raise VectorRefused(f"the vector of id {int(ids[bad[0]])} is not finite or has no length")
    return stored


def checked_query(query: npt.ArrayLike, *, dimension: int) -> Vectors:
    """The query as contiguous float32; raises as `VectorView.search` says."""
    array = np.ascontiguousarray(query, dtype=np.float32)
    if array.shape != (dimension,):
        raise VectorRefused(f"a query of {dimension} numbers expected, not {array.shape}")
    length = float(np.linalg.norm(array))
    if not np.isfinite(length) or length < MIN_LENGTH:
        raise VectorRefused("the query is not finite or has no length")
    return array


def best_first(ids: Ids, scores: Vectors, k: int) -> tuple[Ids, Vectors]:
    """The ``k`` best of scored ids: highest score first, ties by id."""
    order = np.lexsort((ids, -scores))[:k]
    return ids[order], scores[order]
