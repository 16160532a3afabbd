"""Photos as they are stored: what became of each, and which have to be embedded again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from indexer.catalog.convert import image_from
from indexer.catalog.models import embeddings, product_images, products
from indexer.catalog.rows import ImageStatus, ModelVersions, ProductImage
from indexer.catalog.session import Database, parts_of
from segmentation.models import ModelKind


class PhotoReading(Database):
    """Questions about living photos."""

    def images(self, product_id: str) -> list[ProductImage]:
        """A living product's photos by position; empty without the product."""
        return self.images_of([product_id]).get(product_id, [])

    def images_of(self, ids: Iterable[str]) -> dict[str, list[ProductImage]]:
        """The photos of living products, by position."""
        found: dict[str, list[ProductImage]] = {}
        with self.reading() as connection:
            for part in parts_of(ids):
                query = _living_images().where(product_images.c.product_id.in_(part))
                versions = _versions(connection, query)
                for row in connection.execute(query.order_by(product_images.c.position)):
                    image = image_from(row, versions.get(row.id, ()))
                    found.setdefault(row.product_id, []).append(image)
        return found

    def image(self, product_id: str, position: int) -> ProductImage | None:
        """One photo of a living product, or None."""
        query = _living_images().where(
            product_images.c.product_id == product_id, product_images.c.position == position
        )
        with self.reading() as connection:
            versions = _versions(connection, query)
            row = connection.execute(query).one_or_none()
        return image_from(row, versions.get(row.id, ())) if row else None

    def images_to_embed(self, versions: ModelVersions, *, limit: int = 100) -> list[ProductImage]:
        """Living photos with stored pixels whose vector is not from these versions, by id."""
        current = sa.exists().where(
            embeddings.c.image_id == product_images.c.id,
            embeddings.c.embedder == versions.embedder,
            embeddings.c.segmenter == versions.segmenter,
            embeddings.c.parser == versions.parser,
        )
        query = _living_images().where(product_images.c.sha256.is_not(None), ~current)
        with self.reading() as connection:
            rows = connection.execute(query.order_by(product_images.c.id).limit(limit))
            return [image_from(row) for row in rows]

    def photos_by_version(self, kind: ModelKind) -> tuple[dict[str, int], int]:
        """How many photos each version of a model has been used for, and of how many.

        Living photos that the models could use, under the segmenter, parser and embedder that they
        were last embedded with; several embedders' vectors may lie beside one another.
        """
        usable = _living_images().where(product_images.c.status == ImageStatus.INDEXED.value)
        photos = usable.with_only_columns(product_images.c.id).subquery()
        version = embeddings.c[kind.value]
        counted = (
            sa.select(version, sa.func.count(sa.distinct(embeddings.c.image_id)))
            .join_from(embeddings, photos, embeddings.c.image_id == photos.c.id)
            .group_by(version)
        )
        with self.reading() as connection:
            total = connection.execute(sa.select(sa.func.count()).select_from(photos)).scalar_one()
            return {row[0]: row[1] for row in connection.execute(counted)}, total


def _living_images() -> sa.Select[Any]:
    return (
        sa.select(product_images)
        .join_from(product_images, products)
        .where(product_images.c.deleted.is_(False), products.c.deleted.is_(False))
    )


def _versions(connection: Connection, images: sa.Select[Any]) -> dict[int, list[ModelVersions]]:
    """What the vectors of these photos come from, by the photo's number."""
    ids = images.with_only_columns(product_images.c.id)
    query = sa.select(embeddings).with_only_columns(
        embeddings.c.image_id, embeddings.c.segmenter, embeddings.c.parser, embeddings.c.embedder
    )
    found: dict[int, list[ModelVersions]] = {}
    for row in connection.execute(
        query.where(embeddings.c.image_id.in_(ids)).order_by(embeddings.c.embedder)
    ):
        versions = ModelVersions(row.segmenter, row.parser, row.embedder)
        found.setdefault(row.image_id, []).append(versions)
    return found
