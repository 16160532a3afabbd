"""Which products there are: by page, by words, by filter, counted and ranged. Read only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from indexer.carried_words import words_in
from indexer.catalog.convert import product_from
from indexer.catalog.faceting import count_facet
from indexer.catalog.filtering import TEXT_FIELDS, condition_of
from indexer.catalog.models import product_attributes, products
from indexer.catalog.numbers import numbers_of_products
from indexer.catalog.rows import Product
from indexer.catalog.session import IDS_A_QUERY, UNICODE_LOWER, Database, parts_of
from indexer.catalog.tagging import TAG_NAMES, tagged_with_word
from indexer.facets import Facet
from indexer.filters import Filter
from segmentation.labels import category_of

# Of PostgreSQL: its own from version 17 on, and the system's. A database of locale C folds ASCII alone.
_UNICODE_COLLATIONS = ("pg_c_utf8", "C.utf8")
_COLLATIONS = sa.text(
    "SELECT collname FROM pg_collation "
    "WHERE collencoding IN (-1, pg_char_to_encoding(getdatabaseencoding()))"
)
# Of a title: what products found by words are sorted by. A cursor holds it and must stay short.
TITLE_KEY_CHARACTERS = 200


class ProductFinding(Database):
    """The questions that take words or a filter, and those for all products."""

    def product_count(self, *, words: str = "", tree: Filter | None = None) -> int:
        """Living products; ``words``, ``tree``: only those that `list_products` would give."""
        query = sa.select(sa.func.count()).where(*self._living(words, tree))
        with self.reading() as connection:
            return connection.execute(query).scalar_one()

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
        while page := self.list_products(after=after, limit=IDS_A_QUERY):
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

    def field_names(self) -> set[str]:
        """What filters and facets may name: the fields of every product, and attributes of any."""
        query = (
            sa.select(product_attributes.c.name)
            .distinct()
            .join_from(product_attributes, products)
            .where(*self._living("", None))
        )
        with self.reading() as connection:
            attributes = set(connection.execute(query).scalars())
        return {*TEXT_FIELDS, *TAG_NAMES, "price", "collection", *attributes - {"collections"}}

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
            for part in parts_of(ids):
                conditions = [*self._living("", None), products.c.id.in_(part)]
                query = numbers_of_products(field, conditions)
                found |= {row.id: row.number for row in connection.execute(query)}
        return found

    def _living(self, words: str, tree: Filter | None) -> list[sa.ColumnElement[bool]]:
        conditions = [products.c.deleted.is_(False), *self._carry(words, tree)]
        if tree is not None:
            conditions.append(condition_of(tree, dialect=self.engine.dialect.name))
        return conditions

    def _carry(self, words: str, tree: Filter | None) -> list[sa.ColumnElement[bool]]:
        """One condition a word."""
        return [self._carries(word, tree) for word in words_in(words)]

    def _carries(self, word: str, tree: Filter | None) -> sa.ColumnElement[bool]:
        """It stands in the title, brand, category, id or a tag, in any case.

        A word for a garment that stands in no product of the filter's means all of its category.
        """
        columns = (products.c.title, products.c.brand, products.c.category, products.c.id)
        stands = sa.or_(
            *(self._lower(column, word).contains(word, autoescape=True) for column in columns),
            products.c.id.in_(tagged_with_word(word)),
        )
        category = category_of(word)
        if category is None:
            return stands
        anywhere = sa.select(products.c.id).where(stands, *self._living("", tree))
        of_category = products.c.garment_category == category
        return sa.or_(stands, sa.and_(of_category, ~anywhere.correlate(None).exists()))

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


def title_key(product: Product) -> tuple[str, str]:
    """Where `search_text` sorts a product."""
    return product.title[:TITLE_KEY_CHARACTERS], product.id
