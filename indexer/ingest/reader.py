"""What an import has to do for a row: compared with the catalog before a photo is opened."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from indexer.catalog.rows import (
    FailedPhoto,
    Fingerprint,
    ImageState,
    ImageStatus,
    KeptPhoto,
    ModelVersions,
    ProductState,
)
from indexer.errors import PhotoNotFetched
from indexer.feeds.record import ProductRecord, record_hash
from indexer.ingest.mapper import PhotoMapper, PreparedPhoto
from indexer.remote.photos import PhotoFetcher, is_url
from segmentation.errors import PhotoError
from segmentation.garment import Box
from segmentation.labels import category_of
from segmentation.photo import MAX_BYTES

NO_IMAGE = "no image given"
NOT_FETCHED = "photos that lie elsewhere are not fetched here"
_UNKNOWN = Fingerprint(None, None, None)


@dataclass(frozen=True, slots=True, eq=False)
class PlannedPhoto:
    """One photo of a row. ``outcome`` None: its bytes must be read.

    ``path``: where, None for a photo that is fetched; then ``data``.
    ``known_sha256``: the source's sha256 whose stored result still holds, if the bytes match it.
    ``same_source``: that result came from this very source.
    """

    position: int
    source: str
    path: Path | None
    fingerprint: Fingerprint
    known_sha256: str | None
    outcome: FailedPhoto | KeptPhoto | PreparedPhoto | None
    region: Box | None = None
    same_source: bool = False
    data: bytes | None = None

    @property
    def is_remote(self) -> bool:
        """It has to be fetched."""
        return self.outcome is None and self.path is None and self.data is None


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
            and all(
                isinstance(photo.outcome, KeptPhoto) and photo.known_sha256 is None
                for photo in self.photos
            )
        )


class ImagesFolder:
    """The only folder that a feed's photos may lie in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._real = folder.resolve()

    def find(self, source: str) -> tuple[Path, Fingerprint] | FailedPhoto:
        """A photo's file with its size and mtime, or why there is none."""
        try:
            path = (self._folder / source).resolve()
            if not path.is_relative_to(self._real):
                return FailedPhoto("the image lies outside the images folder")
            status = path.stat()
        except FileNotFoundError:
            return FailedPhoto("no such file")
        except (OSError, ValueError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            return FailedPhoto(f"the image cannot be read: {' '.join(reason.split())}")
        if not stat.S_ISREG(status.st_mode):
            return FailedPhoto("the image is not a file")
        return path, Fingerprint(status.st_size, status.st_mtime_ns, None)


def plan_row(
    record: ProductRecord,
    *,
    state: ProductState | None,
    versions: ModelVersions,
    folder: ImagesFolder,
) -> PlannedRow:
    """Compare a row with what is stored; looks at files, reads and fetches none."""
    same_category = state is not None and state.garment_category == category_of(record.category)
    known: Mapping[int, ImageState] = state.images if state and same_category else {}
    regions = record.boxes or (None,) * len(record.images)
    photos = tuple(
        _plan_photo(position, source, region, known.get(position), versions, folder)
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
) -> PlannedPhoto:
    holds = (
        state is not None
        and state.status is ImageStatus.INDEXED
        and (state.versions, state.region) == (versions, region)
    )
    old = state.fingerprint if state is not None and holds else _UNKNOWN
    same = state is not None and holds and state.source == source
    planned = PlannedPhoto(position, source, None, old, old.sha256, None, region, same)
    if is_url(source):
        return planned
    found = folder.find(source)
    if isinstance(found, FailedPhoto):
        return replace(planned, fingerprint=_UNKNOWN, known_sha256=None, outcome=found)
    path, print_ = found
    if same and (old.size_bytes, old.mtime_ns) == (print_.size_bytes, print_.mtime_ns):
        return replace(planned, path=path, known_sha256=None, outcome=KeptPhoto())
    return replace(planned, path=path, fingerprint=print_)


def fetch_row(row: PlannedRow, fetcher: PhotoFetcher | None) -> PlannedRow:
    """Fetch the photos that lie elsewhere, if they changed. Runs in a thread of its own.

    Raises:
        MissingDependency: the driver of a store is not installed.
    """
    photos = tuple(_fetch(photo, fetcher) if photo.is_remote else photo for photo in row.photos)
    return replace(row, photos=photos)


def _fetch(photo: PlannedPhoto, fetcher: PhotoFetcher | None) -> PlannedPhoto:
    if fetcher is None:
        return replace(photo, fingerprint=_UNKNOWN, outcome=FailedPhoto(NOT_FETCHED))
    unless = photo.fingerprint.validator if photo.same_source else None
    try:
        fetched = fetcher.fetch(photo.source, unless=unless)
    except PhotoNotFetched as error:
        if error.may_pass and photo.same_source:
            # A server that is down for a night must not empty the catalog.
            return replace(photo, outcome=KeptPhoto(doubt=str(error)))
        return replace(photo, fingerprint=_UNKNOWN, outcome=FailedPhoto(str(error)))
    if fetched is None:
        return replace(photo, outcome=KeptPhoto())
    print_ = Fingerprint(len(fetched.data), None, None, fetched.validator)
    return replace(photo, fingerprint=print_, data=fetched.data)


def read_row(row: PlannedRow, mapper: PhotoMapper) -> PlannedRow:
    """Read and prepare the photos that need it. Runs in a worker thread."""
    photos = tuple(
        photo if photo.outcome is not None else _read_photo(photo, row.record.category, mapper)
        for photo in row.photos
    )
    return replace(row, photos=photos)


def _read_photo(photo: PlannedPhoto, category: str, mapper: PhotoMapper) -> PlannedPhoto:
    try:
        data = _bytes_of(photo)
    except OSError as error:
        return replace(photo, outcome=FailedPhoto(f"the image cannot be read: {error.strerror}"))
    sha256 = hashlib.sha256(data).hexdigest()
    photo = replace(photo, fingerprint=replace(photo.fingerprint, sha256=sha256), data=None)
    if sha256 == photo.known_sha256:
        return replace(photo, outcome=KeptPhoto())
    try:
        prepared = mapper.prepare(data, category=category, region=photo.region)
    except PhotoError as error:
        return replace(photo, outcome=FailedPhoto(str(error)))
    return replace(photo, outcome=prepared)


def _bytes_of(photo: PlannedPhoto) -> bytes:
    if photo.data is not None:
        return photo.data
    assert photo.path is not None
    with photo.path.open("rb") as file:
        return file.read(MAX_BYTES + 1)
