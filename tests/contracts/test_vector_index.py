"""What every vector index promises, held against each backend; numpy is the judge."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from indexer.errors import VectorRefused
from indexer.vectors.base import Ids, Storable, VectorIndex, VectorView
from indexer.vectors.exact import ExactIndex
from indexer.vectors.faiss_index import COMPACT_FROM, GATHER_ONE_IN, FaissIndex
from indexer.vectors.merged import build_part
from indexer.vectors.two_parts import TwoPartIndex
from tests.indexer.memory_catalog import unit

DIMENSION = 32


class MergedAgainAndAgain(TwoPartIndex):
    """Merges after every addition that leaves a quarter of the vectors outside the merged part."""

    def __init__(self, dimension: int, folder: Path) -> None:
        super().__init__(dimension)
        self._folder = folder

    def add(self, ids: Ids, vectors: Storable) -> None:
        super().add(ids, vectors)
        view = self.view()
        if (len(view) - view.merged_count) * 4 < len(view):
            return
        part = build_part(self._folder, view.ids(), view.vectors, sequence=0)
        self.adopt(part, view.ids())


BACKENDS: dict[str, Callable[[Path], VectorIndex]] = {
    "exact": lambda folder: ExactIndex(DIMENSION),
    "faiss": lambda folder: FaissIndex(DIMENSION),
    "two_parts": lambda folder: TwoPartIndex(DIMENSION),
    "merged": lambda folder: MergedAgainAndAgain(DIMENSION, folder),
}


@pytest.fixture(params=BACKENDS)
def index(request: pytest.FixtureRequest, tmp_path: Path) -> VectorIndex:
    return BACKENDS[request.param](tmp_path)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def _ids(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.int64) * 3 + 11


def test_backend_fulfils_the_protocols(index: VectorIndex) -> None:
    assert isinstance(index, VectorIndex)
    assert isinstance(index.view(), VectorView)


def test_a_vector_finds_itself_first(index: VectorIndex, rng: np.random.Generator) -> None:
    vectors = unit(rng, 500, DIMENSION)
    index.add(_ids(500), vectors)
    for place in range(0, 500, 50):
        ids, scores = index.view().search(vectors[place], 3)
        assert ids[0] == _ids(500)[place]
        assert scores[0] == pytest.approx(1, abs=2e-3)
        assert list(scores) == sorted(scores, reverse=True)


def test_backends_agree_with_and_without_allowed_ids(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    count = 100 * GATHER_ONE_IN
    vectors, ids = unit(rng, count, DIMENSION), _ids(count)
    views = []
    for make in BACKENDS.values():
        made = make(tmp_path)
        made.add(ids, vectors)
        made.remove(ids[::7])
        views.append(made.view())
    for query in unit(rng, 100, DIMENSION):
        few = rng.choice(ids, 60, replace=False)
        many = rng.choice(ids, count - 200, replace=False)
        for allowed in (None, few, many):
            (judge_ids, judge_scores), *others = (
                view.search(query, 10, allowed=allowed) for view in views
            )
            for ids_found, scores in others:
                np.testing.assert_array_equal(judge_ids, ids_found)
                np.testing.assert_allclose(judge_scores, scores, atol=1e-5)


def test_an_allow_list_never_under_fills(index: VectorIndex, rng: np.random.Generator) -> None:
    index.add(_ids(400), unit(rng, 400, DIMENSION))
    allowed = _ids(400)[::40]
    ids, _ = index.view().search(unit(rng, 1, DIMENSION)[0], 10, allowed=allowed)
    assert sorted(ids) == sorted(allowed)


def test_allowed_ids_that_are_not_there_are_ignored(
    index: VectorIndex, rng: np.random.Generator
) -> None:
    index.add(_ids(5), unit(rng, 5, DIMENSION))
    ids, _ = index.view().search(unit(rng, 1, DIMENSION)[0], 10, allowed=np.array([11, 999_999]))
    assert list(ids) == [11]


def test_removed_vectors_are_not_found(index: VectorIndex, rng: np.random.Generator) -> None:
    vectors = unit(rng, 50, DIMENSION)
    index.add(_ids(50), vectors)
    assert index.remove(np.array([11, 14, 12_345])) == 2
    ids, _ = index.view().search(vectors[0], 50)
    assert len(ids) == len(index) == 48
    assert not {11, 14} & set(ids.tolist())


def test_adding_an_id_again_replaces_its_vector(
    index: VectorIndex, rng: np.random.Generator
) -> None:
    old, new = unit(rng, 2, DIMENSION)
    index.add(np.array([5]), old[None])
    index.add(np.array([5]), new[None])
    assert len(index) == 1
    ids, scores = index.view().search(new, 4)
    assert list(ids) == [5]
    assert scores[0] == pytest.approx(1, abs=2e-3)


def test_a_view_does_not_change(index: VectorIndex, rng: np.random.Generator) -> None:
    vectors = unit(rng, 60, DIMENSION)
    index.add(_ids(40), vectors[:40])
    view = index.view()
    index.remove(_ids(20))
    index.add(_ids(60)[40:], vectors[40:])
    ids, _ = view.search(vectors[0], 100)
    assert sorted(ids) == sorted(_ids(40))
    assert sorted(index.view().ids()) == sorted(_ids(60)[20:])


def test_stored_vectors_are_the_float16_of_those_given(
    index: VectorIndex, rng: np.random.Generator
) -> None:
    vectors = unit(rng, 10, DIMENSION)
    index.add(_ids(10), vectors)
    wanted = _ids(10)[[3, 1]]
    stored = index.view().vectors(wanted)
    np.testing.assert_array_equal(stored, vectors[[3, 1]].astype(np.float16).astype(np.float32))
    with pytest.raises(KeyError):
        index.view().vectors(np.array([1]))


def test_an_empty_index_finds_nothing(index: VectorIndex, rng: np.random.Generator) -> None:
    ids, scores = index.view().search(unit(rng, 1, DIMENSION)[0], 5)
    assert len(ids) == len(scores) == 0
    assert len(index.view().vectors(np.empty(0, np.int64))) == 0


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf, 1e9])
def test_vectors_without_a_direction_are_refused_and_nothing_is_stored(
    index: VectorIndex, rng: np.random.Generator, bad: float
) -> None:
    vectors = unit(rng, 3, DIMENSION)
    vectors[1] = bad
    with pytest.raises(VectorRefused):
        index.add(_ids(3), vectors)
    assert len(index) == 0


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_queries_without_a_direction_are_refused(index: VectorIndex, bad: float) -> None:
    with pytest.raises(VectorRefused):
        index.view().search(np.full(DIMENSION, bad, np.float32), 3)


def test_other_dimensions_and_repeated_ids_are_refused(
    index: VectorIndex, rng: np.random.Generator
) -> None:
    with pytest.raises(VectorRefused):
        index.add(_ids(2), unit(rng, 2, DIMENSION + 1))
    with pytest.raises(VectorRefused):
        index.add(np.array([4, 4]), unit(rng, 2, DIMENSION))
    with pytest.raises(VectorRefused):
        index.view().search(np.ones(DIMENSION - 1, np.float32), 3)


def test_replacing_everything_again_and_again_keeps_answers_right(
    index: VectorIndex, rng: np.random.Generator
) -> None:
    ids = _ids(COMPACT_FROM)
    for _ in range(4):
        vectors = unit(rng, len(ids), DIMENSION)
        index.add(ids, vectors)
    assert len(index) == len(ids)
    found, scores = index.view().search(vectors[17], 1)
    assert found[0] == ids[17]
    assert scores[0] == pytest.approx(1, abs=2e-3)


def test_readers_see_whole_states_while_vectors_are_added(
    index: VectorIndex, rng: np.random.Generator
) -> None:
    vectors, ids = unit(rng, 2_000, DIMENSION), _ids(2_000)
    index.add(ids[:100], vectors[:100])
    errors: list[str] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            view = index.view()
            found, scores = view.search(vectors[0], len(view))
            if len(found) != len(view) or found[0] != ids[0] or not np.isfinite(scores).all():
                errors.append(f"{len(found)} of {len(view)}")

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for start in range(100, 2_000, 50):
        index.add(ids[start : start + 50], vectors[start : start + 50])
    done.set()
    for reader in readers:
        reader.join()
    assert not errors
