"""Feeds as JSON lines: one object a line, the same fields as a CSV's columns.

``images`` (or ``image``) is a list or a text; unknown keys and the object ``attributes`` are
attributes and keep their types.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from indexer.feeds.record import (
    FIELDS,
    AttributeValue,
    BadRow,
    FieldError,
    ProductRecord,
    parse_id,
    parse_price,
    split_list,
)

_OWN_KEYS = frozenset((*FIELDS, "image", "images", "collections", "attributes"))
MAX_LINE_BYTES = 4 * 1024 * 1024


class JsonlFeed:
    """A JSON-lines feed, opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb"):
            pass  # A file that cannot be read says so here and not in the middle.

    def __iter__(self) -> Iterator[ProductRecord | BadRow]:
        """Every line in order; blank lines are none."""
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                if line.strip():
                    yield _row(number, line)

    def count_hint(self) -> int:
        """Lines that are not blank."""
        with self.path.open("rb") as file:
            return sum(1 for line in file if line.strip())


def _row(number: int, line: bytes) -> ProductRecord | BadRow:
    if len(line) > MAX_LINE_BYTES:
        return BadRow(number, None, f"the line has {len(line):,} bytes; at most {MAX_LINE_BYTES:,}")
    try:
        values = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return BadRow(number, None, "bytes that are not UTF-8")
    except (ValueError, RecursionError) as error:
        return BadRow(number, None, f"not JSON: {_one_line(error)}")
    if not isinstance(values, dict):
        return BadRow(number, None, "not a JSON object")
    try:
        identifier = parse_id(_text(values, "id"))
    except FieldError as error:
        return BadRow(number, None, str(error))
    try:
        return record_from_json(values, line=number)
    except FieldError as error:
        return BadRow(number, identifier, str(error))


def record_from_json(values: Mapping[str, Any], *, line: int = 0) -> ProductRecord:
    """A record from a feed's fields as JSON.

    Raises:
        FieldError: a field is missing or of the wrong kind; the message names it.
    """
    price, currency = _price(values.get("price"))
    return ProductRecord(
        id=parse_id(_text(values, "id")),
        title=_text(values, "title"),
        category=_text(values, "category"),
        brand=_text(values, "brand"),
        price=price,
        currency=_text(values, "currency") or currency,
        url=_text(values, "url"),
        images=_texts(values, "images") + _texts(values, "image"),
        collections=_texts(values, "collections"),
        attributes=_attributes(values),
        line=line,
    )


def _attributes(
    values: Mapping[str, Any],
) -> dict[str, AttributeValue | tuple[AttributeValue, ...]]:
    nested = values.get("attributes") or {}
    if not isinstance(nested, dict):
        raise FieldError("'attributes' is not an object")
    named = {name: value for name, value in values.items() if name not in _OWN_KEYS} | nested
    found: dict[str, AttributeValue | tuple[AttributeValue, ...]] = {}
    for name, value in named.items():
        clean_name = _clean(name.strip(), "an attribute's name")
        if isinstance(value, list):
            several = tuple(_scalar(item, name) for item in value if item not in (None, ""))
            if several:
                found[clean_name] = several
        elif value is not None:
            one = _scalar(value, name)
            if one != "":
                found[clean_name] = one
    return found


def _scalar(value: Any, name: str) -> AttributeValue:
    if isinstance(value, str):
        return _clean(value.strip(), repr(name))
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _finite(value, name)
    raise FieldError(f"{name!r} is not a text, a number, true, false or a list of these")


def _finite(value: float, name: str) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise FieldError(f"{name!r} is not a finite number")
    return number


def _price(value: Any) -> tuple[float | None, str]:
    if value is None or isinstance(value, str):
        return parse_price(value or "")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FieldError("the price is not a number such as 79.90")
    number = _finite(value, "price")
    if number < 0:
        raise FieldError(f"the price {number} is negative")
    return number, ""


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise FieldError(f"{name!r} is not a text")
    return _clean(value.strip(), repr(name))


def _texts(values: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = values.get(name)
    if value is None:
        return ()
    if isinstance(value, str):
        return split_list(_clean(value, repr(name)))
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise FieldError(f"{name!r} is not a list of texts")
    return tuple(_clean(item.strip(), repr(name)) for item in value if item.strip())


def _clean(text: str, what: str) -> str:
    if "\0" in text:
        raise FieldError(f"a NUL byte in {what}")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise FieldError(f"half a character (a lone surrogate) in {what}")
    return text


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
