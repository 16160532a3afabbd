"""Shopify's product CSV, old and new headers: the rows of one handle become one product.

https://help.shopify.com/en/manual/products/import-export/using-csv
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from indexer.feeds.price import parse_price
from indexer.feeds.record import (
    AttributeValue,
    BadRow,
    FieldError,
    ProductRecord,
)
from indexer.feeds.table import NamedTable
from segmentation.labels import category_of

# The header since 2024 → the one before it.
_RENAMED = {
    "url handle": "handle",
    "description": "body (html)",
    "published on online store": "published",
    "sku": "variant sku",
    "barcode": "variant barcode",
    "price": "variant price",
    "compare-at price": "variant compare at price",
    "product image url": "image src",
    "variant image url": "variant image",
}
_FIELDS = frozenset(
    (
        *("handle", "title", "vendor", "type", "product category", "tags", "published", "status"),
        *("variant price", "variant compare at price", "variant sku", "variant barcode"),
        *("variant image", "image src", "image position"),
    )
)
# Long texts, the shop's own business (what it pays!) and how a parcel is sent: no shopper asks.
_NOT_ATTRIBUTES = (
    *("body (html)", "seo ", "image alt text", "gift card", "cost per item", "charge tax"),
    *("variant grams", "variant weight", "weight ", "variant inventory", "inventory "),
    *("continue selling", "variant fulfillment", "fulfillment service", "variant requires"),
    *("requires shipping", "variant tax", "tax code", "unit price", "included / ", "price / "),
    *("compare at price / ", "compare-at price / ", "option1 ", "option2 ", "option3 "),
)
_NO_OPTION = ("Title", "Default Title")
# Shopify's own limits are 2,048 variants and 250 photos.
MAX_ROWS = 5_000

Row = tuple[int, dict[str, str]]


class ShopifyFeed:
    """A product export, opened. The handle is the id; a product's line is its first row's."""

    def __init__(self, path: Path) -> None:
        """Read the header.

        Raises:
            FeedError: empty, no ``Handle`` column, or a column that is there twice.
            OSError: the file cannot be read.
        """
        self.path = path
        self._rows = NamedTable(path, shopify_name, id_column="handle")

    def __iter__(self) -> Iterator[ProductRecord | BadRow]:
        """A product for each run of rows with one handle; a row that is none is reported alone."""
        rows: list[Row] = []
        for row in self._rows:
            if isinstance(row, BadRow):
                yield row
                continue
            if rows and (row[1]["handle"] != rows[0][1]["handle"] or len(rows) == MAX_ROWS):
                yield _product(rows)
                rows = []
            rows.append(row)
        if rows:
            yield _product(rows)

    def count_hint(self) -> int:
        """Lines that are not blank, less the header: more than there are products."""
        return self._rows.count_hint()


def shopify_name(column: str) -> str:
    """A column's name as the older header writes it, in lower case where Garb knows it."""
    lower = column.strip().lower()
    known = _RENAMED.get(lower, lower)
    is_ours = known in _FIELDS or known.startswith(_NOT_ATTRIBUTES)
    return known if is_ours else column.strip()


def _product(rows: Sequence[Row]) -> ProductRecord | BadRow:
    handle = rows[0][1]["handle"]
    if "title" in rows[0][1] and not _first(rows, "title"):
        # What is left of a product whose first row is broken; its status stood there as well.
        return BadRow(rows[0][0], handle, "no title in any row of the product")
    prices: list[float] = []
    compared: list[float] = []
    for line, values in rows:
        try:
            _check_published(values)
            prices += _price(values, "variant price")
            compared += _price(values, "variant compare at price")
        except FieldError as error:
            return BadRow(line, handle, str(error))
    words = [word for name in ("type", "product category") for word in _distinct(rows, name)]
    attributes = _attributes(rows)
    if compared:
        attributes["compare_at_price"] = min(compared)
    return ProductRecord(
        id=handle,
        title=_first(rows, "title"),
        category=next(filter(category_of, words), words[0] if words else ""),
        brand=_first(rows, "vendor"),
        price=min(prices, default=None),
        images=_images(rows),
        attributes=attributes,
        line=rows[0][0],
    )


def _price(values: dict[str, str], name: str) -> list[float]:
    price, _ = parse_price(values.get(name, ""))
    return [] if price is None else [price]


def _check_published(values: dict[str, str]) -> None:
    status = values.get("status", "").lower()
    if status not in ("", "active"):
        raise FieldError(f"left out, because its status is {status}")
    if values.get("published", "").lower() == "false":
        raise FieldError("left out, because it is not published")


def _images(rows: Sequence[Row]) -> tuple[str, ...]:
    sources = [values for _, values in rows if values.get("image src")]
    sources.sort(key=lambda values: _position(values.get("image position", "")))
    of_product = [values["image src"] for values in sources]
    return tuple(dict.fromkeys((*of_product, *_distinct(rows, "variant image"))))


def _position(text: str) -> int:
    # Without a number: after those that have one, in the order of the rows.
    return int(text) if text.isdecimal() and len(text) < 10 else 10**10


def _attributes(
    rows: Sequence[Row],
) -> dict[str, AttributeValue | tuple[AttributeValue, ...]]:
    found: dict[str, AttributeValue | tuple[AttributeValue, ...]] = {
        "tags": _tags(rows),
        "sku": _distinct(rows, "variant sku"),
        "barcode": _distinct(rows, "variant barcode"),
    }
    for number in (1, 2, 3):
        name = _first(rows, f"option{number} name")
        options = _distinct(rows, f"option{number} value")
        if name and (name, *options) != _NO_OPTION:
            found[name] = options
    for name in rows[0][1]:
        if name not in _FIELDS and not name.startswith(_NOT_ATTRIBUTES):
            values = _distinct(rows, name)
            found.setdefault(name, values[0] if len(values) == 1 else values)
    return {name: values for name, values in found.items() if values}


def _tags(rows: Sequence[Row]) -> tuple[str, ...]:
    tags = [tag.strip() for text in _distinct(rows, "tags") for tag in text.split(",")]
    return tuple(dict.fromkeys(tag for tag in tags if tag))


def _distinct(rows: Sequence[Row], name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values[name] for _, values in rows if values.get(name)))


def _first(rows: Sequence[Row], name: str) -> str:
    return next(iter(_distinct(rows, name)), "")
