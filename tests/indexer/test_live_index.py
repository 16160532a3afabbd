from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexer.index_check import DriftKind
from indexer.live_index import POLL_SECONDS, LiveIndex
from indexer.vectors.snapshot import MANIFEST, save_snapshot
from tests.indexer.memory_catalog import DIMENSION, MemoryCatalog, unit
from tests.patience import wait_until


@pytest.fixture
def catalog() -> MemoryCatalog:
    made = MemoryCatalog()
    for number, vector in enumerate(unit(np.random.default_rng(5), 30)):
        made.put(f"p{number}", vector, category="dress" if number % 2 else "Jeans")
    return made


def _index(catalog: MemoryCatalog, folder: Path | None = None) -> LiveIndex:
    index = LiveIndex(catalog, embedder_version="fake", dimension=DIMENSION, snapshot_dir=folder)
    index.open()
    return index


def _products(index: LiveIndex) -> set[str]:
    generation = index.generation()
    return {generation.product_ids[row["product"]] for row in generation.rows}


def test_added_changed_and_deleted_products_arrive_with_the_next_refresh(
    catalog: MemoryCatalog,
) -> None:
    index = _index(catalog)
    assert (index.product_count, index.image_count, index.sequence) == (30, 30, 30)
    fresh = unit(np.random.default_rng(6), 1)[0]
    added = catalog.put("new", fresh)
    catalog.put("p3", fresh, image_id=4)
    catalog.delete("p0")
    assert index.refresh() == 3
    assert index.product_count == 30
    assert "p0" not in _products(index)
    ids, _ = index.generation().vectors.search(fresh, 2)
    assert sorted(ids) == [4, added]
    assert index.refresh() == 0


def test_a_photo_without_a_vector_of_this_embedder_is_not_in_the_index(
    catalog: MemoryCatalog,
) -> None:
    index = _index(catalog)
    catalog.put("p3", None, image_id=4)
    catalog.put("waiting", None)
    index.refresh()
    assert not {"p3", "waiting"} & _products(index)


def test_a_bad_vector_in_the_database_keeps_only_itself_out(
    catalog: MemoryCatalog, caplog: pytest.LogCaptureFixture
) -> None:
    catalog.put("broken", np.full(DIMENSION, np.nan))
    catalog.put("short", np.ones(3))
    index = _index(catalog)
    assert index.product_count == 30
    assert "broken" in caplog.text


def test_a_generation_stays_as_it_was(catalog: MemoryCatalog) -> None:
    index = _index(catalog)
    before = index.generation()
    catalog.delete("p0")
    index.refresh()
    ids, _ = before.vectors.search(unit(np.random.default_rng(5), 30)[0], 1)
    assert ids[0] == 1
    assert before.product_count == 30


def _trade_all(catalog: MemoryCatalog, prefix: str) -> None:
    """Every product leaves, and as many others come."""
    for product_id in list(catalog.living):
        catalog.delete(product_id)
    for number, vector in enumerate(unit(np.random.default_rng(7), 30)):
        catalog.put(f"{prefix}-{number}", vector)


def test_names_of_products_that_left_are_forgotten_once_they_are_the_most(
    catalog: MemoryCatalog, tmp_path: Path
) -> None:
    index = _index(catalog, tmp_path)
    for season in range(10):
        _trade_all(catalog, f"s{season}")
        index.refresh()
        assert len(index.generation().product_ids) <= 2 * 30
        assert _products(index) == set(catalog.living)
    index.save_snapshot()
    again = _index(catalog, tmp_path)
    assert len(again.generation().product_ids) <= 2 * 30
    for product_id in list(catalog.living):
        catalog.delete(product_id)
    again.refresh()
    assert list(again.generation().product_ids) == []
    assert again.verify() == []


