"""The live index while its large part is built, swapped in, saved and loaded again."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexer.index_check import DriftKind
from indexer.live_index import LiveIndex
from indexer.vectors.merged import MergeStopped, merging_alone
from indexer.vectors.snapshot import MANIFEST, load_snapshot
from tests.indexer.memory_catalog import DIMENSION, MemoryCatalog, unit
from tests.patience import HANGS_SECONDS, wait_until

ROOT = Path(__file__).resolve().parents[2]
FIRST = 300
MERGE_FROM = 100


@pytest.fixture
def catalog() -> MemoryCatalog:
    made = MemoryCatalog()
    for number, vector in enumerate(unit(np.random.default_rng(5), FIRST)):
        made.put(f"p{number}", vector, category="dress" if number % 2 else "Jeans")
    return made


def _index(catalog: MemoryCatalog, folder: Path) -> LiveIndex:
    index = LiveIndex(
        catalog,
        embedder_version="fake",
        dimension=DIMENSION,
        snapshot_dir=folder,
        merge_from=MERGE_FROM,
    )
    index.open()
    return index


def _assert_same_as_the_catalog(index: LiveIndex, catalog: MemoryCatalog) -> None:
    assert index.verify() == []
    generation = index.generation()
    living = {row.image_id: row.vector for row in catalog.rows.values() if not row.deleted}
    assert generation.vectors.ids().tolist() == sorted(living)
    for image_id in list(living)[::23]:
        vector = np.asarray(living[image_id], np.float32)
        ids, scores = generation.vectors.search(vector, 3)
        assert ids[0] == image_id
        assert scores[0] == pytest.approx(1, abs=2e-3)


def test_nothing_is_merged_before_it_is_due(tmp_path: Path) -> None:
    catalog = MemoryCatalog()
    index = _index(catalog, tmp_path)
    for number, vector in enumerate(unit(np.random.default_rng(5), MERGE_FROM)):
        assert not index.is_merge_due
        catalog.put(f"p{number}", vector)
        index.refresh()
    assert index.is_merge_due


def test_a_merge_changes_no_answer(catalog: MemoryCatalog, tmp_path: Path) -> None:
    index = _index(catalog, tmp_path)
    before = index.generation()
    assert index.merge()
    assert index.merged_count == FIRST
    assert not index.is_merge_due
    after = index.generation()
    assert after.sequence == before.sequence
    for query in unit(np.random.default_rng(1), 20):
        for allowed in (None, before.vectors.ids()[::3]):
            found = after.vectors.search(query, 12, allowed=allowed)
            wanted = before.vectors.search(query, 12, allowed=allowed)
            np.testing.assert_array_equal(found[0], wanted[0])
            np.testing.assert_allclose(found[1], wanted[1], atol=1e-6)
    _assert_same_as_the_catalog(index, catalog)


def test_changes_after_a_merge_are_found_and_outlive_the_next(
    catalog: MemoryCatalog, tmp_path: Path
) -> None:
    index = _index(catalog, tmp_path)
    index.merge()
    rng = np.random.default_rng(4)
    for round_ in range(3):
        for number, vector in enumerate(unit(rng, 60)):
            catalog.put(f"n{round_}-{number}", vector)
        catalog.delete(f"p{round_}")
        changed = 100 + round_
        catalog.put(f"p{changed - 1}", unit(rng, 1)[0], image_id=changed)
        index.refresh()
        _assert_same_as_the_catalog(index, catalog)
        index.merge()
        assert index.merged_count == index.image_count
        _assert_same_as_the_catalog(index, catalog)


def test_what_changes_during_a_merge_is_searchable_meanwhile_and_kept(
    catalog: MemoryCatalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training, go_on = threading.Event(), threading.Event()

    def slowly(is_stopped: Callable[[], bool]) -> None:
        training.set()
        assert go_on.wait(HANGS_SECONDS)

    monkeypatch.setattr("indexer.vectors.merged._go_on", slowly)
    index = _index(catalog, tmp_path)
    index.start_polling()
    try:
        assert training.wait(HANGS_SECONDS), "the merge begins by itself"
        vector = unit(np.random.default_rng(8), 1)[0]
        added = catalog.put("new", vector)
        catalog.delete("p0")
        catalog.put("p7", -vector, image_id=8)
        wait_until(lambda: index.sequence == catalog.counter)
        assert index.merged_count == 0
        vectors = index.generation().vectors
        assert vectors.search(vector, 1)[0][0] == added
        assert vectors.search(-vector, 1)[0][0] == 8
        assert 1 not in vectors.ids()
        go_on.set()
        wait_until(lambda: index.merged_count > 0)
        assert index.merged_count == FIRST - 2
        _assert_same_as_the_catalog(index, catalog)
    finally:
        go_on.set()
        index.stop()
    _assert_same_as_the_catalog(_index(catalog, tmp_path), catalog)


def test_a_start_takes_up_the_merged_part_and_what_came_since(
    catalog: MemoryCatalog, tmp_path: Path
) -> None:
    index = _index(catalog, tmp_path)
    index.merge()
    catalog.put("new", unit(np.random.default_rng(9), 1)[0])
    catalog.delete("p1")
    index.refresh()
    index.save_snapshot()
    catalog.put("newer", unit(np.random.default_rng(10), 1)[0])
    again = _index(catalog, tmp_path)
    assert again.damage is None
    assert again.merged_count == FIRST - 1
    _assert_same_as_the_catalog(again, catalog)


def test_a_snapshot_writes_only_what_is_not_merged(catalog: MemoryCatalog, tmp_path: Path) -> None:
    index = _index(catalog, tmp_path)
    index.merge()
    merged = {path: path.stat().st_mtime_ns for path in (tmp_path / "fake").glob("merged_*")}
    catalog.put("new", unit(np.random.default_rng(9), 1)[0])
    index.refresh()
    index.save_snapshot()
    assert {path: path.stat().st_mtime_ns for path in merged} == merged
    snapshot = load_snapshot(tmp_path / "fake", embedder="fake", dimension=DIMENSION)
    assert snapshot is not None
    assert len(snapshot.vectors) == 1
    assert len(snapshot.rows) == FIRST + 1


@pytest.mark.parametrize("name", ["merged_ids", "merged_vectors", "merged_lists"])
def test_a_damaged_merged_part_is_reported_and_rebuilt_from_the_rows(
    catalog: MemoryCatalog, tmp_path: Path, name: str
) -> None:
    _index(catalog, tmp_path).merge()
    (path,) = (tmp_path / "fake").glob(f"{name}-*")
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    index = _index(catalog, tmp_path)
    assert index.merged_count == 0
    assert [drift.kind for drift in index.verify()] == [DriftKind.DAMAGED]
    assert index.repair() == []
    assert _index(catalog, tmp_path).verify() == []


def test_a_merge_that_died_before_its_manifest_leaves_the_old_snapshot(
    catalog: MemoryCatalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = _index(catalog, tmp_path)
    index.save_snapshot()
    with monkeypatch.context() as patched:
        patched.setattr(LiveIndex, "save_snapshot", lambda _: None)
        assert index.merge()
    assert list((tmp_path / "fake").glob("merged_*"))
    again = _index(catalog, tmp_path)
    assert (again.damage, again.merged_count) == (None, 0)
    assert again.merge()
    _assert_same_as_the_catalog(_index(catalog, tmp_path), catalog)


def test_a_full_disk_stops_the_merge_and_nothing_else(
    catalog: MemoryCatalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = _index(catalog, tmp_path)
    index.save_snapshot()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            index.merge()
    assert index.merged_count == 0
    assert not list((tmp_path / "fake").glob("merged_*"))
    assert not list((tmp_path / "fake").glob(".new-*"))
    _assert_same_as_the_catalog(index, catalog)
    assert index.merge()


def test_a_second_process_takes_what_the_first_has_merged(
    catalog: MemoryCatalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _index(catalog, tmp_path)
    first.save_snapshot()
    second = _index(catalog, tmp_path)
    with merging_alone(tmp_path / "fake"):
        assert not second.merge()
    first.merge()
    catalog.put("new", unit(np.random.default_rng(9), 1)[0])
    catalog.put("p5", unit(np.random.default_rng(10), 1)[0], image_id=6)
    second.refresh()
    monkeypatch.setattr(
        "indexer.live_index.build_part", lambda *_, **__: pytest.fail("merged twice")
    )
    assert second.merge()
    assert second.merged_count == FIRST - 1
    _assert_same_as_the_catalog(second, catalog)


def test_a_merged_part_of_another_history_is_not_taken(
    catalog: MemoryCatalog, tmp_path: Path
) -> None:
    index = _index(catalog, tmp_path)
    index.merge()
    backup = MemoryCatalog()
    for number, vector in enumerate(unit(np.random.default_rng(77), FIRST - 50)):
        backup.put(f"p{number}", vector)
    index._catalog = backup
    index.refresh()
    for number, vector in enumerate(unit(np.random.default_rng(78), 120)):
        backup.put(f"later{number}", vector)
    index.refresh()
    assert index.is_merge_due
    assert index.merge()
    _assert_same_as_the_catalog(index, backup)
    _assert_same_as_the_catalog(_index(backup, tmp_path), backup)


def test_verify_finds_drifts_in_the_merged_part_and_repair_mends_them(
    catalog: MemoryCatalog, tmp_path: Path
) -> None:
    index = _index(catalog, tmp_path)
    index.merge()
    # Behind the counter's back: what a bug or a hand in the database would do.
    del catalog.rows[1]
    for image_id in (4, 5):
        catalog.rows[image_id] = replace(catalog.rows[image_id], vector=-catalog.rows[7].vector)
    catalog.rows[9_000] = replace(catalog.rows[10], image_id=9_000)
    kinds = sorted(drift.kind for drift in index.verify())
    assert kinds == ["extra", "missing", "stale", "stale"]
    assert index.repair() == []
    assert index.merge()
    assert index.verify() == []
    assert _index(catalog, tmp_path).verify() == []


def test_an_older_process_does_not_name_a_part_that_is_gone(
    catalog: MemoryCatalog, tmp_path: Path
) -> None:
    first = _index(catalog, tmp_path)
    first.merge()
    second = _index(catalog, tmp_path)
    for number, vector in enumerate(unit(np.random.default_rng(3), MERGE_FROM)):
        catalog.put(f"n{number}", vector)
    first.refresh()
    first.merge()
    second.refresh()
    for entry in second.generation().vectors.merged.files.values():  # type: ignore[union-attr]
        (tmp_path / "fake" / entry["file"]).unlink()
    manifest = (tmp_path / "fake" / MANIFEST).read_bytes()
    second.save_if_changed()
    assert (tmp_path / "fake" / MANIFEST).read_bytes() == manifest
    _assert_same_as_the_catalog(second, catalog)


def test_a_merge_of_an_index_that_was_rebuilt_meanwhile_is_dropped(
    catalog: MemoryCatalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = _index(catalog, tmp_path)
    rebuilt = []

    def rebuild_once(is_stopped: Callable[[], bool]) -> None:
        if not rebuilt:
            rebuilt.append(True)
            index.rebuild()

    monkeypatch.setattr("indexer.vectors.merged._go_on", rebuild_once)
    assert not index.merge()
    assert index.merged_count == 0
    _assert_same_as_the_catalog(index, catalog)


def test_a_server_that_stops_stops_its_merge(
    catalog: MemoryCatalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    merging = threading.Event()

    def until_stopped(is_stopped: Callable[[], bool]) -> None:
        merging.set()
        wait_until(is_stopped)
        raise MergeStopped

    monkeypatch.setattr("indexer.vectors.merged._go_on", until_stopped)
    index = _index(catalog, tmp_path)
    index.start_polling()
    assert merging.wait(HANGS_SECONDS)
    index.stop()
    assert index.merged_count == 0
    assert not list((tmp_path / "fake").glob(".new-*"))


CHANGE_AND_MERGE_FOREVER = """
import sys
from pathlib import Path
import numpy as np
from indexer.live_index import LiveIndex
from tests.indexer.memory_catalog import DIMENSION
from tests.indexer.test_merging import numbered_catalog

