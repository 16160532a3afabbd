"""What the routes share: built once in `app.create_app`, carried by the application."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from indexer.bootstrap import Services
from search_api.auth import Gate
from search_api.database_watch import DatabaseWatch
from search_api.import_jobs import ImportJobs
from search_api.limits import InferencePool, Limits
from search_api.metrics import Metrics
from search_api.product_writer import ProductWriter
from search_api.serving import Serving


@dataclass(frozen=True, slots=True)
class ApiState:
    """Everything a route may use."""

    serving: Serving
    gate: Gate
    pool: InferencePool
    limits: Limits
    metrics: Metrics
    database: DatabaseWatch
    writer: ProductWriter
    imports: ImportJobs
    # Which of several processes this is: another name at every start.
    process: str
    # Held while a body of JSON is read.
    reading_json: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def services(self) -> Services:
        """What answers now: take it once a request."""
        return self.serving.current


def state_of(request: Request) -> ApiState:
    """The application's state."""
    state = request.app.state.garb
    assert isinstance(state, ApiState)
    return state


async def _given(request: Request) -> ApiState:
    return state_of(request)


# Asynchronous, because FastAPI takes a thread for every dependency that is not.
State = Annotated[ApiState, Depends(_given)]
