"""The large part of an index: written once, memory-mapped, never changed.

Inverted lists of RaBitQ codes (Gao & Long 2024: one bit a dimension, scanned 32 at a time) name
candidates, and the stored float16 vectors say how near they are: every score is exact, and where
few ids are allowed no code is looked at. What this was chosen from is in docs/decisions.
"""

from __future__ import annotations

import fcntl
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from indexer.errors import IndexDamaged
from indexer.vectors.base import Ids, Vectors, best_first
from indexer.vectors.faiss_index import import_faiss, one_thread
from indexer.vectors.files import (
    TEMPORARY,
    Entry,
    checked_path,
    new_file,
    npy_bytes,
    put_under_its_sha256,
    write_named,
)
from indexer.vectors.gpu import GpuRows, rows_on_gpu

if TYPE_CHECKING:
    import faiss

Rows = npt.NDArray[np.intp]
RowMask = npt.NDArray[np.bool_]

# Scoring a row exactly takes 0.2 µs: a thirty-second of a million takes less than 10 ms.
SCORE_ONE_IN = 32
# Lists looked at where every row is allowed, and how many of their best are scored exactly.
PROBES = 32
CANDIDATES = 200
_CANDIDATES_A_RESULT = 8
# Fewer, and rounding may have kept out a result: a GPU rounds the query.
_LEAST_A_RESULT = 2
# So many rows fit the cache between being gathered and being scored: half the time of all at once.
_SCORED_AT_ONCE = 1_000
_MORE_PROBES = 4
# Where that many times the lists are looked at, what is found lies far off and about equally far: the
# codes tell it apart worse, and more of it is scored exactly.
_FAR_OFF = 1.25
_CANDIDATES_FAR_OFF = 4
# As many rows as so many lists hold can empty no more of those looked at: an eighth.
_FEW_LISTS = 4
# Enough to tell how many rows a filter leaves in a list of some five hundred.
_SAMPLED_ROWS = 65_536

_LISTS_A_ROOT = 2
_TRAINING_ROWS_A_LIST = 32
_TRAINING_ROUNDS = 8
_LEAST_ROWS_A_LIST = 40
_ROWS_AT_ONCE = 20_000

IDS, VECTORS, LISTS = "merged_ids.npy", "merged_vectors.npy", "merged_lists.faiss"
LOCK = "merge.lock"
_LEFT_SECONDS = 60.0


class MergeStopped(Exception):
    """Somebody asked a merge to stop."""


