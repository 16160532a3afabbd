"""How the networks are run: on how many cores, how many photos at once, and how exactly."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Profile(StrEnum):
    """What a shop trades for speed, in one word; vectors made with one may be compared with others'.

    ``EXACT``: float32. ``DEFAULT``: bfloat16 where the processor has it. ``FAST``: that, photos seen
    smaller, masks as coarse as their cells, and skin and hair left out of garments only where a
    person is asked for.
    """

    EXACT = "exact"
    DEFAULT = "default"
    FAST = "fast"


@dataclass(frozen=True, slots=True)
class Execution:
    """Of every network that is loaded.

    ``threads``: the cores it is worked on with; 0: all. ``streams``: calls worked on at once, each on
    its share of the cores: with one a call is over soonest, with as many as cores the most calls
    are done a second.
    """

    threads: int = 0
    streams: int = 1
    profile: Profile = Profile.DEFAULT


ALL_CORES = Execution()
