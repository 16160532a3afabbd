"""Whether the database answers, asked on a thread of its own.

A database that is frozen gives no error and no answer: whoever asked it within a request would
wait with it, and so would every probe after that one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

ASK_SECONDS = 0.4
# Two questions in a row without an answer.
SILENT_SECONDS = 1.2

log = logging.getLogger("garb.database")


class DatabaseWatch:
    """Asks again and again between `start` and `close`."""

    def __init__(self, ask: Callable[[], object]) -> None:
        self._ask = ask
        self._answered_at: float | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="garb-database", daemon=True)

    @property
    def answers(self) -> bool:
        """Whether the last question was answered, and a moment ago."""
        answered_at = self._answered_at
        return answered_at is not None and time.monotonic() - answered_at < SILENT_SECONDS

    def start(self) -> None:
        """Ask once, then go on asking on a daemon thread."""
        self._ask_once()
        self._thread.start()

    def close(self) -> None:
        """Stop asking; a question without an answer is not waited for."""
        self._stopping.set()
        self._thread.join(ASK_SECONDS)

    def _watch(self) -> None:
        while not self._stopping.wait(ASK_SECONDS):
            self._ask_once()

    def _ask_once(self) -> None:
        answered_before = self._answered_at is not None
        try:
            self._ask()
        except Exception as error:  # The database may go in many ways.
            self._answered_at = None
            if answered_before:
                log.warning("the database does not answer: %s", error)
        else:
            self._answered_at = time.monotonic()
            if not answered_before:
                log.info("the database answers")
