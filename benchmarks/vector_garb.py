"""Garb's own index in `benchmarks.vectors`: grown from rows, merged, changed, opened again."""

from __future__ import annotations

import itertools
import statistics
import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.vector_case import Case, Floats, K, bytes_a_vector, recall, resident_mb
from indexer.catalog.rows import VectorRow
from indexer.live_index import BATCH, LiveIndex
from indexer.vectors import merged
from indexer.vectors.faiss_index import import_faiss
from indexer.vectors.snapshot import load_merged

FILTER_SHARES = (0.01, 0.1, 0.5)
EMBEDDER = "made"
FILTERED = 20
CHOICES = ((8, 16, 32, 64, 128), (50, 100, 200, 400))
CHANGES = 10


class ArrayCatalog:
    """As much of the catalog as an index follows; the SQL is measured elsewhere."""

    def __init__(self, vectors: npt.NDArray[np.float16]) -> None:
        self._vectors = vectors
        self._later: list[VectorRow] = []

    def latest_sequence(self) -> int:
        return len(self._vectors) + len(self._later)

    def word_at(self, sequence: int) -> str:
        return "the only history"

    def changes_since(
        self, sequence: int, *, embedder: str, limit: int = BATCH
    ) -> Sequence[VectorRow]:
        count = len(self._vectors)
        if sequence >= count:
            return self._later[sequence - count : sequence - count + limit]
        return [
            VectorRow(row + 1, row, f"p{row}", 0, None, False, self._vectors[row])
            for row in range(sequence, min(sequence + limit, count))
        ]

    def change(self, image_id: int, vector: npt.NDArray[np.float16] | None) -> None:
        """Add or replace a photo, or delete it (None)."""
        number, gone = self.latest_sequence() + 1, vector is None
        self._later.append(VectorRow(number, image_id, f"p{image_id}", 0, None, gone, vector))


