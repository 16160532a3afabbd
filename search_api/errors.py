"""What the API itself refuses.

GarbError
├── CannotListen       the address is taken, not this machine's or not allowed
└── ApiError           carries the status, the kind of problem and its headers
    ├── Unauthorized    401, no key or a key that is not valid
    ├── Forbidden       403, a key too narrow, or a remote caller while no key exists
    ├── BodyTooLarge    413, more bytes than allowed, counted while they arrive
    ├── BodyTooSlow     408, the sender stopped sending
    ├── BadRequest      400, a body that is not what its header says
    ├── WrongMedia      415, another content type than the route reads
    ├── Unprocessable   422, a field with a value that cannot be used
    ├── NotFound        404, nothing under this address
    ├── TooManyRequests 429, a key has sent as many in the last minute as it may
    └── Overloaded      503, as many photos in work as allowed; try again shortly
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from segmentation.errors import GarbError


class CannotListen(GarbError):
    """No server can listen on an address."""


class ApiError(GarbError):
    """Base: ``status`` and ``kind`` belong to the class, ``headers`` to the case."""

    status: ClassVar[int] = 500
    kind: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.headers = dict(headers or {})


class Unauthorized(ApiError):
    """No key was given, or one that is wrong or revoked."""

    status, kind, title = 401, "unauthorized", "A valid key is needed"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="garb"'})


class Forbidden(ApiError):
    """The caller is known and may not do this."""

    status, kind, title = 403, "forbidden", "Not allowed"


class BodyTooLarge(ApiError):
    """The body passed its cap; the connection closes so that the rest is not read."""

    status, kind, title = 413, "body-too-large", "The request is too large"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"Connection": "close"})


class BodyTooSlow(ApiError):
    """Nothing arrived for too long."""

    status, kind, title = 408, "body-too-slow", "The request did not arrive in time"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"Connection": "close"})


class BadRequest(ApiError):
    """The body cannot be read as what it claims to be."""

    status, kind, title = 400, "bad-request", "The request cannot be read"


class WrongMedia(ApiError):
    """A content type this route does not read."""

    status, kind, title = 415, "content-type-unsupported", "Content type not supported"


class Unprocessable(ApiError):
    """A field whose value cannot be used."""

    status, kind, title = 422, "invalid-request", "The request has a value that cannot be used"


class NotFound(ApiError):
    """Nothing under this address."""

    status, kind, title = 404, "not-found", "Not found"


class TooManyRequests(ApiError):
    """A key has used up its minute."""

    status, kind, title = 429, "too-many-requests", "Too many requests"

    def __init__(self, detail: str, *, retry_after_seconds: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)})


class Overloaded(ApiError):
    """The cap of photos in work is reached."""

    status, kind, title = 503, "overloaded", "Too many photos at once"

    def __init__(self, detail: str, *, retry_after_seconds: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)})
