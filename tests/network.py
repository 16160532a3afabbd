"""A network on one machine: names and addresses that all lead to one local server, or nowhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpcore

from indexer.remote.addresses import AddressPolicy
from indexer.remote.connect import GuardedBackend
from indexer.remote.http_photos import FetchLimits, HttpPhotos

PUBLIC = "93.184.215.14"
OTHER_PUBLIC = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"


@dataclass(frozen=True)
class Answer:
    """What the server answers; ``length``: a Content-Length that may be a lie, None for none."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = -1


@dataclass(frozen=True)
class Asked:
    """A request that arrived."""

    path: str
    headers: Mapping[str, str]


class PhotoServer:
    """Answers by path; a list is answered one after another, its last one for ever."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer | list[Answer] | Callable[[Any], None]] = {}
        self.asked: list[Asked] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    def paths(self) -> list[str]:
        """What was asked for."""
        return [asked.path for asked in self.asked]

    @contextmanager
    def running(self) -> Iterator[PhotoServer]:
        """Serve until the end of it."""
        self._thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


def _handler(owner: PhotoServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            owner.asked.append(Asked(self.path, dict(self.headers.items())))
            answer = owner.answers.get(self.path, Answer(status=404))
            if isinstance(answer, list):
                answer = answer.pop(0) if len(answer) > 1 else answer[0]
            if not isinstance(answer, Answer):
                answer(self)
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            length = len(answer.body) if answer.length == -1 else answer.length
            if length is None:
                self.send_header("Connection", "close")
                self.close_connection = True
            else:
                self.send_header("Content-Length", str(length))
            self.end_headers()
            try:
                self.wfile.write(answer.body)
            except OSError:
                self.close_connection = True  # The client had enough.
            if length is not None and length > len(answer.body):
                self.close_connection = True

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    return Handler


class LocalNetwork(httpcore.NetworkBackend):
    """Dials the local server for every address, and remembers for which it was asked to."""

    def __init__(self, server: PhotoServer) -> None:
        self._server = server
        self._sockets = httpcore.SyncBackend()
        self.dialled: list[str] = []
        self.down: set[str] = set()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        self.dialled.append(host)
        if host in self.down:
            raise httpcore.ConnectError("refused")
        return self._sockets.connect_tcp("127.0.0.1", self._server.port, timeout)


class Names:
    """A resolver with a table; a list of lists changes its answer each time it is asked."""

    def __init__(self, table: Mapping[str, Sequence[str] | list[list[str]]]) -> None:
        self._table = dict(table)
        self.looked_up: list[str] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.looked_up.append(host)
        found = self._table.get(host)
        if found is None:
            raise OSError("Name or service not known")
        if isinstance(found[0], list):
            turn = self.looked_up.count(host) - 1
            return list(found[min(turn, len(found) - 1)])
        return [str(address) for address in found]


@contextmanager
def http_photos(
    network: LocalNetwork,
    names: Names,
    *,
    policy: AddressPolicy | None = None,
    limits: FetchLimits | None = None,
    pauses: list[float] | None = None,
) -> Iterator[HttpPhotos]:
    """A fetcher in this network that never waits; ``pauses`` takes what it would have waited."""
    backend = GuardedBackend(policy or AddressPolicy(), resolve=names, dialler=network)
    waited = pauses if pauses is not None else []
    with closing(HttpPhotos(backend, limits=limits, sleep=waited.append)) as photos:
        yield photos
