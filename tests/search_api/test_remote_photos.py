"""Photos by URL over HTTP, in a product and in a feed of every format."""

from __future__ import annotations

import base64
import io
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer import bootstrap
from indexer.remote.photos import RemotePhotos
from indexer.remote.store_photos import StorePhotos
from indexer.settings import Settings
from search_api import product_writer
from tests.fakes import fake_jpeg
from tests.network import PUBLIC, Answer, LocalNetwork, Names, PhotoServer, http_photos
from tests.search_api.answers import BLUE, RED
from tests.search_api.conftest import Server, assert_problem
from tests.search_api.test_import_routes import wait
from tests.security.test_photo_addresses import REFUSED_AT_ONCE

URL = "http://shop.example/red.jpg"


@pytest.fixture
def photos(monkeypatch: pytest.MonkeyPatch) -> Iterator[PhotoServer]:
    """A server of photos that shop.example leads to."""
    with PhotoServer().running() as running:
        running.answers["/red.jpg"] = Answer(fake_jpeg(RED))
        running.answers["/blue.jpg"] = Answer(fake_jpeg(BLUE))
        names = Names({"shop.example": [PUBLIC]})

        @contextmanager
        def open_here(_: Settings) -> Iterator[RemotePhotos]:
            with http_photos(LocalNetwork(running), names) as photos:
                yield RemotePhotos(photos, StorePhotos([]))

        monkeypatch.setattr(bootstrap, "open_remote_photos", open_here)
        yield running


def found(server: Server, colour: tuple[int, int, int]) -> list[str]:
    answer = server.search(colour).json()
    return [match["product"]["id"] for match in answer["garments"][0]["matches"]]


def test_product_with_a_url_is_searchable_and_tells_where_its_photo_came_from(
    server: Server, photos: PhotoServer
) -> None:
    body = {"title": "Red", "category": "dress", "images": [{"url": URL, "box": [16, 20, 48, 60]}]}
    answer = server.client.put("/v1/products/a", json=body)
    assert answer.status_code == 201, answer.text
    (image,) = answer.json()["images"]
    assert (image["source"], image["region"]) == (URL, [16, 20, 48, 60])
    assert found(server, RED) == ["a"]
    again = server.client.put("/v1/products/a", json=body)
    assert again.json()["sequence"] == answer.json()["sequence"]


def test_patch_takes_urls_beside_base64_in_their_order(server: Server, photos: PhotoServer) -> None:
    server.put("a", RED)
    image = base64.b64encode(fake_jpeg(RED)).decode()
    images = [{"url": "http://shop.example/blue.jpg"}, {"base64": image}, {"url": URL}]
    answer = server.client.patch("/v1/products/a", json={"images": images})
    assert answer.status_code == 200, answer.text
    sources = [one["source"] for one in answer.json()["images"]]
    assert sources == ["http://shop.example/blue.jpg", "api", URL]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://shop.example/none.jpg", "404"),
        ("http://127.0.0.1/red.jpg", "not public"),
        ("http://other.example/red.jpg", "no address"),
        ("s3://bucket/red.jpg", "GARB_PHOTO_STORES"),
        ("file:///etc/passwd", "GARB_PHOTO_STORES"),
    ],
)
def test_url_that_gives_no_photo_stores_nothing(
    server: Server, photos: PhotoServer, url: str, said: str
) -> None:
    answer = server.client.put("/v1/products/a", json={"images": [{"url": URL}, {"url": url}]})
    problem = assert_problem(answer, 422)
    assert said in problem["detail"]
    assert url in problem["detail"]
    assert_problem(server.client.get("/v1/products/a"), 404)


def test_photos_that_are_too_many_bytes_together_are_refused(
    server: Server, photos: PhotoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(product_writer, "MOST_PHOTO_BYTES", 1000)
    answer = server.client.put("/v1/products/a", json={"images": [{"url": URL}] * 3})
    assert_problem(answer, 413)


def test_photos_that_are_too_many_bytes_are_not_fetched_to_the_last(
    server: Server, photos: PhotoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(product_writer, "MOST_PHOTO_BYTES", 1000)

    def slow(handler: Any) -> None:
        time.sleep(1)
        handler.send_error(404)

    photos.answers["/slow.jpg"] = slow
    urls = ["http://shop.example/slow.jpg", *[URL] * 19]
    answer = server.client.put("/v1/products/a", json={"images": [{"url": url} for url in urls]})
    assert_problem(answer, 413)
    assert len(photos.asked) < 10


def test_slow_photo_servers_do_not_take_every_thread(server: Server, photos: PhotoServer) -> None:
    release = threading.Event()

    def hang(handler: Any) -> None:
        release.wait(20)
        handler.send_error(404)

    photos.answers["/hang.jpg"] = hang
    body = {"images": [{"url": "http://shop.example/hang.jpg"}]}
    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(server.client.put, f"/v1/products/{n}", json=body) for n in range(8)]
        try:
            refused = list(islice(as_completed(sent), 4))
            for future in refused:
                assert_problem(future.result(), 503)
        finally:
            release.set()
    assert [future.result().status_code for future in sent if future not in refused] == [422] * 4


def _parquet() -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"id": ["a"], "category": ["dress"], "image": [URL]}), file)
    return file.getvalue()


_RSS = f"""<rss xmlns:g="http://base.google.com/ns/1.0"><channel><item><g:id>a</g:id>
<g:image_link>{URL}</g:image_link><g:product_type>Dresses</g:product_type></item></channel></rss>"""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("feed.csv", f"id,category,image\na,dress,{URL}\n".encode()),
        ("feed.jsonl", f'{{"id": "a", "category": "dress", "image": "{URL}"}}\n'.encode()),
        ("feed.parquet", _parquet()),
        ("feed.xml", _RSS.encode()),
        ("feed.tsv", f"id\timage_link\tproduct_type\na\t{URL}\tDresses\n".encode()),
        ("products_export.csv", f"Handle,Type,Image Src\na,Dresses,{URL}\n".encode()),
    ],
)
@pytest.mark.parametrize("is_named", [True, False])
def test_feed_of_every_format_is_taken_under_its_name_or_none(
    server: Server, photos: PhotoServer, name: str, content: bytes, is_named: bool
) -> None:
    files: Any = {"feed": (name if is_named else "upload", content)}
    job = wait(server, server.client.post("/v1/imports", files=files))
    assert (job["state"], job["errors"]) == ("done", [])
    assert found(server, RED) == ["a"]


def test_feed_with_a_definition_of_entities_fails_with_the_reason(
    server: Server, photos: PhotoServer, tmp_path: Path
) -> None:
    bomb = b'<!DOCTYPE rss [<!ENTITY a "aaaa">]><rss><channel/></rss>'
    job = wait(server, server.client.post("/v1/imports", files={"feed": ("feed.xml", bomb)}))
    assert job["state"] == "failed"
    assert "document type definition" in job["errors"][0]["reason"]


def test_hostile_address_in_a_product_is_refused_without_a_connection(
    server: Server, photos: PhotoServer
) -> None:
    before = server.put("known", RED).json()
    for url in REFUSED_AT_ONCE:
        body = {"title": "new", "images": [{"url": url}]}
        for answer in (
            server.client.put("/v1/products/new", json=body),
            server.client.patch("/v1/products/known", json=body),
        ):
            told = assert_problem(answer, 422)
            # Where a name leads is not for the caller to learn.
            assert "127.0.0.1" not in told["detail"].replace(url, "")
    assert_problem(server.client.get("/v1/products/new"), 404)
    assert server.client.get("/v1/products/known").json() == before
    assert photos.asked == []
