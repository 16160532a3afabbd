"""A field's numbers in SQL: the price, or an attribute that is a number or reads as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from indexer.catalog.filtering import Condition, attribute_name
from indexer.catalog.models import product_attributes, products


def numbers_of_products(field: str, conditions: Sequence[Condition]) -> sa.Select[Any]:
    """``id`` and ``number`` of the products that have one; of several numbers the highest."""
    if field == "price":
        price = products.c.price
        return sa.select(products.c.id, price.label("number")).where(
            price.is_not(None), *conditions
        )
    number = product_attributes.c.number
    return (
        sa.select(products.c.id, sa.func.max(number).label("number"))
        .join_from(product_attributes, products)
        .where(product_attributes.c.name == attribute_name(field), number.is_not(None), *conditions)
        .group_by(products.c.id)
    )
