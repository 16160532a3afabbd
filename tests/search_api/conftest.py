"""A whole server on fake models and a real catalog in a temporary folder."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from indexer.bootstrap import Services
from indexer.catalog.repository import open_catalog
from indexer.images import open_image_store
from indexer.live_index import LiveIndex
from indexer.matching import Matcher
from indexer.settings import Settings
from indexer.vectors.exact import ExactIndex
from search_api.app import ApiOptions, create_app
from search_api.auth import new_token, open_hasher, shown_part
from segmentation.models import ModelStore
from tests.fakes import FakeEmbedder, FakePhotoParser, fake_jpeg
from tests.indexer.conftest import (
    catalog_url,
    empty_database_url,
    postgres_database_url,
    postgres_server_url,
)

__all__ = ["catalog_url", "empty_database_url", "postgres_database_url", "postgres_server_url"]

LOCAL = ("127.0.0.1", 50000)
REMOTE = ("203.0.113.9", 50000)
PROBLEM = "application/problem+json"


def build_services(home: Path, *, database_url: str | None = None) -> Services:
    """Fakes for the models, everything else as it is served."""
    settings = Settings(
        home=home,
        database_url=database_url or f"sqlite:///{home / 'garb.db'}",
        models_dir=home / "models",
        images_url=str(home / "images"),
        threads=1,
    )
    catalog = open_catalog(settings.database_url)
    parser, embedder = FakePhotoParser(), FakeEmbedder()
    index = LiveIndex(
        catalog,
        embedder_version=embedder.version,
        dimension=embedder.dimension,
        snapshot_dir=None,
        new_index=ExactIndex,
    )
    index.open()
    image_store = open_image_store(settings.images_url)
    return Services(
        settings=settings,
        catalog=catalog,
        models=ModelStore(settings.models_dir, {}),
        image_store=image_store,
        photo_parser=parser,
        embedder=embedder,
        index=index,
        matcher=Matcher(parser, embedder, index, catalog, image_store),
    )


@dataclass(frozen=True)
class Server:
    """An application, what it stands on, and a client on its own machine."""

    app: FastAPI
    services: Services
    client: TestClient

    def key(self, scope: str, **bounds: Any) -> str:
        """A new key's token; ``bounds``: collections, per_minute."""
        token = new_token()
        hashed = open_hasher(self.services.settings.home).hash(token)
        self.services.catalog.create_key("test", scope, hashed, shown_part(token), **bounds)
        return token

    def put(self, product_id: str, colour: tuple[int, int, int], /, **fields: Any) -> Any:
        """PUT a product with one plain photo."""
        image = base64.b64encode(fake_jpeg(colour)).decode()
        body = {"title": product_id, "category": "dress", "images": [{"base64": image}], **fields}
        return self.client.put(f"/v1/products/{product_id}", json=body)

    def search(self, colour: tuple[int, int, int], /, **fields: Any) -> Any:
        """POST a photo with one plain garment."""
        files = {"photo": ("street.jpg", fake_jpeg(colour), "image/jpeg")}
        return self.client.post("/v1/search", files=files, data=fields)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("database") / "garb.db"
    open_catalog(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def services(tmp_path: Path, empty_database: Path) -> Iterator[Services]:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(empty_database, home / "garb.db")
    built = build_services(home)
    yield built
    built.catalog.close()


@pytest.fixture
def server(services: Services) -> Iterator[Server]:
    yield from serve(services)


def serve(services: Services, options: ApiOptions | None = None) -> Iterator[Server]:
    """The application between its start and its end."""
    app = create_app(services, options)
    client = TestClient(
        app, base_url="http://127.0.0.1:8000", client=LOCAL, raise_server_exceptions=False
    )
    with client:
        yield Server(app, services, client)


def stranger(app: FastAPI) -> TestClient:
    """A client on another machine; enter it not: the application runs already."""
    return TestClient(
        app, base_url="http://shop.example", client=REMOTE, raise_server_exceptions=False
    )


def assert_problem(answer: Any, status: int) -> dict[str, Any]:
    """The one error body, with this status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    body: dict[str, Any] = json.loads(answer.content)
    assert {"type", "title", "status", "detail", "request_id"} <= body.keys()
    assert body["status"] == status
    assert body["request_id"] == answer.headers["x-request-id"]
    assert body["type"].startswith("urn:garb:problem:")
    return body
