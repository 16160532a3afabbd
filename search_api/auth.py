"""Keys: random tokens of which only a keyed hash is stored, three scopes, and who needs none.

While no key exists the server answers callers on this machine and nobody else.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import secrets
from collections.abc import Callable, Mapping
from enum import IntEnum
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from starlette.requests import Request

from search_api.errors import Forbidden, Unauthorized

TOKEN_PREFIX = "garb_"
SHOWN_CHARACTERS = 9
SECRET_FILE = "key-secret"
SECRET_BYTES = 32
FORWARDING_HEADERS = ("forwarded", "x-forwarded-for", "x-real-ip")

Endpoint = TypeVar("Endpoint", bound=Callable[..., object])


class Scope(IntEnum):
    """What a key may do; each holds the ones before it. PUBLIC needs no key at all."""

    PUBLIC = 0
    ANY_KEY = 1
    SEARCH = 2
    WRITE = 3
    ADMIN = 4

    @classmethod
    def named(cls, name: str) -> Scope:
        """The scope of a stored key: ``search``, ``write`` or ``admin``."""
        return {"search": cls.SEARCH, "write": cls.WRITE, "admin": cls.ADMIN}[name]


KEY_SCOPES = ("search", "write", "admin")


def needs(scope: Scope) -> Callable[[Endpoint], Endpoint]:
    """Declare what an endpoint needs; a route whose endpoint declares nothing cannot be built."""

    def declare(endpoint: Endpoint) -> Endpoint:
        endpoint.__garb_scope__ = scope  # type: ignore[attr-defined]
        return endpoint

    return declare


def scope_of(endpoint: Callable[..., object]) -> Scope:
    """What `needs` declared."""
    scope = getattr(endpoint, "__garb_scope__", None)
    assert isinstance(scope, Scope), f"{endpoint!r} declares no scope"
    return scope


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
    draft = path.with_name(f"{path.name}.{os.getpid()}")
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
    def scope(self) -> str:
        """``search``, ``write`` or ``admin``."""
        ...

    @property
    def revoked(self) -> str | None:
        """When it was revoked, None while it opens."""
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

    def __init__(self, keys: KeyStore, hasher: KeyHasher) -> None:
        self._keys = keys
        self._hasher = hasher

    def check(self, request: Request, scope: Scope) -> None:
        """Raises `Unauthorized` or `Forbidden`; returns when the request may enter."""
        if scope is Scope.PUBLIC:
            return
        token = _bearer_token(request.headers)
        if token is not None:
            self._check_token(token, scope)
        elif scope is Scope.ANY_KEY and is_local(request):
            return
        elif self._keys.any_key_exists():
            raise Unauthorized("send a key: Authorization: Bearer garb_…")
        elif not is_local(request):
            raise Forbidden(
                "no key exists yet, so this server answers only on its own machine; "
                "make one there with: garb key create NAME --scope search"
            )

    def _check_token(self, token: str, scope: Scope) -> None:
        record = self._keys.find_key(self._hasher.hash(token))
        if record is None or record.revoked is not None:
            raise Unauthorized("this key is not known here, or was revoked")
        if scope is not Scope.ANY_KEY and Scope.named(record.scope) < scope:
            raise Forbidden(
                f"this key may {record.scope}; this address needs a key "
                f"with scope {scope.name.lower()}"
            )


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
    if not is_loopback_host(urlsplit(f"//{host}").hostname or ""):
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == host


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
