"""Named points at which a process may be killed: around whatever makes a change last.

Nothing of the product knows of them. In the process that is to die, commits, syncs and renames are
wrapped before its work begins.
"""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.engine.default import DefaultDialect

from indexer.vectors.snapshot import MANIFEST

TORN = "half of a temporary file"
POINTS = (
    TORN,
    *(
        f"{moment} {what}"
        for what in ("commit", "sync", "rename", "manifest")
        for moment in ("before", "after")
    ),
)


def die() -> None:
    """What a power button does to a process: no handler runs, no buffer is written."""
    os.kill(os.getpid(), signal.SIGKILL)


def watch(reached: Callable[[str], bool]) -> None:
    """Ask ``reached`` at every point of this process from now on; it dies where the answer is yes."""
    commit, sync, replace = DefaultDialect.do_commit, os.fsync, os.replace

    def around(what: str, call: Callable[[], None]) -> None:
        if reached(f"before {what}"):
            die()
        call()
        if reached(f"after {what}"):
            die()

    def watched_commit(self: DefaultDialect, connection: Any) -> None:
        around("commit", lambda: commit(self, connection))

    def watched_sync(handle: int) -> None:
        status = os.fstat(handle)
        if stat.S_ISREG(status.st_mode) and reached(TORN):
            # By its path: a file may be synced through a handle that only reads.
            os.truncate(f"/proc/self/fd/{handle}", status.st_size // 2)
            die()
        around("sync", lambda: sync(handle))

    def watched_replace(source: Any, target: Any, **options: Any) -> None:
        what = "manifest" if Path(target).name == MANIFEST else "rename"
        around(what, lambda: replace(source, target, **options))

    DefaultDialect.do_commit = watched_commit  # type: ignore[method-assign]
    os.fsync = watched_sync
    os.replace = watched_replace
