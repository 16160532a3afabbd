"""Time in tests: waiting for what must come, and limits of time on a machine that does other things too."""

from __future__ import annotations

import time
from collections.abc import Callable

# Longer than any machine needs: a guard against waiting for ever, and no limit on anything.
HANGS_SECONDS = 60.0
READINGS = 3


def wait_until(holds: Callable[[], bool]) -> None:
    """Return as soon as it holds. Fails when it never does."""
    until = time.monotonic() + HANGS_SECONDS
    while not holds():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.01)


def quickest(reading: Callable[[], float], *, below: float) -> float:
    """Of up to three readings in seconds the first ``below`` this, else the shortest.

    What is slow is slow each time; what else the machine does is not.
    """
    seconds = [reading()]
    while seconds[-1] >= below and len(seconds) < READINGS:
        seconds.append(reading())
    return min(seconds)
