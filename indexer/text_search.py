"""Words → products: those that carry every word, then those whose photos fit the words.

A product that says "silk dress" is what was asked for, whatever its photo looks like; where the
embedder reads words, it puts those in order, and finds what no title tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np

from indexer.answer import IndexState, Json, MatchedProduct, image_path, shown_score, with_facets
from indexer.catalog.finding import title_key
from indexer.catalog.rows import Product, ProductImage
from indexer.embedder.base import Embedder, TextEmbedder
from indexer.facets import Facet
from indexer.filters import Filter
from indexer.generation import Generation
from indexer.live_index import LiveIndex
from indexer.matching import shown
from indexer.ranking import RankedPhoto, rank_products
from indexer.reranking import behind, page_place
from indexer.text_cursor import Cursor, CursorError, Part
from indexer.vectors.base import Ids, Vectors

# Products deleted between index and database: how often to look for others in their place.
_ATTEMPTS = 3
_TITLES_A_QUERY = 500


class WordSource(Protocol):
    """What a search by words needs of the catalog."""

    def products(self, ids: Iterable[str]) -> dict[str, Product]: ...

    def images_of(self, ids: Iterable[str]) -> dict[str, list[ProductImage]]: ...

    def search_text(
        self,
        words: str,
        *,
        limit: int,
        tree: Filter | None = None,
        after: tuple[str, str] | None = None,
    ) -> list[Product]: ...

    def product_ids_carrying(self, words: str, *, tree: Filter | None = None) -> set[str]: ...

    def product_ids_matching(self, tree: Filter | None) -> set[str] | None: ...

    def facets(
        self, names: Sequence[str], *, words: str = "", tree: Filter | None = None
    ) -> tuple[Facet, ...]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRequest:
    """Which words to look for, in which products, and how many to answer.

    ``after``: go on behind this place. ``facets``: the fields to count by, over all products that
    carry the words and pass the filter.
    """

    words: str
    k: int = 10
    filter: Filter | None = None
    after: Cursor | None = None
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
    """The products that words found, best first. ``next``: the cursor of the page that follows."""

    query: str
    matches: tuple[TextMatch, ...]
    index: IndexState
    next: str | None = None
    facets: tuple[Facet, ...] = ()

    def to_json(self) -> Json:
        return {
            "query": self.query,
            "matches": [match.to_json() for match in self.matches],
            "next": self.next,
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
        CursorError: the page before was answered by another embedder.
    """
    if request.after is not None and request.after.embedder != embedder.version:
        raise CursorError("after: another model serves since that page; begin at the first one")
    vector = (
        embedder.embed_texts([request.words])[0] if isinstance(embedder, TextEmbedder) else None
    )
    for _ in range(_ATTEMPTS):
        generation = live_index.generation()
        order = _Order(request, generation, catalog, vector, embedder.version)
        found = order.page(request.k + 1)
        products = catalog.products(one.place.product_id for one in found)
        if len(products) == len(found):
            break
        live_index.refresh()
    shown_ones = found[: request.k]
    return TextAnswer(
        request.words,
        tuple(one.match(products) for one in shown_ones if one.place.product_id in products),
        IndexState(embedder.version, generation.product_count, generation.sequence),
        next=str(shown_ones[-1].place) if len(found) > request.k else None,
        facets=catalog.facets(request.facets, words=request.words, tree=request.filter),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """A product and its place in the order of all."""

    place: Cursor
    image_position: int | None
    score: float | None

    def match(self, products: Mapping[str, Product]) -> TextMatch:
        found_by = FoundBy.PHOTO if self.place.part is Part.FITTING else FoundBy.WORDS
        product = shown(products[self.place.product_id])
        return TextMatch(product, self.image_position, self.score, found_by)


class _Order:
    """All that words find in one generation, in their order, part after part."""

    def __init__(
        self,
        request: TextRequest,
        generation: Generation,
        catalog: WordSource,
        vector: Vectors | None,
        embedder: str,
    ) -> None:
        self._request = request
        self._embedder = embedder
        self._generation = generation
        self._catalog = catalog
        self._vector = vector
        carrying = set() if vector is None else self._ids_carrying()
        self._carrying = generation.images_of(carrying)

    def page(self, most: int) -> list[_Found]:
        """The first ones behind the request's cursor."""
        after = self._request.after
        found: list[_Found] = []
        for part in Part:
            if after is None or part >= after.part:
                start = after if after is not None and part is after.part else None
                found += self._part(part, start, most - len(found))
        return found

    def _part(self, part: Part, after: Cursor | None, most: int) -> list[_Found]:
        if most == 0:
            return []
        if part is Part.UNSEEN:
            return self._by_title(after, most)
        if self._vector is None:
            return []
        return self._by_photo(part, self._vector, after, most)

    def _by_photo(
        self, part: Part, vector: Vectors, after: Cursor | None, most: int
    ) -> list[_Found]:
        allowed = self._carrying if part is Part.SEEN else self._images_of_others()

        def ranking(count: int) -> list[RankedPhoto]:
            return rank_products(self._generation, vector, count, category=None, allowed=allowed)

        place = None if after is None else (-after.score, after.product_id)
        return [
            _Found(
                Cursor(part, -page_place(photo)[0], photo.product_id, self._embedder),
                photo.position,
                photo.score,
            )
            for photo in behind(place, ranking)(most)
        ]

    def _by_title(self, after: Cursor | None, most: int) -> list[_Found]:
        seen = set(self._generation.rows_of(self._carrying)["product"].tolist())
        known = {self._generation.product_ids[number] for number in seen}
        place = None if after is None else (after.title, after.product_id)
        limit = most if not known else max(most, _TITLES_A_QUERY)
        products: list[Product] = []
        while len(products) < most:
            page = self._catalog.search_text(
                self._request.words, limit=limit, tree=self._request.filter, after=place
            )
            products += [product for product in page if product.id not in known]
            if len(page) < limit:
                break
            place = title_key(page[-1])
        images = self._catalog.images_of(product.id for product in products[:most])
        found = []
        for product in products[:most]:
            stored = [image.position for image in images.get(product.id, ()) if image.sha256]
            position = stored[0] if stored else None
            cursor = Cursor(Part.UNSEEN, *title_key(product), self._embedder)
            found.append(_Found(cursor, position, None))
        return found

    def _ids_carrying(self) -> set[str]:
        return self._catalog.product_ids_carrying(self._request.words, tree=self._request.filter)

    def _images_of_others(self) -> Ids:
        matching = self._catalog.product_ids_matching(self._request.filter)
        everything = self._generation.vectors.ids()
        allowed = everything if matching is None else self._generation.images_of(matching)
        return np.setdiff1d(allowed, self._carrying)
