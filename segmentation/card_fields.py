"""Fields of a card as they are served: a card is written by hand too, and is not hashed.

A name with dots is a field of a field ("preprocessing.size"). Each raises ValueError, whose one line
names the field.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from segmentation.errors import ModelDamaged
from segmentation.models import ModelVersion

SIDES_PX = range(32, 2049)

Fields = Mapping[str, Any]


def damaged_card(version: ModelVersion, error: Exception) -> ModelDamaged:
    """What to raise for a ValueError of this module's."""
    return ModelDamaged(f"{version.card_path}: {' '.join(str(error).split())}")


def field_of(card: Fields, name: str) -> Any:
    """The value, whatever it is."""
    value: Any = card
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise ValueError(f"{name} is missing")
        value = value[part]
    return value


def texts_of(card: Fields, name: str) -> tuple[str, ...]:
    """At least one."""
    value = field_of(card, name)
    texts = isinstance(value, list) and all(isinstance(text, str) and text for text in value)
    if not texts or not value:
        raise ValueError(f"{name} must be a list of names")
    return tuple(value)


def whole_number_of(card: Fields, name: str, *, within: range) -> int:
    """A number of ``within``, whose step is 1."""
    return _whole(field_of(card, name), name, within)


def side_px_of(card: Fields, name: str) -> int:
    """A width or a height of what a network sees."""
    return whole_number_of(card, name, within=SIDES_PX)


def sides_px_of(card: Fields, name: str) -> tuple[int, int]:
    """Height and width of what a network sees."""
    value = field_of(card, name)
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"{name} must be a height and a width")
    return _whole(value[0], name, SIDES_PX), _whole(value[1], name, SIDES_PX)


def number_of(card: Fields, name: str, *, least: float, most: float) -> float:
    """Finite."""
    return _number(field_of(card, name), name, least, most)


def channels_of(card: Fields, name: str, *, above: float = -math.inf) -> tuple[float, ...]:
    """Three finite numbers, one for red, green and blue each, all of them greater than ``above``."""
    value = field_of(card, name)
    if not isinstance(value, list) or len(value) != 3:
        raise ValueError(f"{name} must be three numbers")
    numbers = tuple(_number(one, name, -math.inf, math.inf) for one in value)
    if min(numbers) <= above:
        raise ValueError(f"{name} must be greater than {above:g}")
    return numbers


def _whole(value: object, name: str, within: range) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in within:
        raise ValueError(f"{name} must be a whole number from {within[0]} to {within[-1]}")
    return value


def _number(value: object, name: str, least: float, most: float) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most:
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    limits = "" if math.isinf(least) else f" from {least:g} to {most:g}"
    raise ValueError(f"{name} must be a number{limits}")
