"""A route that asks for the key before it reads a byte of the body."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.routing import Match
from starlette.types import Receive, Send
from starlette.types import Scope as ASGIScope

from search_api.auth import Need, Scope, need_of
from search_api.errors import BadRequest, NotFound, WrongMedia
from search_api.json_body import read_json
from search_api.openapi import SECURITY, problem_responses
from search_api.query import check_names
from search_api.reach import EVERYTHING, SCOPE_KEY, Reach
from search_api.state import state_of

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class GuardedRoute(APIRoute):
    """Wraps FastAPI's handler, whose dependencies run only after the body was parsed."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **kwargs: Any) -> None:
        self.need = need_of(endpoint)
        problems = problem_responses(self.need, path=path, methods=kwargs.get("methods") or ())
        kwargs["responses"] = {**problems, **(kwargs.get("responses") or {})}
        security = [] if self.need.scope is Scope.PUBLIC else SECURITY
        kwargs["openapi_extra"] = {"security": security, **(kwargs.get("openapi_extra") or {})}
        # What generated clients call it by.
        kwargs["operation_id"] = endpoint.__name__
        super().__init__(path, endpoint, **kwargs)

    def matches(self, scope: ASGIScope) -> tuple[Match, ASGIScope]:
        """As starlette does; a number of more digits than Python reads belongs to no address."""
        try:
            return super().matches({**scope, "method": "GET"} if self._is_head(scope) else scope)
        except ValueError:
            return Match.NONE, {}

    async def handle(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        """As starlette does; HEAD is answered as GET, of which the server sends no body."""
        answer = self.app if self._is_head(scope) else super().handle
        await answer(scope, receive, send)

    def _is_head(self, scope: ASGIScope) -> bool:
        # Not one of `methods`, which the document would list as a second operation of one name.
        return bool(scope.get("method") == "HEAD" and "GET" in (self.methods or ()))

    def get_route_handler(self) -> Handler:
        """FastAPI's handler behind the gate."""
        inner = super().get_route_handler()
        need = self.need
        takes_json = self.body_field is not None
        names = frozenset(field.alias for field in self.dependant.query_params)

        async def guarded(request: Request) -> Response:
            request.scope[SCOPE_KEY] = await _let_in(request, need)
            if "\x00" in request.scope["path"]:
                raise NotFound("nothing has a NUL character in its address")
            if names:
                check_names(request.query_params, names)
            if takes_json:
                await _read_json(request)
            return await inner(request)

        return guarded


async def _let_in(request: Request, need: Need) -> Reach:
    if need.scope is Scope.PUBLIC:
        # No key is looked up, and whether we live must not wait for a thread behind the uploads.
        return EVERYTHING
    return await run_in_threadpool(state_of(request).gate.check, request, need)


async def _read_json(request: Request) -> None:
    """Read (and keep) the body here: FastAPI would turn our own errors into a bare 400."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise WrongMedia("send application/json")
    try:
        # Where `Request.json`, which FastAPI asks, keeps what it has read.
        request._json = await read_json(request, json.loads)
    except (ValueError, RecursionError) as error:
        raise BadRequest("the body is not JSON") from error
