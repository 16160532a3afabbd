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
from indexer.feeds.record import ProductRecord, record_hash
from indexer.ingest.mapper import PhotoMapper, PreparedPhoto
from segmentation.errors import PhotoError
from segmentation.labels import category_of
from segmentation.photo import MAX_BYTES

NO_IMAGE = "no image given"
REMOTE_IMAGE = "remote images are not supported yet; download the photo and name its file"


@dataclass(frozen=True, slots=True, eq=False)
class PlannedPhoto:
    """One photo of a row. ``outcome`` None: its bytes must be read.

    ``known_sha256``: the source's sha256 whose stored result still holds, if the bytes match it.
    """

    position: int
    source: str
    path: Path | None
    fingerprint: Fingerprint
    known_sha256: str | None
    outcome: FailedPhoto | KeptPhoto | PreparedPhoto | None


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
        if source.lower().startswith(("http://", "https://")):
            return FailedPhoto(REMOTE_IMAGE)
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
    """Compare a row with what is stored; looks at files, reads none."""
    same_category = state is not None and state.garment_category == category_of(record.category)
    known: Mapping[int, ImageState] = state.images if state and same_category else {}
    photos = tuple(
        _plan_photo(position, source, known.get(position), versions, folder)
        for position, source in enumerate(record.images)
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
    state: ImageState | None,
    versions: ModelVersions,
    folder: ImagesFolder,
) -> PlannedPhoto:
    found = folder.find(source)
    if isinstance(found, FailedPhoto):
        return PlannedPhoto(position, source, None, Fingerprint(None, None, None), None, found)
    path, print_ = found
    holds = state is not None and state.status is ImageStatus.INDEXED and state.versions == versions
    if not holds or state is None:
        return PlannedPhoto(position, source, path, print_, None, None)
    old = state.fingerprint
    if state.source == source and (old.size_bytes, old.mtime_ns) == (
        print_.size_bytes,
        print_.mtime_ns,
    ):
        return PlannedPhoto(position, source, path, old, None, KeptPhoto())
    return PlannedPhoto(position, source, path, print_, old.sha256, None)


def read_row(row: PlannedRow, mapper: PhotoMapper) -> PlannedRow:
    """Read and prepare the photos that need it. Runs in a worker thread."""
    photos = tuple(
        photo if photo.outcome is not None else _read_photo(photo, row.record.category, mapper)
        for photo in row.photos
    )
    return replace(row, photos=photos)


def _read_photo(photo: PlannedPhoto, category: str, mapper: PhotoMapper) -> PlannedPhoto:
    assert photo.path is not None
    try:
        with photo.path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        return replace(photo, outcome=FailedPhoto(f"the image cannot be read: {error.strerror}"))
    sha256 = hashlib.sha256(data).hexdigest()
    photo = replace(photo, fingerprint=replace(photo.fingerprint, sha256=sha256))
    if sha256 == photo.known_sha256:
        return replace(photo, outcome=KeptPhoto())
    try:
        return replace(photo, outcome=mapper.prepare(data, category=category))
    except PhotoError as error:
        return replace(photo, outcome=FailedPhoto(str(error)))
