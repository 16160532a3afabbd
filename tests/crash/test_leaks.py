"""Thousands of requests of every kind: memory, open files and threads stay where they were."""

from __future__ import annotations

import base64
import random
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.crash.server_process import running_server
from tests.crash.snapshots import with_snapshots
from tests.fakes import fake_jpeg
from tests.search_api.conftest import Server, empty_database, serve, services

__all__ = ["empty_database", "services"]
PRODUCTS = 30


def colour_of(number: int) -> tuple[int, int, int]:
    return 130 + number * 4 % 120, number % 7 * 10, 20


def photo_form(number: int) -> dict[str, Any]:
    return {"photo": ("street.jpg", fake_jpeg(colour_of(number)), "image/jpeg")}


def put(client: Any, number: int, colour: int) -> Any:
    image = base64.b64encode(fake_jpeg(colour_of(colour))).decode()
    body = {"title": f"Dress {number}", "category": "dress", "images": [{"base64": image}]}
    return client.put(f"/v1/products/{number}", json=body)


def ask(client: Any, number: int, choice: random.Random) -> None:
    """One request, good or bad, of a kind that its number says."""
    product = choice.randrange(PRODUCTS)
    match number % 20:
        case 0 | 1 | 2 | 3 | 4 | 5:
            answer, wanted = client.post("/v1/search", files=photo_form(number)), {200}
        case 6:
            answer, wanted = client.post("/v1/parse", files=photo_form(number)), {200}
        case 7:
            answer, wanted = client.post("/v1/search", files={"photo": ("a", b"no photo")}), {415}
        case 8:
            cut = fake_jpeg(colour_of(number))[:-200]
            answer, wanted = client.post("/v1/search", files={"photo": ("a", cut)}), {422}
        case 9 | 10:
            answer, wanted = put(client, product, number), {200, 201}
        case 11:
            answer, wanted = client.delete(f"/v1/products/{product}"), {204, 404}
        case 12:
            answer, wanted = client.get(f"/v1/products/{product}"), {200, 404}
        case 13:
            answer, wanted = client.get(f"/v1/products/{product}/images/0"), {200, 404}
        case 14:
            answer, wanted = client.get("/v1/products?q=dress&limit=10"), {200}
        case 15:
            answer, wanted = client.post(f"/v1/products/{product}/similar"), {200, 404}
        case 16:
            answer, wanted = client.get("/v1/search/text?q=dress"), {200}
        case 17:
            answer, wanted = client.get("/nothing"), {404}
        case 18:
            answer, wanted = client.get("/metrics"), {200}
        case _ if number % 100 == 99:
            feed = {"feed": ("feed.csv", f"id,title\nfed,{number}\n".encode())}
            answer, wanted = client.post("/v1/imports", files=feed), {202}
        case _:
            answer, wanted = client.get("/readyz"), {200}
    assert answer.status_code in wanted, (number, answer.text)


def ask_often(client: Any, process: psutil.Process, *, warm_up: int, count: int) -> tuple[int, ...]:
    """How many bytes, files and threads more it keeps than after the warm-up."""
    choice = random.Random(6)
    for product in range(PRODUCTS):
        put(client, product, product)
    for number in range(warm_up):
        ask(client, number, choice)
    before = kept_by(process)
    for number in range(count):
        ask(client, number, choice)
    return tuple(now - then for now, then in zip(kept_by(process), before, strict=True))


def kept_by(process: psutil.Process) -> tuple[int, ...]:
    """The least of a second: the import that was asked for last may still hold what it gives back."""
    held = []
    for _ in range(10):
        held.append((process.memory_info().rss, process.num_fds(), process.num_threads()))
        time.sleep(0.1)
    return tuple(min(values) for values in zip(*held, strict=True))


def test_requests_leave_no_file_and_no_thread_behind(server: Server) -> None:
    _, files, threads = ask_often(server.client, psutil.Process(), warm_up=40, count=120)
    assert files <= 2
    assert threads <= 2


@pytest.fixture
def server(services: Any) -> Any:
    yield from serve(with_snapshots(services))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_five_thousand_requests_leave_nothing_behind(tmp_path: Path) -> None:
    with running_server(tmp_path) as (process, client):
        more_bytes, files, threads = ask_often(
            client, psutil.Process(process.pid), warm_up=1_000, count=5_000
        )
    assert more_bytes < 20 * 2**20
    assert files <= 2
    assert threads <= 2
