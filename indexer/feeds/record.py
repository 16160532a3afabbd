"""One product as a feed states it, and how text becomes its fields."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from segmentation.garment import Box

AttributeValue = str | float | bool
Attributes = Mapping[str, AttributeValue | tuple[AttributeValue, ...]]

FIELDS = ("id", "title", "category", "brand", "price", "currency", "url")
MAX_ID_CHARACTERS = 512
NOT_UTF_8 = "bytes that are not UTF-8"
# Ids that could never be asked for over HTTP: they read like an address below a product's own.
_BELOW_PRODUCT = re.compile(r".*/(similar|images)|.*/images/.*|\.\.?", re.DOTALL)

# Fields that hold boxes, where what they hold looks like one.
BOX_NAME = re.compile(r"box(es|_\d+)?")
# Each image under a name of its own, and the box that lies on it.
NUMBERED = re.compile(r"(image|box)_(\d+)")

T = TypeVar("T")
_LIKE_A_BOX = re.compile(r"(?=.*,)(?:[-+\d.,|\s]|inf|nan)+")


@dataclass(frozen=True, slots=True)
class ProductRecord:
    """A product as its feed states it. ``category`` is the shop's word; ``line`` is 1-based.

    ``boxes``: where on each image the product is, in pixels of the upright photo; None where the
    feed does not say; empty where it says nothing at all.
    ``file``: the name of the file in a folder of feeds, else empty.
    """

    id: str
    title: str = ""
    category: str = ""
    brand: str = ""
    price: float | None = None
    currency: str = ""
    url: str = ""
    images: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    attributes: Attributes = field(default_factory=dict)
    line: int = 0
    file: str = ""
    boxes: tuple[Box | None, ...] = ()


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is no product: physical line, the id where one could be read, and why."""

    line: int
    id: str | None
    reason: str
    file: str = ""


class Feed(Protocol):
    """An opened feed: records and bad rows in the file's order.

    ``path``: the file, or the folder of several; image names are relative to that folder.
    """

    @property
    def path(self) -> Path: ...

    def __iter__(self) -> FeedRows: ...

    def count_hint(self) -> int:
        """About how many rows there are, for a progress bar."""
        ...


class FeedRows(Protocol):
    """An iterator over a feed."""

    def __iter__(self) -> FeedRows: ...

    def __next__(self) -> ProductRecord | BadRow: ...


class FieldError(ValueError):
    """A field whose value cannot be used; ``str()`` is the reason."""


def record_hash(record: ProductRecord) -> str:
    """sha256 (hex) of what the record says, apart from its photos, their boxes and its line."""
    content = {
        "id": record.id,
        "title": record.title,
        "category": record.category,
        "brand": record.brand,
        "price": record.price,
        "currency": record.currency,
        "url": record.url,
        "collections": record.collections,
        "attributes": dict(record.attributes),
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def parse_id(text: str) -> str:
    """A product's id, stripped.

    Raises:
        FieldError: empty, too long, with control characters, or one that no address can name.
    """
    identifier = text.strip()
    if not identifier:
        raise FieldError("no id")
    if len(identifier) > MAX_ID_CHARACTERS:
        raise FieldError(f"the id has {len(identifier)} characters; at most {MAX_ID_CHARACTERS}")
    if any(ord(character) < 32 or ord(character) == 127 for character in identifier):
        raise FieldError("the id holds control characters")
    if reason := why_unreadable(identifier, "'id'"):
        raise FieldError(reason)
    if is_below_product(identifier):
        raise FieldError(
            "an id may not be a dot or two, hold /images/ or end in /images or /similar"
        )
    return identifier


def is_below_product(identifier: str) -> bool:
    """Whether an id reads over HTTP like an address below a product's own, or like a step up from it."""
    return _BELOW_PRODUCT.fullmatch(identifier) is not None


def unreadable(text: str) -> str:
    """Why a text cannot be stored, empty if it can."""
    if "\0" in text:
        return "a NUL byte"
    surrogates = [character for character in text if "\ud800" <= character <= "\udfff"]
    if not surrogates:
        return ""
    is_bytes = all("\udc80" <= character <= "\udcff" for character in surrogates)
    return NOT_UTF_8 if is_bytes else "half a character (a lone surrogate)"


def why_unreadable(text: str, where: str) -> str:
    """`unreadable` with its place and what to do about it."""
    reason = unreadable(text)
    if not reason:
        return ""
    remedy = ": save the file as UTF-8 (in Excel: CSV UTF-8)" if reason == NOT_UTF_8 else ""
    return f"{reason} in {where}{remedy}"


def parse_box(text: str) -> Box | None:
    """``x0,y0,x1,y1`` in pixels, origin top left; None for an empty text.

    Raises:
        FieldError: not four numbers, or a box without an inside.
    """
    if not text.strip():
        return None
    try:
        return box_of([float(part) for part in text.split(",")])
    except ValueError as error:
        raise FieldError(f"the box {shortened(text)} is not x0,y0,x1,y1 in pixels") from error


def is_meant_as_box(text: str) -> bool:
    """Whether a field is meant as boxes, good or bad, and not as a word: ``gift box``, ``30x40``."""
    return _LIKE_A_BOX.fullmatch(text) is not None


def box_of(values: Sequence[float]) -> Box:
    """A box of four numbers.

    Raises:
        ValueError: not four, not finite, negative, or less than a pixel wide or high.
    """
    try:
        x0, y0, x1, y1 = map(float, values)
    except OverflowError as error:
        raise ValueError("out of range") from error
    # Not finite ones fail here too.
    if not (0 <= x0 <= x1 - 1 < math.inf and 0 <= y0 <= y1 - 1 < math.inf):
        raise ValueError("no inside")
    return Box(x0, y0, x1, y1)


def boxes_of(images: Sequence[str], boxes: Sequence[Box | None]) -> tuple[Box | None, ...]:
    """A box or None for each image; empty where there is none.

    Raises:
        FieldError: a box without an image.
    """
    if any(boxes[len(images) :]):
        raise FieldError("there are more boxes than images")
    if not any(boxes):
        return ()
    return (*boxes, *[None] * len(images))[: len(images)]


def numbered_images(
    values: Mapping[str, T], is_there: Callable[[T], bool]
) -> list[tuple[T, T | None]]:
    """What ``image_1``, ``image_2`` … hold in their order, each beside its ``box_1``, ``box_2`` …

    Raises:
        FieldError: a box without its image.
    """
    images, boxes = (_numbered(values, name, is_there) for name in ("image", "box"))
    if alone := sorted(boxes.keys() - images.keys()):
        raise FieldError(f"there is a box_{alone[0]}, and no image_{alone[0]}")
    return [(images[number], boxes.get(number)) for number in sorted(images)]


def _numbered(values: Mapping[str, T], of: str, is_there: Callable[[T], bool]) -> dict[int, T]:
    matches = ((NUMBERED.fullmatch(name), value) for name, value in values.items())
    return {
        int(match[2]): value
        for match, value in matches
        if match and match[1] == of and is_there(value)
    }


def split_list(text: str) -> tuple[str, ...]:
    """Values separated by ``|``, stripped, without empty ones."""
    return tuple(part.strip() for part in text.split("|") if part.strip())


def shortened(text: str, *, most: int = 40) -> str:
    """A text in quotes, as a reason shows it."""
    return repr(text if len(text) <= most else text[: most - 1] + "…")
