"""An application for workers of a real server: fake models, a real database."""

from __future__ import annotations

import os
from pathlib import Path

from fastapi import FastAPI

from search_api.app import create_app
from tests.search_api.conftest import build_services


def build() -> FastAPI:
    """uvicorn's factory."""
    home, database_url = Path(os.environ["GARB_HOME"]), os.environ.get("GARB_DATABASE_URL")
    return create_app(build_services(home, database_url=database_url))