catalog = numbered_catalog(300)
index = LiveIndex(
    catalog, embedder_version="fake", dimension=DIMENSION, snapshot_dir=Path(sys.argv[1]), merge_from=50
)
index.open()
print("ready", flush=True)
for count in range(350, 3_000, 50):
    index._catalog = numbered_catalog(count)
    index.refresh()
    index.merge()
"""


def numbered_catalog(count: int) -> MemoryCatalog:
    """The same first products whatever their number; every tenth was deleted."""
    made = MemoryCatalog()
    for number, vector in enumerate(unit(np.random.default_rng(11), 3_000)[:count]):
        made.put(f"p{number}", vector)
        if number % 10 == 9:
            made.delete(f"p{number - 5}")
    # One history, however far it went: another process's files are of this database.
    made.words = {sequence: str(sequence) for sequence in range(made.counter + 1)}
    return made


@pytest.mark.parametrize(
    "kills", [pytest.param(2), pytest.param(20, marks=[pytest.mark.slow, pytest.mark.timeout(300)])]
)
def test_killed_at_any_moment_of_a_merge_the_next_start_is_whole(
    tmp_path: Path, kills: int
) -> None:
    rng = np.random.default_rng(13)
    folder = tmp_path / "index"
    merged = set()
    for _ in range(kills):
        command = [sys.executable, "-c", CHANGE_AND_MERGE_FOREVER, str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(rng.uniform(0, 0.5))
            process.kill()
        catalog = numbered_catalog(3_000)
        index = _index(catalog, folder)
        assert index.damage is None
        merged.add(index.merged_count)
        _assert_same_as_the_catalog(index, catalog)
    assert max(merged) > 0 or kills == 2
