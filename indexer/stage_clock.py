"""How long the stages of a request took."""

from __future__ import annotations

import time
from collections.abc import Mapping


class StageClock:
    """Milliseconds of the stages, in the order they ran."""

    def __init__(self, decode_ms: float | None) -> None:
        self._timings = {} if decode_ms is None else {"decode": decode_ms}
        self._started = self._last = time.perf_counter()

    def take(self, timings_ms: Mapping[str, float]) -> None:
        """Stages that timed themselves."""
        self._timings |= timings_ms
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self._timings[stage] = (now - self._last) * 1000
        self._last = now

    def timings(self) -> dict[str, float]:
        spent = (time.perf_counter() - self._started) * 1000
        return self._timings | {"total": spent + self._timings.get("decode", 0.0)}
