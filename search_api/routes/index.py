"""What can be found here, by which models, and how far behind the database it is."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from indexer.bootstrap import Services
from search_api.auth import Scope, needs
from search_api.guarded import GuardedRoute
from search_api.schemas import IndexOut
from search_api.state import State

router = APIRouter(route_class=GuardedRoute, tags=["index"])


@router.get("/v1/index", response_model=IndexOut)
@needs(Scope.SEARCH, within=True)
async def index_status(state: State) -> JSONResponse:
    """Products, versions, and the changes this process has not pulled yet."""
    return JSONResponse(await run_in_threadpool(_status, state.services))


def _status(services: Services) -> dict[str, Any]:
    sequence = services.index.sequence
    latest = services.catalog.latest_sequence()
    return {
        "products": services.index.product_count,
        "indexed_images": services.index.image_count,
        "sequence": sequence,
        "latest_sequence": latest,
        "behind": max(0, latest - sequence),
        "versions": {
            "segmenter": services.photo_parser.version,
            "parser": services.photo_parser.parser_version,
            "embedder": services.embedder.version,
        },
    }