def test_a_snapshot_of_mostly_names_that_left_is_opened_without_them(
    catalog: MemoryCatalog, tmp_path: Path
) -> None:
    index = _index(catalog, tmp_path)
    saved = index.generation().as_snapshot("fake")
    names = (*saved.product_ids, *(f"gone{number}" for number in range(1_000)))
    save_snapshot(tmp_path / "fake", replace(saved, product_ids=names))
    again = _index(catalog, tmp_path)
    assert again.damage is None
    assert len(again.generation().product_ids) == 30
    assert again.verify() == []


def test_a_generation_keeps_its_names_when_the_products_are_renumbered(
    catalog: MemoryCatalog,
) -> None:
    index = _index(catalog)
    before = index.generation()
    names = [before.product_ids[number] for number in before.rows["product"]]
    for season in range(3):
        _trade_all(catalog, f"s{season}")
        index.refresh()
    assert index.generation().product_ids is not before.product_ids
    assert [before.product_ids[number] for number in before.rows["product"]] == names
    assert before.images_of({"p0"}).tolist() == [1]
    assert index.generation().images_of({"p0", "s2-0"}).tolist() == [91]


def test_changes_are_searchable_within_a_second_while_polling(catalog: MemoryCatalog) -> None:
    index = _index(catalog)
    index.start_polling()
    try:
        catalog.put("new", unit(np.random.default_rng(8), 1)[0])
        catalog.delete("p0")
        assert POLL_SECONDS <= 0.5
        wait_until(lambda: index.sequence == catalog.counter)
        assert "new" in _products(index)
        assert "p0" not in _products(index)
    finally:
        index.stop()


def test_polling_survives_a_database_restart_and_logs_it_once(
    catalog: MemoryCatalog, caplog: pytest.LogCaptureFixture
) -> None:
    index = _index(catalog)
    catalog.broken = True
    with caplog.at_level(logging.INFO):
        index.start_polling()
        try:
            wait_until(lambda: "cannot follow" in caplog.text)
            time.sleep(4 * POLL_SECONDS)
            catalog.broken = False
            catalog.put("new", unit(np.random.default_rng(8), 1)[0])
            wait_until(lambda: "new" in _products(index))
        finally:
            index.stop()
    assert caplog.text.count("cannot follow the database") == 1
    assert "follows the database again" in caplog.text


def test_a_snapshot_is_taken_up_and_brought_up_to_date(
    catalog: MemoryCatalog, tmp_path: Path
) -> None:
    _index(catalog, tmp_path).save_snapshot()
    catalog.put("new", unit(np.random.default_rng(9), 1)[0])
    catalog.delete("p1")
    again = _index(catalog, tmp_path)
    assert again.damage is None
    assert again.sequence == catalog.counter
    assert _products(again) == set(catalog.living)
    assert again.verify() == []


