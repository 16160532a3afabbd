"""Words → products: those that carry every word, then those whose photos fit the words.

A product that says "silk dress" is what was asked for, whatever its photo looks like; where the
embedder reads words, it puts those in order, and finds what no title tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np

from indexer.answer import IndexState, Json, MatchedProduct, image_path
from indexer.catalog.rows import Product, ProductImage
from indexer.embedder.base import Embedder, TextEmbedder
from indexer.generation import Generation
from indexer.live_index import LiveIndex
from indexer.matching import shown
from indexer.ranking import RankedPhoto, rank_products


class WordSource(Protocol):
    """What a search by words needs of the catalog."""

    def products(self, ids: Iterable[str]) -> dict[str, Product]: ...

    def images_of(self, ids: Iterable[str]) -> dict[str, list[ProductImage]]: ...

    def search_text(self, words: str, *, limit: int) -> list[Product]: ...

    def product_ids_carrying(self, words: str) -> set[str]: ...


class FoundBy(StrEnum):
    """What of a product met the words."""

    WORDS = "words"
    PHOTO = "photo"


@dataclass(frozen=True, slots=True)
class TextMatch:
    """A product and the photo of it that fits the words best.

    ``image_position``: None without a stored photo. ``score``: the cosine of words and photo, None
    where the embedder reads no words or has not seen the photo.
    """

    product: MatchedProduct
    image_position: int | None
    score: float | None
    found_by: FoundBy

    def to_json(self) -> Json:
        position, score = self.image_position, self.score
        return {
            "product": self.product.to_json(),
            "image": None if position is None else image_path(self.product.id, position),
            "score": None if score is None else round(score, 4),
            "found_by": self.found_by.value,
        }


@dataclass(frozen=True, slots=True)
class TextAnswer:
    """The products that words found, best first."""

    query: str
    matches: tuple[TextMatch, ...]
    index: IndexState

    def to_json(self) -> Json:
        return {
            "query": self.query,
            "matches": [match.to_json() for match in self.matches],
            "index": self.index.to_json(),
        }


def search_by_words(
    words: str, k: int, *, catalog: WordSource, embedder: Embedder, live_index: LiveIndex
) -> TextAnswer:
    """The ``k`` products that fit the words best, one row a product.

    Without an embedder that reads words: those that carry every word, by title.
    """
    generation = live_index.generation()
    named, fitting = _ranked(words, k, generation, catalog, embedder)
    products = catalog.products(photo.product_id for photo in (*named, *fitting))
    matches = [
        *_seen(named, products, FoundBy.WORDS),
        *_unseen(words, k, catalog, known={photo.product_id for photo in named}),
        *_seen(fitting, products, FoundBy.PHOTO),
    ]
    state = IndexState(embedder.version, generation.product_count, generation.sequence)
    return TextAnswer(words, tuple(matches[:k]), state)


def _ranked(
    words: str, k: int, generation: Generation, catalog: WordSource, embedder: Embedder
) -> tuple[list[RankedPhoto], list[RankedPhoto]]:
    """The best photos of products that carry the words, and of those that do not."""
    if not isinstance(embedder, TextEmbedder):
        return [], []
    (vector,) = embedder.embed_texts([words])
    carrying = generation.images_of(catalog.product_ids_carrying(words))
    others = np.setdiff1d(generation.rows["image_id"], carrying)
    named = rank_products(generation, vector, k, category=None, allowed=carrying)
    return named, rank_products(generation, vector, k, category=None, allowed=others)


def _seen(
    ranked: Sequence[RankedPhoto], products: dict[str, Product], found_by: FoundBy
) -> list[TextMatch]:
    """Matches of photos; products that were deleted meanwhile are left out."""
    return [
        TextMatch(shown(products[photo.product_id]), photo.position, photo.score, found_by)
        for photo in ranked
        if photo.product_id in products
    ]


def _unseen(words: str, k: int, catalog: WordSource, *, known: set[str]) -> list[TextMatch]:
    """Products that carry the words, beyond the known ones, with the first photo that is stored."""
    products = [one for one in catalog.search_text(words, limit=k) if one.id not in known]
    images = catalog.images_of(product.id for product in products)
    matches = []
    for product in products:
        stored = [image.position for image in images.get(product.id, ()) if image.sha256]
        position = stored[0] if stored else None
        matches.append(TextMatch(shown(product), position, None, FoundBy.WORDS))
    return matches
