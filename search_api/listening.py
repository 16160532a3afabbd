"""How uvicorn listens: its options, and a limit on how long the head of a request may take."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from search_api.errors import CannotListen

HEAD_SECONDS = 10.0
KEEP_ALIVE_SECONDS = 5
SHUTDOWN_SECONDS = 20


class PromptProtocol(H11Protocol):
    """Hangs up on a caller whose head is not there in time.

    uvicorn waits for ever for the end of a head that arrives byte by byte, and a few hundred such
    callers would take every connection the process may open. A body's time is `limits.BodyLimit`'s.
    """

    head_seconds = HEAD_SECONDS
    _hanging_up: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_watching()
        super().connection_lost(exc)

    def _watch_head(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._stop_watching()
        elif self._hanging_up is None:
            self._hanging_up = self.loop.call_later(self.head_seconds, self._hang_up)

    def _hang_up(self) -> None:
        self._hanging_up = None
        if self.conn.their_state is h11.IDLE:
            self.transport.close()

    def _stop_watching(self) -> None:
        if self._hanging_up is not None:
            self._hanging_up.cancel()
            self._hanging_up = None


def free_port(host: str, port: int) -> int:
    """This port, or one that is free for 0.

    Raises:
        CannotListen: uvicorn would say so amid its log, after the models were loaded.
    """
    try:
        return asyncio.run(_bound_port(host, port))
    except OSError as error:
        reason = str(error.strerror).rpartition(": ")[2]
        raise CannotListen(
            f"cannot listen on {host}, port {port}: {reason}; give another --port, or --host"
        ) from error


async def _bound_port(host: str, port: int) -> int:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(asyncio.Protocol, host, port, start_serving=False)
    try:
        return int(server.sockets[0].getsockname()[1])
    finally:
        server.close()


def uvicorn_options(*, host: str, port: int) -> dict[str, Any]:
    """How the server listens, the same for one process and for several."""
    return {
        "host": host,
        "port": port,
        "http": PromptProtocol,
        # Forwarded headers are not believed: who is local decides who needs no key.
        "proxy_headers": False,
        "server_header": False,
        "access_log": False,
        "log_config": None,
        "timeout_graceful_shutdown": SHUTDOWN_SECONDS,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
    }
