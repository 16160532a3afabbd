"""Photos by http and https: capped, with timeouts, tried again, redirects followed one by one."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urljoin

import httpcore

from indexer.errors import PhotoNotFetched
from indexer.remote.connect import GuardedBackend
from indexer.remote.urls import HttpUrl, parse_http_url
from segmentation.photo import MAX_BYTES

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_PASSING = frozenset((408, 425, 429, 500, 502, 503, 504))
_MAX_VALIDATOR = 512
_CONNECTIONS = 16
_HEADERS = (("User-Agent", "garb"), ("Accept", "image/*"), ("Accept-Encoding", "identity"))


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How long and how often. ``seconds`` is for a photo with all its redirects and tries."""

    connect_seconds: float = 5.0
    read_seconds: float = 15.0
    seconds: float = 60.0
    tries: int = 3
    redirects: int = 5
    backoff_seconds: float = 0.5
    max_bytes: int = MAX_BYTES


@dataclass(frozen=True, slots=True)
class FetchedPhoto:
    """A photo's bytes. ``validator``: what to ask with next time, None where the server tells none."""

    data: bytes
    validator: str | None


class HttpPhotos:
    """Fetches photos; safe to share between threads. Close it, or use it as a context."""

    def __init__(
        self,
        backend: GuardedBackend,
        *,
        limits: FetchLimits | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._limits = limits or FetchLimits()
        self._sleep = sleep
        self._backend = backend
        self._pool = httpcore.ConnectionPool(
            network_backend=backend, max_connections=_CONNECTIONS, keepalive_expiry=10.0
        )

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def fetch(self, url: str, *, unless: str | None = None) -> FetchedPhoto | None:
        """The photo under a URL; None when it is still the one that ``unless`` (a validator) names.

        Raises:
            PhotoNotFetched: refused, too large, too slow, or not there after the last try.
        """
        deadline = time.monotonic() + self._limits.seconds
        for number in range(self._limits.tries):
            try:
                with self._backend.until(deadline):
                    return self._follow(url, unless, deadline)
            except _TryAgain as error:
                pause = self._limits.backoff_seconds * 2**number * random.uniform(0.5, 1.0)
                pause = max(pause, error.after_seconds)
                last = number + 1 == self._limits.tries
                if last or time.monotonic() + pause >= deadline:
                    tried = f" (tried {number + 1} times)" if number else ""
                    raise PhotoNotFetched(f"{error}{tried}") from error
            self._sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _follow(self, url: str, unless: str | None, deadline: float) -> FetchedPhoto | None:
        for _ in range(self._limits.redirects + 1):
            answer = self._get(parse_http_url(url), unless, deadline)
            if not isinstance(answer, str):
                return answer
            try:
                url = urljoin(url, answer)
            except ValueError as error:
                raise PhotoNotFetched(f"a redirect cannot be read: {error}") from error
        raise PhotoNotFetched(f"more than {self._limits.redirects} redirects")

    def _get(self, url: HttpUrl, unless: str | None, deadline: float) -> FetchedPhoto | str | None:
        """One request: the photo, where to go instead, or None for a photo that did not change."""
        target = httpcore.URL(
            scheme=url.scheme, host=url.host, port=url.port, target=url.target.encode("ascii")
        )
        headers = [("Host", url.authority), *_HEADERS, *_condition(unless)]
        limits = self._limits
        times = {
            "connect": limits.connect_seconds,
            "read": limits.read_seconds,
            "write": limits.read_seconds,
            "pool": limits.seconds,
        }
        try:
            with self._pool.stream(
                "GET", target, headers=headers, extensions={"timeout": times}
            ) as response:
                told = {name.decode().lower(): value for name, value in response.headers}
                if response.status == 304 and unless is not None:
                    return None
                if response.status in _REDIRECTS and "location" in told:
                    return told["location"].decode("utf-8", errors="replace")
                if response.status in _PASSING:
                    wait = _seconds(told.get("retry-after", b""))
                    raise _TryAgain(f"the server answers {response.status}", after_seconds=wait)
                if response.status != 200:
                    raise PhotoNotFetched(f"the server answers {response.status}")
                return FetchedPhoto(self._read(response, told, deadline), _validator(told))
        except httpcore.TimeoutException as error:
            raise _TryAgain("the server does not answer in time") from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            reason = " ".join(str(error).split())
            raise _TryAgain(f"the connection failed: {reason or type(error).__name__}") from error

    def _read(self, response: httpcore.Response, told: dict[str, bytes], deadline: float) -> bytes:
        most = self._limits.max_bytes
        too_large = f"the photo has more than {most:,} bytes"
        announced = told.get("content-length", b"0")
        if announced.isdigit() and int(announced) > most:
            raise PhotoNotFetched(too_large)
        data = bytearray()
        for block in response.iter_stream():
            data += block
            if len(data) > most:
                raise PhotoNotFetched(too_large)
            if time.monotonic() > deadline:
                seconds = self._limits.seconds
                raise PhotoNotFetched(f"the photo took more than {seconds:g} s")
        return bytes(data)


class _TryAgain(Exception):
    """What may be better in a moment."""

    def __init__(self, message: str, *, after_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.after_seconds = after_seconds


def _validator(told: dict[str, bytes]) -> str | None:
    for kind, name in (("etag", "etag"), ("date", "last-modified")):
        value = told.get(name, b"").decode("latin-1")
        if value and len(value) <= _MAX_VALIDATOR and value.isascii() and value.isprintable():
            return f"{kind} {value}"
    return None


def _condition(unless: str | None) -> list[tuple[str, str]]:
    kind, _, value = (unless or "").partition(" ")
    name = {"etag": "If-None-Match", "date": "If-Modified-Since"}.get(kind)
    return [(name, value)] if name else []


def _seconds(value: bytes) -> float:
    # The other form, a date, is rare; the next import comes anyway.
    return float(value) if value.isdigit() and len(value) < 6 else 0.0
