"""Every error as one body shape: application/problem+json (RFC 9457)."""

from __future__ import annotations

import errno
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from indexer import errors as indexer_errors
from indexer.text_cursor import CursorError
from search_api.errors import ApiError
from segmentation import errors as segmentation_errors
from segmentation.errors import GarbError

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:garb:problem:"

log = logging.getLogger("garb.api")


@dataclass(frozen=True, slots=True)
class Kind:
    """How one class of errors is told. ``public``: its message may be shown to the caller."""

    status: int
    slug: str
    title: str
    public: bool = True


DISK_FULL = Kind(507, "disk-full", "The server's disk is full", public=False)
# The nearest class of an error's ancestry decides.
KINDS: Mapping[type[Exception], Kind] = {
    segmentation_errors.PhotoTooLarge: Kind(413, "photo-too-large", "The photo is too large"),
    segmentation_errors.PhotoFormatUnsupported: Kind(
        415, "photo-format-unsupported", "Not a JPEG, PNG or WebP photo"
    ),
    segmentation_errors.PhotoError: Kind(422, "photo-unreadable", "The photo cannot be read"),
    segmentation_errors.LabelError: Kind(422, "unknown-label", "Unknown category"),
    segmentation_errors.ModelError: Kind(
        503, "model-unavailable", "A model cannot be used", public=False
    ),
    segmentation_errors.MissingDependency: Kind(
        503, "model-unavailable", "The server is not completely installed", public=False
    ),
    CursorError: Kind(422, "invalid-request", "The request has a value that cannot be used"),
    indexer_errors.FilterError: Kind(422, "filter-invalid", "The filter cannot be read"),
    indexer_errors.FeedError: Kind(422, "feed-unreadable", "The feed cannot be read"),
    indexer_errors.ProductNotFound: Kind(404, "product-not-found", "No such product"),
    indexer_errors.ProductRefused: Kind(
        422, "product-refused", "The product holds a value that cannot be stored", public=False
    ),
    indexer_errors.CatalogError: Kind(
        503, "catalog-unavailable", "The catalog cannot be used", public=False
    ),
    indexer_errors.CatalogFull: DISK_FULL,
    PoolTimeout: Kind(503, "database-unavailable", "The database is busy", public=False),
    GarbError: Kind(500, "internal", "Something went wrong", public=False),
}
INTERNAL = Kind(500, "internal", "Something went wrong", public=False)
HIDDEN_DETAIL = "the server's log has the reason, under this request's id"


def problem(
    *,
    status: int,
    slug: str,
    title: str,
    detail: str,
    request_id: str,
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Response:
    """The one error body: type, title, status, detail, request_id and what the kind adds."""
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + slug,
        "title": title,
        "status": status,
        "detail": detail,
        "request_id": request_id,
        **(extra or {}),
    }
    content = json.dumps(body, ensure_ascii=False).encode("utf-8", errors="replace")
    return Response(content, status_code=status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def problem_of(error: Exception, *, request_id: str) -> Response:
    """Translate any exception; what is ours to mend is logged and not shown."""
    if isinstance(error, ApiError):
        return problem(
            status=error.status,
            slug=error.kind,
            title=error.title,
            detail=str(error),
            request_id=request_id,
            headers=error.headers,
        )
    if isinstance(error, HTTPException):
        return _http_problem(error, request_id=request_id)
    if isinstance(error, RequestValidationError):
        return _validation_problem(error.errors(), request_id=request_id)
    kind = _kind_of(error)
    if not kind.public:
        log.error(
            "request failed",
            exc_info=error,
            extra={"request_id": request_id, "status": kind.status},
        )
    column = getattr(error, "column", None)
    return problem(
        status=kind.status,
        slug=kind.slug,
        title=kind.title,
        detail=str(error) if kind.public else HIDDEN_DETAIL,
        request_id=request_id,
        headers={"Retry-After": "5"} if kind.status == 503 else None,
        extra={"column": column} if isinstance(column, int) else None,
    )


def install(app: FastAPI) -> None:
    """Every exception a route raises is answered as a problem."""

    async def answer(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.status_code == 405:
            error.headers = {"Allow": ", ".join(_methods_of(app, request))}
        return problem_of(error, request_id=request.scope.get("garb.request_id", ""))

    for kind in (GarbError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, answer)


def _methods_of(app: FastAPI, request: Request) -> list[str]:
    """What an address takes: every method is a route of its own, and starlette tells one's."""
    found: set[str] = set()
    for route in app.router.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= getattr(route, "methods", None) or set()
    # Answered wherever GET is.
    return sorted(found | {"HEAD"} if "GET" in found else found)


def _kind_of(error: Exception) -> Kind:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return DISK_FULL
        cause = cause.__cause__
    for ancestor in type(error).__mro__:
        if ancestor in KINDS:
            return KINDS[ancestor]
    return INTERNAL


def _http_problem(error: HTTPException, *, request_id: str) -> Response:
    try:
        title = HTTPStatus(error.status_code).phrase
    except ValueError:
        title = "Error"
    details = {
        404: "nothing is served under this address",
        405: "this address does not take that method",
    }
    return problem(
        status=error.status_code,
        slug=title.lower().replace(" ", "-"),
        title=title,
        detail=details.get(error.status_code, str(error.detail)),
        request_id=request_id,
        headers=error.headers,
    )


def _validation_problem(errors: Sequence[Any], *, request_id: str) -> Response:
    fields = [
        {
            "field": ".".join(str(part) for part in item.get("loc", ())),
            "message": str(item.get("msg", "")).removeprefix("Value error, "),
        }
        for item in errors
    ]
    first = fields[0] if fields else {"field": "body", "message": "cannot be read"}
    return problem(
        status=422,
        slug="invalid-request",
        title="The request has a value that cannot be used",
        detail=f"{first['field']}: {first['message']}",
        request_id=request_id,
        extra={"errors": fields[:20]},
    )
