"""What the shop sells, as data: read from ``assortment.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, NamedTuple

from wardrobe.cloth import Colour
from wardrobe.cut import Cut

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Style:
    """One way a kind is cut, ``words`` as in its title; lengths from and to, in body heights.

    ``cloths``: what it comes in, pattern and texture, as ``"stripes/knit"``.
    """

    words: str
    cut: Cut
    cloths: tuple[str, ...]
    hem: Range
    sleeve: Range
    palette: str


class Kind(NamedTuple):
    """``garment``: Garb's category; ``word``: the shop's; prices in euros."""

    garment: str
    word: str
    prices: tuple[int, int]
    styles: tuple[Style, ...]


def _style(kind: str, row: dict[str, Any]) -> Style:
    told = dict(row)
    words, cloths = told.pop("words"), tuple(told.pop("cloths", ("plain",)))
    palette = told.pop("palette", "worn")
    hem, sleeve = tuple(told.pop("hem", (0.5, 0.5))), tuple(told.pop("sleeve", (0.4, 0.4)))
    if "trim" in told:
        told["trim"] = tuple(told["trim"])
    return Style(words, Cut(kind, **told), cloths, hem, sleeve, palette)


def _kind(name: str, row: Mapping[str, Any]) -> Kind:
    styles = tuple(_style(row.get("cut", name), style) for style in row["styles"])
    return Kind(row["garment"], row["word"], tuple(row["prices"]), styles)


_TABLES = tomllib.loads(resources.files("wardrobe").joinpath("assortment.toml").read_text("utf-8"))

COLOURS: dict[str, Colour] = {name: tuple(rgb) for name, rgb in _TABLES["colours"].items()}
# How often each colour is drawn.
PALETTES: dict[str, dict[str, float]] = _TABLES["palettes"]
# Accents that go with a dark and with a light ground.
ACCENTS: dict[str, list[str]] = _TABLES["accents"]
# Body heights from and to a repeat of a pattern.
PERIODS: dict[str, Range] = {name: tuple(limits) for name, limits in _TABLES["periods"].items()}
PATTERN_WORDS: dict[str, str] = _TABLES["pattern_words"]
MATERIALS: dict[str, str] = _TABLES["materials"]
KINDS: dict[str, Kind] = {name: _kind(name, row) for name, row in _TABLES["kinds"].items()}
# The kinds in turn: the first ten are of every category, so that a small shop has each.
ORDER: tuple[str, ...] = tuple(_TABLES["order"])
