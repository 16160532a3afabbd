"""A whole import: rows planned, photos fetched and prepared in threads, batches embedded and written.

Every batch is one transaction, and a row that is stored as the feed states it costs no more than a
look: an import that was killed goes on where it was when it is run again.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from time import monotonic

from indexer.catalog.jobs import MAX_STORED_ERRORS
from indexer.catalog.repository import Catalog
from indexer.catalog.rows import ProductState, why_not_within
from indexer.errors import FeedError, ImportStopped
from indexer.feeds.record import BOX_NAME, BadRow, Feed, ProductRecord
from indexer.ingest.mapper import PhotoMapper, PreparedPhoto
from indexer.ingest.reader import ImagesFolder, PlannedRow, Prepare, plan_row, read_photo
from indexer.ingest.report import ImportReport, Tally
from indexer.ingest.writer import BatchWriter
from indexer.remote.photos import PhotoFetcher
from segmentation.garment import Box
from segmentation.labels import category_of

ROWS_A_LOOKUP = 256
LOOK_AHEAD_A_WORKER = 4
DOWNLOADS_AT_ONCE = 8
SECONDS_BETWEEN_REPORTS = 2.0

Progress = Callable[[Tally], None]


def import_feed(
    feed: Feed,
    *,
    catalog: Catalog,
    mapper: PhotoMapper,
    images_dir: Path | None = None,
    workers: int | None = None,
    on_progress: Progress = lambda tally: None,
    import_id: str | None = None,
    fetcher: PhotoFetcher | None = None,
    collections: Sequence[str] | None = None,
    images_name: str = "",
) -> ImportReport:
    """Bring a feed's products into the catalog. Idempotent; products not in the feed stay.

    ``images_dir``: what image paths are relative to and may not leave; the feed's folder if None.
    ``import_id``: a job that exists already; else one is made.
    ``fetcher``: where photos that are URLs come from; without one they fail.
    ``collections``: rows that name none come into these, and no other product is written; None: any.
    ``images_name``: what the report calls the images folder; it names no other.

    Raises:
        FeedError: the feed or the images folder cannot be read.
        MissingDependency: a store's driver is not installed.
        ImportStopped: Ctrl-C or a cancelled job; what was done is stored.
        CatalogError: the database does not answer.
    """
    folder = images_dir if images_dir is not None else beside(feed)
    if not folder.is_dir():
        raise FeedError(f"{folder}: no such images folder")
    if import_id is None:
        source = str(feed.path.absolute())
        catalog.mark_interrupted_imports(source)
        import_id = catalog.create_import(source, state="running").id
    tally = Tally(rows=feed.count_hint())
    job = _Job(catalog, import_id, tally)

    def tick() -> None:
        on_progress(tally)
        job.beat()

    running = _Running(
        catalog=catalog,
        mapper=mapper,
        folder=ImagesFolder(folder, name=images_name),
        fetcher=fetcher,
        tally=tally,
        tick=tick,
        collections=None if collections is None else tuple(collections),
    )
    try:
        running.run(feed, workers=workers or os.cpu_count() or 1)
    except ImportStopped:
        job.close("cancelled")
        raise
    except KeyboardInterrupt:
        job.close("interrupted")
        raise ImportStopped(
            f"stopped after {tally.done} rows, which are stored; run it again to go on"
        ) from None
    except BaseException:
        job.close("failed")
        raise
    job.close("done")
    return tally.report(products=catalog.product_count(), indexed=catalog.indexed_count())


def beside(feed: Feed) -> Path:
    """The folder that a feed lies in, or is: what its image names are relative to."""
    return feed.path if feed.path.is_dir() else feed.path.parent


class _Job:
    """The import's row: refreshed now and then, where others see it and may cancel."""

    def __init__(self, catalog: Catalog, import_id: str, tally: Tally) -> None:
        self._catalog = catalog
        self._id = import_id
        self._tally = tally
        self._next = monotonic()

    def beat(self) -> None:
        """Store progress if it is time.

        Raises:
            ImportStopped: somebody cancelled.
        """
        if monotonic() < self._next:
            return
        self._next = monotonic() + SECONDS_BETWEEN_REPORTS
        if self._store("running"):
            raise ImportStopped(f"cancelled after {self._tally.done} rows, which are stored")

    def close(self, state: str) -> None:
        """Store how it ended."""
        self._store(state)

    def _store(self, state: str) -> bool:
        return self._catalog.update_import(
            self._id,
            state=state,
            counts=self._tally.counts(most_errors=MAX_STORED_ERRORS),
            errors=[error.to_json() for error in self._tally.first_errors(MAX_STORED_ERRORS)],
        )


