"""What an import has to do for a row: compared with the catalog before a photo is opened."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from indexer.catalog.rows import (
    FailedPhoto,
    Fingerprint,
    ImageState,
    ImageStatus,
    KeptPhoto,
    ModelVersions,
    ProductState,
)
from indexer.errors import ImageStoreError, PhotoNotFetched
from indexer.feeds.record import ProductRecord, record_hash
from indexer.ingest.mapper import PreparedPhoto
from indexer.remote.http_photos import FetchedPhoto
from indexer.remote.photos import PhotoFetcher, is_url
from segmentation.errors import PhotoError
from segmentation.garment import Box
from segmentation.labels import category_of
from segmentation.photo import MAX_BYTES

NO_IMAGE = "no image given"
NO_SUCH_FILE = "no such file"
NOT_FETCHED = "photos that lie elsewhere are not fetched here"
_UNKNOWN = Fingerprint(None, None, None)


@dataclass(frozen=True, slots=True, eq=False)
class PlannedPhoto:
    """One photo of a row. ``outcome`` None: its bytes must be read.

    ``path``: where, None for a photo that is fetched.
    ``known``: of the bytes whose stored result still holds; ``fingerprint``: what to store.
    ``same_source``: that result came from this very source.
    ``stored``: sha256 of the stored JPEG of this source, where what was made of it no longer holds.
    """

    position: int
    source: str
    path: Path | None
    fingerprint: Fingerprint
    known: Fingerprint
    outcome: FailedPhoto | KeptPhoto | PreparedPhoto | None
    region: Box | None = None
    same_source: bool = False
    stored: str | None = None

    @property
    def is_remote(self) -> bool:
        """It has to be fetched."""
        return self.outcome is None and self.path is None

    def without(self, reason: str) -> PlannedPhoto:
        """It cannot be had: what was made of this source before stays, because nothing is better.

        A server or a disk that is away for a night must not empty the catalog.
        """
        if self.same_source:
            return replace(self, fingerprint=self.known, outcome=KeptPhoto(doubt=reason))
        return replace(self, fingerprint=_UNKNOWN, outcome=FailedPhoto(reason))


@dataclass(frozen=True, slots=True, eq=False)
class PlannedRow:
    """A row and what to do with its photos. ``same_fields``: the product's row needs no write."""

    record: ProductRecord
    photos: tuple[PlannedPhoto, ...]
    same_fields: bool

    @property
    def is_unchanged(self) -> bool:
        """Nothing to read and nothing to write."""
        return (
            self.same_fields
            and bool(self.photos)
            and all(photo.outcome == KeptPhoto() for photo in self.photos)
        )


class Prepare(Protocol):
    """`PhotoMapper.prepare`, or a way to have it done elsewhere."""

    def __call__(
        self, data: bytes, *, category: str, region: Box | None, stored_as: str | None = None
    ) -> PreparedPhoto: ...


class StoredPhoto(Protocol):
    """`PhotoMapper.stored_photo`."""

    def __call__(self, sha256: str) -> bytes: ...


