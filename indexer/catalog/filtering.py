"""Filter tree → SQL, the same on SQLite and PostgreSQL.

Text compares by code point and exactly; numbers compare as numbers, also where an attribute is
text that reads as one. ``!=`` is the complement of ``=``: it holds where the field is missing.
An attribute with several values matches when one of them does. ``category`` matches the shop's
word or Garb's own; ``colour``, ``pattern`` and ``tag`` the shop's attribute or what its photos show.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from indexer.catalog.convert import attribute_number, attribute_text
from indexer.catalog.models import photo_tags, product_attributes, products
from indexer.catalog.tagging import TAG_NAMES, products_tagged
from indexer.filters import And, Comparison, Filter, Or

Condition = sa.ColumnElement[bool]

TEXT_FIELDS = ("id", "title", "category", "brand", "currency", "url")
_ORDERS: dict[str, Callable[[Any, Any], Condition]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def condition_of(tree: Filter, *, dialect: str) -> Condition:
    """The WHERE condition over ``products`` for a filter; ``dialect``: sqlite or postgresql."""
    if isinstance(tree, And):
        return sa.and_(*(condition_of(part, dialect=dialect) for part in tree.parts))
    if isinstance(tree, Or):
        return sa.or_(*(condition_of(part, dialect=dialect) for part in tree.parts))
    if tree.operator == "!=":
        return sa.not_(_comparison(Comparison(tree.field, "=", tree.values), dialect))
    return _comparison(tree, dialect)


def attribute_name(field: str) -> str:
    """Under which name a field's values are stored that is no column."""
    return "collections" if field == "collection" else field


def _comparison(tree: Comparison, dialect: str) -> Condition:
    if tree.field == "price":
        return sa.func.coalesce(_number_holds(products.c.price, tree), False)
    if tree.field in TEXT_FIELDS:
        column = products.c[tree.field]
        holds = _text_holds(column, tree, dialect)
        if tree.field == "category":
            own = _text_holds(products.c.garment_category, tree, dialect)
            holds = sa.or_(holds, sa.func.coalesce(own, False))
        return holds
    holds = sa.exists().where(
        product_attributes.c.product_id == products.c.id,
        product_attributes.c.name == attribute_name(tree.field),
        _attribute_holds(tree, dialect),
    )
    if tree.field in TAG_NAMES and all(isinstance(value, str) for value in tree.values):
        tagged = products_tagged(
            photo_tags.c.name == tree.field, _text_holds(photo_tags.c.text, tree, dialect)
        )
        return sa.or_(holds, products.c.id.in_(tagged))
    return holds


def _attribute_holds(tree: Comparison, dialect: str) -> Condition:
    # One condition for all texts and one for all numbers: SQLite takes an expression 1,000 deep.
    texts = tuple(value for value in tree.values if isinstance(value, str))
    numbers = tuple(value for value in tree.values if not isinstance(value, str))
    holds = []
    if texts:
        alone = replace(tree, values=texts)
        holds.append(_text_holds(product_attributes.c.text, alone, dialect))
    if numbers:
        alone = replace(tree, values=numbers)
        holds.append(sa.func.coalesce(_number_holds(product_attributes.c.number, alone), False))
    return sa.or_(*holds)


def _number_holds(column: sa.ColumnElement[Any], tree: Comparison) -> Condition:
    numbers = [number for value in tree.values if (number := attribute_number(value)) is not None]
    if not numbers:
        return sa.false()
    if tree.operator in ("=", "IN"):
        return column.in_(numbers)
    return _ORDERS[tree.operator](column, numbers[0])


def _text_holds(column: sa.ColumnElement[Any], tree: Comparison, dialect: str) -> Condition:
    texts: Sequence[str] = [attribute_text(value) for value in tree.values]
    if tree.operator in ("=", "IN"):
        return column.in_(texts)
    # PostgreSQL would order by its locale; SQLite orders by code point.
    ordered = column.collate("C") if dialect == "postgresql" else column
    return _ORDERS[tree.operator](ordered, texts[0])