def garb(case: Case) -> dict[str, Any]:
    count, dimension = case.vectors.shape
    catalog = ArrayCatalog(case.vectors)
    index = LiveIndex(
        catalog,
        embedder_version=EMBEDDER,
        dimension=dimension,
        snapshot_dir=case.folder / "index",
        merge_from=min(50_000, count // 2),
    )
    started = time.process_time()
    index.open()
    opened_seconds = time.process_time() - started
    exact = case.searched(lambda query: index.generation().vectors.search(query, K)[0])
    changes = _changed_while_merging(index, catalog, case)
    search = case.searched(lambda query: index.generation().vectors.search(query, K)[0])
    filters = {f"{share:.0%}": _filtered(index, case, share) for share in FILTER_SHARES}
    index.stop()
    return {
        **search,
        "filters": filters,
        **changes,
        "exact_before_merging": exact,
        "open_from_rows_cpu_s": round(opened_seconds, 1),
    }


def _changed_while_merging(index: LiveIndex, catalog: ArrayCatalog, case: Case) -> dict[str, Any]:
    """How long until a changed product answers while a merge runs."""
    rng = np.random.default_rng(5)
    fresh = rng.normal(size=(CHANGES, case.vectors.shape[1]))
    fresh /= np.linalg.norm(fresh, axis=1, keepdims=True)
    count = len(case.vectors)
    waited: list[float] = []
    started, started_cpu = time.perf_counter(), time.process_time()
    index.start_polling()
    while not any(thread.name == "garb-merge" for thread in threading.enumerate()):
        time.sleep(0.01)
    for number, vector in enumerate(fresh.astype(np.float16)):
        changed_at = time.perf_counter()
        catalog.change(count + number, vector)
        # Rows that no query is near, so that recall stays what it is.
        catalog.change(int(rng.integers(count)), None)
        latest = catalog.latest_sequence()
        while index.sequence < latest:
            time.sleep(0.005)
        generation = index.generation()
        assert generation.vectors.search(vector.astype(np.float32), 1)[0][0] == count + number
        waited.append(time.perf_counter() - changed_at)
    during = sum(thread.name == "garb-merge" for thread in threading.enumerate())
    while index.merged_count == 0:
        time.sleep(0.05)
    line = {
        "merge_s": round(time.perf_counter() - started, 1),
        "merge_cpu_s": round(time.process_time() - started_cpu, 1),
        "change_answers_while_merging_s": round(statistics.median(waited), 2),
        "change_answers_while_merging_max_s": round(max(waited), 2),
        "changes_ended_before_the_merge": bool(during),
    }
    index.stop()
    return line


def _filtered(index: LiveIndex, case: Case, share: float) -> dict[str, float]:
    rng = np.random.default_rng(6)
    view = index.generation().vectors
    found, wanted, milliseconds = [], [], []
    for query in case.queries[:FILTERED]:
        allowed = view.ids()[np.flatnonzero(rng.random(len(view)) < share)]
        stored = allowed[allowed < len(case.vectors)]
        scores = _scores(case.vectors, stored, query)
        wanted.append(stored[np.argsort(-scores)[:K]])
        started = time.thread_time()
        found.append(view.search(query, K, allowed=allowed)[0])
        milliseconds.append((time.thread_time() - started) * 1000)
    milliseconds_each = round(statistics.median(milliseconds), 2)
    return {"recall_at_10": round(recall(found, wanted), 4), "ms": milliseconds_each}


def _scores(vectors: npt.NDArray[np.float16], rows: npt.NDArray[np.int64], query: Floats) -> Floats:
    parts = [
        vectors[rows[start : start + 50_000]].astype(np.float32) @ query
        for start in range(0, len(rows), 50_000)
    ]
    return np.concatenate(parts)


class Unchanged(ArrayCatalog):
    """The same catalog to an index that has its rows from a snapshot."""

    def __init__(self, case: Case) -> None:
        super().__init__(case.vectors[:0])
        self._sequence = len(case.vectors) + 2 * CHANGES

    def latest_sequence(self) -> int:
        return self._sequence


def garb_opened(case: Case) -> dict[str, Any]:
    """A start from the snapshot that the case before left; memory once every page was read."""
    count, dimension = case.vectors.shape
    import_faiss()  # Not counted, as it is not of the peers.
    of_merged = _bytes_of_merged(case)
    index = LiveIndex(
        Unchanged(case),
        embedder_version=EMBEDDER,
        dimension=dimension,
        snapshot_dir=case.folder / "index",
    )
    before_mb, started = resident_mb(), time.perf_counter()
    index.open()
    seconds = time.perf_counter() - started
    view = index.generation().vectors
    line = case.searched(lambda query: view.search(query, K)[0])
    assert view.merged is not None
    view.merged.vectors.view(np.uint8)[:, ::512].sum()
    return {
        "open_s": round(seconds, 2),
        **line,
        "bytes_a_vector": of_merged,
        "with_rows_and_product_ids": bytes_a_vector(before_mb, count),
    }


def garb_choices(case: Case) -> dict[str, Any]:
    """The merged part that the first case left, with fewer and more lists and candidates."""
    part = load_merged(case.folder / "index" / EMBEDDER, embedder=EMBEDDER, newer_than=0)
    assert part is not None
    every = np.ones(len(part), np.bool_)
    line = {}
    for merged.PROBES, merged.CANDIDATES in itertools.product(*CHOICES):
        found = case.searched(lambda query: part.search(query, K, every)[0])
        name = f"{merged.PROBES} lists, {merged.CANDIDATES} candidates"
        line[name] = {"recall_at_10": found["recall_at_10"], "ms": found["ms"]}
    return line


def _bytes_of_merged(case: Case) -> int:
    """The merged part alone, every page of it read."""
    before_mb = resident_mb()
    part = load_merged(case.folder / "index" / EMBEDDER, embedder=EMBEDDER, newer_than=0)
    assert part is not None
    for query in case.queries:
        part.search(query, K, np.ones(len(part), np.bool_))
    part.vectors.view(np.uint8)[:, ::512].sum()
    part.ids.sum()
    return bytes_a_vector(before_mb, len(part))
