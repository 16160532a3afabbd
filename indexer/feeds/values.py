"""A row as named values of any kind, from a JSON object or a table with types, as a record.

``images`` (or ``image``) is a list or a text, ``boxes`` lie on them; ``image_1``, ``image_2`` … are texts, and ``box_1`` lies
on the first of these. Unknown names and the object ``attributes`` are attributes and keep their types.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from indexer.feeds.price import parse_price
from indexer.feeds.record import (
    BOX_NAME,
    FIELDS,
    NUMBERED,
    AttributeValue,
    BadRow,
    FieldError,
    ProductRecord,
    box_of,
    boxes_of,
    is_meant_as_box,
    numbered_images,
    parse_box,
    parse_id,
    split_list,
)
from segmentation.garment import Box

_BOX_NAMES = ("box", "boxes")
_OWN_NAMES = frozenset((*FIELDS, "image", "images", "collections", "attributes"))


def row_from_values(values: Mapping[str, Any], *, line: int) -> ProductRecord | BadRow:
    """A record, or what is wrong with the values."""
    identifier = None
    try:
        identifier = parse_id(_text(values, "id"))
        return _record(identifier, values, line=line)
    except FieldError as error:
        return BadRow(line, identifier, str(error))


def _record(identifier: str, values: Mapping[str, Any], *, line: int) -> ProductRecord:
    price, currency = price_of(values.get("price"))
    images, boxes = _images_and_boxes(values)
    return ProductRecord(
        id=identifier,
        title=_text(values, "title"),
        category=_text(values, "category"),
        brand=_text(values, "brand"),
        price=price,
        currency=_text(values, "currency") or currency,
        url=_text(values, "url"),
        images=images,
        collections=texts_of(values.get("collections"), "collections"),
        attributes=attributes_of(_named_attributes(values)),
        line=line,
        boxes=boxes,
    )


def _images_and_boxes(
    values: Mapping[str, Any],
) -> tuple[tuple[str, ...], tuple[Box | None, ...]]:
    """Images that are named, each with the box that stands in its place."""
    named = (_texts_in_place(values.get(name), name) for name in ("images", "image"))
    places = tuple(place for several in named for place in several)
    numbered = _numbered_images(values)
    boxes = boxes_of(places, _boxes(values)) or (None,) * len(places)
    if any(box for place, box in zip(places, boxes, strict=False) if not place):
        raise FieldError("a box without an image")
    of_named = [box for place, box in zip(places, boxes, strict=False) if place]
    images = (*filter(None, places), *(image for image, _ in numbered))
    return images, boxes_of(images, (*of_named, *(box for _, box in numbered)))


def _numbered_images(values: Mapping[str, Any]) -> list[tuple[str, Box | None]]:
    own = {name: value for name, value in values.items() if _is_own(name, value)}
    names = [name for name in own if NUMBERED.fullmatch(name) and not BOX_NAME.fullmatch(name)]
    places = {**own, **{name: _text(own, name) for name in names}}
    found = numbered_images(places, lambda value: value is not None and value != "")
    return [(image, _box(box)) for image, box in found]


def _is_own(name: str, value: Any) -> bool:
    if BOX_NAME.fullmatch(name):
        return _is_meant_as_box(value)
    return name in _OWN_NAMES or NUMBERED.fullmatch(name) is not None


def _named_attributes(values: Mapping[str, Any]) -> dict[str, Any]:
    nested = values.get("attributes") or {}
    if not isinstance(nested, dict):
        raise FieldError("'attributes' is not an object")
    return {name: value for name, value in values.items() if not _is_own(name, value)} | nested


def attributes_of(
    named: Mapping[str, Any],
) -> dict[str, AttributeValue | tuple[AttributeValue, ...]]:
    """Texts stripped, numbers as floats, lists as tuples; what is empty is left out.

    Raises:
        FieldError: a value of another kind, or one that cannot be stored.
    """
    found: dict[str, AttributeValue | tuple[AttributeValue, ...]] = {}
    for name, value in named.items():
        clean_name = _clean(name.strip(), "an attribute's name")
        if isinstance(value, list):
            several = (_scalar(item, name) for item in value if item is not None)
            if kept := tuple(one for one in several if one != ""):
                found[clean_name] = kept
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


def price_of(value: Any) -> tuple[float | None, str]:
    """A price and, where it is a text that names one, its currency; None for none.

    Raises:
        FieldError: neither a number nor such a text, negative or not finite.
    """
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


def texts_of(value: Any, name: str) -> tuple[str, ...]:
    """A list of texts, or a text of several, stripped and without empty ones.

    Raises:
        FieldError: neither of the two.
    """
    return tuple(filter(None, _texts_in_place(value, name)))


def _texts_in_place(value: Any, name: str) -> tuple[str, ...]:
    """Those of a list stay where they are, empty ones too."""
    if value is None:
        return ()
    if isinstance(value, str):
        return split_list(_clean(value, repr(name)))
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise FieldError(f"{name!r} is not a list of texts")
    return tuple(_clean(item.strip(), repr(name)) for item in value)


def _boxes(values: Mapping[str, Any]) -> list[Box | None]:
    """``boxes``: one or null an image; or ``box``, of the first. Each a text or four numbers."""
    given = {name: values.get(name) for name in _BOX_NAMES if _is_meant_as_box(values.get(name))}
    several = given.get("boxes")
    if several is None:
        several = [given.get("box")]
    if not isinstance(several, list):
        raise FieldError("'boxes' is not a list of boxes")
    return [_box(box) for box in several]


def _is_meant_as_box(value: Any) -> bool:
    if isinstance(value, str):
        return is_meant_as_box(value)
    if isinstance(value, list):
        return not value or any(not isinstance(one, str) or is_meant_as_box(one) for one in value)
    return not isinstance(value, bool | int | float)


def _box(value: Any) -> Box | None:
    if value is None or isinstance(value, str):
        return parse_box(value or "")
    try:
        return box_of(value)
    except (TypeError, ValueError) as error:
        raise FieldError("a box is not [x0, y0, x1, y1] in pixels") from error


def _clean(text: str, what: str) -> str:
    if "\0" in text:
        raise FieldError(f"a NUL byte in {what}")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise FieldError(f"half a character (a lone surrogate) in {what}")
    return text