def test_a_damaged_snapshot_is_reported_and_rebuilt_from_the_rows(
    catalog: MemoryCatalog, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _index(catalog, tmp_path).save_snapshot()
    manifest = tmp_path / "fake" / MANIFEST
    manifest.write_bytes(manifest.read_bytes().replace(b"30", b"31"))
    index = _index(catalog, tmp_path)
    assert _products(index) == set(catalog.living)
    assert "rebuilt from the database" in caplog.text
    assert [drift.kind for drift in index.verify()] == [DriftKind.DAMAGED]
    assert index.repair() == []
    assert _index(catalog, tmp_path).damage is None


def test_a_database_that_went_back_is_read_anew(catalog: MemoryCatalog) -> None:
    index = _index(catalog)
    other = MemoryCatalog()
    other.put("only", unit(np.random.default_rng(2), 1)[0])
    index._catalog = other
    index.refresh()
    assert _products(index) == {"only"}


def restored(catalog: MemoryCatalog) -> MemoryCatalog:
    """From a backup of two thirds of it, and written to since: other products under the same numbers."""
    back = MemoryCatalog()
    vectors = unit(np.random.default_rng(5), 30)
    for number, vector in enumerate(vectors[:20]):
        back.put(f"p{number}", vector, category="dress" if number % 2 else "Jeans")
        back.words[back.counter] = catalog.word_at(back.counter) or ""
    for number, vector in enumerate(vectors[::-1]):
        back.put(f"q{number}", vector)
    return back


@pytest.mark.parametrize("numbers", ["the same", "more"])
def test_a_database_that_was_restored_and_written_to_meanwhile_is_read_anew(
    catalog: MemoryCatalog, numbers: str
) -> None:
    back = restored(catalog)
    index = _index(catalog)
    if numbers == "the same":
        while catalog.counter < back.counter:
            catalog.put("p0", unit(np.random.default_rng(7), 1)[0], image_id=1)
        index.refresh()
        assert index.sequence == back.counter
    index._catalog = back
    index.refresh()
    assert _products(index) == set(back.living)
    assert index.verify() == []


def test_what_was_indexed_before_a_restore_is_not_saved_under_the_new_history(
    catalog: MemoryCatalog, tmp_path: Path
) -> None:
    index = _index(catalog, tmp_path)
    back = restored(catalog)
    index._catalog = back
    index.save_snapshot()  # Before it could notice.
    assert _products(_index(back, tmp_path)) == set(back.living)


def test_a_snapshot_of_another_database_is_not_used(catalog: MemoryCatalog, tmp_path: Path) -> None:
    _index(catalog, tmp_path).save_snapshot()
    other = MemoryCatalog()
    for number, vector in enumerate(unit(np.random.default_rng(77), 40)):
        other.put(f"q{number}", vector)
    assert _products(_index(other, tmp_path)) == set(other.living)


def test_verify_finds_every_injected_drift_and_repair_mends_it(
    catalog: MemoryCatalog, tmp_path: Path
) -> None:
    _index(catalog, tmp_path).save_snapshot()
    vector = unit(np.random.default_rng(9), 1)[0].astype(np.float16)
    # Behind the counter's back: what a bug or a hand in the database would do.
    for image_id in (1, 2, 3):
        del catalog.rows[image_id]
    for image_id in (4, 5, 6, 7):
        row = catalog.rows[image_id]
        catalog.rows[image_id] = type(row)(
            row.sequence, image_id, row.product_id, row.position, row.category, False, vector
        )
    for image_id in (101, 102):
        row = catalog.rows[10]
        catalog.rows[image_id] = type(row)(8, image_id, "hidden", 0, row.category, False, vector)
    index = _index(catalog, tmp_path)
    kinds = [drift.kind for drift in index.verify()]
    assert kinds.count(DriftKind.EXTRA) == 3
    assert kinds.count(DriftKind.STALE) == 4
    assert kinds.count(DriftKind.MISSING) == 2
    assert len(kinds) == 9
    assert index.repair() == []
    assert _index(catalog, tmp_path).verify() == []


def test_readers_find_one_generation_while_the_index_changes(catalog: MemoryCatalog) -> None:
    index = _index(catalog)
    query = unit(np.random.default_rng(5), 30)[20]
    errors: list[str] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            generation = index.generation()
            ids, _ = generation.vectors.search(query, 1_000)
            rows = generation.rows_of(ids)
            if len(ids) != len(generation.rows) or ids[0] != 21:
                errors.append(f"{len(ids)} of {len(generation.rows)}")
            if len(np.unique(rows["product"])) != generation.product_count:
                errors.append("another product count")
            if generation.images_of({"p20"}).tolist() != [21]:
                errors.append("another product's images")

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    rng = np.random.default_rng(4)
    try:
        for number in range(150):
            catalog.put(f"r{number}", unit(rng, 1)[0])
            if number % 3 == 0:
                catalog.delete(f"r{number}")
            if number % 10 == 9:
                for product_id in [one for one in catalog.living if one[0] == "r"]:
                    catalog.delete(product_id)
            index.refresh()
            if number % 70 == 0:
                index.rebuild()
    finally:
        done.set()
    for reader in readers:
        reader.join()
    assert not errors
