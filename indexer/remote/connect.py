"""Connections to checked addresses only: a name is looked up once, and what was checked is dialled."""

from __future__ import annotations

import ipaddress
import math
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import httpcore

from indexer.errors import PhotoNotFetched
from indexer.remote.addresses import Address, AddressPolicy

# A host and a port → the addresses that the name stands for.
Resolve = Callable[[str, int], Sequence[str]]

REFUSED = "the address is not public; GARB_PHOTO_NETWORKS names others that are allowed"


def system_resolve(host: str, port: int) -> list[str]:
    """What the system's resolver answers, without doubles. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class GuardedBackend(httpcore.NetworkBackend):
    """Dials for an httpcore pool, which goes on to use the name for Host, SNI and certificate.

    Every connection comes through here, a redirect's and a retry's too, so that a name that
    changes its address between check and connection (DNS rebinding) gains nothing.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        resolve: Resolve = system_resolve,
        dialler: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._policy = policy
        self._resolve = resolve
        self._dialler = dialler or httpcore.SyncBackend()
        self._clock = Clock()

    @contextmanager
    def until(self, deadline: float) -> Iterator[None]:
        """Within it, this thread's connections time out at ``deadline`` (of `time.monotonic`)."""
        self._clock.deadline = deadline
        try:
            yield
        finally:
            self._clock.deadline = math.inf

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of the host that answers.

        Raises:
            PhotoNotFetched: one of its addresses is not allowed.
            httpcore.ConnectError: none answers.
            httpcore.ConnectTimeout: none answers in time, or nobody tells the addresses.
        """
        failure: Exception = httpcore.ConnectError("the host has no address")
        for address in self._checked(host, port, self._clock.shorten(timeout)):
            try:
                stream = self._dialler.connect_tcp(
                    str(address), port, self._clock.shorten(timeout), local_address, socket_options
                )
                return _TimedStream(stream, self._clock)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        """Never: a photo's address names no socket of this machine."""
        raise PhotoNotFetched(REFUSED)

    def _checked(self, host: str, port: int, timeout: float | None) -> list[Address]:
        try:
            texts = [host] if _is_address(host) else self._look_up(host, port, timeout)
            addresses = [ipaddress.ip_address(text) for text in texts]
        except (OSError, UnicodeError, ValueError) as error:
            raise httpcore.ConnectError(f"no address of {host!r} was found") from error
        # All of them: which one is dialled must not decide.
        if not all(self._policy.allows(address) for address in addresses):
            raise PhotoNotFetched(REFUSED)
        return addresses

    def _look_up(self, host: str, port: int, timeout: float | None) -> Sequence[str]:
        """What the resolver answers, in time: the system's has no timeout that one could set."""
        answer: Future[Sequence[str]] = Future()

        def resolve() -> None:
            try:
                answer.set_result(self._resolve(host, port))
            except Exception as error:
                answer.set_exception(error)

        # A daemon: a resolver that hangs must not hold up the end of the process.
        threading.Thread(target=resolve, name="garb-look-up", daemon=True).start()
        try:
            return answer.result(timeout)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"no address of {host!r} in time") from error


class Clock(threading.local):
    """When this thread's request has to be over. httpcore's timeouts are for one read alone."""

    deadline = math.inf

    def shorten(self, timeout: float | None) -> float | None:
        """A timeout that ends with the request. Raises httpcore.ReadTimeout when it is over."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the request took too long")
        return min(math.inf if timeout is None else timeout, left) if left < math.inf else timeout


class _TimedStream(httpcore.NetworkStream):
    """A connection whose reads and writes all together end at the deadline, byte by byte or not."""

    def __init__(self, stream: httpcore.NetworkStream, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._clock.shorten(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._clock.shorten(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._clock.shorten(timeout))
        return _TimedStream(secured, self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
