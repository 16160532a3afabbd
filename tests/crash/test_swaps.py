"""Many readers while the index is changed, merged, rebuilt and the model switched under them."""

from __future__ import annotations

import random
import threading
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from indexer.bootstrap import Services, Storage
from indexer.catalog.repository import Catalog
from indexer.feeds.record import ProductRecord
from indexer.ingest.again import embed_again
from indexer.ingest.single import NewPhoto
from indexer.vectors import faiss_index
from search_api import serving
from search_api.app import ApiOptions
from segmentation.cutout import cut_out
from segmentation.garment import Cutout
from segmentation.photo import decode_photo
from tests.crash.snapshots import with_snapshots
from tests.fakes import FakeEmbedder, fake_jpeg
from tests.indexer.shortcuts import put_product
from tests.search_api.conftest import Server, empty_database, serve, services

__all__ = ["empty_database", "services"]
READERS = 8
PRODUCTS = 12
RED = (200, 20, 20)


class TurnedEmbedder(FakeEmbedder):
    """Its versions differ by where in the vector each number stands: none fits another's index."""

    def embed(self, cutouts: Sequence[Cutout]) -> npt.NDArray[np.float32]:
        return np.roll(super().embed(cutouts), int(self.version.split("-")[1]), axis=1)


def load(storage: Storage) -> Services:
    """`load_services` with the embedder that the database names."""
    assert isinstance(storage, Services)
    embedder = TurnedEmbedder(version=storage.catalog.active_model("embedder"))
    return with_snapshots(replace(storage, embedder=embedder))


@dataclass(frozen=True)
class Answer:
    """What a reader was told: by which model, at which number, and each product's score."""

    embedder: str
    sequence: int
    scores: dict[str, float]


class Readers:
    """Threads that search until told to stop."""

    def __init__(self, server: Server) -> None:
        self.answers: list[Answer] = []
        self.errors: list[str] = []
        self._server = server
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._read) for _ in range(READERS)]

    def __enter__(self) -> Readers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _read(self) -> None:
        while not self._done.is_set():
            answer = self._server.search(RED, k=str(2 * PRODUCTS))
            if answer.status_code != 200:
                self.errors.append(answer.text)
                continue
            body = answer.json()
            matches = body["garments"][0]["matches"]
            scores = {match["product"]["id"]: match["score"] for match in matches}
            state = body["index"]
            if not len(scores) == len(matches) == state["products"]:
                self.errors.append(f"{len(scores)}, {len(matches)}, {state}")
            self.answers.append(Answer(state["embedder"], state["sequence"], scores))


class Shopkeeper:
    """The one writer: changes something, and notes what is right from then on."""

    def __init__(self, server: Server, seed: int) -> None:
        self.server = server
        self.version = 0
        self._choice = random.Random(seed)
        self._embedders = [server.services.embedder]
        self._noted: dict[str, list[tuple[int, dict[str, float]]]] = defaultdict(list)
        photo = decode_photo(fake_jpeg(RED))
        (garment,) = server.services.photo_parser.parse(photo).garments
        self._query = cut_out(photo, garment)

    @property
    def services(self) -> Services:
        current = self.server.app.state.garb.serving.current
        assert isinstance(current, Services)
        return current

    def put(self, product: int) -> None:
        colour = (self._choice.randint(130, 250), *(self._choice.randint(0, 120) for _ in "gb"))
        record = ProductRecord(id=str(product), category="dress")
        photo = NewPhoto("test", fake_jpeg(colour))
        put_product(record, [photo], catalog=self.services.catalog, mapper=self.services.mapper())
        self.note()

    def remove(self, product: int) -> None:
        self.services.catalog.remove_products([str(product)])
        self.note()

    def switch(self) -> None:
        """Another version: the catalog is embedded with it, then the server follows by itself."""
        self.version += 1
        embedder = TurnedEmbedder(version=f"turned-{self.version}")
        catalog, mapper = self.services.catalog, replace(self.services, embedder=embedder).mapper()
        embed_again(catalog=catalog, mapper=mapper)
        self._embedders.append(embedder)
        self.note()
        catalog.set_active_model("embedder", embedder.version)
        until = time.monotonic() + 60
        while self.services.embedder.version != embedder.version:
            assert time.monotonic() < until, "the server does not follow"
            time.sleep(0.005)

    def change(self, number: int) -> None:
        """One of the hundred: always other photos, then a merge, a rebuild or a switch."""
        self.remove(number % PRODUCTS)
        for product in (number, number + 1, number + 5):
            self.put(product % PRODUCTS)
        index = self.services.index
        match number % 4:
            case 0:
                self.switch()
            case 1:
                index.rebuild()
            case 2:
                index.refresh()
                index.save_snapshot()
            case 3:
                assert index.verify() == []

    def note(self) -> None:
        """What an answer must hold from the newest number on; also one by the model before."""
        catalog = self.services.catalog
        for embedder in self._embedders[-2:]:
            (query,) = embedder.embed([self._query])
            rows = catalog.changes_since(0, embedder=embedder.version)
            scores = {
                row.product_id: float(row.vector.astype(np.float32) @ query)
                for row in rows
                if not row.deleted and row.vector is not None
            }
            self._noted[embedder.version].append((catalog.latest_sequence(), scores))

    def expected(self, answer: Answer) -> dict[str, float]:
        noted = self._noted[answer.embedder]
        place = bisect_right([sequence for sequence, _ in noted], answer.sequence)
        assert place, f"{answer} before anything was written"
        return noted[place - 1][1]


@pytest.fixture
def turned(services: Services, monkeypatch: pytest.MonkeyPatch) -> Services:
    """Embedders that differ, an index that is compacted often, a server that looks often."""
    monkeypatch.setattr(faiss_index, "COMPACT_FROM", 2 * PRODUCTS)
    monkeypatch.setattr(serving, "LOOK_SECONDS", 0.05)
    changes_since = Catalog.changes_since

    def take_long(self: Catalog, *arguments: Any, **options: Any) -> Any:
        time.sleep(0.02)  # As of a large catalog: whoever reads meanwhile must not notice.
        return changes_since(self, *arguments, **options)

    monkeypatch.setattr(Catalog, "changes_since", take_long)
    services.catalog.set_active_model("embedder", "turned-0")
    return load(services)


def swap_under_readers(services: Services, *, swaps: int, seconds: float) -> None:
    options = ApiOptions(photos_at_once=READERS, most_in_flight=4 * READERS)
    for server in serve(services, options):
        server.app.state.garb.serving._load = load
        keeper = Shopkeeper(server, seed=4)
        for product in range(PRODUCTS):
            keeper.put(product)
        services.index.refresh()
        started = time.monotonic()
        with Readers(server) as readers:
            for number in range(swaps):
                keeper.change(number)
                time.sleep(max(0.0, started + seconds * (number + 1) / swaps - time.monotonic()))
    assert readers.errors == []
    assert {answer.embedder for answer in readers.answers} >= {
        "turned-1",
        f"turned-{keeper.version}",
    }
    assert len({answer.sequence for answer in readers.answers}) >= swaps // 2
    for answer in readers.answers:
        expected = keeper.expected(answer)
        assert answer.scores == pytest.approx(expected, abs=2e-3), answer


def test_each_answer_is_of_one_generation_during_swaps(turned: Services) -> None:
    swap_under_readers(turned, swaps=6, seconds=1)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_each_answer_is_of_one_generation_for_a_minute_of_a_hundred_swaps(turned: Services) -> None:
    swap_under_readers(turned, swaps=100, seconds=60)
