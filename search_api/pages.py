"""The page and the readable API description: static files of this package, no other host."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

from search_api.auth import Scope, needs
from search_api.errors import NotFound
from search_api.guarded import GuardedRoute

STATIC = Path(__file__).parent / "static"
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)


@router.get("/")
@needs(Scope.PUBLIC)
async def page() -> FileResponse:
    """Drop a photo, see its garments, click one, see its matches."""
    return FileResponse(STATIC / "index.html", headers=HEADERS)


@router.get("/docs")
@needs(Scope.PUBLIC)
async def docs() -> FileResponse:
    """The OpenAPI document, readable."""
    return FileResponse(STATIC / "docs.html", headers=HEADERS)


@router.get("/static/{name}")
@needs(Scope.PUBLIC)
async def static_file(name: str) -> FileResponse:
    """A script, a style or the icon, by a name this package holds."""
    media_type = TYPES.get(Path(name).suffix)
    if media_type is None or name not in {file.name for file in STATIC.iterdir()}:
        raise NotFound("nothing is served under this address")
    return FileResponse(STATIC / name, headers=HEADERS, media_type=media_type)
