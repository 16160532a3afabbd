"""The application: everything is built here and passed in."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI

from indexer.bootstrap import Services, open_services
from indexer.settings import Settings
from search_api import pages, problems
from search_api.auth import Gate, open_hasher
from search_api.database_watch import DatabaseWatch
from search_api.envelope import Envelope, log_to_stderr
from search_api.import_jobs import ImportJobs
from search_api.limits import BodyLimit, InferencePool, Limits
from search_api.metrics import Metrics
from search_api.openapi import describe
from search_api.product_writer import ProductWriter
from search_api.rates import KeyRates
from search_api.routes import feedback, health, imports, index, products, samples, search
from search_api.serving import Serving
from search_api.state import ApiState

# `products` last: its ids may hold slashes, so its addresses take what is left.
ROUTES = tuple(
    route
    for module in (pages, health, index, search, samples, imports, feedback, products)
    for route in module.router.routes
)


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """``photos_at_once``: photos decoded and matched together, None for one a thread.

    ``most_in_flight``: with those that wait, None for `WAITING_A_THREAD` times as many.
    """

    photos_at_once: int | None = None
    most_in_flight: int | None = None
    limits: Limits = field(default_factory=Limits)


def create_app(
    services: Services, options: ApiOptions | None = None, *, closing: ExitStack | None = None
) -> FastAPI:
    """The API over these services, which follow the database from its start to its shutdown.

    ``closing`` is closed last, when nothing of a request runs any more.
    """
    chosen = options or ApiOptions()
    state = _build_state(services, chosen)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        state.database.start()
        state.serving.start()
        state.imports.resume()
        try:
            yield
        finally:
            state.imports.close()
            state.pool.close()
            state.serving.close()
            state.database.close()
            if closing is not None:
                closing.close()

    app = FastAPI(
        title="Garb",
        version=version_of_garb(),
        summary="Finds the shop items in a street photo.",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        servers=[{"url": "/"}],
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.garb = state
    app.openapi = partial(describe, app)  # type: ignore[method-assign]
    # Not by `include_router`, which hides them: what an address takes is read from this list.
    app.router.routes.extend(ROUTES)
    problems.install(app)
    # The one added last is the outermost.
    app.add_middleware(BodyLimit, limits=chosen.limits)
    app.add_middleware(Envelope, metrics=state.metrics)
    return app


def app_from_environment() -> FastAPI:
    """What every worker of `garb serve` runs: settings come through the environment.

    Raises:
        GarbError: the database, a model or the index cannot be opened.
    """
    log_to_stderr()
    closing = ExitStack()
    services = closing.enter_context(open_services(Settings.from_env(os.environ)))
    return create_app(services, closing=closing)


def _build_state(services: Services, options: ApiOptions) -> ApiState:
    serving, home = Serving(services), services.settings.home
    return ApiState(
        serving=serving,
        gate=Gate(services.catalog, open_hasher(home), KeyRates(home / "rates")),
        pool=InferencePool(
            threads=options.photos_at_once or max(2, services.settings.threads),
            most_in_flight=options.most_in_flight,
        ),
        limits=options.limits,
        metrics=Metrics(),
        database=DatabaseWatch(services.catalog.ping),
        writer=ProductWriter(serving),
        imports=ImportJobs(serving),
        process=secrets.token_hex(4),
    )


def version_of_garb() -> str:
    """The installed package's; 0 where none is installed."""
    try:
        return version("garb")
    except PackageNotFoundError:
        return "0"
