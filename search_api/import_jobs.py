"""Imports as background jobs: one at a time a process, their state in rows every process reads.

A feed's file stays until its import has ended, so an import that was cut off, by a shutdown or by
a kill, goes on when a server of the same home starts. Of several only one runs it: the one that
holds the lock on the file, which ends with the process however that ends.
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfileobj
from typing import BinaryIO
from urllib.parse import quote

from indexer.bootstrap import Services
from indexer.catalog.rows import ImportJob
from indexer.errors import ImportStopped
from indexer.feeds.formats import FeedFormat
from indexer.feeds.open import open_feed
from indexer.ingest.again import embed_again
from indexer.ingest.report import Tally
from indexer.ingest.runner import import_feed
from search_api.errors import NotFound
from search_api.reach import EVERYTHING, Reach
from search_api.serving import Serving
from segmentation.errors import GarbError

COPY_BYTES = 1024 * 1024
# A file without a job this old is no upload that is about to get one.
ABANDONED_SECONDS = 3_600
WORDS_FOR_OUR_FAULT = "the import failed on the server; its log has the reason"

log = logging.getLogger("garb.imports")


class ImportJobs:
    """Takes feeds, runs them after one another, and cancels them."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._closing = False
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="import")

    @property
    def _services(self) -> Services:
        return self._serving.current

    @property
    def folder(self) -> Path:
        """Where feeds wait for their turn."""
        return self._services.settings.home / "imports"

    def images_dir(self, job: ImportJob) -> Path:
        """What the image names of a feed sent by HTTP are relative to; nothing outside is read.

        Of a bound key: the folder of its first collection, and so no photo of another's.
        """
        folder = self._services.settings.home / "feed-images"
        if job.collections is None:
            return folder
        return folder / quote(job.collections[0], safe="").replace(".", "%2E")

    def start(
        self, feed: BinaryIO, *, suffix: str, feed_format: FeedFormat | None, reach: Reach
    ) -> ImportJob:
        """Keep the feed and queue its import; ``suffix`` such as ``.csv`` tells the format."""
        self.folder.mkdir(parents=True, exist_ok=True)
        named = f".{feed_format.value}" if feed_format else ""
        path = self.folder / f"{secrets.token_hex(8)}{named}{suffix}"
        try:
            with path.open("wb") as kept:
                copyfileobj(feed, kept, COPY_BYTES)
                kept.flush()
                # After a power cut half a feed must not pass for a whole one.
                os.fsync(kept.fileno())
            job = self._services.catalog.create_import(path.name, collections=reach.collections)
        except BaseException:
            # A full disk, or no database: half a feed must not stay and fill it further.
            path.unlink(missing_ok=True)
            raise
        self._executor.submit(self._run, job.id, path)
        return job

    def resume(self) -> None:
        """Queue the imports that were cut off, the oldest first."""
        self._executor.submit(self._queue_what_is_left)

    def get(self, import_id: str, reach: Reach = EVERYTHING) -> ImportJob:
        """Raises NotFound, also for one that wrote beyond ``reach``."""
        job = self._services.catalog.get_import(import_id)
        if job is None or not reach.covers(job.collections):
            raise NotFound("no such import")
        return job

    def cancel(self, import_id: str, reach: Reach) -> ImportJob:
        """Ask a job to stop after what it has in hand. Raises NotFound."""
        self.get(import_id, reach)
        job = self._services.catalog.cancel_import(import_id)
        if job is None:
            raise NotFound("no such import")
        return job

    def close(self) -> None:
        """Stop what runs after what it has in hand; the next start goes on from there."""
        self._closing = True
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _queue_what_is_left(self) -> None:
        left = []
        try:
            for path in self.folder.glob("*"):
                job = self._services.catalog.import_of(path.name)
                if job is not None:
                    left.append((job.created, job.id, path))
                elif time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                    path.unlink()
        except (OSError, GarbError):
            log.exception("some imports that were cut off are not looked for")
        for _, import_id, path in sorted(left):
            self._executor.submit(self._run, import_id, path)

    def _stop_at_shutdown(self, _: Tally) -> None:
        if self._closing:
            raise ImportStopped("the server is shutting down")

    def _run(self, import_id: str, path: Path) -> None:
        try:
            with _claimed(path) as is_ours:
                if is_ours and not self._closing:
                    self._run_claimed(import_id, path)
        except Exception:  # The database is away, or its disk is full: the next start goes on.
            log.exception("import cut off", extra={"job": import_id})

    def _run_claimed(self, import_id: str, path: Path) -> None:
        job = self.get(import_id)
        # Cancelled by nobody: stopped by a shutdown, and then killed.
        stopped = job.state == "cancelled" and not job.cancel_requested
        if job.state in ("done", "failed", "cancelled") and not stopped:
            path.unlink()
            return
        log.info("import started", extra={"job": import_id})
        try:
            if job.cancel_requested:
                raise ImportStopped("cancelled before it began")
            self._import(job, path)
        except ImportStopped:
            self._end(import_id, "waiting" if self._closing else "cancelled", None)
        except GarbError as error:
            self._end(import_id, "failed", str(error).replace(str(path), "the feed"))
        except Exception:
            log.exception("import failed", extra={"job": import_id})
            self._end(import_id, "failed", WORDS_FOR_OUR_FAULT)
        if not self._closing:
            path.unlink()
        log.info("import ended", extra={"job": import_id})

    def _import(self, job: ImportJob, path: Path) -> None:
        services, images_dir = self._services, self.images_dir(job)
        images_dir.mkdir(parents=True, exist_ok=True)
        with services.remote_photos() as remote:
            import_feed(
                open_feed(path, _format_of(path)),
                catalog=services.catalog,
                mapper=services.mapper(),
                images_dir=images_dir,
                workers=services.settings.threads,
                on_progress=self._stop_at_shutdown,
                import_id=job.id,
                fetcher=remote,
                collections=job.collections,
                images_name=str(images_dir.relative_to(services.settings.home)),
            )
        if self._services is not services:
            # Other versions became active under it: what it wrote is not theirs yet.
            embed_again(catalog=services.catalog, mapper=self._services.mapper())
        self._services.index.refresh()

    def _end(self, import_id: str, state: str, reason: str | None) -> None:
        job = self._services.catalog.get_import(import_id)
        if job is None:
            return
        errors = list(job.errors)
        if reason is not None:
            errors.append({"line": None, "id": None, "image": None, "reason": reason})
        self._services.catalog.update_import(
            import_id, state=state, counts=job.counts, errors=errors
        )


@contextmanager
def _claimed(path: Path) -> Iterator[bool]:
    """Whether the feed is there and no other process has it."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        yield False
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield path.exists()


def _format_of(path: Path) -> FeedFormat | None:
    """What `ImportJobs.start` wrote into the name."""
    named = Path(path.stem).suffix.removeprefix(".")
    return FeedFormat(named) if named else None
