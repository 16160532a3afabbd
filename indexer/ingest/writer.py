"""Collects prepared rows and writes them in batches: vectors, photos and products in one transaction."""

from __future__ import annotations

import time

from indexer.catalog.repository import Catalog
from indexer.catalog.rows import (
    FailedPhoto,
    ImageWrite,
    IndexedPhoto,
    KeptPhoto,
    ProductWrite,
    WriteResult,
)
from indexer.errors import ProductRefused
from indexer.ingest.mapper import PhotoMapper, PreparedPhoto
from indexer.ingest.reader import NO_IMAGE, PlannedPhoto, PlannedRow
from indexer.ingest.report import Tally

PHOTOS_A_BATCH = 32
ROWS_A_BATCH = 256
SECONDS_A_BATCH = 2.0


class BatchWriter:
    """Holds rows until a batch is full or old, then embeds and writes it."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        mapper: PhotoMapper,
        tally: Tally,
        within: tuple[str, ...] | None,
    ) -> None:
        """``within``: as `ProductWrite` takes it."""
        self._catalog = catalog
        self._mapper = mapper
        self._tally = tally
        self._within = within
        self._rows: list[PlannedRow] = []
        self._photos = 0
        self._since = time.monotonic()

    def add(self, row: PlannedRow) -> None:
        """Take a row whose photos are read; may write a batch."""
        if not self._rows:
            self._since = time.monotonic()
        self._rows.append(row)
        self._photos += sum(isinstance(photo.outcome, PreparedPhoto) for photo in row.photos)
        if (
            self._photos >= PHOTOS_A_BATCH
            or len(self._rows) >= ROWS_A_BATCH
            or time.monotonic() - self._since >= SECONDS_A_BATCH
        ):
            self.flush()

    def flush(self) -> None:
        """Write what is held. An error leaves the database as it was before the batch."""
        rows = self._rows
        if not rows:
            return
        prepared = [
            photo.outcome
            for row in rows
            for photo in row.photos
            if isinstance(photo.outcome, PreparedPhoto)
        ]
        embedded = iter(self._mapper.embed(prepared))
        writes = [
            ProductWrite(
                row.record,
                tuple(
                    _image_write(
                        photo,
                        next(embedded)
                        if isinstance(photo.outcome, PreparedPhoto)
                        else photo.outcome,
                    )
                    for photo in row.photos
                )
                # A feed that lost its image column must not take every photo with it.
                or None,
                within=self._within,
            )
            for row in rows
        ]
        results = self._write(writes)
        self._rows, self._photos = [], 0
        self._tally.photos += len(prepared)
        for write, result in zip(writes, results, strict=True):
            self._count(write, result)

    def _write(self, writes: list[ProductWrite]) -> list[WriteResult | ProductRefused]:
        try:
            return list(self._catalog.write_products(writes))
        except ProductRefused as error:
            if len(writes) == 1:
                return [error]
            # One product that the database refuses must not take the batch with it.
            return [result for write in writes for result in self._write([write])]

    def _count(self, write: ProductWrite, result: WriteResult | ProductRefused) -> None:
        record, images = write.record, write.images or ()
        errors: list[tuple[str | None, str]] = [
            (image.source, reason) for image in images if (reason := _what_is_wrong(image))
        ]
        if isinstance(result, ProductRefused):
            errors = [(None, str(result))]
        elif not images:
            errors = [(None, NO_IMAGE)]
        if errors:
            self._tally.failed += 1
            for source, reason in errors:
                self._tally.note(record, reason, image=source)
        elif result is WriteResult.NEW:
            self._tally.new += 1
        elif result is WriteResult.UPDATED:
            self._tally.updated += 1
        else:
            self._tally.unchanged += 1


def _what_is_wrong(image: ImageWrite) -> str:
    match image.outcome:
        case FailedPhoto(reason):
            return reason
        case KeptPhoto(doubt) if doubt:
            return f"{doubt}; what was indexed before stays"
    return ""


def _image_write(
    photo: PlannedPhoto, outcome: IndexedPhoto | FailedPhoto | KeptPhoto | None
) -> ImageWrite:
    assert outcome is not None, "a row is added after its photos were read"
    return ImageWrite(photo.position, photo.source, photo.fingerprint, outcome, photo.region)
