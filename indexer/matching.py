"""Photo → garments → matches: the order of the steps, readable top to bottom."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from indexer.answer import (
    GarmentAnswer,
    IndexState,
    Match,
    MatchedProduct,
    ParseAnswer,
    SearchAnswer,
    SimilarAnswer,
)
from indexer.catalog.rows import Product, ProductImage
from indexer.embedder.base import Embedder
from indexer.errors import ProductNotFound
from indexer.filters import Filter
from indexer.garment_choice import as_answered, choose_garments
from indexer.generation import Generation
from indexer.live_index import LiveIndex
from indexer.ranking import NAMED, SEEN, RankedPhoto, rank_products
from indexer.reranking import Ranking, fold, nearer_to
from indexer.vectors.base import Ids, Vectors
from segmentation.cutout import cut_out
from segmentation.garment import Box, Garment, NamedColour, ParsedPhoto
from segmentation.labels import category_of
from segmentation.photo import Photo
from segmentation.segmenter import PhotoParser

# The most matches a garment that may be asked for.
MAX_K = 100
# Of a colour beside likeness, where nothing else is asked for.
COLOUR_WEIGHT = 0.5
# Products deleted between index and database: how often to look for others in their place.
_ATTEMPTS = 3


class ProductSource(Protocol):
    """What matching needs of the catalog."""

    def products(self, ids: Iterable[str]) -> dict[str, Product]: ...

    def images_of(self, ids: Iterable[str]) -> dict[str, list[ProductImage]]: ...

    def product_ids_matching(self, tree: Filter | None) -> set[str] | None: ...


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What to look for. ``category``: a shop's word or Garb's own.

    ``colour``: ``#rrggbb``, to be ranked nearer to; ``colour_weight``: how much it counts beside
    likeness, 0–1. ``fold``: one match for products that are near-identical.
    """

    k: int = 10
    category: str | None = None
    box: Box | None = None
    filter: Filter | None = None
    colour: str | None = None
    colour_weight: float = COLOUR_WEIGHT
    fold: bool = False
    include: frozenset[str] = frozenset()


