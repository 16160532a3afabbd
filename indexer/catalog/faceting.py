"""Facets in SQL, the same on SQLite and PostgreSQL: exact counts, one statement a facet.

A value counts the products that a filter for it would let through, one for the category's word of
the shop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from indexer.catalog.filtering import TEXT_FIELDS, Condition, attribute_name
from indexer.catalog.models import photo_tags, product_attributes, products
from indexer.catalog.tagging import TAG_NAMES, products_tagged
from indexer.facets import (
    MAX_VALUES,
    PRICE_PARTS,
    Facet,
    PriceFacet,
    PriceRange,
    ValueFacet,
    price_bounds,
)


def count_facet(connection: Connection, name: str, conditions: Sequence[Condition]) -> Facet:
    """One facet over the products that meet all conditions."""
    if name == "price":
        return PriceFacet(name, _price_ranges(connection, conditions))
    if name in TEXT_FIELDS:
        value: sa.ColumnElement[Any] = products.c[name]
        grouped = sa.select(value.label("value"), sa.func.count().label("number")).where(
            value != "", *conditions
        )
    else:
        held = _values_of(name).subquery()
        value = held.c.text
        count = sa.func.count(sa.distinct(held.c.product_id))
        grouped = (
            sa.select(value.label("value"), count.label("number"))
            .join_from(held, products, held.c.product_id == products.c.id)
            .where(value != "", *conditions)
        )
    return _most_frequent(connection, name, grouped.group_by(value).subquery())


def _values_of(name: str) -> sa.Select[Any] | sa.CompoundSelect[Any]:
    """Product ids and a field's values: the shop's attribute, and what photos are tagged with."""
    told = sa.select(product_attributes.c.product_id, product_attributes.c.text).where(
        product_attributes.c.name == attribute_name(name)
    )
    if name not in TAG_NAMES:
        return told
    seen = products_tagged(photo_tags.c.name == name).add_columns(photo_tags.c.text)
    return sa.union_all(told, seen)


def _most_frequent(connection: Connection, name: str, grouped: sa.Subquery) -> ValueFacet:
    value: sa.ColumnElement[Any] = grouped.c.value
    if connection.dialect.name == "postgresql":
        value = value.collate("C")
    query = (
        sa.select(grouped.c.value, grouped.c.number, sa.func.sum(grouped.c.number).over())
        .order_by(grouped.c.number.desc(), value)
        .limit(MAX_VALUES)
    )
    rows = connection.execute(query).all()
    values = tuple((row[0], int(row[1])) for row in rows)
    total = int(rows[0][2]) if rows else 0
    return ValueFacet(name, values, total - sum(count for _, count in values))


def _price_ranges(
    connection: Connection, conditions: Sequence[Condition]
) -> tuple[PriceRange, ...]:
    price = products.c.price
    known = (price.is_not(None), *conditions)
    part = sa.func.ntile(PRICE_PARTS).over(order_by=price)
    parts = sa.select(price.label("price"), part.label("part")).where(*known).subquery()
    lowest = sa.select(sa.func.min(parts.c.price)).group_by(parts.c.part)
    bounds = price_bounds(connection.execute(lowest).scalars().all())
    ranges = list(zip([None, *bounds], [*bounds, None], strict=True))
    counts = [sa.func.count(sa.case((_between(price, low, high), 1))) for low, high in ranges]
    counted = connection.execute(sa.select(*counts).where(*known)).one()
    found = zip(ranges, counted, strict=True)
    return tuple(PriceRange(low, high, count) for (low, high), count in found if count)


def _between(column: sa.Column[Any], low: float | None, high: float | None) -> Condition:
    return sa.and_(
        sa.true() if low is None else column >= low,
        sa.true() if high is None else column < high,
    )
