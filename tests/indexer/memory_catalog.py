"""The catalog as far as index and matching need it, in dictionaries."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from indexer.catalog.rows import ImageStatus, Product, ProductImage, VectorRow
from indexer.facets import Facet
from indexer.filters import And, Comparison, Filter, Or
from segmentation.garment import NamedColour
from segmentation.labels import category_of

DIMENSION = 16


class MemoryCatalog:
    """Every change takes the next number, as the real one does."""

    def __init__(self) -> None:
        self.rows: dict[int, VectorRow] = {}
        self.living: dict[str, Product] = {}
        self.colours: dict[int, tuple[NamedColour, ...]] = {}
        self.counter = 0
        self.words: dict[int, str] = {}
        self.broken = False

    def put(
        self,
        product_id: str,
        vector: npt.ArrayLike | None,
        *,
        image_id: int | None = None,
        position: int = 0,
        category: str = "",
        brand: str = "",
        price: float | None = None,
        colour: str | None = None,
    ) -> int:
        """Store a photo of a product; returns its image id."""
        self.counter += 1
        image_id = len(self.rows) + 1 if image_id is None else image_id
        stored = None if vector is None else np.asarray(vector, np.float16)
        self.rows[image_id] = VectorRow(
            self.counter, image_id, product_id, position, category_of(category), False, stored
        )
        self.living[product_id] = Product(
            id=product_id,
            title=f"title of {product_id}",
            category=category,
            garment_category=category_of(category),
            brand=brand,
            price=price,
            currency="EUR",
            url="",
            attributes={},
            collections=(),
            deleted=False,
            sequence=self.counter,
            created="",
            updated="",
        )
        if colour is not None:
            self.colours[image_id] = (NamedColour("some", colour, 0.9),)
        return image_id

    def delete(self, product_id: str) -> None:
        """Mark a product's photos as gone."""
        del self.living[product_id]
        for row in [row for row in self.rows.values() if row.product_id == product_id]:
            self.counter += 1
            self.rows[row.image_id] = VectorRow(
                self.counter, row.image_id, product_id, row.position, row.category, True, None
            )

    def latest_sequence(self) -> int:
        if self.broken:
            raise ConnectionError("the database restarts")
        return self.counter

    def word_at(self, sequence: int) -> str | None:
        if sequence > self.counter:
            return None
        return self.words.setdefault(sequence, secrets.token_hex(4))

    def changes_since(
        self, sequence: int, *, embedder: str, limit: int = 10_000
    ) -> list[VectorRow]:
        newer = [row for row in self.rows.values() if row.sequence > sequence]
        return sorted(newer, key=lambda row: row.sequence)[:limit]

    def products(self, ids: Iterable[str]) -> dict[str, Product]:
        return {one: self.living[one] for one in ids if one in self.living}

    def images_of(self, ids: Iterable[str]) -> dict[str, list[ProductImage]]:
        wanted = set(ids)
        found: dict[str, list[ProductImage]] = {}
        for row in self.rows.values():
            if row.product_id in wanted and not row.deleted:
                found.setdefault(row.product_id, []).append(self._image(row))
        return found

    def product_ids_matching(self, tree: Filter | None) -> set[str] | None:
        if tree is None:
            return None
        return {one for one, product in self.living.items() if passes(tree, product)}

    def facets(
        self,
        names: Sequence[str],
        *,
        words: str = "",
        tree: Filter | None = None,
        ids: Sequence[str] | None = None,
    ) -> tuple[Facet, ...]:
        assert not names, "counted in SQL alone"
        return ()

    def number_range(self, field: str) -> tuple[float, float] | None:
        numbers = self.numbers_of(field, self.living).values()
        return (min(numbers), max(numbers)) if numbers else None

    def numbers_of(self, field: str, ids: Iterable[str]) -> dict[str, float]:
        assert field == "price", "the only number here"
        return {
            one: price
            for one in ids
            if one in self.living and (price := self.living[one].price) is not None
        }

    def _image(self, row: VectorRow) -> ProductImage:
        return ProductImage(
            id=row.image_id,
            product_id=row.product_id,
            position=row.position,
            source="",
            sha256=None,
            width=None,
            height=None,
            status=ImageStatus.INDEXED,
            reason=None,
            garment_source=None,
            garment_category=None,
            box=None,
            score=None,
            colours=self.colours.get(row.image_id, ()),
            sequence=row.sequence,
        )


def passes(tree: Filter, product: Product) -> bool:
    """A filter over brand and price, by the book."""
    match tree:
        case And(parts):
            return all(passes(part, product) for part in parts)
        case Or(parts):
            return any(passes(part, product) for part in parts)
        case Comparison(field, operator, values):
            held = getattr(product, field)
            first = values[0]
            outcomes = {
                "=": held == first,
                "!=": held != first,
                "IN": held in values,
                "<": isinstance(first, float) and held < first,
                "<=": isinstance(first, float) and held <= first,
                ">": isinstance(first, float) and held > first,
                ">=": isinstance(first, float) and held >= first,
            }
            return bool(outcomes[operator])


def unit(
    rng: np.random.Generator, count: int, dimension: int = DIMENSION
) -> npt.NDArray[np.float32]:
    """Random unit vectors, float32 (count, dimension)."""
    vectors = rng.normal(size=(count, dimension)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)
