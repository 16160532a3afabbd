"""The catalog over SQLite or PostgreSQL, put together of its parts. All SQL is in this package."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import sqlalchemy as sa

from indexer.catalog.convert import product_from
from indexer.catalog.feedback import FeedbackRows
from indexer.catalog.finding import ProductFinding
from indexer.catalog.following import Following
from indexer.catalog.jobs import ImportRows
from indexer.catalog.keys import ActiveModelRows, KeyRows
from indexer.catalog.models import product_images, products
from indexer.catalog.photos import PhotoReading
from indexer.catalog.rows import ImageStatus, Product
from indexer.catalog.session import create_engine, is_current, parts_of, upgrade_engine
from indexer.catalog.writing import ProductWriting
from indexer.errors import CatalogError, ProductNotFound


def open_catalog(url: str) -> Catalog:
    """Open a catalog. A SQLite file is made and migrated; PostgreSQL must be up to date.

    Raises:
        CatalogError: the URL is wrong, the database does not answer, or PostgreSQL is behind.
    """
    engine = create_engine(url)
    try:
        if not is_current(engine):
            if engine.dialect.name != "sqlite":
                raise CatalogError("the database is behind this version: run `garb db upgrade`")
            upgrade_engine(engine)
    except BaseException:
        engine.dispose()
        raise
    return Catalog(engine)


class Catalog(
    ProductFinding,
    PhotoReading,
    Following,
    ProductWriting,
    KeyRows,
    ActiveModelRows,
    ImportRows,
    FeedbackRows,
):
    """Products, photos, vectors, keys, models, imports and feedback. Safe to share between threads."""

    def ping(self) -> None:
        """Ask the database something.

        Raises:
            CatalogError: it does not answer, or the file of a SQLite one is gone: what is open
                would go on answering, and what is written would be lost.
        """
        file = self.engine.url.database
        if self.engine.dialect.name == "sqlite" and not Path(file or "").is_file():
            raise CatalogError(f"{file} is gone")
        self.latest_sequence()

    def indexed_count(self) -> int:
        """Living products with at least one indexed photo."""
        query = (
            sa.select(sa.func.count(sa.distinct(products.c.id)))
            .join_from(products, product_images)
            .where(
                products.c.deleted.is_(False),
                product_images.c.deleted.is_(False),
                product_images.c.status == ImageStatus.INDEXED.value,
            )
        )
        with self.reading() as connection:
            return connection.execute(query).scalar_one()

    def product(self, product_id: str) -> Product | None:
        """A living product, or None."""
        return self.products([product_id]).get(product_id)

    def existing_product(self, product_id: str) -> Product:
        """A living product.

        Raises:
            ProductNotFound: there is none.
        """
        found = self.product(product_id)
        if found is None:
            raise ProductNotFound(product_id)
        return found

    def products(self, ids: Iterable[str]) -> dict[str, Product]:
        """The living products among these ids."""
        found: dict[str, Product] = {}
        with self.reading() as connection:
            for part in parts_of(ids):
                query = sa.select(products).where(
                    products.c.id.in_(part), products.c.deleted.is_(False)
                )
                found |= {row.id: product_from(row) for row in connection.execute(query)}
        return found
