"""A photo's address, read in one way only: what two readers could read differently is refused."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

from indexer.errors import PhotoNotFetched

MAX_CHARACTERS = 8192
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
_SAFE = "/%:@!$&'()*+,;=~-._?"


@dataclass(frozen=True, slots=True)
class HttpUrl:
    """``host``: lower-case ASCII, or an address without brackets; ``target``: path and query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def parse_http_url(url: str) -> HttpUrl:
    """Take a URL apart.

    Raises:
        PhotoNotFetched: not http or https, with a password, or a host that is neither a name nor
            a plainly written address.
    """
    text = url.strip(" ")
    if len(text) > MAX_CHARACTERS:
        raise PhotoNotFetched(f"the address has more than {MAX_CHARACTERS} characters")
    if any(ord(character) < 32 or character in "\x7f\\" for character in text):
        raise PhotoNotFetched("the address holds a control character or a backslash")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise PhotoNotFetched(f"the address cannot be read: {error}") from error
    if parts.scheme not in _PORTS:
        raise PhotoNotFetched(f"photos are fetched by http and https, not by {parts.scheme!r}")
    if "@" in parts.netloc:
        raise PhotoNotFetched("the address holds a user name or password")
    if port == 0:
        raise PhotoNotFetched("the address names port 0")
    target = quote(parts.path or "/", safe=_SAFE)
    if parts.query:
        target += "?" + quote(parts.query, safe=_SAFE)
    return HttpUrl(parts.scheme, _host(parts), port or _PORTS[parts.scheme], target)


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if ":" in host:
        try:
            if "%" in host:
                raise ValueError("a zone is this machine's own")
            return str(ipaddress.IPv6Address(host))
        except ValueError as error:
            raise PhotoNotFetched("the host is no IPv6 address") from error
    try:
        # Also turns full-width digits and dots into plain ones, as a resolver would.
        host = host.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise PhotoNotFetched("the host is no name that can be looked up") from error
    if not _HOST.fullmatch(host):
        raise PhotoNotFetched("the host is no name that can be looked up")
    if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError as error:
            # 0177.0.0.1, 127.1 and 2130706433 are 127.0.0.1 to a resolver.
            raise PhotoNotFetched("the host is an address in an unusual form") from error
    return host
