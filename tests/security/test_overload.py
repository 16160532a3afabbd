"""More at once than the server takes: the cap works, the rest is told so at once, nothing waits."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from typing import Any

import httpx
import pytest

from indexer.bootstrap import Services
from search_api.app import ApiOptions, create_app
from tests.fakes import fake_jpeg
from tests.security.conftest import Listening, listening

AT_ONCE, MOST = 2, 4
CALLERS = 200


class Gate:
    """Holds every photo until it is opened, and counts those it holds."""

    def __init__(self, parse: Any) -> None:
        self.parse = parse
        self.opened = threading.Event()
        self.held = 0
        self.most_held = 0
        self._lock = threading.Lock()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with self._lock:
            self.held += 1
            self.most_held = max(self.most_held, self.held)
        self.opened.wait(60)
        with self._lock:
            self.held -= 1
        return self.parse(*args, **kwargs)


async def all_at_once(there: Listening, gate: Gate) -> tuple[Counter[int], float]:
    """The statuses, and the seconds until all but the cap were answered."""
    photo = {"photo": ("a.jpg", fake_jpeg((9, 9, 9)), "image/jpeg")}
    limits = httpx.Limits(max_connections=CALLERS + 1)
    async with httpx.AsyncClient(base_url=there.url, limits=limits, timeout=60) as client:
        started = time.perf_counter()
        asked = [
            asyncio.create_task(client.post("/v1/search", files=photo)) for _ in range(CALLERS)
        ]
        while sum(task.done() for task in asked) < CALLERS - MOST:
            assert (await client.get("/livez")).status_code == 200
            await asyncio.sleep(0.05)
        seconds = time.perf_counter() - started
        gate.opened.set()
        answers = await asyncio.gather(*asked)
    for answer in answers:
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.json()["type"] == "urn:garb:problem:overloaded"
    return Counter(answer.status_code for answer in answers), seconds


def test_of_200_at_once_the_cap_is_served_and_the_rest_is_told_at_once(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(services.photo_parser.parse)
    monkeypatch.setattr(services.photo_parser, "parse", gate)
    app = create_app(services, ApiOptions(photos_at_once=AT_ONCE, most_in_flight=MOST))
    with listening(app, started=False) as there:
        statuses, seconds = asyncio.run(all_at_once(there, gate))
        assert statuses == {200: MOST, 503: CALLERS - MOST}
        assert gate.most_held <= AT_ONCE
        # Of 200 connections on a busy machine; a queue would have held them for a minute.
        assert seconds < 20
        assert app.state.garb.pool.in_flight == 0
