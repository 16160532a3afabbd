"""Photo → garments → matches: the order of the steps, readable top to bottom."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
from indexer.boosting import Boost, NumberSource, values_in
from indexer.catalog.rows import ImageStatus, Product, ProductImage
from indexer.embedder.base import Embedder
from indexer.errors import ImageStoreError, ProductNotFound
from indexer.facets import Facet
from indexer.filters import Filter
from indexer.garment_choice import as_answered, choose_garments
from indexer.generation import Generation
from indexer.images import ImageStore
from indexer.ingest.mapper import PhotoMapper
from indexer.live_index import LiveIndex
from indexer.ranking import NAMED, SEEN, CategoryCosts, RankedPhoto, best_of_each, rank_products
from indexer.reranking import Ranking, at_least, boosted, fitting, fold, nearer_to
from indexer.shop_tags import ShopTags
from indexer.stage_clock import StageClock
from indexer.tagging import with_patterns
from indexer.vectors.base import Ids, Vectors
from indexer.wish import WORDS_WEIGHT, Wish, aimed, fit_of, towards_words
from segmentation.cutout import cut_out
from segmentation.errors import PhotoError
from segmentation.garment import Box, Cutout, Garment, Mask, NamedColour, ParsedPhoto, Regions
from segmentation.labels import category_of
from segmentation.pattern import PatternTagger
from segmentation.photo import Photo
from segmentation.segmenter import INCLUDE_PERSON, PhotoParser, union_of

# The most matches a garment that may be asked for.
MAX_K = 100
# Of a colour beside likeness, where nothing else is asked for.
COLOUR_WEIGHT = 0.5
# Of a product, to be seen in a wished colour: each costs what a photo of an import does.
MOST_PAINTED = 3
# Products deleted between index and database: how often to look for others in their place.
_ATTEMPTS = 3

_LOG = logging.getLogger(__name__)


class ProductSource(NumberSource, Protocol):
    """What matching needs of the catalog."""

    def products(self, ids: Iterable[str]) -> dict[str, Product]: ...

    def images_of(self, ids: Iterable[str]) -> dict[str, list[ProductImage]]: ...

    def product_ids_matching(self, tree: Filter | None) -> set[str] | None: ...

    def facets(self, names: Sequence[str], *, ids: Sequence[str]) -> tuple[Facet, ...]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarRequest:
    """Which products may come, and how many. ``fold``: one match for near-identical ones.

    ``min_score``: matches below it are left out. ``boost``: a field whose number counts too.
    ``wish``: words that count too, and ``words_weight``: how much beside likeness, 0–1.
    """

    k: int = 10
    filter: Filter | None = None
    fold: bool = False
    min_score: float | None = None
    boost: Boost | None = None
    wish: Wish | None = None
    words_weight: float = WORDS_WEIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest(SimilarRequest):
    """What to look for. ``category``: a shop's word or Garb's own.

    ``colour``: ``#rrggbb``, to be ranked nearer to; ``colour_weight``: how much it counts beside
    likeness, 0–1. ``facets``: the fields to count the matches of each garment by.
    """

    category: str | None = None
    box: Box | None = None
    colour: str | None = None
    colour_weight: float = COLOUR_WEIGHT
    include: frozenset[str] = frozenset()
    facets: tuple[str, ...] = ()


class Matcher:
    """The main road. Holds no state of its own; safe to share between threads."""

    def __init__(
        self,
        photo_parser: PhotoParser,
        embedder: Embedder,
        live_index: LiveIndex,
        catalog: ProductSource,
        image_store: ImageStore | None = None,
        patterns: PatternTagger | None = None,
        shop_tags: ShopTags | None = None,
    ) -> None:
        """``image_store``: the product photos, to be seen in a wished colour; ``patterns``: of cloth;
        ``shop_tags``: in the shop's own words."""
        self._patterns = patterns
        self._shop_tags = shop_tags
        self._photo_parser = photo_parser
        self._embedder = embedder
        self._index = live_index
        self._catalog = catalog
        self._mapper: PhotoMapper | None = None
        if image_store is not None:
            self._mapper = PhotoMapper(
                photo_parser=photo_parser, embedder=embedder, image_store=image_store
            )

    def search(
        self, photo: Photo, request: SearchRequest, *, decode_ms: float | None = None
    ) -> SearchAnswer:
        """Cut the photo into garments and find the closest products of each.

        ``decode_ms``: what decoding took, to be told and counted in the total.

        Raises:
            FilterError: a field or value that the catalog cannot compare.
            ColourError: the colour is not six hexadecimal digits.
        """
        clock = StageClock(decode_ms)
        wanted = category_of(request.category) if request.category else None
        parsed = self._photo_parser.parse(
            photo, include=request.include, expected=wanted, expected_box=request.box
        )
        clock.take(parsed.timings_ms)
        garments = choose_garments(parsed, category=wanted, box=request.box)
        cutouts = [cut_out(photo, garment) for garment in garments]
        garments = with_patterns(garments, cutouts, self._patterns)
        vectors = aimed(self._embedder, cutouts, request.wish, weight=request.words_weight)
        plain = np.concatenate(vectors) if request.wish is None else None
        garments = self._tagged(garments, cutouts, plain)
        clock.lap("embed")
        generation, matches = self._match(
            vectors, [wanted or category_of(garment.category) for garment in garments], request
        )
        facets = [self._facets(request.facets, found) for found in matches]
        clock.lap("search")
        return SearchAnswer(
            width=photo.width,
            height=photo.height,
            garments=tuple(
                GarmentAnswer(as_answered(garment, photo), found, counted)
                for garment, found, counted in zip(garments, matches, facets, strict=True)
            ),
            person=parsed.person,
            index=self._state(generation),
            timings_ms=clock.timings(),
        )

    def parse(
        self,
        photo: Photo,
        request: SearchRequest | None = None,
        *,
        decode_ms: float | None = None,
    ) -> ParseAnswer:
        """Cut the photo into garments, as `search` does for the same request, without searching."""
        clock = StageClock(decode_ms)
        asked = request or SearchRequest()
        wanted = category_of(asked.category) if asked.category else None
        parsed = self._photo_parser.parse(
            photo,
            include=asked.include | {INCLUDE_PERSON},
            expected=wanted,
            expected_box=asked.box,
        )
        clock.take(parsed.timings_ms)
        garments = choose_garments(parsed, category=wanted, box=asked.box)
        cutouts = [cut_out(photo, garment) for garment in garments]
        garments = with_patterns(garments, cutouts, self._patterns)
        garments = self._tagged(garments, cutouts, None)
        return ParseAnswer(
            width=photo.width,
            height=photo.height,
            garments=tuple(as_answered(garment, photo) for garment in garments),
            person=parsed.person if INCLUDE_PERSON in asked.include else None,
            regions=parsed.regions or _regions_of_nobody(parsed),
            index=self._state(self._index.generation()),
            timings_ms=clock.timings(),
        )

    def similar(self, product_id: str, request: SimilarRequest) -> SimilarAnswer:
        """The products closest to any photo of one product, itself left out.

        Raises:
            ProductNotFound: no such product, or it was deleted.
            FilterError: a field or value that the catalog cannot compare.
        """
        product = self._catalog.products([product_id]).get(product_id)
        if product is None:
            raise ProductNotFound(product_id)

        painted = self._painted(product, request)

        def ranked(generation: Generation, allowed: Ids | None) -> list[list[RankedPhoto]]:
            own = generation.images_of({product.id})
            vectors = generation.vectors.vectors(own) if painted is None else painted
            if request.wish is not None and painted is None:
                vectors = towards_words(
                    self._embedder, vectors, request.wish, weight=request.words_weight
                )
            others = np.setdiff1d(generation.vectors.ids() if allowed is None else allowed, own)
            ranking = _like_any(vectors, generation, product.garment_category, NAMED, others)
            return [self._finished(ranking, generation, request)]

        generation, (matches,) = self._found(ranked, request.filter)
        return SimilarAnswer(shown(product), matches, self._state(generation))

    def _painted(self, product: Product, request: SimilarRequest) -> Vectors | None:
        """The vectors of a product's photos in the wished colour; None where none is, or no photo."""
        wish = request.wish
        if wish is None or not wish.colours or not request.words_weight or self._mapper is None:
            return None
        cutouts = []
        for image in self._catalog.images_of([product.id]).get(product.id, [])[:MOST_PAINTED]:
            if image.sha256 is None or image.status is not ImageStatus.INDEXED:
                continue
            try:
                prepared = self._mapper.prepare(
                    self._mapper.stored_photo(image.sha256),
                    category=product.category,
                    region=image.region,
                    stored_as=image.sha256,
                )
            except (ImageStoreError, PhotoError) as error:
                # The others, or the vectors as they are, still answer.
                _LOG.warning("%s, photo %d: %s", product.id, image.position, error)
                continue
            cutouts.append(prepared.cutout)
        if not cutouts:
            return None
        return np.concatenate(aimed(self._embedder, cutouts, wish, weight=request.words_weight))

    def _match(
        self,
        vectors: Sequence[Vectors],
        categories: Sequence[str | None],
        request: SearchRequest,
    ) -> tuple[Generation, list[tuple[Match, ...]]]:
        """Rank every garment in one generation, each by its likeness to the nearest of its vectors."""

        def ranked(generation: Generation, allowed: Ids | None) -> list[list[RankedPhoto]]:
            return [
                self._rank(generation, of_one, category, request, allowed)
                for of_one, category in zip(vectors, categories, strict=True)
            ]

        return self._found(ranked, request.filter)

    def _found(
        self,
        ranked_in: Callable[[Generation, Ids | None], list[list[RankedPhoto]]],
        tree: Filter | None,
    ) -> tuple[Generation, list[tuple[Match, ...]]]:
        """Rank in one generation; look again if a product was deleted meanwhile."""
        for _ in range(_ATTEMPTS):
            generation = self._index.generation()
            ranked = ranked_in(generation, self._allowed(generation, tree))
            named = {photo.product_id for photos in ranked for photo in photos}
            products = self._catalog.products(named)
            if named <= products.keys():
                break
            self._index.refresh()
        return generation, [
            tuple(_match(photo, products) for photo in photos if photo.product_id in products)
            for photos in ranked
        ]

    def _tagged(
        self, garments: tuple[Garment, ...], cutouts: Sequence[Cutout], vectors: Vectors | None
    ) -> tuple[Garment, ...]:
        """The garments with the shop's own words for them. ``vectors``: None where not at hand."""
        if self._shop_tags is None:
            return garments
        seen = self._embedder.embed(cutouts) if vectors is None else vectors
        tags = self._shop_tags.tags_of(seen)
        return tuple(
            replace(garment, shop_tags=told) for garment, told in zip(garments, tags, strict=True)
        )

    def _facets(self, names: Sequence[str], matches: Sequence[Match]) -> tuple[Facet, ...]:
        return self._catalog.facets(names, ids=[match.product.id for match in matches])

    def _allowed(self, generation: Generation, tree: Filter | None) -> Ids | None:
        matching = self._catalog.product_ids_matching(tree)
        return None if matching is None else generation.images_of(matching)

    def _rank(
        self,
        generation: Generation,
        vectors: Vectors,
        category: str | None,
        request: SearchRequest,
        allowed: Ids | None,
    ) -> list[RankedPhoto]:
        costs = SEEN if category_of(request.category) is None else NAMED
        ranking = _like_any(vectors, generation, category, costs, allowed)
        if request.colour is not None:
            ranking = nearer_to(
                request.colour, ranking, self._colours_of, weight=request.colour_weight
            )
        return self._finished(ranking, generation, request)

    def _finished(
        self, ranking: Ranking, generation: Generation, request: SimilarRequest
    ) -> list[RankedPhoto]:
        """The matches of a ranking that were asked for."""
        if request.wish is not None and request.words_weight:
            fits = fit_of(request.wish, self._catalog)
            ranking = fitting(ranking, fits, weight=request.words_weight)
        if request.boost is not None:
            values_of = values_in(self._catalog, request.boost.field)
            ranking = boosted(ranking, values_of, weight=request.boost.weight)
        if request.min_score is not None:
            ranking = at_least(request.min_score, ranking)
        if request.fold:
            return fold(ranking, request.k, generation.vectors.vectors)
        return ranking(request.k)

    def _colours_of(self, photos: Sequence[RankedPhoto]) -> list[tuple[NamedColour, ...]]:
        stored = self._catalog.images_of(photo.product_id for photo in photos)
        colours = {image.id: image.colours for images in stored.values() for image in images}
        return [colours.get(photo.image_id, ()) for photo in photos]

    def _state(self, generation: Generation) -> IndexState:
        return IndexState(self._embedder.version, generation.product_count, generation.sequence)


def _regions_of_nobody(parsed: ParsedPhoto) -> Regions:
    """Garments without a person: no skin, no hair."""
    nothing = Mask(np.zeros((parsed.photo.height, parsed.photo.width), bool))
    clothes = union_of(garment.mask for garment in parsed.garments if garment.mask)
    return Regions(skin=nothing, hair=nothing, clothes=clothes or nothing)


def _like_any(
    vectors: Vectors,
    generation: Generation,
    category: str | None,
    costs: CategoryCosts,
    allowed: Ids | None,
) -> Ranking:
    """The products by their likeness to the nearest of these vectors."""

    def ranking(most: int) -> list[RankedPhoto]:
        return best_of_each(
            photo
            for vector in vectors
            for photo in rank_products(
                generation,
                vector,
                most,
                category=category,
                costs=costs,
                allowed=allowed,
            )
        )[:most]

    return ranking


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
