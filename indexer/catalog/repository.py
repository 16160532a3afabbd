"""The catalog: every question and every change, over SQLite or PostgreSQL. All SQL is in this package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from indexer.catalog.convert import box_from, image_from, product_from, vector_row_from
from indexer.catalog.faceting import count_facet
from indexer.catalog.feedback import FeedbackRows
from indexer.catalog.filtering import condition_of
from indexer.catalog.jobs import ImportRows
from indexer.catalog.keys import ActiveModelRows, KeyRows
from indexer.catalog.models import change_counter, embeddings, history, product_images, products
from indexer.catalog.numbers import numbers_of_products
from indexer.catalog.rows import (
    Fingerprint,
    ImageState,
    ImageStatus,
    ModelVersions,
    Product,
    ProductImage,
    ProductState,
    VectorRow,
)
from indexer.catalog.session import UNICODE_LOWER, create_engine, is_current, upgrade_engine
from indexer.catalog.tagging import tagged_with_word
from indexer.catalog.writing import ProductWriting, versions_from
from indexer.errors import CatalogError, ProductNotFound
from indexer.facets import Facet
from indexer.filters import Filter
from segmentation.models import ModelKind

# Of PostgreSQL: its own from version 17 on, and the system's. A database of locale C folds ASCII alone.
_UNICODE_COLLATIONS = ("pg_c_utf8", "C.utf8")
_COLLATIONS = sa.text(
    "SELECT collname FROM pg_collation "
    "WHERE collencoding IN (-1, pg_char_to_encoding(getdatabaseencoding()))"
)
# SQLite allows 32,766 variables a statement; smaller lists also plan faster.
_IDS_A_QUERY = 500
# Of a title: what products found by words are sorted by. A cursor holds it and must stay short.
TITLE_KEY_CHARACTERS = 200


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


class Catalog(ProductWriting, KeyRows, ActiveModelRows, ImportRows, FeedbackRows):
    """Products, photos, vectors, keys, models, imports and feedback. Safe to share between threads."""

    # Counts and products

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

    def latest_sequence(self) -> int:
        """The number of the newest change, 0 in an empty catalog."""
        with self.reading() as connection:
            return int(connection.execute(sa.select(change_counter.c.value)).scalar_one())

    def word_at(self, sequence: int) -> str | None:
        """What the transaction that ended with this number left; None: there was none, or long ago."""
        query = sa.select(history.c.word).where(history.c.sequence == sequence)
        with self.reading() as connection:
            return connection.execute(query).scalar_one_or_none()

    def product_count(self, *, words: str = "", tree: Filter | None = None) -> int:
        """Living products; ``words``, ``tree``: only those that `list_products` would give."""
        query = sa.select(sa.func.count()).where(*self._living(words, tree))
        with self.reading() as connection:
            return connection.execute(query).scalar_one()

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
            for part in _parts(ids):
                query = sa.select(products).where(
                    products.c.id.in_(part), products.c.deleted.is_(False)
                )
                found |= {row.id: product_from(row) for row in connection.execute(query)}
        return found

    def list_products(
        self,
        *,
        after: str | None = None,
        limit: int = 100,
        words: str = "",
        tree: Filter | None = None,
    ) -> list[Product]:
        """Living products in the order of their ids (by code point), from behind ``after``.

        ``words``: only those that carry every one of them, as `search_text` reads them; ``tree``:
        only those that the filter lets through.
        """
        column: sa.ColumnElement[Any] = products.c.id
        if self.engine.dialect.name == "postgresql":
            column = products.c.id.collate("C")
        query = sa.select(products).where(*self._living(words, tree))
        if after is not None:
            query = query.where(column > after)
        with self.reading() as connection:
            rows = connection.execute(query.order_by(column).limit(limit))
            return [product_from(row) for row in rows]

    def all_products(self) -> Iterator[Product]:
        """Every living product, read in pages."""
        after: str | None = None
        while page := self.list_products(after=after, limit=_IDS_A_QUERY):
            yield from page
            after = page[-1].id

    def search_text(
        self,
        words: str,
        *,
        limit: int = 10,
        tree: Filter | None = None,
        after: tuple[str, str] | None = None,
    ) -> list[Product]:
        """Living products whose title, brand, category, id or tags hold every word, in any case.

        In the order of `title_key` (by code point), from behind ``after``.
        """
        key = [sa.func.substr(products.c.title, 1, TITLE_KEY_CHARACTERS), products.c.id]
        if self.engine.dialect.name == "postgresql":
            key = [column.collate("C") for column in key]
        query = sa.select(products).where(*self._living(words, tree)).order_by(*key).limit(limit)
        if after is not None:
            query = query.where(sa.tuple_(*key) > sa.tuple_(*map(sa.literal, after)))
        with self.reading() as connection:
            return [product_from(row) for row in connection.execute(query)]

    def product_ids_carrying(self, words: str, *, tree: Filter | None = None) -> set[str]:
        """The ids of all that `search_text` finds."""
        query = sa.select(products.c.id).where(*self._living(words, tree))
        with self.reading() as connection:
            return set(connection.execute(query).scalars())

    def product_ids_matching(self, tree: Filter | None) -> set[str] | None:
        """The ids of living products that a filter lets through; None for no filter."""
        if tree is None:
            return None
        return self.product_ids_carrying("", tree=tree)

    def facets(
        self,
        names: Sequence[str],
        *,
        words: str = "",
        tree: Filter | None = None,
        ids: Sequence[str] | None = None,
    ) -> tuple[Facet, ...]:
        """Counts over the products that `list_products` would give; ``ids``: a few of them only."""
        if not names:  # As nearly every search asks it, once a garment.
            return ()
        conditions = self._living(words, tree)
        if ids is not None:
            conditions.append(products.c.id.in_(ids))
        with self.reading() as connection:
            return tuple(count_facet(connection, name, conditions) for name in names)

    def number_range(self, field: str) -> tuple[float, float] | None:
        """The lowest and the highest number of a field, price or attribute; None without one."""
        found = numbers_of_products(field, self._living("", None)).subquery()
        query = sa.select(sa.func.min(found.c.number), sa.func.max(found.c.number))
        with self.reading() as connection:
            low, high = connection.execute(query).one()
        return None if low is None else (low, high)

    def numbers_of(self, field: str, ids: Iterable[str]) -> dict[str, float]:
        """The numbers of a field, of the living products among these ids that have one."""
        found: dict[str, float] = {}
        with self.reading() as connection:
            for part in _parts(ids):
                conditions = [*self._living("", None), products.c.id.in_(part)]
                query = numbers_of_products(field, conditions)
                found |= {row.id: row.number for row in connection.execute(query)}
        return found

    def _living(self, words: str, tree: Filter | None) -> list[sa.ColumnElement[bool]]:
        conditions = [products.c.deleted.is_(False), *self._carry(words)]
        if tree is not None:
            conditions.append(condition_of(tree, dialect=self.engine.dialect.name))
        return conditions

    def _carry(self, words: str) -> list[sa.ColumnElement[bool]]:
        """One condition a word: it stands in the title, brand, category, id or a tag, in any case."""
        columns = (products.c.title, products.c.brand, products.c.category, products.c.id)
        return [
            sa.or_(
                *(self._lower(column, word).contains(word, autoescape=True) for column in columns),
                products.c.id.in_(tagged_with_word(word)),
            )
            for word in words.lower().split()[:10]
        ]

    def _lower(self, column: sa.Column[Any], word: str) -> sa.Function[str]:
        """A text to look for a lower-case word in. What folds every letter costs more."""
        if word.isascii():
            return sa.func.lower(column)
        if self.engine.dialect.name == "sqlite":
            return sa.Function(UNICODE_LOWER, column, type_=sa.Text())
        if self._unicode_collation is None:
            return sa.func.lower(column)
        return sa.func.lower(column.collate(self._unicode_collation))

    @cached_property
    def _unicode_collation(self) -> str | None:
        """One that folds every letter; None leaves it to the locale of the database."""
        with self.reading() as connection:
            known = set(connection.execute(_COLLATIONS).scalars())
        return next((name for name in _UNICODE_COLLATIONS if name in known), None)

    # Photos

    def images(self, product_id: str) -> list[ProductImage]:
        """A living product's photos by position; empty without the product."""
        return self.images_of([product_id]).get(product_id, [])

    def images_of(self, ids: Iterable[str]) -> dict[str, list[ProductImage]]:
        """The photos of living products, by position."""
        found: dict[str, list[ProductImage]] = {}
        with self.reading() as connection:
            for part in _parts(ids):
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

    # What the index and an import ask

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
            for part in _parts(ids):
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


def title_key(product: Product) -> tuple[str, str]:
    """Where `search_text` sorts a product."""
    return product.title[:TITLE_KEY_CHARACTERS], product.id


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
        )
    return states


def _parts(ids: Iterable[str]) -> Iterator[list[str]]:
    distinct = list(dict.fromkeys(ids))
    for start in range(0, len(distinct), _IDS_A_QUERY):
        yield distinct[start : start + _IDS_A_QUERY]
