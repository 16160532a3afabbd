"""Facets: how many products there are of each value of a field, prices in ranges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from segmentation.errors import GarbError

# The values of a facet that are told one by one, and the facets of a request.
MAX_VALUES = 20
MAX_FACETS = 20
# Into how many parts of as many products each the prices are cut.
PRICE_PARTS = 6


class FacetError(GarbError):
    """Facets that cannot be counted."""


@dataclass(frozen=True, slots=True)
class ValueFacet:
    """The products of each value of ``name``, most frequent first.

    ``values``: as a filter compares them, at most `MAX_VALUES`; ``other``: the counts of the rest
    together. A product with several values counts under each.
    """

    name: str
    values: tuple[tuple[str, int], ...]
    other: int

    def to_json(self) -> dict[str, Any]:
        values = [{"value": value, "count": count} for value, count in self.values]
        return {"values": values, "other": self.other}


@dataclass(frozen=True, slots=True)
class PriceRange:
    """The products with low <= price < high; None: no bound."""

    low: float | None
    high: float | None
    count: int

    def to_json(self) -> dict[str, Any]:
        return {"from": self.low, "to": self.high, "count": self.count}


@dataclass(frozen=True, slots=True)
class PriceFacet:
    """The products by price, cheapest first; every product with a price is in one range."""

    name: str
    ranges: tuple[PriceRange, ...]

    def to_json(self) -> dict[str, Any]:
        return {"ranges": [one.to_json() for one in self.ranges]}


Facet = ValueFacet | PriceFacet


def read_facets(text: str | None) -> tuple[str, ...]:
    """``brand,price`` → the fields' names, each once.

    Raises:
        FacetError: more than `MAX_FACETS`.
    """
    names = tuple(dict.fromkeys(name for part in (text or "").split(",") if (name := part.strip())))
    if len(names) > MAX_FACETS:
        raise FacetError(f"facets: at most {MAX_FACETS} fields")
    return names


def facets_json(facets: Sequence[Facet]) -> dict[str, Any]:
    """The facets by name."""
    return {facet.name: facet.to_json() for facet in facets}


def price_bounds(lowest_of_parts: Sequence[float]) -> list[float]:
    """Round numbers that cut between parts of the prices, ascending.

    A part's lowest price is rounded down, to 1, 2 or 5 × 10ⁿ, by at most 0.6 of the way to the part
    before: so every range holds a product.

    Args:
        lowest_of_parts: the lowest price of each part, in any order, again where parts begin alike.
    """
    lowest = sorted(set(lowest_of_parts))
    return [_rounded_down(high, 0.6 * (high - low)) for low, high in pairwise(lowest)]


def _rounded_down(price: float, most: float) -> float:
    if most <= max(1e-9 * price, 1e-6):
        return price
    power = math.floor(math.log10(most))
    tens = 10.0**power
    step = next(factor * tens for factor in (5, 2, 1) if factor * tens <= most or factor == 1)
    # Divided exactly by what is no binary fraction, 0.3 would fall below 0.3.
    rounded = round(math.floor(price / step + 1e-9) * step, max(0, -power))
    return rounded if rounded <= price else price
