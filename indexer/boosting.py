"""Boosts: a field's number, from 0 at the catalog's lowest to 1 at its highest, counts in a score."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from indexer.ranking import RankedPhoto
from indexer.reranking import ValuesOf
from segmentation.errors import GarbError

_WEIGHT = re.compile(r"[+-]?[0-9]?(\.[0-9]{1,6})?")


class BoostError(GarbError):
    """What is no field and weight."""


class NumberSource(Protocol):
    """What boosts need of the catalog."""

    def number_range(self, field: str) -> tuple[float, float] | None: ...

    def numbers_of(self, field: str, ids: Iterable[str]) -> dict[str, float]: ...


@dataclass(frozen=True, slots=True)
class Boost:
    """``weight``: what the highest value adds to a score, −1 to 1."""

    field: str
    weight: float


def read_boost(text: str) -> Boost:
    """``popularity:0.2`` → field and weight.

    Raises:
        BoostError: it is not of that form.
    """
    field, _, weight = text.rpartition(":")
    known = _WEIGHT.fullmatch(weight.strip()) and any(map(str.isdigit, weight))
    if not field.strip() or not known or abs(float(weight)) > 1:
        raise BoostError("boost: a field and a weight from -1 to 1, such as popularity:0.2")
    return Boost(field.strip(), float(weight))


def values_in(catalog: NumberSource, field: str) -> ValuesOf:
    """Photos → their products' values of the field, 0–1; 0 without one.

    Of an attribute with several numbers the highest counts. Where all are alike, each counts 1.
    """
    span = catalog.number_range(field)

    def values_of(photos: Sequence[RankedPhoto]) -> list[float]:
        if span is None:
            return [0.0] * len(photos)
        low, high = span
        numbers = catalog.numbers_of(field, (photo.product_id for photo in photos))

        def scaled(number: float | None) -> float:
            if number is None:
                return 0.0
            # Clipped: a product may have come after the span was asked for.
            return min(1.0, max(0.0, (number - low) / (high - low))) if high > low else 1.0

        return [scaled(numbers.get(photo.product_id)) for photo in photos]

    return values_of
