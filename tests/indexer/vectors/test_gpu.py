"""The merged part with a GPU that is played by FAISS's flat index, which has the same methods."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt
import pytest

from indexer.vectors import merged
from indexer.vectors.gpu import MOST_NEAREST
from indexer.vectors.merged import MergedPart, build_part
from tests.indexer.memory_catalog import unit
from tests.indexer.vectors.judge import judged

DIMENSION = 32
COUNT = 12_000
K = 10


class Resources:
    def setTempMemory(self, size: int) -> None:  # noqa: N802 - FAISS's name
        assert size > 0


class GpuIndex:
    """Float16 rows, as asked for; what it is asked is counted."""

    asked = 0

    def __init__(self, resources: Resources, dimension: int, config: Any) -> None:
        assert config.useFloat16
        self._index = faiss.IndexScalarQuantizer(
            dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )

    def add(self, vectors: npt.NDArray[np.float32]) -> None:
        self._index.add(vectors)

    def search(self, queries: npt.NDArray[np.float32], k: int) -> Any:
        assert k <= MOST_NEAREST
        type(self).asked += 1
        return self._index.search(queries.astype(np.float16).astype(np.float32), k)


class FullGpuIndex(GpuIndex):
    def add(self, vectors: npt.NDArray[np.float32]) -> None:
        raise RuntimeError("Error: out of memory\nin a long trace")


class FailingGpuIndex(GpuIndex):
    def search(self, queries: npt.NDArray[np.float32], k: int) -> Any:
        raise RuntimeError("Error: out of memory")


def _with_gpu(monkeypatch: pytest.MonkeyPatch, index: type[GpuIndex]) -> None:
    monkeypatch.setattr(index, "asked", 0)
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 1)
    monkeypatch.setattr(faiss, "StandardGpuResources", Resources, raising=False)
    monkeypatch.setattr(faiss, "GpuIndexFlatConfig", SimpleNamespace, raising=False)
    monkeypatch.setattr(faiss, "GpuIndexFlatIP", index, raising=False)


@pytest.fixture
def vectors() -> npt.NDArray[np.float16]:
    return unit(np.random.default_rng(5), COUNT, DIMENSION).astype(np.float16)


def _built(folder: Path, vectors: npt.NDArray[np.float16]) -> MergedPart:
    stored = vectors.astype(np.float32)
    return build_part(folder, np.arange(len(vectors)), lambda some: stored[some], sequence=1)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1])
def test_a_gpu_misses_nothing_with_and_without_a_filter(
    tmp_path: Path,
    vectors: npt.NDArray[np.float16],
    monkeypatch: pytest.MonkeyPatch,
    share: float,
) -> None:
    _with_gpu(monkeypatch, GpuIndex)
    monkeypatch.setattr(
        MergedPart, "_candidates", lambda *_: pytest.fail("the lists were searched")
    )
    # So that it is more than a filter that few pass, which gathers rows whatever there is.
    monkeypatch.setattr(merged, "CANDIDATES", 100)
    part = _built(tmp_path, vectors)
    rng = np.random.default_rng(6)
    allowed = rng.random(COUNT) < share
    for query in unit(rng, 10, DIMENSION):
        ids, scores = part.search(query, K, allowed)
        np.testing.assert_array_equal(ids, judged(part, query, K, allowed))
        np.testing.assert_allclose(scores, vectors[ids].astype(np.float32) @ query, atol=1e-5)
    assert GpuIndex.asked == 10


def test_allowed_ids_far_from_the_query_are_found_through_the_lists(
    tmp_path: Path, vectors: npt.NDArray[np.float16], monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_gpu(monkeypatch, GpuIndex)
    part = _built(tmp_path, vectors)
    query = vectors[0].astype(np.float32)
    scores = vectors.astype(np.float32) @ query
    allowed = scores < np.quantile(scores, 0.05)
    ids, _ = part.search(query, K, allowed)
    assert len(ids) == K
    assert allowed[ids].all()
    assert GpuIndex.asked == 1


def test_vectors_that_do_not_fit_the_gpu_are_searched_on_the_cpu(
    tmp_path: Path,
    vectors: npt.NDArray[np.float16],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    _with_gpu(monkeypatch, FullGpuIndex)
    with caplog.at_level(logging.WARNING):
        part = _built(tmp_path, vectors)
    (record,) = caplog.records
    assert record.getMessage().endswith("the GPU does not take them: Error: out of memory")
    query = vectors[7].astype(np.float32)
    ids, _ = part.search(query, K, np.ones(COUNT, np.bool_))
    assert ids[0] == 7


def test_a_gpu_that_fails_leaves_the_search_to_the_cpu(
    tmp_path: Path, vectors: npt.NDArray[np.float16], monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_gpu(monkeypatch, FailingGpuIndex)
    part = _built(tmp_path, vectors)
    ids, _ = part.search(vectors[7].astype(np.float32), K, np.ones(COUNT, np.bool_))
    assert ids[0] == 7


@pytest.mark.parametrize("gpus", [0, 1])
def test_without_a_gpu_or_a_build_for_one_nothing_is_tried(
    tmp_path: Path,
    vectors: npt.NDArray[np.float16],
    monkeypatch: pytest.MonkeyPatch,
    gpus: int,
) -> None:
    _with_gpu(monkeypatch, FullGpuIndex)
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: gpus)
    if gpus:
        monkeypatch.delattr(faiss, "StandardGpuResources")
    assert _built(tmp_path, vectors).on_gpu is None
