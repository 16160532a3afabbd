"""A file that is there whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def written_whole(file: Path) -> Iterator[Path]:
    """What to write to: it becomes ``file`` at the end, and is removed where that is not reached.

    Not before the disk has it: a power cut leaves the file of before. Of several writers at once each
    has a file of its own, and the last one's stays. What a kill leaves begins with the file's name
    and ends in ``.tmp``.

    Raises:
        OSError: it cannot be written, as on a full disk; the error names ``file``.
    """
    temporary = _beside(file)
    try:
        yield temporary
        with temporary.open("r+b") as written:
            os.fsync(written.fileno())
        os.replace(temporary, file)
        _sync_folder(file.parent)
    except OSError as error:
        # A write tells no name, and the temporary file's is no help.
        if error.errno is None or str(error.filename or temporary) != str(temporary):
            raise
        raise OSError(error.errno, error.strerror, str(file)) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def _beside(file: Path) -> Path:
    return file.with_name(f"{file.name}.{secrets.token_hex(4)}.tmp")


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows cannot open folders.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
