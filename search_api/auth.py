"""Keys: random tokens of which only a keyed hash is stored, what one opens, and who needs none.

While no key exists the server answers callers on this machine and nobody else.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from starlette.requests import Request

from search_api.errors import Forbidden, Unauthorized
from search_api.rates import KeyRates
from search_api.reach import EVERYTHING, Reach

TOKEN_PREFIX = "garb_"
SHOWN_CHARACTERS = 9
SECRET_FILE = "key-secret"
SECRET_BYTES = 32
FORWARDING_HEADERS = ("forwarded", "x-forwarded-for", "x-real-ip")

Endpoint = TypeVar("Endpoint", bound=Callable[..., object])


class KeyScope(StrEnum):
    """What a key is made for, as it is stored; each holds the ones before it."""

    SEARCH = "search"
    WRITE = "write"
    ADMIN = "admin"


class Scope(IntEnum):
    """What a key may do; each holds the ones before it. PUBLIC needs no key at all."""

    PUBLIC = 0
    ANY_KEY = 1
    SEARCH = 2
    WRITE = 3
    ADMIN = 4

    @classmethod
    def named(cls, name: str) -> Scope:
        """The scope of a stored key, one of `KeyScope`."""
        return cls[KeyScope(name).name]


@dataclass(frozen=True, slots=True)
class Need:
    """What an endpoint asks of a key.

    ``within``: it keeps to the collections that a key is bound to, or has nothing to do with
    products. A bound key is refused everywhere else, so that no new address forgets it.
    """

    scope: Scope
    within: bool


def needs(scope: Scope, *, within: bool = False) -> Callable[[Endpoint], Endpoint]:
    """Declare what an endpoint needs; a route whose endpoint declares nothing cannot be built."""

    def declare(endpoint: Endpoint) -> Endpoint:
        endpoint.__garb_need__ = Need(scope, within)  # type: ignore[attr-defined]
        return endpoint

    return declare


def need_of(endpoint: Callable[..., object]) -> Need:
    """What `needs` declared."""
    need = getattr(endpoint, "__garb_need__", None)
    assert isinstance(need, Need), f"{endpoint!r} declares no scope"
    return need


def new_token() -> str:
    """A key as its owner sees it, once: ``garb_`` and 43 random characters."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def shown_part(token: str) -> str:
    """The first characters, which tell keys apart in a list and open nothing."""
    return token[:SHOWN_CHARACTERS]


class KeyHasher:
    """HMAC-SHA256 with the server's own secret: a stolen database alone tests no guess."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def hash(self, token: str) -> str:
        """Hexadecimal digest of a token."""
        return hmac.new(self._secret, token.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def open_hasher(home: Path) -> KeyHasher:
    """The hasher of this GARB_HOME; its secret file is made on first use, readable by its owner."""
    path = home / SECRET_FILE
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        _write_once(path, secrets.token_bytes(SECRET_BYTES))
    return KeyHasher(path.read_bytes())


def _write_once(path: Path, secret: bytes) -> None:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link and not a rename: of two workers starting at once, the first wins.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


class KeyRecord(Protocol):
    """What the gate reads of a stored key."""

    @property
    def id(self) -> int:
        """Its number."""
        ...

    @property
    def scope(self) -> str:
        """``search``, ``write`` or ``admin``."""
        ...

    @property
    def revoked(self) -> str | None:
        """When it was revoked, None while it opens."""
        ...

    @property
    def collections(self) -> tuple[str, ...] | None:
        """The collections it is bound to, None for none."""
        ...

    @property
    def per_minute(self) -> int | None:
        """The most requests in any minute, None for any number."""
        ...


class KeyStore(Protocol):
    """The part of the catalog that keeps keys."""

    def find_key(self, key_hash: str) -> KeyRecord | None:
        """The key with this hash, revoked or not."""
        ...

    def any_key_exists(self) -> bool:
        """Whether a key was ever made: revoking the last one must not open the server."""
        ...


class Gate:
    """Decides whether a request may enter. Blocking (it asks the database): call on a thread."""

    def __init__(self, keys: KeyStore, hasher: KeyHasher, rates: KeyRates) -> None:
        self._keys = keys
        self._hasher = hasher
        self._rates = rates

    def check(self, request: Request, need: Need) -> Reach:
        """What the request may touch, when it may enter.

        Raises:
            Unauthorized: no key, or one that is not valid.
            Forbidden: a key too narrow, or a stranger while no key exists.
            TooManyRequests: the key has sent as many in the last minute as it may.
        """
        token = _bearer_token(request.headers)
        if token is not None:
            return self._check_token(token, need)
        if need.scope is Scope.ANY_KEY and is_local(request):
            return EVERYTHING
        if self._keys.any_key_exists():
            raise Unauthorized("send a key: Authorization: Bearer garb_…")
        if not is_local(request):
            raise Forbidden(
                "no key exists yet, so this server answers only on its own machine; "
                "make one there with: garb key create NAME --scope search"
            )
        return EVERYTHING

    def _check_token(self, token: str, need: Need) -> Reach:
        record = self._keys.find_key(self._hasher.hash(token))
        if record is None or record.revoked is not None:
            raise Unauthorized("this key is not known here, or was revoked")
        if need.scope is not Scope.ANY_KEY and Scope.named(record.scope) < need.scope:
            raise Forbidden(
                f"this key may {record.scope}; this address needs a key "
                f"with scope {need.scope.name.lower()}"
            )
        if record.collections is not None and not need.within:
            raise Forbidden("this key is bound to collections; this address needs one that is not")
        if record.per_minute is not None:
            self._rates.take(record.id, per_minute=record.per_minute)
        return EVERYTHING if record.collections is None else Reach(record.collections)


def _bearer_token(headers: Mapping[str, str]) -> str | None:
    value = headers.get("authorization")
    if value is None:
        return None
    kind, _, token = value.partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise Unauthorized("the Authorization header must read: Bearer garb_…")
    return token.strip()


def is_local(request: Request) -> bool:
    """Whether the caller sits on this machine and knows that it speaks to it.

    A proxy's header, a foreign Host (a rebound name) or a foreign Origin (another site's page
    in the owner's browser) make a caller from 127.0.0.1 a stranger.
    """
    client = request.client
    if client is None or not is_loopback_host(client.host):
        return False
    if any(name in request.headers for name in FORWARDING_HEADERS):
        return False
    host = request.headers.get("host", "")
    origin = request.headers.get("origin")
    try:
        if not is_loopback_host(urlsplit(f"//{host}").hostname or ""):
            return False
        return origin is None or urlsplit(origin).netloc == host
    except ValueError:
        return False


def is_loopback_host(host: str) -> bool:
    """Whether a host or address is this machine's own: 127.0.0.0/8, ::1 or localhost."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
