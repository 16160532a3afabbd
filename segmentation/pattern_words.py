"""The patterns of cloth and the words that name them, from `patterns.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources


@cache
def _tables() -> dict[str, list[str]]:
    return tomllib.loads(
        resources.files("segmentation").joinpath("patterns.toml").read_text("utf-8")
    )


PATTERNS: tuple[str, ...] = tuple(_tables())


def pattern_of(word: str) -> str | None:
    """The pattern that a word names, None if it names none."""
    return next((name for name, words in _tables().items() if word.lower() in words), None)
