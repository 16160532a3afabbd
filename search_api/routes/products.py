"""Products and their photos. A PUT answers when the product is searchable in this process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.routing import Match
from starlette.types import Scope as ASGIScope

from indexer.answer import with_facets
from indexer.bootstrap import Services
from indexer.catalog.rows import ProductImage
from indexer.feeds.record import is_below_product
from indexer.filters import Filter
from indexer.ingest.single import NewPhoto
from indexer.product_json import Finder, image_json, product_json
from search_api.auth import Scope, needs
from search_api.errors import NotFound, Unprocessable
from search_api.etags import is_held
from search_api.guarded import GuardedRoute
from search_api.json_body import one_at_a_time
from search_api.limits import read_file_part, read_form
from search_api.product_writer import Saved
from search_api.query import (
    MAX_QUERY,
    FacetNames,
    FilterText,
    check_names,
    read_facet_names,
    read_filter,
    read_listing_words,
)
from search_api.reach import Reach, ReachOf
from search_api.schemas.products import (
    MAX_IMAGES,
    ImageOut,
    ProductFields,
    ProductListOut,
    StoredProductOut,
)
from search_api.state import ApiState, State

PAGE = 50
MAX_PAGE = 500
MAX_POSITION = 2**31 - 1
IMAGE_HEADERS = {"Cache-Control": "private, max-age=60"}
PHOTO_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["photo"],
                    "properties": {"photo": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}


class ProductRoute(GuardedRoute):
    """A product's own address, whose id may hold slashes: what lies below a product is none."""

    def matches(self, scope: ASGIScope) -> tuple[Match, ASGIScope]:
        match, child = super().matches(scope)
        if is_below_product(child.get("path_params", {}).get("product_id", "")):
            return Match.NONE, {}
        return match, child


router = APIRouter(route_class=GuardedRoute, tags=["products"])
product_router = APIRouter(route_class=ProductRoute, tags=["products"])


@router.post(
    "/v1/products/{product_id:path}/images",
    status_code=201,
    response_model=ImageOut,
    openapi_extra=PHOTO_FORM,
)
@needs(Scope.WRITE, within=True)
async def add_image(
    product_id: str, request: Request, state: State, reach: ReachOf
) -> JSONResponse:
    """Add a photo to a product; answers when it is searchable here."""
    state.pool.refuse_when_full()
    async with read_form(request, limits=state.limits) as form:
        check_names(form, frozenset({"photo"}))
        data = await read_file_part(form, "photo", most_bytes=state.limits.photo_bytes)
    await run_in_threadpool(_check_room, state.services, product_id, reach)
    image = await state.pool.run(state.writer.add_photo, product_id, data, reach)
    return JSONResponse(image_json(image, _finder(state.services)), status_code=201)


@router.get(
    "/v1/products/{product_id:path}/images/{position:int}",
    response_class=Response,
    responses={
        200: {"content": {"image/jpeg": {}}},
        304: {"description": "The photo is what If-None-Match names"},
    },
)
@needs(Scope.SEARCH, within=True)
async def get_image(
    product_id: str, position: int, request: Request, state: State, reach: ReachOf
) -> Response:
    """A product's photo, as JPEG without metadata."""
    found = await run_in_threadpool(_image_sha256, state, product_id, position, reach)
    etag = f'"{found}"'
    headers = {**IMAGE_HEADERS, "ETag": etag}
    if is_held(etag, request.headers.getlist("if-none-match")):
        return Response(status_code=304, headers=headers)
    data = await run_in_threadpool(state.services.image_store.read, found)
    return Response(data, media_type="image/jpeg", headers=headers)


@router.get(
    "/v1/products/{product_id:path}/images/{position:int}/cutout",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}},
)
@needs(Scope.SEARCH, within=True)
async def get_cutout(product_id: str, position: int, state: State, reach: ReachOf) -> Response:
    """What the models that serve here cut out of a photo: the garment alone, on grey, as JPEG."""
    data = await state.pool.run(_cutout_jpeg, state, product_id, position, reach)
    return Response(data, media_type="image/jpeg", headers=IMAGE_HEADERS)


@router.delete("/v1/products/{product_id:path}/images/{position:int}", status_code=204)
@needs(Scope.WRITE, within=True)
async def delete_image(product_id: str, position: int, state: State, reach: ReachOf) -> Response:
    """Remove one photo; the others keep their numbers."""
    _check_position(position)
    await run_in_threadpool(state.writer.remove_photo, product_id, position, reach)
    return Response(status_code=204)


