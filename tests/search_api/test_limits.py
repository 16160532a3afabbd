"""Bytes, parts, silence and photos in work are bounded."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from indexer.bootstrap import Services
from search_api import json_body
from search_api.app import ApiOptions
from search_api.errors import BodyTooSlow, Overloaded
from search_api.limits import InferencePool, Limits, _counted
from tests.fakes import fake_jpeg
from tests.patience import HANGS_SECONDS, wait_until
from tests.search_api.conftest import Server, assert_problem, serve

SMALL = Limits(
    photo_bytes=50_000, body_slack_bytes=4_000, json_body_bytes=60_000, feed_bytes=80_000
)
FORM = {"Content-Type": "multipart/form-data; boundary=b"}


@pytest.fixture
def small(services: Services) -> Iterator[Server]:
    yield from serve(services, ApiOptions(limits=SMALL))


def blocks(count: int, size: int = 10_000) -> Iterator[bytes]:
    yield b'--b\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\n'
    for _ in range(count):
        yield b"x" * size


def test_announced_oversize_body_is_refused_unread(small: Server) -> None:
    answer = small.client.post("/v1/search", content=b"x" * 60_000, headers=FORM)
    assert_problem(answer, 413)
    assert answer.headers["connection"] == "close"


def test_chunked_oversize_body_is_refused_while_it_arrives(small: Server) -> None:
    answer = small.client.post("/v1/search", content=blocks(100), headers=FORM)
    assert_problem(answer, 413)


@pytest.mark.parametrize(
    "charset", ["undefined", "punycode", "idna", "utf-7", "unicode_escape", "utf-16", "evil"]
)
def test_form_of_another_charset_is_refused(server: Server, charset: str) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="q"\r\n\r\n+2AA- \\ud800\r\n--b--\r\n'
    for path in ("/v1/search", "/v1/imports"):
        headers = {"Content-Type": f"multipart/form-data; charset={charset}; boundary=b"}
        body = assert_problem(server.client.post(path, content=part, headers=headers), 415)
        assert "UTF-8" in body["detail"]


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", '"utf-8"', "us-ascii"])
def test_form_that_names_its_charset_is_read(server: Server, charset: str) -> None:
    headers = {"Content-Type": f"multipart/form-data; charset={charset}; boundary=b"}
    content = b"".join([*blocks(0), fake_jpeg((200, 20, 20)), b"\r\n--b--\r\n"])
    assert server.client.post("/v1/search", content=content, headers=headers).status_code == 200


def test_oversize_json_and_feed_are_refused(small: Server) -> None:
    headers = {"Content-Type": "application/json"}
    big = iter([b'{"title": "' + b"x" * 70_000, b'"}'])
    assert_problem(small.client.put("/v1/products/a", content=big, headers=headers), 413)
    assert_problem(small.client.post("/v1/imports", content=blocks(100), headers=FORM), 413)


@pytest.mark.parametrize(
    "body",
    [b'{"a": [' + b"1," * 50 + b"1]}", b'{"a": [' + b"{}," * 50 + b"{}]}", b"," * 51],
    ids=["numbers", "objects", "no JSON"],
)
@pytest.mark.parametrize("path", ["/v1/products/a", "/v1/search", "/v1/feedback"])
def test_json_of_too_many_values_is_refused_unread(
    services: Services, path: str, body: bytes
) -> None:
    """32 MB of empty objects would take 650 MB, and nobody would be answered meanwhile."""
    few = ApiOptions(limits=replace(SMALL, json_values=50))
    method = "PUT" if "products" in path else "POST"
    with contextmanager(serve)(services, few) as server:
        headers = {"Content-Type": "application/json"}
        answer = server.client.request(method, path, content=body, headers=headers)
        assert_problem(answer, 413)
        assert "more than 50 values" in answer.json()["detail"]
        just = b'{"a": [' + b"1," * 49 + b"1]}"
        answer = server.client.request(method, path, content=just, headers=headers)
        assert answer.status_code != 413


@pytest.mark.parametrize("path", ["/v1/products/a", "/v1/search"])
def test_liveness_answers_while_json_is_read(
    services: Services, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    reading, gate, read = threading.Event(), threading.Event(), json_body._read

    def slow(*args: Any) -> Any:
        reading.set()
        assert gate.wait(HANGS_SECONDS), "nobody was answered meanwhile"
        return read(*args)

    monkeypatch.setattr(json_body, "_read", slow)
    method = "PUT" if "products" in path else "POST"
    with contextmanager(serve)(services) as server, ThreadPoolExecutor(1) as caller:
        waiting = caller.submit(server.client.request, method, path, json={"title": "x"})
        assert reading.wait(HANGS_SECONDS)
        assert server.client.get("/livez").status_code == 200
        gate.set()
        assert waiting.result().status_code in (201, 422)


def test_photo_over_its_own_cap_is_refused(small: Server) -> None:
    answer = small.client.post("/v1/search", files={"photo": ("a.jpg", b"x" * 51_000)})
    assert_problem(answer, 413)


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"", "multipart/form-data; boundary=b", 400),
        (b"", "multipart/form-data", 400),
        (b"no boundary here", "multipart/form-data; boundary=b", 400),
        (
            b'--b\r\nContent-Disposition: form-data; name="photo"\r\n\r\nabc',
            FORM["Content-Type"],
            400,
        ),
        (
            b"--b\r\nContent-Disposition: form-data\r\n\r\nabc\r\n--b--\r\n",
            FORM["Content-Type"],
            400,
        ),
        (b"--b\r\n" + b"A: b\r\n" * 500 + b"\r\nabc\r\n--b--\r\n", FORM["Content-Type"], 400),
        (b"x=1", "application/x-www-form-urlencoded", 415),
        (b"{}", "application/json", 422),
        (b"{}", "text/plain", 415),
    ],
)
def test_hostile_multipart_is_a_clear_problem(
    small: Server, content: bytes, content_type: str, status: int
) -> None:
    headers = {"Content-Type": content_type}
    answer = small.client.post("/v1/search", content=content, headers=headers)
    assert_problem(answer, status)


def test_many_parts_are_refused(server: Server) -> None:
    fields = {f"field{number}": "x" for number in range(30)}
    answer = server.client.post("/v1/search", files={"photo": b"x"}, data=fields)
    assert_problem(answer, 400)
    two = [("photo", ("a", fake_jpeg((9, 9, 9)))), ("photo", ("b", fake_jpeg((9, 9, 9))))]
    assert_problem(server.client.post("/v1/search", files=two), 400)


def test_body_that_stops_arriving_is_given_up() -> None:
    async def silent() -> Any:
        await asyncio.sleep(60)

    async def run() -> None:
        receive = _counted(silent, cap=10, limits=Limits(silence_seconds=0.02))
        with pytest.raises(BodyTooSlow):
            await receive()

    asyncio.run(run())


def test_pool_refuses_at_once_beyond_its_cap_and_recovers() -> None:
    pool = InferencePool(threads=1, most_in_flight=2)
    gate = threading.Event()

    async def run() -> None:
        first = asyncio.create_task(pool.run(gate.wait, HANGS_SECONDS))
        second = asyncio.create_task(pool.run(gate.wait, HANGS_SECONDS))
        await asyncio.sleep(0.05)
        started = time.monotonic()
        with pytest.raises(Overloaded):
            await pool.run(gate.wait, HANGS_SECONDS)
        assert time.monotonic() - started < HANGS_SECONDS / 2, "it waited"
        second.cancel()
        await asyncio.sleep(0.05)
        assert pool.in_flight == 1
        gate.set()
        assert await first
        await asyncio.to_thread(wait_until, lambda: pool.in_flight == 0)

    asyncio.run(run())
    pool.close()


def test_caller_who_hangs_up_keeps_his_place_until_the_thread_is_done() -> None:
    pool = InferencePool(threads=1, most_in_flight=1)
    gate = threading.Event()

    async def run() -> None:
        task = asyncio.create_task(pool.run(gate.wait, HANGS_SECONDS))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.sleep(0.05)
        assert pool.in_flight == 1
        gate.set()

    asyncio.run(run())
    pool.close()
    assert pool.in_flight == 0


def test_overload_is_a_problem_with_retry_after_and_liveness_still_answers(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    parse = services.photo_parser.parse

    def slow(*args: Any, **kwargs: Any) -> Any:
        gate.wait(HANGS_SECONDS)
        return parse(*args, **kwargs)

    monkeypatch.setattr(services.photo_parser, "parse", slow)
    with contextmanager(serve)(services, ApiOptions(photos_at_once=1, most_in_flight=1)) as server:
        with ThreadPoolExecutor(1) as caller:
            waiting = caller.submit(server.search, (9, 9, 9))
            wait_until(lambda: server.app.state.garb.pool.in_flight > 0)
            refused = server.search((9, 9, 9))
            alive = server.client.get("/livez")
            gate.set()
        assert_problem(refused, 503)
        assert refused.headers["retry-after"] == "1"
        assert alive.status_code == 200
        assert waiting.result().status_code == 200
