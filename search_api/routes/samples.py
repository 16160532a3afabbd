"""Photos to try the search on: the JPEG files of one folder, by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import FileResponse, JSONResponse
from starlette.concurrency import run_in_threadpool

from search_api.auth import Scope, needs
from search_api.errors import NotFound
from search_api.guarded import GuardedRoute
from search_api.schemas.service import SamplesOut
from search_api.state import State

SUFFIXES = (".jpg", ".jpeg")
MOST_SAMPLES = 60
HEADERS = {"Cache-Control": "private, max-age=60"}
IMAGE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {}}},
}

router = APIRouter(route_class=GuardedRoute, tags=["samples"])


@router.get("/v1/samples", response_model=SamplesOut)
@needs(Scope.SEARCH, within=True)
async def list_samples(state: State) -> JSONResponse:
    """Photos to try: the folder that GARB_SAMPLES names; an empty list where it names none."""
    found = await run_in_threadpool(_samples, state.services.settings.samples_dir)
    listed = [{"name": name, "image": f"/v1/samples/{quote(name, safe='')}"} for name in found]
    return JSONResponse({"samples": listed})


@router.get("/v1/samples/{name}", response_class=FileResponse, responses=IMAGE_RESPONSES)
@needs(Scope.SEARCH, within=True)
async def get_sample(name: str, state: State) -> FileResponse:
    """One of the photos listed, as JPEG."""
    found = await run_in_threadpool(_samples, state.services.settings.samples_dir)
    if name not in found:
        raise NotFound("no sample has this name")
    return FileResponse(found[name], media_type="image/jpeg", headers=HEADERS)


def _samples(folder: Path | None) -> dict[str, Path]:
    """Name → file, sorted by name. A file that appears while the server runs is listed too."""
    if folder is None or not folder.is_dir():
        return {}
    files = sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() in SUFFIXES and _can_be_named(file.name) and file.is_file()
    )
    return {file.name: file for file in files[:MOST_SAMPLES]}


def _can_be_named(name: str) -> bool:
    """Whether an address can name the file: names that are no UTF-8 cannot be written in JSON."""
    return not name.startswith(".") and name.isprintable()
