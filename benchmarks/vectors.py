"""A million vectors: what Garb's index answers, how fast and from how much memory, beside its peers.

    python -m benchmarks.vectors [--count 1000000] [--products 3000] [--cases garb,…] [--seeds FILE]

Each case runs in a process of its own on one thread and prints one JSON line; `many_vectors` says what
the vectors are. Milliseconds are CPU time of the searching thread, so that other work on the machine
counts little. Recall is of the ten nearest by brute force over the same float16 vectors.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil

from benchmarks.many_vectors import draw_and_embed, grow
from indexer.catalog.rows import VectorRow
from indexer.live_index import BATCH, LiveIndex
from indexer.vectors import merged
from indexer.vectors.snapshot import load_merged

K = 10
FILTER_SHARES = (0.01, 0.1, 0.5)
EMBEDDER = "made"
FILTERED = 20
CHOICES = ((8, 16, 32, 64, 128), (50, 100, 200, 400))
CHANGES = 10
# As many candidates as Garb scores exactly.
REFINED_A_RESULT = 20

Floats = npt.NDArray[np.float32]
Search = Callable[[Floats], npt.NDArray[np.int64]]


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
            "recall_at_10": round(_recall(found, list(self.nearest)), 4),
            "ms": round(statistics.median(milliseconds), 3),
            "ms_p99": round(float(np.quantile(milliseconds, 0.99)), 3),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument(
        "--products", type=int, default=3_000, help="how many are drawn and embedded"
    )
    parser.add_argument(
        "--seeds", type=Path, help="a .npy of the embeddings, made if it is not there"
    )
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.folder is not None:
        line = {"case": f"vectors: {arguments.cases}"}
        print(json.dumps(line | CASES[arguments.cases](Case(arguments.folder))), flush=True)
        return
    with tempfile.TemporaryDirectory() as name:
        _prepare(Path(name), arguments)
        for case in arguments.cases.split(","):
            command = [sys.executable, "-m", "benchmarks.vectors", "--cases", case]
            one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            subprocess.run(
                [*command, "--folder", name], check=True, env={**os.environ, **one_thread}
            )


def _prepare(folder: Path, arguments: argparse.Namespace) -> None:
    seeds = arguments.seeds or folder / "embedded.npy"
    if not seeds.exists():
        seeds.parent.mkdir(parents=True, exist_ok=True)
        threads = len(os.sched_getaffinity(0))
        np.save(seeds, draw_and_embed(arguments.products, threads=threads))
    embedded = np.load(seeds)
    grown = grow(embedded, arguments.count)
    np.save(folder / "vectors.npy", grown.vectors)
    np.save(folder / "queries.npy", grown.queries)
    np.save(folder / "nearest.npy", _nearest(grown.queries, grown.vectors))
    line = {"case": "vectors: made", "count": arguments.count, "dimension": embedded.shape[1]}
    line |= {"embedded": len(embedded), "queries": len(grown.queries)}
    names = ("scale", "near_own", "near_grown", "spread_own", "spread_grown")
    print(json.dumps(line | {name: round(getattr(grown, name), 3) for name in names}), flush=True)


def _nearest(queries: Floats, vectors: npt.NDArray[np.float16]) -> npt.NDArray[np.int64]:
    """The `K` best rows of each query, by brute force."""
    rows: list[npt.NDArray[np.int64]] = []
    scores: list[Floats] = []
    for start in range(0, len(vectors), 50_000):
        block = queries @ vectors[start : start + 50_000].astype(np.float32).T
        best = np.argpartition(-block, K, axis=1)[:, :K]
        scores.append(np.take_along_axis(block, best, axis=1))
        rows.append(best + start)
    order = np.argsort(-np.concatenate(scores, axis=1), axis=1)[:, :K]
    return np.take_along_axis(np.concatenate(rows, axis=1), order, axis=1)


def _recall(
    found: Sequence[npt.NDArray[np.int64]], wanted: Sequence[npt.NDArray[np.int64]]
) -> float:
    shares = [len(np.intersect1d(f, w)) / len(w) for f, w in zip(found, wanted, strict=True)]
    return float(np.mean(shares))


# Garb's index


def _garb(case: Case) -> dict[str, Any]:
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
    recall = round(_recall(found, wanted), 4)
    return {"recall_at_10": recall, "ms": round(statistics.median(milliseconds), 2)}


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


def _garb_opened(case: Case) -> dict[str, Any]:
    """A start from the snapshot that the case before left; memory once every page was read."""
    count, dimension = case.vectors.shape
    bytes_a_vector = _bytes_of_merged(case)
    index = LiveIndex(
        Unchanged(case),
        embedder_version=EMBEDDER,
        dimension=dimension,
        snapshot_dir=case.folder / "index",
    )
    before_mb, started = _resident_mb(), time.perf_counter()
    index.open()
    seconds = time.perf_counter() - started
    view = index.generation().vectors
    line = case.searched(lambda query: view.search(query, K)[0])
    assert view.merged is not None
    view.merged.vectors.view(np.uint8)[:, ::512].sum()
    return {
        "open_s": round(seconds, 2),
        **line,
        "bytes_a_vector": bytes_a_vector,
        "with_rows_and_product_ids": _bytes_a_vector(before_mb, count),
    }


def _garb_choices(case: Case) -> dict[str, Any]:
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
    before_mb = _resident_mb()
    part = load_merged(case.folder / "index" / EMBEDDER, embedder=EMBEDDER, newer_than=0)
    assert part is not None
    for query in case.queries:
        part.search(query, K, np.ones(len(part), np.bool_))
    part.vectors.view(np.uint8)[:, ::512].sum()
    part.ids.sum()
    return _bytes_a_vector(before_mb, len(part))


# Peers


def _faiss(case: Case, make: Callable[[Any, int], Any], probes: int | None) -> dict[str, Any]:
    import faiss  # noqa: PLC0415 - one runtime a process

    faiss.omp_set_num_threads(1)
    count, dimension = case.vectors.shape
    before_mb, started = _resident_mb(), time.process_time()
    index = make(faiss, dimension)
    rows = np.sort(np.random.default_rng(0).choice(count, min(count, 65_000), replace=False))
    index.train(case.vectors[rows].astype(np.float32))
    for start in range(0, count, 20_000):
        index.add(case.vectors[start : start + 20_000].astype(np.float32))
    built = time.process_time() - started
    if probes is not None:
        faiss.extract_index_ivf(index).nprobe = probes
    if isinstance(index, faiss.IndexRefine):
        index.k_factor = REFINED_A_RESULT
    return {
        **case.searched(lambda query: index.search(query[None], K)[1][0]),
        "build_cpu_s": round(built, 1),
        "bytes_a_vector": _bytes_a_vector(before_mb, count),
    }


def _ivf(description: str, probes: int) -> Callable[[Case], dict[str, Any]]:
    def measure(case: Case) -> dict[str, Any]:
        lists = 2 * int(len(case.vectors) ** 0.5)
        text = description.format(lists=lists)

        def make(faiss: Any, dimension: int) -> Any:
            index = faiss.index_factory(dimension, text, faiss.METRIC_INNER_PRODUCT)
            faiss.extract_index_ivf(index).cp.niter = 8
            return index

        return {"faiss": text, "probes": probes} | _faiss(case, make, probes)

    return measure


def _flat(case: Case) -> dict[str, Any]:
    return _faiss(case, lambda faiss, dimension: faiss.index_factory(dimension, "SQfp16", 0), None)


def _numpy(case: Case) -> dict[str, Any]:
    vectors = case.vectors.astype(np.float32)

    def search(query: Floats) -> npt.NDArray[np.int64]:
        scores = vectors @ query
        best = np.argpartition(-scores, K)[:K]
        return best[np.argsort(-scores[best])]

    return {**case.searched(search), "bytes_a_vector": vectors.shape[1] * 4}


def _hnswlib(case: Case) -> dict[str, Any]:
    import hnswlib  # noqa: PLC0415

    count, dimension = case.vectors.shape
    before_mb, started = _resident_mb(), time.process_time()
    index = hnswlib.Index("ip", dimension)
    index.init_index(count, M=16, ef_construction=100)
    for start in range(0, count, 20_000):
        index.add_items(case.vectors[start : start + 20_000].astype(np.float32))
    index.set_num_threads(1)
    index.set_ef(64)
    built = time.process_time() - started
    return {
        **case.searched(lambda query: index.knn_query(query[None], K)[0][0].astype(np.int64)),
        "build_cpu_s": round(built, 1),
        "bytes_a_vector": _bytes_a_vector(before_mb, count),
    }


def _usearch(case: Case) -> dict[str, Any]:
    from usearch.index import Index  # noqa: PLC0415

    count, dimension = case.vectors.shape
    before_mb, started = _resident_mb(), time.process_time()
    index = Index(ndim=dimension, metric="ip", dtype="f16", expansion_search=64)
    for start in range(0, count, 20_000):
        some = case.vectors[start : start + 20_000]
        index.add(np.arange(start, start + len(some)), np.array(some))
    built = time.process_time() - started

    def search(query: Floats) -> npt.NDArray[np.int64]:
        found = index.search(query.astype(np.float16), K, threads=1)
        return np.asarray(found.keys, np.int64)

    return {
        **case.searched(search),
        "build_cpu_s": round(built, 1),
        "bytes_a_vector": _bytes_a_vector(before_mb, count),
    }


def _bytes_a_vector(before_mb: float, count: int) -> int:
    return round((_resident_mb() - before_mb) * 1e6 / count)


def _resident_mb() -> float:
    """Private memory of this process: pages of the benchmark's own file are not counted."""
    return float(psutil.Process().memory_full_info().uss) / 1e6


CASES: dict[str, Callable[[Case], dict[str, Any]]] = {
    "garb": _garb,
    "garb_opened": _garb_opened,
    "garb_choices": _garb_choices,
    "ivf_flat_fp16": _ivf("IVF{lists},SQfp16", 32),
    "ivf_sq8": _ivf("IVF{lists},SQ8", 32),
    "ivf_pq_refined": _ivf("IVF{lists},PQ82x4fs,RFlat", 32),
    "flat_fp16": _flat,
    "numpy": _numpy,
    "usearch": _usearch,
    "hnswlib": _hnswlib,
}

if __name__ == "__main__":
    main()
