"""Tags that photos give their products: which filters, facets and words find them by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from indexer.catalog.models import photo_tags, product_images
from indexer.catalog.rows import IndexedPhoto, PhotoOutcome
from segmentation.pattern_words import pattern_of

# A shop's attribute of such a name and the photos' tags count alike.
COLOUR, PATTERN, SHOPS_OWN = "colour", "pattern", "tag"
TAG_NAMES = (COLOUR, PATTERN, SHOPS_OWN)
# The first colour is a tag, and any other with this share of the cloth.
LEAST_SHARE = 0.25


def products_tagged(*conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """The ids of products with a living photo that has such a tag."""
    return (
        sa.select(product_images.c.product_id)
        .join_from(photo_tags, product_images)
        .where(product_images.c.deleted.is_(False), *conditions)
    )


def tagged_with_word(word: str) -> sa.Select[Any]:
    """The ids of products that a word, in lower case, finds by their tags."""
    named = photo_tags.c.text.contains(word, autoescape=True)
    pattern = pattern_of(word)
    if pattern is not None:
        named = sa.or_(named, photo_tags.c.text == pattern)
    return products_tagged(named)


def write_tags(connection: Connection, image_id: int, outcome: PhotoOutcome) -> None:
    """Replace a photo's tags by what was seen on it."""
    connection.execute(sa.delete(photo_tags).where(photo_tags.c.image_id == image_id))
    tags = _tags_of(outcome) if isinstance(outcome, IndexedPhoto) else ()
    if tags:
        rows = [{"image_id": image_id, "name": name, "text": text} for name, text in tags]
        connection.execute(sa.insert(photo_tags), rows)


def write_shop_tags(connection: Connection, tags: Mapping[int, Sequence[str]]) -> None:
    """Replace the shop's own words of these photos, by image id."""
    of_these = photo_tags.c.image_id.in_(tags), photo_tags.c.name == SHOPS_OWN
    connection.execute(sa.delete(photo_tags).where(*of_these))
    rows = [
        {"image_id": image_id, "name": SHOPS_OWN, "text": text}
        for image_id, texts in tags.items()
        for text in texts
    ]
    if rows:
        connection.execute(sa.insert(photo_tags), rows)


def _tags_of(photo: IndexedPhoto) -> Sequence[tuple[str, str]]:
    colours = [
        (COLOUR, colour.name)
        for place, colour in enumerate(photo.colours)
        if place == 0 or colour.share >= LEAST_SHARE
    ]
    pattern = [(PATTERN, photo.pattern)] if photo.pattern else []
    shops_own = [(SHOPS_OWN, tag) for tag in photo.shop_tags]
    return list(dict.fromkeys([*colours, *pattern, *shops_own]))
