"""The index of one process: follows the database a few times a second, answers from one generation."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from indexer.catalog.rows import VectorRow
from indexer.errors import IndexDamaged
from indexer.generation import Generation, Shelf
from indexer.index_check import Drift, DriftKind, differences
from indexer.settings import MERGE_FROM
from indexer.vectors.base import VectorIndex
from indexer.vectors.faiss_index import FaissIndex
from indexer.vectors.merged import MergedPart, MergeStopped, build_part, merging_alone
from indexer.vectors.snapshot import Snapshot, in_merged, load_merged, load_snapshot, save_snapshot
from indexer.vectors.two_parts import TwoPartIndex

POLL_SECONDS = 0.25
SNAPSHOT_SECONDS = 60.0
BATCH = 10_000
# After a merge that failed, as on a full disk.
MERGE_AGAIN_SECONDS = 60.0

log = logging.getLogger(__name__)


class ChangeSource(Protocol):
    """What the index needs of the catalog."""

    def changes_since(
        self, sequence: int, *, embedder: str, limit: int = BATCH
    ) -> Sequence[VectorRow]: ...

    def latest_sequence(self) -> int: ...

    def word_at(self, sequence: int) -> str | None: ...


class LiveIndex:
    """The vectors of the catalog's photos under their image ids, kept up with the database.

    Any thread may call any method. Searches read a `Generation` and never wait for a refresh.
    """

    def __init__(
        self,
        catalog: ChangeSource,
        *,
        embedder_version: str,
        dimension: int,
        snapshot_dir: Path | None = None,
        new_index: Callable[[int], VectorIndex] = FaissIndex,
        merge_from: int = MERGE_FROM,
    ) -> None:
        """``new_index`` makes exact indexes; without ``snapshot_dir`` nothing is saved or merged.

        ``merge_from``: this many vectors outside the merged part are merged in the background.
        """
        self.embedder_version = embedder_version
        self.dimension = dimension
        self._catalog = catalog
        self._folder = None if snapshot_dir is None else snapshot_dir / embedder_version
        self._new_index = new_index
        self._merge_from = merge_from
        self._changing = threading.RLock()
        self._saving = threading.Lock()
        self._merging: threading.Thread | None = None
        self._merge_again_at = 0.0
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._saved_sequence = 0
        # Until this process has written one, a snapshot that it refused or outlived may lie there.
        self._trusts_snapshot = False
        self._damage: str | None = None
        self._follows = True
        self._shelf = self._new_shelf()
        self._generation = self._shelf.generation(0)

    @property
    def sequence(self) -> int:
        """The number of the last change taken over."""
        return self._generation.sequence

    @property
    def product_count(self) -> int:
        """Products with at least one photo in the index."""
        return self._generation.product_count

    @property
    def image_count(self) -> int:
        """Photos in the index."""
        return len(self._generation.rows)

    @property
    def merged_count(self) -> int:
        """Photos whose vectors are in the merged part; the others are searched one by one."""
        return self._generation.vectors.merged_count

    @property
    def damage(self) -> str | None:
        """Why the snapshot on disk could not be used at `open`, if so."""
        return self._damage

    @property
    def follows(self) -> bool:
        """Whether the last look for changes reached the database and was understood."""
        return self._follows

    def generation(self) -> Generation:
        """What to answer one request from."""
        return self._generation

    def open(self) -> None:
        """Load the snapshot if it is whole and of this database, then catch up with the rows."""
        with self._changing:
            snapshot = self._usable_snapshot()
            if snapshot is not None:
                self._shelf.load(snapshot)
                self._generation = self._shelf.generation(snapshot.sequence, snapshot.word)
                self._saved_sequence = snapshot.sequence
                self._trusts_snapshot = True
            self.refresh()

    def refresh(self) -> int:
        """Take over every change since the last; returns how many rows changed."""
        with self._changing:
            if self._is_of_another_history():
                log.warning("the database was restored or replaced: rebuilding the index")
                self.rebuild()
                return self.image_count
            if self._catalog.latest_sequence() == self.sequence:
                return 0
            self._generation, changed = self._pull(self._shelf, since=self.sequence)
            return changed

    def rebuild(self) -> None:
        """Read every row again and swap; searches see the old generation until then."""
        with self._changing:
            shelf = self._new_shelf()
            generation, _ = self._pull(shelf, since=0)
            self._shelf, self._generation = shelf, generation
            self._damage = None
            self._saved_sequence = 0
            self._trusts_snapshot = False

    def verify(self) -> list[Drift]:
        """Catch up, then list every difference between index and database."""
        with self._changing:
            self.refresh()
            drifts = differences(self._generation, self._all_rows())
            if self._damage is not None:
                drifts.insert(0, Drift(DriftKind.DAMAGED, None, None, self._damage))
            return drifts

    def repair(self) -> list[Drift]:
        """Rebuild from the rows, replace the snapshot, and verify again."""
        with self._changing:
            self.rebuild()
            self.save_snapshot()
            return self.verify()

    def save_snapshot(self) -> None:
        """Write the current generation to the snapshot folder, if there is one.

        Raises:
            OSError: it cannot be written.
        """
        # One at a time, so that the newer of two generations is the one that stays.
        with self._saving:
            generation = self._generation
            if self._folder is not None:
                save_snapshot(self._folder, generation.as_snapshot(self.embedder_version))
            self._saved_sequence = generation.sequence
            self._trusts_snapshot = True

    def save_if_changed(self) -> None:
        """Write a snapshot unless the last one is as new; where it cannot be, that is logged."""
        if self.sequence == self._saved_sequence:
            return
        try:
            self.save_snapshot()
        except OSError as error:
            log.warning("the index snapshot cannot be written: %s", error)

    @property
    def is_merge_due(self) -> bool:
        """Whether many vectors are not merged, or many of the merged part are no longer valid."""
        view = self._generation.vectors
        dead = 0 if view.merged is None else len(view.merged) - view.merged_count
        recent = len(view) - view.merged_count
        due = recent >= self._merge_from or dead >= max(self._merge_from, len(view))
        return due and len(view) > 0 and self._folder is not None

    def merge(self) -> bool:
        """Build the merged part of all there is and swap it in; False where another process does.

        Searches and `refresh` go on meanwhile: what they take over stays outside the merged part.

        Raises:
            OSError: the part cannot be written.
            MergeStopped: `stop` was called.
        """
        if self._folder is None:
            return False
        with merging_alone(self._folder) as alone:
            if not alone:
                return False
            with self._changing:
                shelf, generation = self._shelf, self._generation
            merged = self._merged_elsewhere(generation) or build_part(
                self._folder,
                generation.vectors.ids(),
                generation.vectors.vectors,
                sequence=generation.sequence,
                is_stopped=self._stopping.is_set,
            )
            with self._changing:
                # An index that was rebuilt meanwhile has another history.
                if self._shelf is not shelf:
                    return False
                shelf.adopt(merged)
                self._generation = shelf.generation(self.sequence, self._generation.word)
            self.save_snapshot()
        return True

    def start_polling(self) -> None:
        """Follow the database on a daemon thread until `stop`."""
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._poll, name="garb-index", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop following and merging; what is held stays searchable."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._merging is not None:
            self._merging.join()
            self._merging = None

    def _poll(self) -> None:
        saved_at = time.monotonic()
        while not self._stopping.wait(POLL_SECONDS):
            try:
                self.refresh()
            except Exception as error:  # The database may restart at any time, in many ways.
                # Four lines a second would bury the log: one when it breaks, one when it is back.
                if self._follows:
                    log.error("the index cannot follow the database: %s", error)
                self._follows = False
                continue
            if not self._follows:
                log.info("the index follows the database again, at %d", self.sequence)
                self._follows = True
            self._merge_if_due()
            if time.monotonic() - saved_at >= SNAPSHOT_SECONDS:
                self.save_if_changed()
                saved_at = time.monotonic()

    def _merge_if_due(self) -> None:
        running = self._merging is not None and self._merging.is_alive()
        if running or not self.is_merge_due or time.monotonic() < self._merge_again_at:
            return
        self._merging = threading.Thread(target=self._try_to_merge, name="garb-merge", daemon=True)
        self._merging.start()

    def _try_to_merge(self) -> None:
        started = time.monotonic()
        try:
            if self.merge():
                seconds = time.monotonic() - started
                log.info("merged %d vectors in %.1f s", self.merged_count, seconds)
        except MergeStopped:
            pass
        except Exception as error:  # A full disk, or memory: what is there goes on serving.
            log.warning("the index cannot be merged: %s", error)
            self._merge_again_at = time.monotonic() + MERGE_AGAIN_SECONDS

    def _merged_elsewhere(self, generation: Generation) -> MergedPart | None:
        """What another process of this server merged, if it leaves little outside."""
        if self._folder is None or not self._trusts_snapshot:
            return None
        own = generation.vectors.merged
        try:
            merged = load_merged(
                self._folder,
                embedder=self.embedder_version,
                newer_than=0 if own is None else own.sequence,
            )
        except IndexDamaged:
            return None
        # Changes that this process has not seen yet would be missing from its rows.
        if merged is None or merged.sequence > generation.sequence:
            return None
        left = int(np.count_nonzero(~in_merged(generation.rows, merged)))
        return merged if left < self._merge_from else None

    def _new_shelf(self) -> Shelf:
        return Shelf(TwoPartIndex(self.dimension, self._new_index))

    def _is_of_another_history(self) -> bool:
        """Whether the rows held are another database's, or this one's before it was restored."""
        held = self._generation
        return held.word is not None and self._catalog.word_at(held.sequence) != held.word

    def _pull(self, shelf: Shelf, *, since: int) -> tuple[Generation, int]:
        """Put every row newer than ``since`` on the shelf: what is there then, and how many rows."""
        sequence, changed = since, 0
        while True:
            latest = self._catalog.latest_sequence()
            rows = self._catalog.changes_since(
                sequence, embedder=self.embedder_version, limit=BATCH
            )
            if not rows:
                # Asked before these rows that are not there: everything up to it is on the shelf.
                return shelf.generation(latest, self._catalog.word_at(latest)), changed
            shelf.apply(rows)
            changed += len(rows)
            sequence = rows[-1].sequence

    def _all_rows(self) -> list[VectorRow]:
        everything: list[VectorRow] = []
        sequence = 0
        while True:
            rows = self._catalog.changes_since(
                sequence, embedder=self.embedder_version, limit=BATCH
            )
            if not rows:
                return everything
            everything.extend(rows)
            sequence = rows[-1].sequence

    def _usable_snapshot(self) -> Snapshot | None:
        if self._folder is None:
            return None
        try:
            snapshot = load_snapshot(
                self._folder, embedder=self.embedder_version, dimension=self.dimension
            )
        except IndexDamaged as error:
            log.warning("%s; the index is rebuilt from the database", error)
            self._damage = str(error)
            return None
        if snapshot is not None and self._catalog.word_at(snapshot.sequence) != snapshot.word:
            # Another database, or this one restored and written to since: other rows have these
            # numbers, and nothing newer would tell.
            log.warning("the snapshot is of another database; the index is rebuilt from this one")
            return None
        return snapshot
