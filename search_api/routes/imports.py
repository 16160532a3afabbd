"""Feeds by HTTP: sent, followed, cancelled."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from indexer.catalog.rows import ImportJob
from indexer.feeds.formats import SUFFIXES, FeedFormat
from search_api.auth import Scope, needs
from search_api.errors import Unprocessable
from search_api.guarded import GuardedRoute
from search_api.limits import read_form
from search_api.query import check_names
from search_api.reach import ReachOf
from search_api.schemas.service import ImportOut
from search_api.state import State

FORMATS = tuple(feed_format.value for feed_format in FeedFormat)
FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["feed"],
                    "properties": {
                        "feed": {"type": "string", "format": "binary"},
                        "format": {"type": "string", "enum": list(FORMATS)},
                    },
                }
            }
        },
    }
}

router = APIRouter(route_class=GuardedRoute, tags=["imports"])


@router.post("/v1/imports", status_code=202, response_model=ImportOut, openapi_extra=FORM)
@needs(Scope.WRITE, within=True)
async def start_import(request: Request, state: State, reach: ReachOf) -> JSONResponse:
    """Take a feed and import it in the background.

    Image names are relative to GARB_HOME/feed-images on the server. An import that a shutdown or
    a crash cut off goes on when the server starts again. With a key that is bound to collections
    rows that name none come into these, those of others fail, and image names are relative to the
    folder of the key's first collection.
    """
    async with read_form(request, limits=state.limits, part="feed") as form:
        check_names(form, frozenset({"feed", "format"}))
        feed, feed_format = form.get("feed"), form.get("format")
        if not isinstance(feed, UploadFile):
            raise Unprocessable("feed: send the file as a multipart part named 'feed'")
        if feed_format is not None and feed_format not in FORMATS:
            raise Unprocessable(f"format: one of {', '.join(FORMATS)}")
        named = None if feed_format is None else FeedFormat(str(feed_format))
        job = await run_in_threadpool(
            state.imports.start,
            feed.file,
            suffix=_suffix(feed),
            feed_format=named,
            reach=reach,
        )
    return JSONResponse(
        import_json(job), status_code=202, headers={"Location": f"/v1/imports/{job.id}"}
    )


@router.get("/v1/imports/{import_id}", response_model=ImportOut)
@needs(Scope.WRITE, within=True)
async def get_import(import_id: str, state: State, reach: ReachOf) -> JSONResponse:
    """How far an import is, and what failed, by line."""
    return JSONResponse(import_json(await run_in_threadpool(state.imports.get, import_id, reach)))


@router.delete("/v1/imports/{import_id}", status_code=202, response_model=ImportOut)
@needs(Scope.WRITE, within=True)
async def cancel_import(import_id: str, state: State, reach: ReachOf) -> JSONResponse:
    """Stop an import after what it has in hand; what was done is kept."""
    job = await run_in_threadpool(state.imports.cancel, import_id, reach)
    return JSONResponse(import_json(job), status_code=202)


def import_json(job: ImportJob) -> dict[str, Any]:
    """A job as the API answers it; the server's file names stay inside."""
    return {
        "id": job.id,
        "state": job.state,
        "percent": _percent(job),
        "counts": dict(job.counts),
        "errors": [
            {name: error.get(name) for name in ("line", "id", "image")}
            | {"reason": str(error.get("reason", ""))}
            for error in job.errors
        ],
        "created": job.created,
        "updated": job.updated,
    }


def _percent(job: ImportJob) -> int:
    """How much of the feed is done: 100 when all of it is, and not before."""
    if job.state == "done":
        return 100
    # A feed tells only about how many rows it has.
    read, rows = job.counts.get("read", 0), job.counts.get("rows", 0)
    return min(99, 100 * read // rows) if rows else 0


def _suffix(feed: UploadFile) -> str:
    """The extension, which tells the format where no field does; the name itself is not used."""
    suffix = PurePosixPath(feed.filename or "").suffix.lower()
    return suffix if suffix in SUFFIXES else ".csv"
