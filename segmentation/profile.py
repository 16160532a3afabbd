"""How exactly the networks are run: what a shop trades for speed, in one word."""

from __future__ import annotations

from enum import StrEnum


class Profile(StrEnum):
    """Of every model that is loaded; vectors made with one may be compared with those of another.

    ``EXACT``: float32. ``DEFAULT``: bfloat16 where the processor has it. ``FAST``: that, photos seen
    smaller, masks as coarse as their cells, and skin and hair left out of garments only where a
    person is asked for.
    """

    EXACT = "exact"
    DEFAULT = "default"
    FAST = "fast"
