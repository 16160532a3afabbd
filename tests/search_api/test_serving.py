"""A server follows the active versions without dropping a request."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from indexer.bootstrap import Services, Storage
from indexer.ingest.again import embed_again
from indexer.live_index import LiveIndex
from indexer.matching import Matcher
from indexer.vectors.exact import ExactIndex
from search_api import serving
from segmentation.errors import ModelNotFound
from tests.fakes import FakeEmbedder
from tests.search_api.conftest import Server

RED = (200, 20, 20)


def load_new(storage: Storage) -> Services:
    """What `load_services` does, with the fakes: the embedder that the database names."""
    assert isinstance(storage, Services)
    embedder = FakeEmbedder(version=storage.catalog.active_model("embedder"))
    index = LiveIndex(
        storage.catalog,
        embedder_version=embedder.version,
        dimension=embedder.dimension,
        new_index=ExactIndex,
    )
    index.open()
    matcher = Matcher(storage.photo_parser, embedder, index, storage.catalog)
    return replace(storage, embedder=embedder, index=index, matcher=matcher)


@pytest.fixture
def following(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setattr(server.app.state.garb.serving, "_load", load_new)
    return server


def activate(server: Server, version: str) -> None:
    mapper = replace(server.services, embedder=FakeEmbedder(version=version)).mapper()
    embed_again(catalog=server.services.catalog, mapper=mapper)
    server.services.catalog.set_active_model("embedder", version)


def test_server_swaps_models_and_index_together(following: Server) -> None:
    following.put("a", RED)
    assert not following.app.state.garb.serving.follow()
    activate(following, "new-embedder")
    assert following.app.state.garb.serving.follow()
    answer = following.search(RED).json()
    assert answer["index"]["embedder"] == "new-embedder"
    assert [match["product"]["id"] for match in answer["garments"][0]["matches"]] == ["a"]
    assert following.client.get("/v1/index").json()["versions"]["embedder"] == "new-embedder"
    following.put("b", RED)
    assert len(following.search(RED).json()["garments"][0]["matches"]) == 2
    assert not following.app.state.garb.serving.follow()


def test_what_was_written_with_the_old_versions_meanwhile_is_found(following: Server) -> None:
    following.put("a", RED)
    activate(following, "new-embedder")
    following.put("late", RED)  # No process has followed yet.
    serving_now = following.app.state.garb.serving
    assert serving_now.follow()
    serving_now.catch_up()
    serving_now.current.index.refresh()
    matches = following.search(RED).json()["garments"][0]["matches"]
    assert {match["product"]["id"] for match in matches} == {"a", "late"}


def test_no_search_fails_or_comes_back_empty_during_swaps(following: Server) -> None:
    following.put("a", RED)
    failures: list[str] = []
    done = threading.Event()

    def search() -> None:
        while not done.is_set():
            answer = following.search(RED)
            found = answer.status_code == 200 and answer.json()["garments"][0]["matches"]
            if not found and answer.status_code != 503:
                failures.append(answer.text)

    readers = [threading.Thread(target=search) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(10):
        activate(following, f"embedder-{number}")
        following.app.state.garb.serving.follow()
    done.set()
    for reader in readers:
        reader.join()
    assert not failures


def test_version_that_cannot_be_loaded_leaves_the_old_ones_serving(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_: Storage) -> Services:
        raise ModelNotFound("no embedder 'lost'")

    monkeypatch.setattr(server.app.state.garb.serving, "_load", missing)
    server.put("a", RED)
    server.services.catalog.set_active_model("embedder", "lost")
    with pytest.raises(ModelNotFound):
        server.app.state.garb.serving.follow()
    assert server.search(RED).json()["index"]["embedder"] == "fake-embedder"


def test_server_notices_by_itself(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "LOOK_SECONDS", 0.01)
    loaded = threading.Event()

    def load(storage: Storage) -> Services:
        loaded.set()
        return load_new(storage)

    watched = serving.Serving(services, load=load)
    watched.start()
    services.catalog.set_active_model("embedder", "new-embedder")
    assert loaded.wait(10)
    watched.close()
    assert watched.current.embedder.version == "new-embedder"
