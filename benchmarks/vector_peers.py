"""What `benchmarks.vectors` compares Garb's index with."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.vector_case import Case, Floats, K, bytes_a_vector, resident_mb

# As many candidates as Garb scores exactly.
REFINED_A_RESULT = 20


def _faiss(case: Case, make: Callable[[Any, int], Any], probes: int | None) -> dict[str, Any]:
    import faiss  # noqa: PLC0415 - one runtime a process

    faiss.omp_set_num_threads(1)
    count, dimension = case.vectors.shape
    before_mb, started = resident_mb(), time.process_time()
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
        "bytes_a_vector": bytes_a_vector(before_mb, count),
    }


def ivf(description: str, probes: int) -> Callable[[Case], dict[str, Any]]:
    def measure(case: Case) -> dict[str, Any]:
        lists = 2 * int(len(case.vectors) ** 0.5)
        text = description.format(lists=lists)

        def make(faiss: Any, dimension: int) -> Any:
            index = faiss.index_factory(dimension, text, faiss.METRIC_INNER_PRODUCT)
            faiss.extract_index_ivf(index).cp.niter = 8
            return index

        return {"faiss": text, "probes": probes} | _faiss(case, make, probes)

    return measure


def flat(case: Case) -> dict[str, Any]:
    return _faiss(case, lambda faiss, dimension: faiss.index_factory(dimension, "SQfp16", 0), None)


def brute_force(case: Case) -> dict[str, Any]:
    vectors = case.vectors.astype(np.float32)

    def search(query: Floats) -> npt.NDArray[np.int64]:
        scores = vectors @ query
        best = np.argpartition(-scores, K)[:K]
        return best[np.argsort(-scores[best])]

    return {**case.searched(search), "bytes_a_vector": vectors.shape[1] * 4}


def hnswlib(case: Case) -> dict[str, Any]:
    import hnswlib  # noqa: PLC0415

    count, dimension = case.vectors.shape
    before_mb, started = resident_mb(), time.process_time()
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
        "bytes_a_vector": bytes_a_vector(before_mb, count),
    }


def usearch(case: Case) -> dict[str, Any]:
    from usearch.index import Index  # noqa: PLC0415

    count, dimension = case.vectors.shape
    before_mb, started = resident_mb(), time.process_time()
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
        "bytes_a_vector": bytes_a_vector(before_mb, count),
    }
