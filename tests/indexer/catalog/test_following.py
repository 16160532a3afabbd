"""The changes that an index follows, and the history it belongs to."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np

from indexer.catalog.repository import Catalog, open_catalog
from indexer.live_index import LiveIndex
from tests.indexer.catalog.written import (
    VERSIONS,
    indexed_photo,
    product_write,
)


def test_changes_come_in_pages_without_gap_or_repeat(catalog: Catalog) -> None:
    catalog.write_products([product_write(str(number), indexed_photo()) for number in range(25)])
    seen: list[int] = []
    while page := catalog.changes_since(seen[-1] if seen else 0, embedder="embedder-1", limit=10):
        seen += [row.sequence for row in page]
    assert seen == list(range(1, 26))


def test_numbers_become_visible_in_order_under_many_writers(catalog: Catalog) -> None:
    stop = threading.Event()
    gaps: list[list[int]] = []

    def watch() -> None:
        seen = 0
        while not stop.wait(0.001):
            numbers = [row.sequence for row in catalog.changes_since(seen, embedder="x")]
            if numbers and numbers != list(range(seen + 1, seen + len(numbers) + 1)):
                gaps.append(numbers)
            seen = numbers[-1] if numbers else seen

    def write(writer: int) -> None:
        for number in range(8):
            catalog.write_products(
                [product_write(f"{writer}-{number}-{n}", indexed_photo()) for n in range(3)]
            )

    watcher = threading.Thread(target=watch)
    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in (watcher, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    watcher.join()
    assert gaps == []
    assert catalog.latest_sequence() == 4 * 8 * 3


def _index_of(catalog: Catalog, folder: Path) -> LiveIndex:
    index = LiveIndex(catalog, embedder_version=VERSIONS.embedder, dimension=4, snapshot_dir=folder)
    index.open()
    return index


def test_snapshot_of_a_database_that_was_restored_and_written_to_is_not_used(
    tmp_path: Path,
) -> None:
    file, backup = tmp_path / "garb.db", tmp_path / "backup.db"
    url, folder = f"sqlite:///{file}", tmp_path / "index"
    catalog = open_catalog(url)
    catalog.write_products([product_write("a", indexed_photo(0.5))])
    catalog.close()
    shutil.copy(file, backup)
    catalog = open_catalog(url)
    catalog.write_products([product_write("b", indexed_photo(0.25))])
    catalog.write_products([product_write("c", indexed_photo(0.75))])
    _index_of(catalog, folder).save_snapshot()
    catalog.close()
    shutil.copy(backup, file)
    catalog = open_catalog(url)
    # The same products under the same numbers, and b with another photo.
    catalog.write_products(
        [product_write("b", replace(indexed_photo(), vector=np.float32([0.1, 0.2, 0.3, 1])))]
    )
    catalog.write_products([product_write("c", indexed_photo(0.75))])
    index = _index_of(catalog, folder)
    assert (index.sequence, index.verify()) == (3, [])
    index.save_snapshot()
    again = _index_of(catalog, folder)
    assert again.damage is None
    assert again.verify() == []
    catalog.close()


def test_words_of_history_are_the_transactions_own(catalog: Catalog) -> None:
    assert catalog.word_at(0) is not None
    catalog.write_products(
        [product_write("a", indexed_photo()), product_write("b", indexed_photo())]
    )
    words = [catalog.word_at(sequence) for sequence in range(4)]
    assert words[1] is words[3] is None
    assert words[2] not in (None, words[0])
