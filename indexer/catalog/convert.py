"""Rows of the database ↔ the dataclasses of `rows`, and the time they are stamped with."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import Row

from indexer.catalog.rows import (
    ApiKey,
    ImageStatus,
    ImportJob,
    ModelVersions,
    Product,
    ProductImage,
    Vector,
    VectorRow,
)
from indexer.feeds.record import AttributeValue, ProductRecord
from segmentation.garment import Box, NamedColour

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")


def now() -> str:
    """UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def product_from(row: Row[Any]) -> Product:
    """A row of ``products``."""
    attributes = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in row.attributes.items()
    }
    return Product(
        id=row.id,
        title=row.title,
        category=row.category,
        garment_category=row.garment_category,
        brand=row.brand,
        price=row.price,
        currency=row.currency,
        url=row.url,
        attributes=attributes,
        collections=tuple(row.collections),
        deleted=row.deleted,
        sequence=row.sequence,
        created=row.created,
        updated=row.updated,
    )


def image_from(row: Row[Any], versions: Iterable[ModelVersions] = ()) -> ProductImage:
    """A row of ``product_images``, and what its vectors come from."""
    return ProductImage(
        id=row.id,
        product_id=row.product_id,
        position=row.position,
        source=row.source,
        sha256=row.sha256,
        width=row.width,
        height=row.height,
        status=ImageStatus(row.status),
        reason=row.reason,
        garment_source=row.garment_source,
        garment_category=row.garment_category,
        box=box_from(row.box),
        score=row.score,
        colours=tuple(NamedColour(**colour) for colour in row.colours),
        sequence=row.sequence,
        region=box_from(row.region),
        pattern=row.pattern,
        versions=tuple(versions),
    )


def box_from(values: list[float] | None) -> Box | None:
    """A box as stored."""
    return Box(*values) if values else None


def vector_row_from(row: Row[Any]) -> VectorRow:
    """A row of the query of changes."""
    return VectorRow(
        sequence=row.sequence,
        image_id=row.id,
        product_id=row.product_id,
        position=row.position,
        category=row.garment_category,
        deleted=bool(row.gone),
        vector=vector_from(row.vector) if row.vector is not None else None,
    )


def key_from(row: Row[Any]) -> ApiKey:
    """A row of ``api_keys``."""
    return ApiKey(
        id=row.id,
        name=row.name,
        scope=row.scope,
        key_hash=row.key_hash,
        prefix=row.prefix,
        created=row.created,
        revoked=row.revoked,
        collections=None if row.collections is None else tuple(row.collections),
        per_minute=row.per_minute,
    )


def job_from(row: Row[Any]) -> ImportJob:
    """A row of ``imports``."""
    return ImportJob(
        id=row.id,
        state=row.state,
        source=row.source,
        counts=dict(row.counts),
        errors=tuple(row.errors),
        cancel_requested=row.cancel_requested,
        created=row.created,
        updated=row.updated,
        collections=None if row.collections is None else tuple(row.collections),
    )


def vector_bytes(vector: np.ndarray[Any, Any]) -> bytes:
    """Little-endian float16, the form of ``embeddings.vector``."""
    return np.ascontiguousarray(vector, dtype="<f2").tobytes()


def vector_from(data: bytes) -> Vector:
    """(dimension,) float16, read-only."""
    return np.frombuffer(data, dtype="<f2")


def attribute_rows(record: ProductRecord) -> Iterator[dict[str, Any]]:
    """The rows of ``product_attributes`` that filters are answered from."""
    named: dict[str, tuple[AttributeValue, ...]] = {
        name: value if isinstance(value, tuple) else (value,)
        for name, value in record.attributes.items()
    }
    # The name is the field's: what a key bound to collections sees is answered from these rows.
    named.pop("collections", None)
    if record.collections:
        named["collections"] = record.collections
    for name, values in named.items():
        for place, value in enumerate(values):
            yield {
                "product_id": record.id,
                "name": name,
                "place": place,
                "text": attribute_text(value),
                "number": attribute_number(value),
            }


def attribute_text(value: AttributeValue) -> str:
    """How a value reads in a filter: ``true``, ``42``, ``4.5``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    return value


def attribute_number(value: AttributeValue) -> float | None:
    """The number a value is, or reads as; None for any other."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        number = float(value) if _NUMBER.fullmatch(value.strip()) else math.inf
    else:
        number = float(value)
    return number if math.isfinite(number) else None
