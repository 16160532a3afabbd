"""A file that is there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def written_whole(file: Path) -> Iterator[Path]:
    """What to write to: it becomes ``file`` at the end, and is removed where that is not reached.

    Raises:
        OSError: it cannot be written, as on a full disk; the error names ``file``.
    """
    temporary = file.with_name(file.name + ".tmp")
    try:
        yield temporary
        os.replace(temporary, file)
    except OSError as error:
        # A write tells no name, and the temporary file's is no help.
        if error.errno is None or str(error.filename or temporary) != str(temporary):
            raise
        raise OSError(error.errno, error.strerror, str(file)) from error
    finally:
        with suppress(OSError):
            temporary.unlink()
