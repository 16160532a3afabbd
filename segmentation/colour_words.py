"""The colours that words name: the names of `colours.toml` and its synonyms."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class ColourWords:
    """``colours``: name and ``#rrggbb``, each once, as they were named; ``rest``: the other words."""

    colours: tuple[tuple[str, str], ...]
    rest: str


def colours_in(words: str) -> ColourWords:
    """Tell colours from other words, the longest name first: "dark green" is one."""
    hex_codes, pattern = _names()
    found = [_plain(match.group()) for match in pattern.finditer(words)]
    colours = dict.fromkeys(hex_codes[name] for name in found)
    return ColourWords(tuple(colours), " ".join(pattern.sub(" ", words).split()))


@cache
def _names() -> tuple[dict[str, tuple[str, str]], re.Pattern[str]]:
    text = resources.files("segmentation").joinpath("colours.toml").read_text("utf-8")
    tables = tomllib.loads(text)
    known = {
        name: (name, code) for part in ("greys", "hues") for name, code in tables[part].items()
    }
    known |= {word: known[name] for word, name in tables["synonyms"].items()}
    longest_first = sorted(known, key=len, reverse=True)
    alternatives = "|".join(re.escape(name).replace(r"\ ", r"[\s-]+") for name in longest_first)
    return known, re.compile(rf"(?<![\w-])(?:{alternatives})(?![\w-])", re.IGNORECASE)


def _plain(found: str) -> str:
    """As the table spells it: "Dark  Green" and "dark-green" are "dark green"."""
    lowered = " ".join(found.lower().split())
    return lowered if lowered in _names()[0] else " ".join(re.split(r"[\s-]+", lowered))