@dataclass(frozen=True, slots=True, eq=False)
class MergedPart:
    """``sequence``: every change up to it is in here, and none after.

    ``ids``: int64 (n,), ascending; ``vectors``: float16 (n, dimension), mapped from a file;
    ``files``: what a manifest says of the files that all this lies in, by name;
    ``lists_of``: int32, the list of every n-th row, `_SAMPLED_ROWS` or fewer;
    ``on_gpu``: the vectors once more, which then name the candidates in the lists' place.
    """

    sequence: int
    ids: Ids
    vectors: npt.NDArray[np.float16]
    lists: faiss.IndexIVFRaBitQFastScan
    files: dict[str, Entry]
    lists_of: npt.NDArray[np.int32]
    on_gpu: GpuRows | None

    def __len__(self) -> int:
        return len(self.ids)

    def gather(self, rows: Rows) -> Vectors:
        """Rows as float32 (n, dimension)."""
        dimension = self.vectors.shape[1]
        if not len(rows):
            return np.empty((0, dimension), np.float32)
        faiss = import_faiss()
        codec = faiss.ScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16)
        return np.asarray(codec.decode(self.vectors.take(rows, axis=0).view(np.uint8)), np.float32)

    def search(self, query: Vectors, k: int, allowed: RowMask) -> tuple[Ids, Vectors]:
        """The best ``k`` of the allowed rows: ids and exact scores, best first, ties by id."""
        count = int(np.count_nonzero(allowed))
        k = min(k, count)
        if k <= 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        wanted = max(CANDIDATES, _CANDIDATES_A_RESULT * k)
        if count * SCORE_ONE_IN <= len(self) or wanted * SCORE_ONE_IN > len(self):
            return self._best(query, np.flatnonzero(allowed), k)
        enough = min(_LEAST_A_RESULT * k, count)
        rows = self._candidates_on_gpu(query, wanted, allowed, count)
        # Where there is a GPU, FAISS is a build for it: its lists may know no filter, and then find
        # no more than the GPU did.
        if self.on_gpu is None or (len(rows) < enough and (count == len(self) or _lists_filter())):
            rows = self._candidates(query, wanted, allowed, count)
        if len(rows) < enough:
            rows = np.flatnonzero(allowed)
        return self._best(query, rows, k)

    def _candidates_on_gpu(self, query: Vectors, wanted: int, allowed: RowMask, count: int) -> Rows:
        """None without a GPU, few where the allowed rows are far from the query."""
        if self.on_gpu is None:
            return np.empty(0, np.intp)
        rows = self.on_gpu.nearest(query, math.ceil(wanted * len(self) / count))
        return rows[allowed[rows]]

    def _candidates(self, query: Vectors, wanted: int, allowed: RowMask, count: int) -> Rows:
        """Allowed rows that the lists name; fewer than ``wanted`` from a FAISS that does not filter."""
        faiss = import_faiss()
        asked, selector, probes = wanted, None, min(PROBES, self.lists.nlist)
        if count < len(self):
            # A few removed products are no filter, wherever they lie.
            if (len(self) - count) * self.lists.nlist > _FEW_LISTS * len(self):
                probes = self._probes(query, allowed, count)
            if probes > _FAR_OFF * PROBES:
                wanted = asked = _CANDIDATES_FAR_OFF * wanted
            if _lists_filter():
                selector = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
            else:
                asked = math.ceil(wanted * len(self) / count)
        while True:
            parameters = faiss.SearchParametersIVF(nprobe=probes, sel=selector)
            with one_thread():
                _, found = self.lists.search(query[None], asked, params=parameters)
            rows = np.asarray(found[0][found[0] >= 0], np.intp)
            rows = rows[allowed[rows]]
            if len(rows) >= min(wanted, count) or probes == self.lists.nlist or asked > wanted:
                return rows
            probes = min(self.lists.nlist, probes * _MORE_PROBES)

    def _probes(self, query: Vectors, allowed: RowMask, count: int) -> int:
        """How many lists to look at for a filter, from what it allows in the lists near the query.

        The best of a tenth are the best hundred of all: more lists hold them, but not ten times. A
        filter may also bar just what is near, as one by category does: its best lie further out.
        """
        of_lists = np.bincount(
            self.lists_of[allowed[:: _step(len(self))]], minlength=self.lists.nlist
        )
        with one_thread():
            _, nearest = self.lists.quantizer.search(query[None], self.lists.nlist)
        seen = np.cumsum(of_lists[nearest[0]]) * self.lists.nlist
        wanted = PROBES * math.sqrt(count / len(self)) * len(self.lists_of)
        return min(self.lists.nlist, max(PROBES, int(np.searchsorted(seen, wanted)) + 1))

    def _best(self, query: Vectors, rows: Rows, k: int) -> tuple[Ids, Vectors]:
        faiss = import_faiss()
        # FAISS scores float16 as it lies: widening it first takes longer than scoring.
        scorer = faiss.IndexScalarQuantizer(
            self.vectors.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        best: list[tuple[Ids, Vectors]] = []
        with one_thread():
            for start in range(0, len(rows), _SCORED_AT_ONCE):
                some = rows[start : start + _SCORED_AT_ONCE]
                scorer.reset()
                scorer.add_sa_codes(self.vectors.take(some, axis=0).view(np.uint8))
                scores, places = scorer.search(query[None], min(k, len(some)))
                best.append((self.ids[some[places[0]]], scores[0]))
        ids, scores = (np.concatenate(parts) for parts in zip(*best, strict=True))
        return best_first(ids, scores, k)


def build_part(
    folder: Path,
    ids: Ids,
    vectors_of: Callable[[Ids], Vectors],
    *,
    sequence: int,
    is_stopped: Callable[[], bool] = lambda: False,
) -> MergedPart:
    """Write the files of a part that holds these ids, ascending, and map them.

    It holds some `_ROWS_AT_ONCE` vectors and the codes in memory. No manifest names the files yet.

    Raises:
        OSError: the files cannot be written.
        MergeStopped: ``is_stopped`` said so.
    """
    faiss = import_faiss()
    faiss.omp_set_num_threads(1)  # Of this thread alone: searches keep the other cores.
    folder.mkdir(parents=True, exist_ok=True)
    with new_file(folder) as temporary:
        _write_vectors(temporary, ids, vectors_of, is_stopped)
        vectors = np.load(temporary, mmap_mode="r", allow_pickle=False)
        lists = faiss.serialize_index(_inverted_lists(vectors, is_stopped))
        files = {
            IDS: write_named(folder, IDS, npy_bytes(ids)),
            LISTS: write_named(folder, LISTS, lists.tobytes()),
            VECTORS: put_under_its_sha256(temporary, VECTORS),
        }
    return load_part(folder, files, sequence=sequence)


def load_part(folder: Path, files: dict[str, Entry], *, sequence: int) -> MergedPart:
    """Map the files of a part, each read once for its sha256 before anything is made of it.

    Raises:
        IndexDamaged: a file differs from its sha256, or they do not belong together.
    """
    faiss = import_faiss()
    paths = {name: checked_path(folder, files[name]) for name in (IDS, VECTORS, LISTS)}
    ids, vectors = (
        np.load(paths[name], mmap_mode="r", allow_pickle=False) for name in (IDS, VECTORS)
    )
    # Not mapped: FAISS copies fast-scan codes all the same, and would hold both.
    lists = faiss.read_index(os.fspath(paths[LISTS]))
    if not len(ids) == len(vectors) == lists.ntotal:
        raise IndexDamaged(f"{folder}: the merged part's files are of different lengths")
    # Every page is mapped now, while the file is in memory: the first filtered searches would pay.
    vectors[:, 0].max(initial=0)
    of_rows = np.empty(len(ids), np.int32)
    for number in range(lists.nlist):
        size = lists.invlists.list_size(number)
        if size:
            rows = faiss.rev_swig_ptr(lists.invlists.get_ids(number), size)
            of_rows[rows] = number
    lists_of = of_rows[:: _step(len(ids))].copy()
    on_gpu = rows_on_gpu(vectors)
    return MergedPart(sequence, np.asarray(ids), vectors, lists, files, lists_of, on_gpu)


def _write_vectors(
    path: Path, ids: Ids, vectors_of: Callable[[Ids], Vectors], is_stopped: Callable[[], bool]
) -> None:
    # Written, not mapped: a full disk is then an error and no signal that kills the process.
    with path.open("wb") as file:
        shape = (len(ids), vectors_of(ids[:1]).shape[1])
        header = {"descr": "<f2", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(ids), _ROWS_AT_ONCE):
            _go_on(is_stopped)
            some = vectors_of(ids[start : start + _ROWS_AT_ONCE])
            file.write(some.astype("<f2").tobytes())


def _inverted_lists(vectors: npt.NDArray[np.float16], is_stopped: Callable[[], bool]) -> Any:
    """An IndexIVFRaBitQFastScan of the rows."""
    faiss = import_faiss()
    count, dimension = vectors.shape
    centres = _centres(vectors, is_stopped)
    nearest = faiss.IndexFlatIP(dimension)
    nearest.add(centres)
    lists = faiss.IndexIVFRaBitQFastScan(
        nearest, dimension, len(centres), faiss.METRIC_INNER_PRODUCT
    )
    lists.train(centres)
    for start in range(0, count, _ROWS_AT_ONCE):
        _go_on(is_stopped)
        lists.add(vectors[start : start + _ROWS_AT_ONCE].astype(np.float32))
    return lists


def _centres(vectors: npt.NDArray[np.float16], is_stopped: Callable[[], bool]) -> Vectors:
    """Spherical k-means of a sample, float32 (lists, dimension)."""
    faiss = import_faiss()
    count, dimension = vectors.shape
    lists = max(1, min(_LISTS_A_ROOT * math.isqrt(count), count // _LEAST_ROWS_A_LIST))
    rng = np.random.default_rng(0)
    sampled = rng.choice(count, min(count, lists * _TRAINING_ROWS_A_LIST), replace=False)
    sample = vectors[np.sort(sampled)].astype(np.float32)
    centres = sample[rng.choice(len(sample), lists, replace=False)]
    for _ in range(_TRAINING_ROUNDS):
        # One round at a time, so that a server that stops need not wait for all of them.
        _go_on(is_stopped)
        training = faiss.Kmeans(
            dimension, lists, niter=1, spherical=True, seed=1, min_points_per_centroid=1
        )
        training.train(sample, init_centroids=centres)
        centres = training.centroids
    return np.asarray(centres, np.float32)


def _step(count: int) -> int:
    """Which rows are sampled, of so many."""
    return -(-count // _SAMPLED_ROWS)


def _lists_filter() -> bool:
    """FAISS before 1.14.2 passed over selectors in these lists; for GPUs there is none later yet."""
    version = import_faiss().__version__
    return tuple(int(part) for part in version.split(".")[:3]) >= (1, 14, 2)


def _go_on(is_stopped: Callable[[], bool]) -> None:
    if is_stopped():
        raise MergeStopped


@contextmanager
def merging_alone(folder: Path) -> Iterator[bool]:
    """Whether no other process merges here; none begins until this one is done or dead."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            _remove_leftovers(folder)
            yield True


def _remove_leftovers(folder: Path) -> None:
    """What a merge that was killed had begun to write: as large as the index, and nobody's now."""
    for path in folder.glob(f"{TEMPORARY}*"):
        # A snapshot is written beside; that takes seconds.
        if time.time() - path.stat().st_mtime > _LEFT_SECONDS:
            path.unlink(missing_ok=True)
