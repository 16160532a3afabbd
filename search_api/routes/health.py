"""Whether the process lives, whether it can serve, and its figures."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from search_api.auth import Scope, needs
from search_api.guarded import GuardedRoute
from search_api.metrics import CONTENT_TYPE
from search_api.schemas.service import LiveOut, ReadyOut
from search_api.state import State, state_of

router = APIRouter(route_class=GuardedRoute, tags=["health"])


@router.get("/livez", response_model=LiveOut)
@needs(Scope.PUBLIC)
async def livez() -> JSONResponse:
    """The event loop answers."""
    return JSONResponse({"alive": True})


@router.get("/readyz", response_model=ReadyOut, responses={503: {"model": ReadyOut}})
@needs(Scope.PUBLIC)
async def readyz(state: State) -> JSONResponse:
    """The index follows the database, and that answers; before models and index are loaded nothing does."""
    checks = {"index": state.services.index.follows, "database": state.database.answers}
    ready = all(checks.values())
    return JSONResponse({"ready": ready, "checks": checks}, status_code=200 if ready else 503)


@router.get("/metrics", response_class=Response, responses={200: {"content": {CONTENT_TYPE: {}}}})
@needs(Scope.ANY_KEY, within=True)
async def metrics(request: Request) -> Response:
    """Prometheus text; open on this machine, else with any key."""
    state = state_of(request)
    index = state.services.index
    state.metrics.in_flight.set(state.pool.in_flight)
    state.metrics.products.set(index.product_count)
    state.metrics.sequence.set(index.sequence)
    return Response(state.metrics.render(), media_type=CONTENT_TYPE)
