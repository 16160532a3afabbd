"""How many requests a key may send in any minute, counted together by all processes of a home."""

from __future__ import annotations

import fcntl
import logging
import math
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path

from search_api.errors import TooManyRequests

MINUTE_SECONDS = 60.0
MOST_PER_MINUTE = 100_000

_COUNT = struct.Struct("<q")
_TIME = struct.Struct("<d")
_NONE = _COUNT.pack(0)

log = logging.getLogger("garb.rates")


class KeyRates:
    """The times of each key's last requests: no minute, wherever it begins, has more than allowed.

    A file a key: how many requests it took, then the times of the last ``per_minute`` in a ring.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock``: the same for all processes, as the system's own is."""
        self._folder = folder
        self._clock = clock

    def take(self, key_id: int, *, per_minute: int) -> None:
        """Count a request.

        Raises:
            TooManyRequests: there were ``per_minute`` in the last minute; this one counts nothing.
        """
        try:
            wait = self._wait(self._folder / f"{key_id}-{per_minute}", per_minute)
        except OSError as error:  # A full disk must not shut out those who only search.
            log.warning("the requests of key %d are not counted: %s", key_id, error)
            return
        if wait > 0:
            raise TooManyRequests(
                f"this key may send {per_minute:,} requests a minute",
                retry_after_seconds=math.ceil(wait),
            )

    def _wait(self, path: Path, per_minute: int) -> float:
        """Seconds until another request may come; 0: it may, and is counted."""
        self._folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            # It ends with the process, however that ends; threads wait for each other too.
            fcntl.flock(handle, fcntl.LOCK_EX)
            (taken,) = _COUNT.unpack(os.pread(handle, _COUNT.size, 0) or _NONE)
            place = _COUNT.size + taken % per_minute * _TIME.size
            now = self._clock()
            if taken >= per_minute:
                (oldest,) = _TIME.unpack(os.pread(handle, _TIME.size, place))
                wait = float(oldest) + MINUTE_SECONDS - now
                # More: a time to come, from before the machine was started again.
                if 0 < wait <= MINUTE_SECONDS:
                    return wait
            os.pwrite(handle, _TIME.pack(now), place)
            os.pwrite(handle, _COUNT.pack(taken + 1), 0)
            return 0.0
        finally:
            os.close(handle)