class ImagesFolder:
    """The only folder that a feed's photos may lie in.

    ``name``: what whoever sent the feed over HTTP knows it by; empty where `--images` names it.
    """

    def __init__(self, folder: Path, *, name: str = "") -> None:
        self._folder = folder
        self._real = folder.resolve()
        self._name = name

    def find(self, source: str) -> tuple[Path, Fingerprint] | FailedPhoto:
        """A photo's file with its size and mtime, or why there is none."""
        try:
            path = (self._folder / source).resolve()
            if not path.is_relative_to(self._real):
                return FailedPhoto(self._why_outside(source))
            status = path.stat()
        except FileNotFoundError:
            return FailedPhoto(f"{NO_SUCH_FILE} in {self._name}" if self._name else NO_SUCH_FILE)
        except (OSError, ValueError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            return FailedPhoto(f"the image cannot be read: {' '.join(reason.split())}")
        if not stat.S_ISREG(status.st_mode):
            return FailedPhoto("the image is not a file")
        return path, Fingerprint(status.st_size, status.st_mtime_ns, None)

    def _why_outside(self, source: str) -> str:
        folder = self._folder.absolute()
        if not Path(os.path.normpath(folder / source)).is_relative_to(os.path.normpath(folder)):
            return f"the image lies outside {self._name or 'the images folder'}"
        if self._name:
            return f"the image is a link that leads out of {self._name}"
        return (
            "the image is a link that leads out of the images folder; "
            "name the folder that it leads to with --images"
        )


def plan_row(
    record: ProductRecord,
    *,
    state: ProductState | None,
    versions: ModelVersions,
    folder: ImagesFolder,
) -> PlannedRow:
    """Compare a row with what is stored; looks at files, reads and fetches none."""
    same_category = state is not None and state.garment_category == category_of(record.category)
    # Of a removed product nothing is kept: who brings it back need not be who had it.
    known: Mapping[int, ImageState] = state.images if state and not state.deleted else {}
    regions = record.boxes or (None,) * len(record.images)
    photos = tuple(
        _plan_photo(position, source, region, known.get(position), versions, folder, same_category)
        for position, (source, region) in enumerate(zip(record.images, regions, strict=True))
    )
    same_fields = (
        state is not None
        and not state.deleted
        and same_category
        and state.record_hash == record_hash(record)
        and set(state.images) == set(range(len(record.images)))
    )
    return PlannedRow(record, photos, same_fields)


def _plan_photo(
    position: int,
    source: str,
    region: Box | None,
    state: ImageState | None,
    versions: ModelVersions,
    folder: ImagesFolder,
    same_category: bool,
) -> PlannedPhoto:
    indexed = state if state is not None and state.status is ImageStatus.INDEXED else None
    holds = (
        indexed is not None
        and same_category
        and (indexed.versions, indexed.region) == (versions, region)
    )
    old = indexed.fingerprint if indexed is not None and holds else _UNKNOWN
    of_source = indexed is not None and indexed.source == source
    same = holds and of_source
    stored = indexed.sha256 if indexed is not None and of_source and not holds else None
    planned = PlannedPhoto(position, source, None, old, old, None, region, same, stored)
    if is_url(source):
        return replace(planned, fingerprint=_UNKNOWN)
    found = folder.find(source)
    if isinstance(found, FailedPhoto):
        return planned.without(found.reason)
    path, print_ = found
    if same and (old.size_bytes, old.mtime_ns) == (print_.size_bytes, print_.mtime_ns):
        return replace(planned, path=path, outcome=KeptPhoto())
    return replace(planned, path=path, fingerprint=print_)


def read_photo(
    photo: PlannedPhoto,
    category: str,
    *,
    fetcher: PhotoFetcher | None,
    prepare: Prepare,
    stored_photo: StoredPhoto,
) -> PlannedPhoto:
    """Read or fetch a photo that needs it, and prepare it if its bytes are new.

    One that cannot be had, but was before, is prepared from its stored JPEG.

    Raises:
        MissingDependency: the driver of a store is not installed.
    """
    read = _read_anew(photo, category, fetcher, prepare)
    if photo.stored is None or not isinstance(read.outcome, FailedPhoto):
        return read
    try:
        data = stored_photo(photo.stored)
        outcome = prepare(data, category=category, region=photo.region, stored_as=photo.stored)
    except (PhotoError, ImageStoreError):
        return read
    return replace(read, outcome=outcome)


def _read_anew(
    photo: PlannedPhoto, category: str, fetcher: PhotoFetcher | None, prepare: Prepare
) -> PlannedPhoto:
    if photo.outcome is not None:
        return photo
    try:
        fetched = _fetch(photo, fetcher) if photo.path is None else _read(photo.path)
        if fetched is None:
            return replace(photo, fingerprint=photo.known, outcome=KeptPhoto())
        sha256 = hashlib.sha256(fetched.data).hexdigest()
        print_ = Fingerprint(
            len(fetched.data), photo.fingerprint.mtime_ns, sha256, fetched.validator
        )
        if sha256 == photo.known.sha256:
            return replace(photo, fingerprint=print_, outcome=KeptPhoto())
        prepared = prepare(fetched.data, category=category, region=photo.region)
    except PhotoError as error:
        return photo.without(str(error))
    return replace(photo, fingerprint=print_, outcome=prepared)


def _fetch(photo: PlannedPhoto, fetcher: PhotoFetcher | None) -> FetchedPhoto | None:
    if fetcher is None:
        raise PhotoNotFetched(NOT_FETCHED)
    unless = photo.known.validator if photo.same_source else None
    return fetcher.fetch(photo.source, unless=unless)


def _read(path: Path) -> FetchedPhoto:
    try:
        with path.open("rb") as file:
            return FetchedPhoto(file.read(MAX_BYTES + 1), None)
    except OSError as error:
        raise PhotoError(f"the image cannot be read: {error.strerror}") from error