class Matcher:
    """The main road. Holds no state of its own; safe to share between threads."""

    def __init__(
        self,
        photo_parser: PhotoParser,
        embedder: Embedder,
        live_index: LiveIndex,
        catalog: ProductSource,
    ) -> None:
        self._photo_parser = photo_parser
        self._embedder = embedder
        self._index = live_index
        self._catalog = catalog

    def search(
        self, photo: Photo, request: SearchRequest, *, decode_ms: float | None = None
    ) -> SearchAnswer:
        """Cut the photo into garments and find the closest products of each.

        ``decode_ms``: what decoding took, to be told and counted in the total.

        Raises:
            FilterError: a field or value that the catalog cannot compare.
            ColourError: the colour is not six hexadecimal digits.
        """
        clock = _Clock(decode_ms)
        wanted = category_of(request.category) if request.category else None
        parsed = self._photo_parser.parse(
            photo, include=request.include, expected=wanted, expected_box=request.box
        )
        clock.take(parsed.timings_ms)
        garments = choose_garments(parsed, category=wanted, box=request.box)
        vectors = self._embedder.embed([cut_out(photo, garment) for garment in garments])
        clock.lap("embed")
        generation, matches = self._match(
            vectors, [wanted or category_of(garment.category) for garment in garments], request
        )
        clock.lap("search")
        return SearchAnswer(
            width=photo.width,
            height=photo.height,
            garments=tuple(
                GarmentAnswer(as_answered(garment, photo), found)
                for garment, found in zip(garments, matches, strict=True)
            ),
            person=parsed.person,
            index=self._state(generation),
            timings_ms=clock.timings(),
        )

    def parse(
        self,
        photo: Photo,
        include: frozenset[str] = frozenset(),
        *,
        decode_ms: float | None = None,
    ) -> ParseAnswer:
        """Cut the photo into garments, without searching."""
        clock = _Clock(decode_ms)
        parsed = self._photo_parser.parse(photo, include=include)
        clock.take(parsed.timings_ms)
        return ParseAnswer(
            width=photo.width,
            height=photo.height,
            garments=_garments_of(parsed),
            person=parsed.person,
            regions=parsed.regions,
            timings_ms=clock.timings(),
        )

    def similar(self, product_id: str, k: int = 10) -> SimilarAnswer:
        """The products closest to any photo of one product, itself left out.

        Raises:
            ProductNotFound: no such product, or it was deleted.
        """
        product = self._catalog.products([product_id]).get(product_id)
        if product is None:
            raise ProductNotFound(product_id)
        generation = self._index.generation()
        own = generation.images_of({product_id})
        others = np.setdiff1d(generation.rows["image_id"], own)
        best: dict[str, RankedPhoto] = {}
        for vector in generation.vectors.vectors(own):
            ranked = rank_products(
                generation,
                vector,
                k,
                category=product.garment_category,
                costs=NAMED,
                allowed=others,
            )
            for photo in ranked:
                known = best.get(photo.product_id)
                if known is None or photo.score > known.score:
                    best[photo.product_id] = photo
        closest = sorted(best.values(), key=lambda photo: (-photo.score, photo.image_id))
        products = self._catalog.products(photo.product_id for photo in closest)
        matches = [_match(photo, products) for photo in closest if photo.product_id in products]
        return SimilarAnswer(shown(product), tuple(matches[:k]), self._state(generation))

    def _match(
        self, vectors: Vectors, categories: Sequence[str | None], request: SearchRequest
    ) -> tuple[Generation, list[tuple[Match, ...]]]:
        """Rank every garment in one generation; look again if a product was deleted meanwhile."""
        for _ in range(_ATTEMPTS):
            generation = self._index.generation()
            allowed = self._allowed(generation, request.filter)
            ranked = [
                self._rank(generation, vector, category, request, allowed)
                for vector, category in zip(vectors, categories, strict=True)
            ]
            named = {photo.product_id for photos in ranked for photo in photos}
            products = self._catalog.products(named)
            if named <= products.keys():
                break
            self._index.refresh()
        return generation, [
            tuple(_match(photo, products) for photo in photos if photo.product_id in products)
            for photos in ranked
        ]

    def _allowed(self, generation: Generation, tree: Filter | None) -> Ids | None:
        matching = self._catalog.product_ids_matching(tree)
        return None if matching is None else generation.images_of(matching)

    def _rank(
        self,
        generation: Generation,
        vector: Vectors,
        category: str | None,
        request: SearchRequest,
        allowed: Ids | None,
    ) -> list[RankedPhoto]:
        costs = SEEN if category_of(request.category) is None else NAMED

        def ranking(most: int) -> list[RankedPhoto]:
            return rank_products(
                generation, vector, most, category=category, costs=costs, allowed=allowed
            )

        asked: Ranking = ranking
        if request.colour is not None:
            asked = nearer_to(
                request.colour, ranking, self._colours_of, weight=request.colour_weight
            )
        if request.fold:
            return fold(asked, request.k, generation.vectors.vectors)
        return asked(request.k)

    def _colours_of(self, photos: Sequence[RankedPhoto]) -> list[tuple[NamedColour, ...]]:
        stored = self._catalog.images_of(photo.product_id for photo in photos)
        colours = {image.id: image.colours for images in stored.values() for image in images}
        return [colours.get(photo.image_id, ()) for photo in photos]

    def _state(self, generation: Generation) -> IndexState:
        return IndexState(self._embedder.version, generation.product_count, generation.sequence)


def _garments_of(parsed: ParsedPhoto) -> tuple[Garment, ...]:
    found = choose_garments(parsed, category=None, box=None)
    return tuple(as_answered(garment, parsed.photo) for garment in found)


def _match(photo: RankedPhoto, products: Mapping[str, Product]) -> Match:
    product = shown(products[photo.product_id])
    return Match(product, photo.position, photo.score, photo.folded)


def shown(product: Product) -> MatchedProduct:
    """A stored product as answers show it."""
    return MatchedProduct(
        id=product.id,
        title=product.title,
        category=product.category or None,
        price=product.price,
        currency=product.currency or None,
        url=product.url or None,
        attributes=product.attributes,
    )


class _Clock:
    """Milliseconds of the stages, in the order they ran."""

    def __init__(self, decode_ms: float | None) -> None:
        self._timings = {} if decode_ms is None else {"decode": decode_ms}
        self._started = self._last = time.perf_counter()

    def take(self, timings_ms: Mapping[str, float]) -> None:
        """Stages that timed themselves."""
        self._timings |= timings_ms
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self._timings[stage] = (now - self._last) * 1000
        self._last = now

    def timings(self) -> dict[str, float]:
        spent = (time.perf_counter() - self._started) * 1000
        return self._timings | {"total": spent + self._timings.get("decode", 0.0)}
