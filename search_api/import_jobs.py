"""Imports as background jobs: one at a time a process, their state in rows every process reads."""

from __future__ import annotations

import logging
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import copyfileobj
from typing import BinaryIO

from indexer.bootstrap import Services
from indexer.catalog.rows import ImportJob
from indexer.errors import ImportStopped
from indexer.feeds.formats import FeedFormat
from indexer.feeds.open import open_feed
from indexer.ingest.report import Tally
from indexer.ingest.runner import import_feed
from indexer.ingest.single import embed_again
from search_api.errors import NotFound
from search_api.serving import Serving
from segmentation.errors import GarbError

COPY_BYTES = 1024 * 1024
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

    @property
    def images_dir(self) -> Path:
        """What the image names of a feed sent by HTTP are relative to; nothing outside is read."""
        return self._services.settings.home / "feed-images"

    def start(self, feed: BinaryIO, *, suffix: str, feed_format: FeedFormat | None) -> ImportJob:
        """Keep the feed and queue its import; ``suffix`` such as ``.csv`` tells the format."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.images_dir.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{secrets.token_hex(8)}{suffix}"
        try:
            with path.open("wb") as kept:
                copyfileobj(feed, kept, COPY_BYTES)
            job = self._services.catalog.create_import(path.name)
        except BaseException:
            # A full disk, or no database: half a feed must not stay and fill it further.
            path.unlink(missing_ok=True)
            raise
        self._executor.submit(self._run, job.id, path, feed_format)
        return job

    def get(self, import_id: str) -> ImportJob:
        """Raises NotFound."""
        job = self._services.catalog.get_import(import_id)
        if job is None:
            raise NotFound("no such import")
        return job

    def cancel(self, import_id: str) -> ImportJob:
        """Ask a job to stop after what it has in hand. Raises NotFound."""
        job = self._services.catalog.cancel_import(import_id)
        if job is None:
            raise NotFound("no such import")
        return job

    def close(self) -> None:
        """Stop what runs after what it has in hand; the import sent again goes on from there."""
        self._closing = True
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _stop_at_shutdown(self, _: Tally) -> None:
        if self._closing:
            raise ImportStopped("the server is shutting down")

    def _run(self, import_id: str, path: Path, feed_format: FeedFormat | None) -> None:
        services = self._services
        log.info("import started", extra={"job": import_id})
        try:
            if self.get(import_id).cancel_requested:
                raise ImportStopped("cancelled before it began")
            with services.remote_photos() as remote:
                import_feed(
                    open_feed(path, feed_format),
                    catalog=services.catalog,
                    mapper=services.mapper(),
                    images_dir=self.images_dir,
                    on_progress=self._stop_at_shutdown,
                    import_id=import_id,
                    fetcher=remote,
                )
            if self._services is not services:
                # Other versions became active under it: what it wrote is not theirs yet.
                embed_again(catalog=services.catalog, mapper=self._services.mapper())
            self._services.index.refresh()
        except ImportStopped:
            self._end(import_id, "interrupted" if self._closing else "cancelled", None)
        except GarbError as error:
            self._end(import_id, "failed", str(error).replace(str(path), "the feed"))
        except Exception:
            log.exception("import failed", extra={"job": import_id})
            self._end(import_id, "failed", WORDS_FOR_OUR_FAULT)
        finally:
            path.unlink(missing_ok=True)
            log.info("import ended", extra={"job": import_id})

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
