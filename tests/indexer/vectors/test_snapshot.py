from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from indexer.errors import IndexDamaged
from indexer.vectors.snapshot import MANIFEST, ROW_TYPE, Snapshot, load_snapshot, save_snapshot
from tests.indexer.memory_catalog import DIMENSION, unit


def _snapshot(*, count: int = 40, sequence: int = 99) -> Snapshot:
    rows = np.zeros(count, ROW_TYPE)
    rows["image_id"] = np.arange(count)
    rows["product"] = np.arange(count) % 7
    vectors = unit(np.random.default_rng(1), count).astype(np.float16)
    return Snapshot("fake", sequence, rows, vectors, tuple(f"é-{n}" for n in range(7)))


def _load(folder: Path) -> Snapshot | None:
    return load_snapshot(folder, embedder="fake", dimension=DIMENSION)


def test_other_users_may_read_what_the_umask_lets_them(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        save_snapshot(tmp_path, _snapshot())
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o640}


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    saved = _snapshot()
    save_snapshot(tmp_path / "new", saved)
    loaded = _load(tmp_path / "new")
    assert loaded is not None
    assert (loaded.embedder, loaded.sequence, loaded.product_ids) == ("fake", 99, saved.product_ids)
    np.testing.assert_array_equal(loaded.rows, saved.rows)
    np.testing.assert_array_equal(loaded.vectors, saved.vectors)


def test_an_empty_index_is_saved_and_loaded(tmp_path: Path) -> None:
    save_snapshot(tmp_path, _snapshot(count=0))
    loaded = _load(tmp_path)
    assert loaded is not None
    assert len(loaded.rows) == 0


def test_nothing_saved_is_no_damage(tmp_path: Path) -> None:
    assert _load(tmp_path) is None
    assert _load(tmp_path / "nowhere") is None


def test_every_flipped_bit_is_refused(tmp_path: Path) -> None:
    save_snapshot(tmp_path, _snapshot())
    rng = np.random.default_rng(3)
    for path in sorted(tmp_path.iterdir()):
        whole = path.read_bytes()
        for _ in range(100):
            damaged = bytearray(whole)
            damaged[rng.integers(len(whole))] ^= 1 << int(rng.integers(8))
            path.write_bytes(damaged)
            with pytest.raises(IndexDamaged):
                _load(tmp_path)
        path.write_bytes(whole)
    assert _load(tmp_path) is not None


def test_truncated_lengthened_and_missing_files_are_refused(tmp_path: Path) -> None:
    save_snapshot(tmp_path, _snapshot())
    for path in sorted(tmp_path.iterdir()):
        whole = path.read_bytes()
        for damaged in (whole[:-1], whole[: len(whole) // 2], b"", whole + b"\n"):
            path.write_bytes(damaged)
            with pytest.raises(IndexDamaged):
                _load(tmp_path)
        if path.name != MANIFEST:
            path.unlink()
            with pytest.raises(IndexDamaged):
                _load(tmp_path)
        path.write_bytes(whole)


def test_a_snapshot_of_another_embedder_or_dimension_is_refused(tmp_path: Path) -> None:
    save_snapshot(tmp_path, _snapshot())
    with pytest.raises(IndexDamaged, match="embedder"):
        load_snapshot(tmp_path, embedder="other", dimension=DIMENSION)
    with pytest.raises(IndexDamaged, match="dimension"):
        load_snapshot(tmp_path, embedder="fake", dimension=DIMENSION + 1)


def test_a_snapshot_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_snapshot(tmp_path, _snapshot(sequence=1))

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            save_snapshot(tmp_path, _snapshot(count=50, sequence=2))
    loaded = _load(tmp_path)
    assert loaded is not None
    assert loaded.sequence == 1
    assert not list(tmp_path.glob(".new-*"))


def test_old_files_are_kept_for_a_while_and_then_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_snapshot(tmp_path, _snapshot(count=10))
    save_snapshot(tmp_path, _snapshot(count=20))
    assert len(list(tmp_path.glob("vectors-*"))) == 2
    monkeypatch.setattr("indexer.vectors.snapshot._KEEP_SECONDS", -1.0)
    save_snapshot(tmp_path, _snapshot(count=30))
    assert len(list(tmp_path.glob("vectors-*"))) == 1
    assert _load(tmp_path) is not None
