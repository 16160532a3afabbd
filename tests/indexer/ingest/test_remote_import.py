"""Feeds whose photos lie elsewhere: fetched once, asked for again, kept while a server is down."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from indexer.catalog.repository import Catalog
from indexer.catalog.rows import ImageStatus
from indexer.errors import ImportStopped
from indexer.feeds.open import open_feed
from indexer.images import ImageStore
from indexer.ingest import runner
from indexer.ingest.mapper import PhotoMapper
from indexer.ingest.report import ImportReport, Tally
from indexer.ingest.runner import Progress, import_feed
from tests.fakes import FakeEmbedder, FakePhotoParser, fake_jpeg
from tests.network import PUBLIC, Answer, LocalNetwork, Names, PhotoServer, http_photos

RED, GREEN = (200, 20, 20), (20, 180, 20)
COUNT = 12


@pytest.fixture
def server() -> Iterator[PhotoServer]:
    with PhotoServer().running() as running:
        yield running


@pytest.fixture
def feed(tmp_path: Path, server: PhotoServer) -> Path:
    """Twelve dresses on a server: even ones with an ETag, the others without."""
    lines = ["id,title,category,image"]
    for number in range(COUNT):
        colour = (RED[0] - number, *RED[1:])
        headers = {"ETag": f'"{number}"'} if number % 2 == 0 else {}
        server.answers[f"/{number}.jpg"] = Answer(fake_jpeg(colour), headers=headers)
        lines.append(f"p{number},Dress {number},dress,http://shop.example/{number}.jpg")
    path = tmp_path / "feed.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


class Shop:
    """An import again and again, counting what goes through the models."""

    def __init__(self, catalog: Catalog, image_store: ImageStore, server: PhotoServer) -> None:
        self.catalog = catalog
        self.parser, self.embedder = FakePhotoParser(), FakeEmbedder()
        self._mapper = PhotoMapper(
            photo_parser=self.parser, embedder=self.embedder, image_store=image_store
        )
        self._network = LocalNetwork(server)

    def run(self, feed: Path, on_progress: Progress = lambda tally: None) -> ImportReport:
        names = Names({"shop.example": [PUBLIC]})
        with http_photos(self._network, names) as fetcher:
            return import_feed(
                open_feed(feed),
                catalog=self.catalog,
                mapper=self._mapper,
                fetcher=fetcher,
                on_progress=on_progress,
            )


@pytest.fixture
def shop(catalog: Catalog, image_store: ImageStore, server: PhotoServer) -> Shop:
    return Shop(catalog, image_store, server)


def test_photos_are_fetched_and_the_same_again_embeds_nothing(
    shop: Shop, feed: Path, server: PhotoServer
) -> None:
    report = shop.run(feed)
    assert (report.new, report.failed, report.indexed) == (COUNT, 0, COUNT)
    sequence = shop.catalog.latest_sequence()
    for number in range(0, COUNT, 2):
        server.answers[f"/{number}.jpg"] = Answer(status=304)
    again = shop.run(feed)
    assert (again.unchanged, again.failed) == (COUNT, 0)
    asked = {one.path: one.headers.get("If-None-Match") for one in server.asked[COUNT:]}
    assert asked["/2.jpg"] == '"2"'
    assert asked["/3.jpg"] is None
    assert shop.embedder.cutouts_embedded == COUNT
    assert shop.catalog.latest_sequence() == sequence


def test_a_photo_that_changed_on_the_server_is_embedded_again(
    shop: Shop, feed: Path, server: PhotoServer
) -> None:
    shop.run(feed)
    before = shop.catalog.images("p4")[0]
    server.answers["/4.jpg"] = Answer(fake_jpeg(GREEN), headers={"ETag": '"new"'})
    report = shop.run(feed)
    assert (report.updated, report.unchanged) == (1, COUNT - 1)
    assert shop.embedder.cutouts_embedded == COUNT + 1
    after = shop.catalog.images("p4")[0]
    assert after.sha256 != before.sha256
    server.answers["/4.jpg"] = Answer(status=304)
    assert shop.run(feed).unchanged == COUNT


def test_a_server_that_is_down_does_not_empty_the_catalog(
    shop: Shop, feed: Path, server: PhotoServer
) -> None:
    shop.run(feed)
    sequence = shop.catalog.latest_sequence()
    server.answers["/1.jpg"] = Answer(status=503)
    server.answers["/2.jpg"] = Answer(status=404)
    server.answers["/3.jpg"] = Answer(b"<html>We are back soon</html>")
    report = shop.run(feed)
    assert (report.failed, report.unchanged, report.indexed) == (3, COUNT - 3, COUNT)
    assert [(error.line, error.id) for error in report.errors] == [(3, "p1"), (4, "p2"), (5, "p3")]
    for error, part in zip(report.errors, ["503", "404", "JPEG"], strict=True):
        assert part in error.reason
        assert error.reason.endswith("what was indexed before stays")
    assert shop.catalog.latest_sequence() == sequence
    server.answers["/2.jpg"] = Answer(fake_jpeg(GREEN))
    back = shop.run(feed)
    assert (back.failed, back.updated) == (2, 1)
    feed.write_text(feed.read_text().replace("/1.jpg", "/none.jpg"), encoding="utf-8")
    assert shop.run(feed).failed == 2
    assert shop.catalog.images("p1")[0].status is ImageStatus.FAILED


def test_a_row_of_many_photos_is_never_held_as_a_whole(
    shop: Shop, tmp_path: Path, server: PhotoServer
) -> None:
    padding = bytes(1_000_000)
    for number in range(60):
        server.answers[f"/{number}.jpg"] = Answer(fake_jpeg((100 + number, 20, 20)) + padding)
    names = "|".join(f"http://shop.example/{number}.jpg" for number in range(60))
    feed = tmp_path / "feed.csv"
    feed.write_text(f"id,category,image\n1,dress,{names}\n")
    tracemalloc.start()
    try:
        assert shop.run(feed).new == 1
        assert tracemalloc.get_traced_memory()[1] < 80_000_000
    finally:
        tracemalloc.stop()


def test_an_import_stops_between_the_photos_of_a_slow_row(
    shop: Shop, tmp_path: Path, server: PhotoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "SECONDS_BETWEEN_REPORTS", 0.05)

    def slow(handler: Any) -> None:
        time.sleep(0.2)
        handler.send_error(404)

    for number in range(100):
        server.answers[f"/{number}.jpg"] = slow
    names = "|".join(f"http://shop.example/{number}.jpg" for number in range(100))
    feed = tmp_path / "feed.csv"
    feed.write_text(f"id,category,image\n1,dress,{names}\n")

    def cancel(_: Tally) -> None:
        if server.asked:
            raise ImportStopped("cancelled")

    with pytest.raises(ImportStopped):
        shop.run(feed, on_progress=cancel)
    assert len(server.asked) < 50


def test_every_photo_that_cannot_be_fetched_is_named(
    shop: Shop, tmp_path: Path, server: PhotoServer
) -> None:
    server.answers["/page.jpg"] = Answer(b"<html>Not a photo</html>")
    feed = tmp_path / "bad.csv"
    feed.write_text(
        "id,image\n"
        "1,http://shop.example/none.jpg\n"
        "2,http://127.0.0.1/a.jpg\n"
        "3,http://shop.example/page.jpg\n"
        "4,file:///etc/passwd\n"
    )
    report = shop.run(feed)
    assert [(error.line, error.id) for error in report.errors] == [
        (2, "1"),
        (3, "2"),
        (4, "3"),
        (5, "4"),
    ]
    reasons = [error.reason for error in report.errors]
    for reason, part in zip(reasons, ["404", "not public", "JPEG", "http and https"], strict=True):
        assert part in reason


def test_an_export_fetches_the_same_photos_again(
    shop: Shop, feed: Path, server: PhotoServer
) -> None:
    shop.run(feed)
    assert shop.catalog.images("p0")[0].source == "http://shop.example/0.jpg"
    feed.write_text(feed.read_text().replace("Dress 0", "Robe 0"), encoding="utf-8")
    report = shop.run(feed)
    assert (report.updated, report.unchanged) == (1, COUNT - 1)
    assert shop.embedder.cutouts_embedded == COUNT
