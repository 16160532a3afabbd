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

from indexer.answer import IndexState, Json, MatchedProduct, image_path, shown_score, with_facets
from indexer.catalog.rows import Product, ProductImage
from indexer.embedder.base import Embedder, TextEmbedder
from indexer.facets import Facet
from indexer.filters import Filter
from indexer.generation import Generation
from indexer.live_index import LiveIndex
from indexer.matching import shown
from indexer.ranking import RankedPhoto, rank_products


class WordSource(Protocol):
    """What a search by words needs of the catalog."""

    def products(self, ids: Iterable[str]) -> dict[str, Product]: ...

    def images_of(self, ids: Iterable[str]) -> dict[str, list[ProductImage]]: ...

    def search_text(
        self, words: str, *, limit: int, tree: Filter | None = None
    ) -> list[Product]: ...

    def product_ids_carrying(self, words: str, *, tree: Filter | None = None) -> set[str]: ...

    def product_ids_matching(self, tree: Filter | None) -> set[str] | None: ...

    def facets(
        self, names: Sequence[str], *, words: str = "", tree: Filter | None = None
    ) -> tuple[Facet, ...]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRequest:
    """Which words to look for, in which products, and how many to answer.

    ``facets``: the fields to count by, over all products that carry the words and pass the filter.
    """

    words: str
    k: int = 10
    filter: Filter | None = None
    facets: tuple[str, ...] = ()


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
            "score": None if score is None else shown_score(score),
            "found_by": self.found_by.value,
        }


@dataclass(frozen=True, slots=True)
class TextAnswer:
    """The products that words found, best first."""

    query: str
    matches: tuple[TextMatch, ...]
    index: IndexState
    facets: tuple[Facet, ...] = ()

    def to_json(self) -> Json:
        return {
            "query": self.query,
            "matches": [match.to_json() for match in self.matches],
            "index": self.index.to_json(),
            **with_facets(self.facets),
        }


def search_by_words(
    request: TextRequest, *, catalog: WordSource, embedder: Embedder, live_index: LiveIndex
) -> TextAnswer:
    """The ``k`` products that fit the words best, one row a product.

    Without an embedder that reads words: those that carry every word, by title.

    Raises:
        FilterError: a field or value that the catalog cannot compare.
    """
    generation = live_index.generation()
    named, fitting = _ranked(request, generation, catalog, embedder)
    products = catalog.products(photo.product_id for photo in (*named, *fitting))
    matches = [
        *_seen(named, products, FoundBy.WORDS),
        *_unseen(request, catalog, known={photo.product_id for photo in named}),
        *_seen(fitting, products, FoundBy.PHOTO),
    ]
    state = IndexState(embedder.version, generation.product_count, generation.sequence)
    facets = catalog.facets(request.facets, words=request.words, tree=request.filter)
    return TextAnswer(request.words, tuple(matches[: request.k]), state, facets)


def _ranked(
    request: TextRequest, generation: Generation, catalog: WordSource, embedder: Embedder
) -> tuple[list[RankedPhoto], list[RankedPhoto]]:
    """The best photos of products that carry the words, and of those that do not."""
    if not isinstance(embedder, TextEmbedder):
        return [], []
    (vector,) = embedder.embed_texts([request.words])
    words, tree = request.words, request.filter
    carrying = generation.images_of(catalog.product_ids_carrying(words, tree=tree))
    matching = catalog.product_ids_matching(tree)
    allowed = generation.vectors.ids() if matching is None else generation.images_of(matching)
    others = np.setdiff1d(allowed, carrying)
    named = rank_products(generation, vector, request.k, category=None, allowed=carrying)
    return named, rank_products(generation, vector, request.k, category=None, allowed=others)


def _seen(
    ranked: Sequence[RankedPhoto], products: dict[str, Product], found_by: FoundBy
) -> list[TextMatch]:
    """Matches of photos; products that were deleted meanwhile are left out."""
    return [
        TextMatch(shown(products[photo.product_id]), photo.position, photo.score, found_by)
        for photo in ranked
        if photo.product_id in products
    ]


def _unseen(request: TextRequest, catalog: WordSource, *, known: set[str]) -> list[TextMatch]:
    """Products that carry the words, beyond the known ones, with the first photo that is stored."""
    carrying = catalog.search_text(request.words, limit=request.k, tree=request.filter)
    products = [one for one in carrying if one.id not in known]
    images = catalog.images_of(product.id for product in products)
    matches = []
    for product in products:
        stored = [image.position for image in images.get(product.id, ()) if image.sha256]
        position = stored[0] if stored else None
        matches.append(TextMatch(shown(product), position, None, FoundBy.WORDS))
    return matches
