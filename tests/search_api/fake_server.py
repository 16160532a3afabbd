"""An application for workers of a real server: fake models, the database of GARB_HOME."""

from __future__ import annotations

import os
from pathlib import Path

from fastapi import FastAPI

from search_api.app import create_app
from tests.search_api.conftest import build_services


def build() -> FastAPI:
    """uvicorn's factory."""
    return create_app(build_services(Path(os.environ["GARB_HOME"])))
