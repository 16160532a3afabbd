"""Files of an index: written whole or not at all, named by their content, checked before use."""

from __future__ import annotations

import hashlib
import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from indexer.errors import IndexDamaged

TEMPORARY = ".new-"

# What a manifest says of one file: "file" (its name), "sha256" and "bytes".
Entry = dict[str, Any]


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is there whole or not at all, also after a loss of power; raises OSError."""
    with new_file(path.parent) as temporary:
        temporary.write_bytes(data)
        put_in_place(temporary, path)


def write_named(folder: Path, name: str, data: bytes) -> Entry:
    """Write ``stem.suffix`` as ``stem-sha256.suffix``."""
    with new_file(folder) as temporary:
        temporary.write_bytes(data)
        return put_under_its_sha256(temporary, name)


@contextmanager
def new_file(folder: Path) -> Iterator[Path]:
    """An empty file to write to; gone afterwards unless it was put in place."""
    # Not by tempfile, whose files nobody else may read: the umask decides, as for any other file.
    path = folder / f"{TEMPORARY}{secrets.token_hex(8)}"
    path.touch(exist_ok=False)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def put_under_its_sha256(temporary: Path, name: str) -> Entry:
    """Put a written file in place under the name that its content gives it."""
    digest = sha256_of(temporary)
    stem, suffix = name.split(".")
    path = temporary.parent / f"{stem}-{digest[:16]}.{suffix}"
    entry = {"file": path.name, "sha256": digest, "bytes": temporary.stat().st_size}
    put_in_place(temporary, path)
    return entry


def put_in_place(temporary: Path, path: Path) -> None:
    """Rename a written file once its bytes are on the disk."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    os.utime(temporary)
    temporary.replace(path)
    sync_folder(path.parent)


def checked_bytes(folder: Path, entry: Entry) -> bytes:
    """A file's content. Raises IndexDamaged where it is not what the manifest says."""
    path = folder / str(entry["file"])
    try:
        # One byte more than promised is enough to know that a file is too long.
        with path.open("rb") as file:
            data = file.read(int(entry["bytes"]) + 1)
    except OSError as error:
        raise IndexDamaged(f"{path}: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise IndexDamaged(f"{path} differs from its sha256")
    return data


def checked_path(folder: Path, entry: Entry) -> Path:
    """A file to be mapped, read once for its sha256. Raises IndexDamaged where it differs."""
    path = folder / str(entry["file"])
    try:
        same = path.stat().st_size == entry["bytes"] and sha256_of(path) == entry["sha256"]
    except OSError as error:
        raise IndexDamaged(f"{path}: {error.strerror}") from error
    if not same:
        raise IndexDamaged(f"{path} differs from its sha256")
    return path


def npy_bytes(array: npt.NDArray[Any]) -> bytes:
    """An array as a .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def sha256_of(path: Path) -> str:
    """Of a file that may be larger than memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Have the folder's names on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
