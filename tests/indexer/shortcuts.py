"""What only tests ask of the product, in one step."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from indexer.catalog.convert import job_from
from indexer.catalog.models import imports
from indexer.catalog.repository import Catalog
from indexer.catalog.rows import ImportJob, Product
from indexer.feeds.record import ProductRecord
from indexer.ingest.mapper import PhotoMapper
from indexer.ingest.single import NewPhoto, change_product


def list_imports(catalog: Catalog) -> list[ImportJob]:
    """Every import job, the newest first."""
    query = sa.select(imports).order_by(imports.c.created.desc(), imports.c.id)
    with catalog.reading() as connection:
        return [job_from(row) for row in connection.execute(query)]


def put_product(
    record: ProductRecord,
    photos: Sequence[NewPhoto] | None,
    *,
    catalog: Catalog,
    mapper: PhotoMapper,
) -> Product:
    """Store a product and its photos as `change_product` does, whatever stood there before."""
    change_product(record.id, lambda _: record, photos, catalog=catalog, mapper=mapper)
    return catalog.existing_product(record.id)
