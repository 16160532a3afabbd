"""Product photos as stored: re-encoded JPEG without metadata, named by their sha256.

A file's name is its content, so writing twice is harmless. In a folder a file that is there is
whole: it was renamed into place after it was on the disk. Elsewhere its size tells.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from pathlib import Path
from typing import Any, Protocol

from indexer.errors import ImageStoreError
from segmentation.errors import MissingDependency

_SHA256 = re.compile(r"[0-9a-f]{64}")


class ImageStore(Protocol):
    """Where stored photos lie. Safe to share between threads and processes."""

    def put(self, jpeg: bytes) -> str:
        """Store a JPEG; returns its sha256 (hex). Raises ImageStoreError."""
        ...

    def read(self, sha256: str) -> bytes:
        """The JPEG of this sha256. Raises ImageStoreError when it is not there."""
        ...


def open_image_store(url: str) -> ImageStore:
    """A store in a folder, or at any fsspec URL such as ``s3://bucket/photos``.

    Raises:
        ImageStoreError: the folder cannot be made.
        MissingDependency: a URL, and fsspec or its driver is not installed.
    """
    if "://" in url and not url.startswith("file://"):
        return FsspecImageStore(url)
    return FolderImageStore(Path(url.removeprefix("file://")))


class FolderImageStore:
    """A folder with a subfolder for each first two digits of the sha256."""

    def __init__(self, root: Path) -> None:
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ImageStoreError(f"{root}: {error.strerror or error}") from error
        self._root = root

    def put(self, jpeg: bytes) -> str:
        """Write, sync and rename; a photo already there is left alone."""
        name = hashlib.sha256(jpeg).hexdigest()
        target = self._root / _relative(name)
        if target.exists():
            return name
        partial = target.with_name(f".{name}.{secrets.token_hex(4)}.part")
        try:
            if not target.parent.exists():
                target.parent.mkdir(exist_ok=True)
                _sync_folder(self._root)
            try:
                with partial.open("wb") as file:
                    file.write(jpeg)
                    file.flush()
                    os.fsync(file.fileno())
                partial.replace(target)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise
            _sync_folder(target.parent)
        except OSError as error:
            raise ImageStoreError(f"cannot store a photo: {error.strerror or error}") from error
        return name

    def read(self, sha256: str) -> bytes:
        """The bytes of a stored photo."""
        try:
            return (self._root / _relative(sha256)).read_bytes()
        except OSError as error:
            raise ImageStoreError(f"no stored photo {sha256[:12]}…; import it again") from error


class FsspecImageStore:
    """Any file system that fsspec knows.

    Object stores publish an object when it is whole, and have no rename. Others, as SFTP, write in
    place: what a broken connection left there is shorter than the photo, and is written again.
    """

    def __init__(self, url: str) -> None:
        try:
            import fsspec  # noqa: PLC0415 - an extra: a folder needs none
        except ImportError as error:
            raise MissingDependency(
                f"{url.partition('://')[0]}:// needs fsspec: pip install fsspec and its driver"
            ) from error
        try:
            self._files: Any
            self._files, self._root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise ImageStoreError(f"the image store cannot be opened: {error}") from error

    def put(self, jpeg: bytes) -> str:
        """Write the whole object; a photo already there in its full size is left alone."""
        name = hashlib.sha256(jpeg).hexdigest()
        path = f"{self._root}/{_relative(name)}"
        try:
            if not self._files.exists(path) or self._files.size(path) != len(jpeg):
                self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
                self._files.pipe_file(path, jpeg)
        except OSError as error:
            raise ImageStoreError(f"cannot store a photo: {error}") from error
        return name

    def read(self, sha256: str) -> bytes:
        """The bytes of a stored photo."""
        try:
            return bytes(self._files.cat_file(f"{self._root}/{_relative(sha256)}"))
        except OSError as error:
            raise ImageStoreError(f"no stored photo {sha256[:12]}…; import it again") from error


def _relative(sha256: str) -> str:
    if not _SHA256.fullmatch(sha256):
        raise ImageStoreError("not the sha256 of a photo")
    return f"{sha256[:2]}/{sha256}.jpg"


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows cannot open folders.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
