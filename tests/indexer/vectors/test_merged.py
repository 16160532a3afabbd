"""The merged part against the numpy judge, on vectors that lie in clusters as the embedder's do."""

from __future__ import annotations

import os
from pathlib import Path

import faiss
import numpy as np
import numpy.typing as npt
import pytest

from indexer.errors import IndexDamaged
from indexer.vectors.merged import (
    IDS,
    LISTS,
    SCORE_ONE_IN,
    VECTORS,
    MergedPart,
    MergeStopped,
    build_part,
    load_part,
    merging_alone,
)
from tests.indexer.memory_catalog import unit
from tests.indexer.vectors.judge import judged

DIMENSION = 64
COUNT = 20_000
K = 10


@pytest.fixture(scope="module")
def vectors() -> npt.NDArray[np.float16]:
    rng = np.random.default_rng(3)
    centres = unit(rng, 200, DIMENSION)[rng.integers(200, size=COUNT)]
    near = centres + 0.08 * rng.normal(size=(COUNT, DIMENSION))
    return (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("merged")


@pytest.fixture(scope="module")
def part(folder: Path, vectors: npt.NDArray[np.float16]) -> MergedPart:
    return _built(folder, vectors)


def _built(folder: Path, vectors: npt.NDArray[np.float16]) -> MergedPart:
    ids = np.arange(len(vectors), dtype=np.int64) * 2 + 5
    stored = vectors.astype(np.float32)
    return build_part(folder, ids, lambda some: stored[(some - 5) // 2], sequence=77)


@pytest.fixture(params=["as it is", "1.14.1"])
def faiss_of_any_version(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before 1.14.2 its lists passed over filters: it is not asked for one then."""
    if request.param != "as it is":
        monkeypatch.setattr(faiss, "__version__", request.param)


@pytest.mark.usefixtures("faiss_of_any_version")
@pytest.mark.parametrize("share", [1.0, 0.5, 0.1])
def test_most_of_the_nearest_are_found_and_their_scores_are_exact(
    part: MergedPart, vectors: npt.NDArray[np.float16], share: float
) -> None:
    rng = np.random.default_rng(8)
    allowed = rng.random(COUNT) < share
    assert allowed.sum() * SCORE_ONE_IN > COUNT, "few allowed ids take another road"
    found = 0
    for row in rng.choice(COUNT, 30, replace=False):
        query = vectors[row].astype(np.float32)
        ids, scores = part.search(query, K, allowed)
        assert len(ids) == K
        assert allowed[(ids - 5) // 2].all()
        wanted = vectors[(ids - 5) // 2].astype(np.float32) @ query
        np.testing.assert_allclose(scores, wanted, atol=1e-5)
        found += len(np.intersect1d(ids, judged(part, query, K, allowed)))
    assert found >= 0.95 * 30 * K


def test_few_allowed_ids_are_searched_exactly(
    part: MergedPart, vectors: npt.NDArray[np.float16]
) -> None:
    rng = np.random.default_rng(9)
    for query in unit(rng, 5, DIMENSION):
        allowed = np.zeros(COUNT, np.bool_)
        allowed[rng.choice(COUNT, COUNT // SCORE_ONE_IN, replace=False)] = True
        ids, _ = part.search(query, K, allowed)
        np.testing.assert_array_equal(ids, judged(part, query, K, allowed))


@pytest.mark.usefixtures("faiss_of_any_version")
@pytest.mark.parametrize("of", ["all other categories", "another category"])
def test_a_filter_that_bars_what_is_near_finds_the_best_of_what_is_far(
    tmp_path: Path, of: str
) -> None:
    rng = np.random.default_rng(3)
    category, pattern = rng.integers(9, size=COUNT), rng.integers(40, size=COUNT)
    made = 0.8 * unit(rng, 9, DIMENSION)[category]
    made += 0.7 * unit(rng, 9 * 40, DIMENSION)[40 * category + pattern]
    made += 0.5 * unit(rng, COUNT, DIMENSION)
    vectors = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float16)
    part = _built(tmp_path, vectors)
    found = 0
    for row in rng.choice(COUNT, 30, replace=False):
        other = category != category[row]
        allowed = other if of == "all other categories" else category == (category[row] + 1) % 9
        query = vectors[row].astype(np.float32)
        ids, _ = part.search(query, K, allowed)
        found += len(np.intersect1d(ids, judged(part, query, K, allowed)))
    assert found >= 0.93 * 30 * K


@pytest.mark.usefixtures("faiss_of_any_version")
def test_allowed_ids_far_from_the_query_are_found_all_the_same(
    part: MergedPart, vectors: npt.NDArray[np.float16]
) -> None:
    query = vectors[0].astype(np.float32)
    scores = vectors.astype(np.float32) @ query
    allowed = scores < np.quantile(scores, 0.05)
    assert allowed.sum() * SCORE_ONE_IN > COUNT
    ids, _ = part.search(query, K, allowed)
    assert len(ids) == K
    assert allowed[(ids - 5) // 2].all()


def test_nothing_allowed_finds_nothing(part: MergedPart) -> None:
    ids, scores = part.search(np.ones(DIMENSION, np.float32), K, np.zeros(COUNT, np.bool_))
    assert len(ids) == len(scores) == 0


def test_every_damaged_file_is_refused_before_faiss_reads_it(
    tmp_path: Path, vectors: npt.NDArray[np.float16], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = _built(tmp_path, vectors[:2_000]).files
    assert len(load_part(tmp_path, files, sequence=77)) == 2_000
    monkeypatch.setattr("faiss.read_index", lambda *_: pytest.fail("FAISS read a damaged file"))
    rng = np.random.default_rng(1)
    for name in (IDS, VECTORS, LISTS):
        path = tmp_path / files[name]["file"]
        whole = path.read_bytes()
        flipped = bytearray(whole)
        flipped[rng.integers(len(whole))] ^= 1 << int(rng.integers(8))
        for damaged in (bytes(flipped), whole[:-1], whole + b"\n", b""):
            # Beside it and renamed: the fixture's own mapping must keep its bytes.
            (tmp_path / "damaged").write_bytes(damaged)
            (tmp_path / "damaged").replace(path)
            with pytest.raises(IndexDamaged):
                load_part(tmp_path, files, sequence=77)
        path.unlink()
        with pytest.raises(IndexDamaged):
            load_part(tmp_path, files, sequence=77)
        path.write_bytes(whole)


def test_a_merge_that_is_stopped_leaves_no_file(
    tmp_path: Path, vectors: npt.NDArray[np.float16]
) -> None:
    answers = iter([False] * 4 + [True] * 100)
    with pytest.raises(MergeStopped):
        build_part(
            tmp_path,
            np.arange(100, dtype=np.int64),
            lambda some: vectors[some].astype(np.float32),
            sequence=1,
            is_stopped=lambda: next(answers),
        )
    assert not list(tmp_path.iterdir())


def test_only_one_merges_at_a_time(tmp_path: Path) -> None:
    with merging_alone(tmp_path) as first:
        assert first
        with merging_alone(tmp_path) as second:
            assert not second
    with merging_alone(tmp_path) as again:
        assert again


def test_what_a_killed_merge_left_is_removed_by_the_next(tmp_path: Path) -> None:
    left, being_written = tmp_path / ".new-left", tmp_path / ".new-written"
    for path in (left, being_written):
        path.write_bytes(b"half")
    os.utime(left, (0, 0))
    with merging_alone(tmp_path):
        assert not left.exists()
        assert being_written.exists()
