"""How many requests a key may send in any minute, counted in this process."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable

from search_api.errors import TooManyRequests

MINUTE_SECONDS = 60.0
MOST_PER_MINUTE = 100_000


class KeyRates:
    """The times of each key's last requests: no minute, wherever it begins, has more than allowed."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._taken: dict[int, deque[float]] = {}

    def take(self, key_id: int, *, per_minute: int) -> None:
        """Count a request.

        Raises:
            TooManyRequests: there were ``per_minute`` in the last minute; this one counts nothing.
        """
        with self._lock:
            taken = self._taken.get(key_id)
            if taken is None or taken.maxlen != per_minute:
                taken = self._taken[key_id] = deque(taken or (), maxlen=per_minute)
            now = self._clock()
            if len(taken) == per_minute and (wait := taken[0] + MINUTE_SECONDS - now) > 0:
                raise TooManyRequests(
                    f"this key may send {per_minute:,} requests a minute",
                    retry_after_seconds=math.ceil(wait),
                )
            taken.append(now)
