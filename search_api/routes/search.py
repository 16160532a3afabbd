"""A photo in, garments and matches out; products by words; products like a product."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from indexer.bootstrap import Services
from indexer.matching import SearchRequest, SimilarRequest
from indexer.text_search import TextRequest, search_by_words
from indexer.wish import WORDS_WEIGHT
from search_api.auth import Scope, needs
from search_api.guarded import GuardedRoute
from search_api.photo_body import body_schema, read_search
from search_api.query import (
    DEFAULT_K,
    MAX_QUERY,
    BoostText,
    FacetNames,
    FilterText,
    Fold,
    K,
    MinScore,
    Words,
    WordsWeight,
    read_after,
    read_boost_text,
    read_facet_names,
    read_filter,
    read_query,
    read_words,
)
from search_api.reach import Reach, ReachOf
from search_api.schemas.found import ParseOut, SearchOut, SimilarOut, TextSearchOut
from search_api.state import ApiState, State
from segmentation.photo import Photo, decode_photo

router = APIRouter(route_class=GuardedRoute, tags=["search"])


@router.post(
    "/v1/search",
    response_model=SearchOut,
    openapi_extra=body_schema(),
)
@needs(Scope.SEARCH, within=True)
async def search(request: Request, state: State, reach: ReachOf) -> JSONResponse:
    """Find the garments of a street photo and, for each, the closest products."""
    state.pool.refuse_when_full()
    asked, data = await read_search(request, limits=state.limits, reach=reach)
    return JSONResponse(await state.pool.run(_search, state, data, asked))


@router.post(
    "/v1/parse",
    response_model=ParseOut,
    openapi_extra=body_schema(),
)
@needs(Scope.SEARCH, within=True)
async def parse(request: Request, state: State, reach: ReachOf) -> JSONResponse:
    """Find the garments that a search would, without matches, and the regions of the person."""
    state.pool.refuse_when_full()
    asked, data = await read_search(request, limits=state.limits, reach=reach)
    return JSONResponse(await state.pool.run(_parse, state, data, asked))


@router.get("/v1/search/text", response_model=TextSearchOut)
@needs(Scope.SEARCH, within=True)
async def search_text(
    state: State,
    reach: ReachOf,
    q: Annotated[str, Query(min_length=1, max_length=MAX_QUERY)],
    k: K = DEFAULT_K,
    filter_text: FilterText = None,
    after: Annotated[str | None, Query(description="next of the page before")] = None,
    facets: FacetNames = None,
) -> JSONResponse:
    """Products that carry every word; where the embedder reads words, those that look like it too."""
    asked = TextRequest(
        words=read_query(q),
        k=k,
        filter=reach.narrowed(read_filter(filter_text)),
        after=read_after(after),
        facets=read_facet_names(facets),
    )
    return JSONResponse(await state.pool.run(_search_text, state, asked))


@router.post(
    "/v1/products/{product_id:path}/similar",
    response_model=SimilarOut,
)
@needs(Scope.SEARCH, within=True)
async def similar(
    product_id: str,
    state: State,
    reach: ReachOf,
    k: K = DEFAULT_K,
    filter_text: FilterText = None,
    words: Words = None,
    words_weight: WordsWeight = WORDS_WEIGHT,
    fold: Fold = False,
    min_score: MinScore = None,
    boost: BoostText = None,
) -> JSONResponse:
    """The products closest to one product's photos."""
    asked = SimilarRequest(
        k=k,
        filter=reach.narrowed(read_filter(filter_text)),
        wish=read_words(words),
        words_weight=words_weight,
        fold=fold,
        min_score=min_score,
        boost=read_boost_text(boost),
    )
    # A wished colour takes the models; likeness alone, a look into the index.
    run = run_in_threadpool if asked.wish is None else state.pool.run
    return JSONResponse(await run(_similar, state.services, product_id, asked, reach))


def _search(state: ApiState, data: bytes, asked: SearchRequest) -> dict[str, Any]:
    photo, decode_ms = _decode(state, data)
    answer = state.services.matcher.search(photo, asked, decode_ms=decode_ms)
    state.metrics.observe_stages(answer.timings_ms)
    return answer.to_json()


def _similar(
    services: Services, product_id: str, asked: SimilarRequest, reach: Reach
) -> dict[str, Any]:
    product = reach.seen(services.catalog.existing_product(product_id))
    return services.matcher.similar(product.id, asked).to_json()


def _search_text(state: ApiState, asked: TextRequest) -> dict[str, Any]:
    services = state.services
    answer = search_by_words(
        asked,
        catalog=services.catalog,
        embedder=services.embedder,
        live_index=services.index,
    )
    return answer.to_json()


def _parse(state: ApiState, data: bytes, asked: SearchRequest) -> dict[str, Any]:
    photo, decode_ms = _decode(state, data)
    answer = state.services.matcher.parse(photo, asked, decode_ms=decode_ms)
    state.metrics.observe_stages(answer.timings_ms)
    return answer.to_json()


def _decode(state: ApiState, data: bytes) -> tuple[Photo, float]:
    started = time.perf_counter()
    photo = decode_photo(data, max_bytes=state.limits.photo_bytes)
    return photo, (time.perf_counter() - started) * 1000