@router.get("/v1/products", response_model=ProductListOut)
@needs(Scope.SEARCH, within=True)
async def list_products(
    state: State,
    reach: ReachOf,
    after: Annotated[str | None, Query(max_length=512)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = PAGE,
    q: Annotated[str, Query(max_length=MAX_QUERY)] = "",
    filter_text: FilterText = None,
    facets: FacetNames = None,
) -> JSONResponse:
    """Products by id, a page at a time; q: only those whose words hold all of these."""
    asked = _Listing(
        after,
        limit,
        read_listing_words(q),
        reach.narrowed(read_filter(filter_text)),
        read_facet_names(facets),
    )
    return JSONResponse(await run_in_threadpool(_page, state.services, asked))


@product_router.get("/v1/products/{product_id:path}", response_model=StoredProductOut)
@needs(Scope.SEARCH, within=True)
async def get_product(product_id: str, state: State, reach: ReachOf) -> JSONResponse:
    """A product and its photos."""
    return JSONResponse(await run_in_threadpool(_product, state.services, product_id, reach))


@product_router.put(
    "/v1/products/{product_id:path}",
    response_model=StoredProductOut,
    responses={201: {"model": StoredProductOut, "description": "It is new"}},
)
@needs(Scope.WRITE, within=True)
async def put_product(
    product_id: str, fields: ProductFields, state: State, reach: ReachOf
) -> JSONResponse:
    """Store a product; 201 when it is new. Answers when it is searchable here."""
    photos = await _photos_of(fields, state)
    saved = await _on_threads(state, fields)(state.writer.put, product_id, fields, photos, reach)
    return _saved_answer(saved, state.services)


@product_router.patch("/v1/products/{product_id:path}", response_model=StoredProductOut)
@needs(Scope.WRITE, within=True)
async def patch_product(
    product_id: str, fields: ProductFields, state: State, reach: ReachOf
) -> JSONResponse:
    """Change the fields given; null clears one."""
    photos = await _photos_of(fields, state)
    if "images" in fields.model_fields_set and photos is None:
        photos = []
    saved = await _on_threads(state, fields)(state.writer.patch, product_id, fields, photos, reach)
    return _saved_answer(saved, state.services)


@product_router.delete("/v1/products/{product_id:path}", status_code=204)
@needs(Scope.WRITE, within=True)
async def delete_product(product_id: str, state: State, reach: ReachOf) -> Response:
    """Remove a product: gone from this process's next search, from every other's within a second."""
    await run_in_threadpool(state.writer.remove, product_id, reach)
    return Response(status_code=204)


router.routes.extend(product_router.routes)


async def _photos_of(fields: ProductFields, state: ApiState) -> list[NewPhoto] | None:
    photos_of = partial(state.writer.photos_of, fields)
    if any(image.url is not None for image in fields.images or ()):
        return await run_in_threadpool(photos_of)
    return await one_at_a_time(state, photos_of)


def _on_threads(state: ApiState, fields: ProductFields) -> Any:
    """Photos need the models' threads and their cap; words alone need neither."""
    return state.pool.run if fields.images else run_in_threadpool


def _saved_answer(saved: Saved, services: Services) -> JSONResponse:
    status = 201 if saved.created else 200
    return JSONResponse(
        product_json(saved.product, saved.images, _finder(services)), status_code=status
    )


def _finder(services: Services) -> Finder:
    return Finder(services.embedder.version, services.index.sequence)


def _product(services: Services, product_id: str, reach: Reach) -> dict[str, Any]:
    product = reach.seen(services.catalog.existing_product(product_id))
    return product_json(product, services.catalog.images(product.id), _finder(services))


@dataclass(frozen=True, slots=True)
class _Listing:
    """Which page of which products."""

    after: str | None
    limit: int
    words: str
    filter: Filter | None
    facets: tuple[str, ...]


def _page(services: Services, asked: _Listing) -> dict[str, Any]:
    catalog, words, tree = services.catalog, asked.words, asked.filter
    start = None if asked.after is None else asked.after.replace("\x00", "")
    # One more than the page holds: a full last page must not promise an empty one behind it.
    found = catalog.list_products(after=start, limit=asked.limit + 1, words=words, tree=tree)
    products = found[: asked.limit]
    more = len(found) > asked.limit
    images = catalog.images_of([product.id for product in products])
    finder = _finder(services)
    # Few products carry rare words: a page that holds them all spares a second pass for the count.
    whole = start is None and not more
    return {
        "products": [
            product_json(product, images.get(product.id, ()), finder) for product in products
        ],
        "next": products[-1].id if more else None,
        "total": len(products) if whole else catalog.product_count(words=words, tree=tree),
        **with_facets(catalog.facets(asked.facets, words=words, tree=tree)),
    }


def _check_room(services: Services, product_id: str, reach: Reach) -> None:
    reach.check(services.catalog.existing_product(product_id))
    if len(services.catalog.images(product_id)) >= MAX_IMAGES:
        raise Unprocessable(f"a product has {MAX_IMAGES} photos at most; remove one first")


def _check_position(position: int) -> None:
    if position > MAX_POSITION:
        raise NotFound("this product has no such photo")


def _image_sha256(state: ApiState, product_id: str, position: int, reach: Reach) -> str:
    return _stored_image(state.services, product_id, position, reach)[1]


def _cutout_jpeg(state: ApiState, product_id: str, position: int, reach: Reach) -> bytes:
    services = state.services
    image, sha256 = _stored_image(services, product_id, position, reach)
    product = services.catalog.existing_product(product_id)
    mapper = services.mapper()
    data = mapper.stored_photo(sha256)
    return mapper.cut(data, category=product.category, region=image.region).to_jpeg()


def _stored_image(
    services: Services, product_id: str, position: int, reach: Reach
) -> tuple[ProductImage, str]:
    """A photo and the sha256 it is stored under."""
    _check_position(position)
    reach.seen(services.catalog.existing_product(product_id))
    image = services.catalog.image(product_id, position)
    if image is None or image.sha256 is None:
        raise NotFound("this product has no such photo")
    return image, image.sha256