class _Running:
    """The pipeline: planned rows go to the pool, come back in order and into the writer."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        mapper: PhotoMapper,
        folder: ImagesFolder,
        fetcher: PhotoFetcher | None,
        tally: Tally,
        tick: Callable[[], None],
        collections: tuple[str, ...] | None,
    ) -> None:
        self._catalog = catalog
        self._mapper = mapper
        self._folder = folder
        self._fetcher = fetcher
        self._tally = tally
        self._tick = tick
        self._collections = collections
        self._writer = BatchWriter(catalog=catalog, mapper=mapper, tally=tally, within=collections)
        self._pending: deque[Future[PlannedRow]] = deque()
        self._first_place: dict[str, tuple[str, int]] = {}
        self._stopping = False
        self._told_of_boxes = False

    def run(self, feed: Feed, *, workers: int) -> None:
        """Everything, to the end; on an interruption, what is prepared is written first."""
        rows = iter(feed)
        pool = ThreadPoolExecutor(workers, thread_name_prefix="garb-import")
        downloads = ThreadPoolExecutor(DOWNLOADS_AT_ONCE, thread_name_prefix="garb-fetch")

        def prepare_in_pool(
            data: bytes, *, category: str, region: Box | None, stored_as: str | None = None
        ) -> PreparedPhoto:
            prepare = partial(self._mapper.prepare, data, category=category)
            return pool.submit(prepare, region=region, stored_as=stored_as).result()

        try:
            while chunk := list(islice(rows, ROWS_A_LOOKUP)):
                for planned in self._plan(chunk):
                    if any(photo.is_remote for photo in planned.photos):
                        reading = downloads.submit(self._read, planned, prepare_in_pool)
                    else:
                        reading = pool.submit(self._read, planned, self._mapper.prepare)
                    self._pending.append(reading)
                    self._collect(leave=max(workers * LOOK_AHEAD_A_WORKER, DOWNLOADS_AT_ONCE))
                self._tick()
            self._collect(leave=0)
            self._writer.flush()
            self._tick()
        except (KeyboardInterrupt, ImportStopped):
            self._keep_what_is_done()
            raise
        finally:
            self._stopping = True
            downloads.shutdown(wait=True, cancel_futures=True)
            pool.shutdown(wait=True, cancel_futures=True)

    def _read(self, row: PlannedRow, prepare: Prepare) -> PlannedRow:
        """In a thread: one photo after another, so that a row of hundreds is not held in memory."""
        photos = []
        for photo in row.photos:
            if self._stopping:
                raise ImportStopped("the import was stopped")
            word = row.record.category
            photos.append(
                read_photo(
                    photo,
                    word,
                    fetcher=self._fetcher,
                    prepare=prepare,
                    stored_photo=self._mapper.stored_photo,
                )
            )
        return replace(row, photos=tuple(photos))

    def _plan(self, chunk: list[ProductRecord | BadRow]) -> Iterator[PlannedRow]:
        records = [row for row in chunk if isinstance(row, ProductRecord)]
        versions = self._mapper.versions
        states = self._catalog.import_states(
            (record.id for record in records), embedder=versions.embedder
        )
        for row in chunk:
            if isinstance(row, BadRow):
                self._fail(row, row.reason)
                continue
            first = self._first_place.setdefault(row.id, (row.file, row.line))
            if first != (row.file, row.line):
                where = f"on line {first[1]}" + (f" of {first[0]}" if first[0] else "")
                self._fail(row, f"the id is there already, {where}")
                continue
            if self._collections is not None:
                row = _put_into(row, states.get(row.id), self._collections)
                if reason := _why_not_within(row, states.get(row.id), self._collections):
                    self._fail(row, reason)
                    continue
            if category_of(row.category) is None and row.category:
                self._tally.unmapped[row.category] += 1
            self._tell_of_words_in_boxes(row)
            planned = plan_row(
                row, state=states.get(row.id), versions=versions, folder=self._folder
            )
            if planned.is_unchanged:
                self._tally.unchanged += 1
            else:
                yield planned

    def _tell_of_words_in_boxes(self, row: ProductRecord) -> None:
        name = next(filter(BOX_NAME.fullmatch, row.attributes), None)
        if name is not None and not self._told_of_boxes:
            # Once, and no failure: it may well be meant so.
            self._told_of_boxes = True
            reason = f"{name!r} is no box x0,y0,x1,y1: kept as an attribute, as in rows like this"
            self._tally.note(row, reason)

    def _collect(self, *, leave: int) -> None:
        while len(self._pending) > leave:
            # Looked at before it is taken: an interrupted wait must not lose the row.
            while not wait((self._pending[0],), timeout=SECONDS_BETWEEN_REPORTS).done:
                self._tick()
            row = self._pending[0].result()
            self._pending.popleft()
            self._writer.add(row)
            self._tick()

    def _keep_what_is_done(self) -> None:
        while self._pending and self._pending[0].done():
            future = self._pending.popleft()
            if future.exception() is not None:
                break
            self._writer.add(future.result())
        self._writer.flush()

    def _fail(self, row: ProductRecord | BadRow, reason: str) -> None:
        self._tally.failed += 1
        self._tally.note(row, reason)


def _put_into(
    row: ProductRecord, stored: ProductState | None, collections: tuple[str, ...]
) -> ProductRecord:
    """The row; where it names no collection, in those that its product lies in already."""
    if row.collections:
        return row
    own = () if stored is None or stored.deleted else stored.collections
    return replace(row, collections=own or collections)


def _why_not_within(
    row: ProductRecord, stored: ProductState | None, collections: tuple[str, ...]
) -> str:
    """Why an import bound to these collections may not write the row; empty if it may."""
    if not set(row.collections) <= set(collections):
        return f"this import writes only into: {', '.join(collections)}"
    # A product that was removed is nobody's.
    if stored is None or stored.deleted:
        return ""
    return why_not_within(stored.collections, collections)
