"""The Google Merchant product specification: its attributes as the fields of a record.

https://support.google.com/merchants/answer/7052112
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from indexer.feeds.price import parse_price
from indexer.feeds.record import (
    AttributeValue,
    BadRow,
    FieldError,
    ProductRecord,
    parse_id,
    unreadable,
)
from segmentation.labels import category_of

# Descriptions are long, and would come back with every match.
_NOT_ATTRIBUTES = frozenset(
    ("id", "title", "link", "image_link", "additional_image_link", "price", "brand", "description")
)
_CATEGORIES = ("product_type", "google_product_category")
# https://www.google.com/basepages/producttype/taxonomy-with-ids.en-US.txt, what is worn.
_TAXONOMY = {
    "187": "Apparel & Accessories > Shoes",
    "203": "Apparel & Accessories > Clothing > Outerwear",
    "5598": "Apparel & Accessories > Clothing > Outerwear > Coats & Jackets",
    "204": "Apparel & Accessories > Clothing > Pants",
    "207": "Apparel & Accessories > Clothing > Shorts",
    "212": "Apparel & Accessories > Clothing > Shirts & Tops",
    "1581": "Apparel & Accessories > Clothing > Skirts",
    "2271": "Apparel & Accessories > Clothing > Dresses",
    "173": "Apparel & Accessories > Clothing Accessories > Hats",
    "3032": "Apparel & Accessories > Handbags, Wallets & Cases > Handbags",
}


def google_name(name: str) -> str:
    """``g:image link`` and ``Image_Link`` are ``image_link``."""
    return name.strip().lower().removeprefix("g:").strip().replace(" ", "_")


def google_row(values: Mapping[str, Sequence[str]], *, line: int) -> ProductRecord | BadRow:
    """A product from its attributes, each with the values it was given (several for lists)."""
    identifier = None
    try:
        identifier = parse_id(_first(values, "id"))
        return _record(identifier, values, line=line)
    except FieldError as error:
        return BadRow(line, identifier, str(error))


def _record(identifier: str, values: Mapping[str, Sequence[str]], *, line: int) -> ProductRecord:
    for name, texts in values.items():
        if reason := next(filter(None, map(unreadable, texts)), ""):
            raise FieldError(f"{reason} in {name!r}")
    price, currency = parse_price(_first(values, "price"))
    category = _category(values)
    attributes: dict[str, AttributeValue | tuple[AttributeValue, ...]] = {}
    for name, texts in values.items():
        taken = category if name in _CATEGORIES else ""
        kept = tuple(text for text in texts if text not in ("", taken))
        if kept and name not in _NOT_ATTRIBUTES:
            attributes[name] = kept[0] if len(kept) == 1 else kept
    if "sale_price" in attributes:
        # A number, so that a search can ask for what costs less than another.
        sale_price, _ = parse_price(_first(values, "sale_price"))
        assert sale_price is not None
        attributes["sale_price"] = sale_price
    images = (*values.get("image_link", ()), *values.get("additional_image_link", ()))
    return ProductRecord(
        id=identifier,
        title=_first(values, "title"),
        category=category,
        brand=_first(values, "brand"),
        price=price,
        currency=currency,
        url=_first(values, "link"),
        images=tuple(dict.fromkeys(image for image in images if image)),
        attributes=attributes,
        line=line,
    )


def _category(values: Mapping[str, Sequence[str]]) -> str:
    """The shop's own word where Garb can map one, else Google's, else the shop's as it is."""
    google = _first(values, "google_product_category")
    words = [*values.get("product_type", ()), _TAXONOMY.get(google, google)]
    given = [word for word in words if word]
    return next(filter(category_of, given), given[0] if given else "")


def _first(values: Mapping[str, Sequence[str]], name: str) -> str:
    return next((text for text in values.get(name, ()) if text), "")
