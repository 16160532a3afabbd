"""Fetching by http: what is sent, what is tried again, and where it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from indexer.errors import PhotoNotFetched
from indexer.remote.http_photos import FetchedPhoto, FetchLimits
from tests.network import (
    OTHER_PUBLIC,
    PUBLIC,
    Answer,
    LocalNetwork,
    Names,
    PhotoServer,
    http_photos,
)
from tests.patience import HANGS_SECONDS

NAMES = Names({"shop.example": [PUBLIC], "two.example": [PUBLIC, OTHER_PUBLIC]})
URL = "http://shop.example/a.jpg"


@pytest.fixture
def server() -> Iterator[PhotoServer]:
    with PhotoServer().running() as running:
        yield running


def fetch(server: PhotoServer, url: str = URL, **options: Any) -> FetchedPhoto | None:
    unless = options.pop("unless", None)
    with http_photos(LocalNetwork(server), NAMES, **options) as photos:
        return photos.fetch(url, unless=unless)


def refused(server: PhotoServer, url: str = URL, **options: Any) -> PhotoNotFetched:
    with pytest.raises(PhotoNotFetched) as caught:
        fetch(server, url, **options)
    assert "\n" not in str(caught.value)
    return caught.value


def test_a_photo_comes_with_the_name_as_its_host(server: PhotoServer) -> None:
    server.answers["/a%20b.jpg?w=10&x=%C3%A9"] = Answer(b"photo")
    found = fetch(server, " http://SHOP.example:80/a b.jpg?w=10&x=é#top ")
    assert found == FetchedPhoto(b"photo", None)
    (asked,) = server.asked
    assert asked.headers["Host"] == "shop.example"
    assert asked.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("host", ["shop.example:8080", f"[{OTHER_PUBLIC}]", f"{PUBLIC}:81"])
def test_the_host_is_sent_as_the_address_names_it(server: PhotoServer, host: str) -> None:
    server.answers["/a.jpg"] = Answer(b"photo")
    assert fetch(server, f"http://{host}/a.jpg") is not None
    assert server.asked[0].headers["Host"] == host


def test_a_photo_that_did_not_change_is_not_sent_again(server: PhotoServer) -> None:
    server.answers["/a.jpg"] = Answer(b"photo", headers={"ETag": '"1"', "Last-Modified": "x"})
    found = fetch(server)
    assert found is not None
    assert found.validator == 'etag "1"'
    server.answers["/a.jpg"] = Answer(status=304)
    assert fetch(server, unless=found.validator) is None
    assert server.asked[-1].headers["If-None-Match"] == '"1"'
    server.answers["/b.jpg"] = Answer(b"photo", headers={"Last-Modified": "Sun, 1 Nov 2026"})
    dated = fetch(server, "http://shop.example/b.jpg")
    assert dated is not None
    fetch(server, "http://shop.example/b.jpg", unless=dated.validator)
    assert server.asked[-1].headers["If-Modified-Since"] == "Sun, 1 Nov 2026"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again_after_a_growing_pause(
    server: PhotoServer, status: int
) -> None:
    server.answers["/a.jpg"] = [Answer(status=status), Answer(status=status), Answer(b"photo")]
    pauses: list[float] = []
    found = fetch(server, pauses=pauses)
    assert found is not None
    assert found.data == b"photo"
    assert 0.25 <= pauses[0] <= 0.5 <= pauses[1] <= 1.0


def test_after_the_last_try_the_reason_says_so(server: PhotoServer) -> None:
    server.answers["/a.jpg"] = Answer(status=503, headers={"Retry-After": "7"})
    pauses: list[float] = []
    error = refused(server, pauses=pauses)
    assert str(error) == "the server answers 503 (tried 3 times)"
    assert pauses == [7.0, 7.0]
    server.answers["/a.jpg"] = Answer(status=429, headers={"Retry-After": "3600"})
    assert "answers 429" in str(refused(server, pauses=pauses))
    assert pauses == [7.0, 7.0]


@pytest.mark.parametrize("status", [204, 304, 400, 401, 403, 404, 410])
def test_a_lasting_failure_is_not(server: PhotoServer, status: int) -> None:
    server.answers["/a.jpg"] = Answer(status=status)
    error = refused(server)
    assert f"answers {status}" in str(error)
    assert len(server.asked) == 1


def test_redirects_are_followed_and_counted(server: PhotoServer) -> None:
    for number, status in enumerate((301, 302, 303, 307, 308)):
        target = Answer(status=status, headers={"Location": f"../{number + 1}"})
        server.answers[f"/{number}"] = target
    server.answers["/5"] = Answer(b"photo")
    found = fetch(server, "http://shop.example/0")
    assert found is not None
    assert found.data == b"photo"
    server.answers["/5"] = Answer(status=301, headers={"Location": "/0"})
    assert "5 redirects" in str(refused(server, "http://shop.example/0"))


@pytest.mark.parametrize("length", [-1, None, 5])
def test_the_size_is_capped_whatever_the_server_announces(
    server: PhotoServer, length: int | None
) -> None:
    server.answers["/a.jpg"] = Answer(b"x" * 1_000_000, length=length)
    limits = FetchLimits(max_bytes=100_000)
    if length == 5:
        found = fetch(server, limits=limits)
        assert found is not None
        assert found.data == b"xxxxx"
    else:
        assert "100,000 bytes" in str(refused(server, limits=limits))


def test_a_photo_that_is_cut_off_is_no_photo(server: PhotoServer) -> None:
    server.answers["/a.jpg"] = Answer(b"half", length=100)
    error = refused(server)
    assert "connection failed" in str(error)


@pytest.mark.parametrize("slow", ["headers", "body"])
def test_a_server_that_drips_is_left_at_the_deadline(server: PhotoServer, slow: str) -> None:
    def drip(handler: Any) -> None:
        handler.close_connection = True
        start = b"HTTP/1.1 200 OK\r\n" + (b"\r\n" if slow == "body" else b"X-Slow: ")
        try:
            handler.wfile.write(start)
            for _ in range(2_000):
                handler.wfile.write(b"x")
                time.sleep(0.02)
        except OSError:
            pass

    server.answers["/a.jpg"] = drip
    started = time.monotonic()
    refused(server, limits=FetchLimits(seconds=0.3))
    # Three tries of 0.3 s, not of the 40 s that it takes to the end.
    assert time.monotonic() - started < 20


def test_a_resolver_that_hangs_is_left_in_time(server: PhotoServer) -> None:
    release = threading.Event()

    class Hanging(Names):
        def __call__(self, host: str, port: int) -> list[str]:
            release.wait(HANGS_SECONDS)
            return super().__call__(host, port)

    limits = FetchLimits(connect_seconds=0.1)
    started = time.monotonic()
    try:
        with (
            http_photos(LocalNetwork(server), Hanging({}), limits=limits) as photos,
            pytest.raises(PhotoNotFetched, match=r"in time \(tried 3 times\)"),
        ):
            photos.fetch(URL)
    finally:
        release.set()
    assert time.monotonic() - started < HANGS_SECONDS / 2


def test_a_name_without_an_address_and_a_host_that_is_down(server: PhotoServer) -> None:
    error = refused(server, "http://none.example/a.jpg")
    assert "no address of 'none.example'" in str(error)


def test_the_next_address_of_a_name_is_tried(server: PhotoServer) -> None:
    server.answers["/a.jpg"] = Answer(b"photo")
    network = LocalNetwork(server)
    network.down.add(PUBLIC)
    with http_photos(network, NAMES) as photos:
        assert photos.fetch("http://two.example/a.jpg") is not None
    assert network.dialled == [PUBLIC, OTHER_PUBLIC]


def test_https_asks_for_the_name_and_believes_no_other_certificate(server: PhotoServer) -> None:
    # The local server speaks no TLS: what matters is that nothing is sent in the clear.
    error = refused(server, "https://shop.example/a.jpg", limits=FetchLimits(tries=1))
    assert "connection failed" in str(error) or "in time" in str(error)
    assert server.asked == []
