"""A server as `garb serve` runs it, on a free port of this machine, in a thread of this process."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from search_api.listening import uvicorn_options
from tests.search_api.conftest import empty_database, server, services

__all__ = ["empty_database", "server", "services"]


class Counting:
    """The application, and how many bytes of each request's body were handed to it."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.body_bytes: list[int] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        number = len(self.body_bytes)
        self.body_bytes.append(0)

        async def counted() -> Message:
            message = await receive()
            self.body_bytes[number] += len(message.get("body", b""))
            return message

        await self.app(scope, counted, send)


@dataclass(frozen=True)
class Listening:
    """Where the server listens, and what came in."""

    port: int
    counting: Counting

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def listening(app: FastAPI, *, started: bool, **other: Any) -> Iterator[Listening]:
    """uvicorn with the options of `garb serve`, until the end of it.

    ``started``: a client of the tests started the application already; ``other``: options.
    """
    counting = Counting(app)
    options = uvicorn_options(host="127.0.0.1", port=0)
    options |= other | ({"lifespan": "off"} if started else {})
    server = uvicorn.Server(uvicorn.Config(counting, **options))
    thread = threading.Thread(target=asyncio.run, args=(server.serve(),))
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield Listening(server.servers[0].sockets[0].getsockname()[1], counting)
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def memory_growth() -> Iterator[Callable[[], int]]:
    """How many bytes the process grew at its highest, while within."""
    # The kernel forgets the peak of before (proc(5), clear_refs).
    Path("/proc/self/clear_refs").write_text("5")
    before = _status_bytes("VmRSS")
    peak = before

    def grown() -> int:
        return peak - before

    yield grown
    peak = _status_bytes("VmHWM")


def _status_bytes(name: str) -> int:
    (line,) = (
        line
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith(f"{name}:")
    )
    return int(line.split()[1]) * 1024
