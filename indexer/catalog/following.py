"""What those ask that keep up with the catalog: an index with its changes, an import with its state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from indexer.catalog.convert import box_from, vector_row_from
from indexer.catalog.models import change_counter, embeddings, history, product_images, products
from indexer.catalog.rows import Fingerprint, ImageState, ImageStatus, ProductState, VectorRow
from indexer.catalog.session import Database, parts_of
from indexer.catalog.writing import versions_from


class Following(Database):
    """The changes since a number, and what is stored of the rows of a feed."""

    def latest_sequence(self) -> int:
        """The number of the newest change, 0 in an empty catalog."""
        with self.reading() as connection:
            return int(connection.execute(sa.select(change_counter.c.value)).scalar_one())

    def word_at(self, sequence: int) -> str | None:
        """What the transaction that ended with this number left; None: there was none, or long ago."""
        query = sa.select(history.c.word).where(history.c.sequence == sequence)
        with self.reading() as connection:
            return connection.execute(query).scalar_one_or_none()

    def changes_since(
        self, sequence: int, *, embedder: str, limit: int = 10_000
    ) -> list[VectorRow]:
        """Photos changed or deleted after ``sequence``, oldest first, with their vectors.

        A photo without a vector of this embedder comes with ``vector`` None; so does one that is
        gone. No two rows share a number: a page that is full goes on from its last one.
        """
        gone = sa.or_(products.c.deleted, product_images.c.deleted)
        query = (
            sa.select(
                product_images.c.sequence,
                product_images.c.id,
                product_images.c.product_id,
                product_images.c.position,
                products.c.garment_category,
                gone.label("gone"),
                sa.case((gone, None), else_=embeddings.c.vector).label("vector"),
            )
            .join_from(product_images, products)
            .outerjoin(
                embeddings,
                sa.and_(
                    embeddings.c.image_id == product_images.c.id,
                    embeddings.c.embedder == embedder,
                ),
            )
            .where(product_images.c.sequence > sequence)
            .order_by(product_images.c.sequence)
            .limit(limit)
        )
        with self.reading() as connection:
            return [vector_row_from(row) for row in connection.execute(query)]

    def import_states(self, ids: Iterable[str], *, embedder: str) -> dict[str, ProductState]:
        """What is stored of these products, deleted ones too: what an import compares with.

        ``embedder``: whose vectors count; a photo without one has ``versions`` None.
        """
        states: dict[str, ProductState] = {}
        with self.reading() as connection:
            for part in parts_of(ids):
                images = _image_states(connection, part, embedder)
                query = sa.select(
                    products.c.id,
                    products.c.record_hash,
                    products.c.garment_category,
                    products.c.deleted,
                    products.c.collections,
                ).where(products.c.id.in_(part))
                for row in connection.execute(query):
                    states[row.id] = ProductState(
                        record_hash=row.record_hash,
                        garment_category=row.garment_category,
                        deleted=row.deleted,
                        images=images.get(row.id, {}),
                        collections=tuple(row.collections),
                    )
        return states


def _image_states(
    connection: Connection, ids: Sequence[str], embedder: str
) -> dict[str, dict[int, ImageState]]:
    query = (
        sa.select(
            product_images.c.product_id,
            product_images.c.position,
            product_images.c.source,
            product_images.c.source_bytes,
            product_images.c.source_mtime_ns,
            product_images.c.source_sha256,
            product_images.c.source_validator,
            product_images.c.status,
            product_images.c.region,
            product_images.c.sha256,
            embeddings.c.segmenter,
            embeddings.c.parser,
            embeddings.c.embedder,
        )
        .join_from(
            product_images,
            embeddings,
            sa.and_(
                embeddings.c.image_id == product_images.c.id, embeddings.c.embedder == embedder
            ),
            isouter=True,
        )
        .where(product_images.c.product_id.in_(ids), product_images.c.deleted.is_(False))
    )
    states: dict[str, dict[int, ImageState]] = {}
    for row in connection.execute(query):
        states.setdefault(row.product_id, {})[row.position] = ImageState(
            position=row.position,
            source=row.source,
            fingerprint=Fingerprint(
                row.source_bytes, row.source_mtime_ns, row.source_sha256, row.source_validator
            ),
            status=ImageStatus(row.status),
            versions=versions_from(row),
            region=box_from(row.region),
            sha256=row.sha256,
        )
    return states
