"""What can be found here, by which models, and how far behind the database it is."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from search_api.auth import Scope, needs
from search_api.guarded import GuardedRoute
from search_api.schemas.service import IndexOut
from search_api.state import ApiState, State

router = APIRouter(route_class=GuardedRoute, tags=["index"])


@router.get("/v1/index", response_model=IndexOut)
@needs(Scope.SEARCH, within=True)
async def index_status(state: State) -> JSONResponse:
    """Products, versions, and the changes that the process which answers has not pulled yet.

    ``process`` names it: ask again to hear of the others.
    """
    return JSONResponse(await run_in_threadpool(_status, state))


def _status(state: ApiState) -> dict[str, Any]:
    services = state.services
    sequence = services.index.sequence
    latest = services.catalog.latest_sequence()
    return {
        "process": state.process,
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
