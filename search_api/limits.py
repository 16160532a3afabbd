"""What bounds one request and all of them: bytes, parts, silence, and photos in work."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import ParamSpec, TypeVar

from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from search_api.errors import (
    BadRequest,
    BodyTooLarge,
    BodyTooSlow,
    Overloaded,
    Unprocessable,
    WrongMedia,
)
from search_api.problems import problem_of
from segmentation.photo import MAX_BYTES

MEBIBYTE = 1024 * 1024
# Photos in work and waiting for each thread: the last of them is answered within some two seconds.
WAITING_A_THREAD = 8
CHARSETS = frozenset({b"utf-8", b"utf8", b"us-ascii", b"ascii"})

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    photo_bytes: int = MAX_BYTES
    # Boundaries, part headers and the small fields beside the photo.
    body_slack_bytes: int = 256 * 1024
    # Base64 grows a photo by a third.
    json_body_bytes: int = 32 * MEBIBYTE
    # A product's attributes, each a list, hold a fifth of it.
    json_values: int = 200_000
    feed_bytes: int = 256 * MEBIBYTE
    field_bytes: int = 64 * 1024
    parts: int = 20
    silence_seconds: float = 20.0
    upload_seconds: float = 300.0

    def body_bytes(self, path: str, content_type: str) -> int:
        """The cap for a body sent to ``path``."""
        if path.rstrip("/") == "/v1/imports":
            return self.feed_bytes + self.body_slack_bytes
        if content_type.startswith("application/json"):
            return self.json_body_bytes
        return self.photo_bytes + self.body_slack_bytes


class BodyLimit:
    """ASGI: counts the bytes of a body as they arrive, whatever Content-Length says."""

    def __init__(self, app: ASGIApp, *, limits: Limits) -> None:
        self.app = app
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        content_type = headers.get(b"content-type", b"").decode("latin-1").lower()
        cap = self.limits.body_bytes(scope["path"], content_type)
        announced = headers.get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > cap:
            answer = problem_of(_too_large(cap), request_id=scope.get("garb.request_id", ""))
            await answer(scope, receive, send)
            return
        await self.app(scope, _counted(receive, cap=cap, limits=self.limits), send)


def _counted(receive: Receive, *, cap: int, limits: Limits) -> Receive:
    received = 0
    complete = False
    deadline = asyncio.get_running_loop().time() + limits.upload_seconds

    async def counted() -> Message:
        nonlocal received, complete
        if complete:
            return await receive()
        left = deadline - asyncio.get_running_loop().time()
        try:
            message = await asyncio.wait_for(receive(), min(limits.silence_seconds, max(0, left)))
        except TimeoutError as error:
            raise BodyTooSlow("the body stopped arriving; send it again") from error
        received += len(message.get("body", b""))
        complete = not message.get("more_body", False)
        if received > cap:
            raise _too_large(cap)
        return message

    return counted


def _too_large(cap: int) -> BodyTooLarge:
    return BodyTooLarge(f"the request has more than {cap:,} bytes, which is the most allowed here")


class _WholeForm(MultiPartParser):
    """Knows whether the last boundary came: starlette leaves a file open that has no end."""

    ended = False

    def on_end(self) -> None:
        super().on_end()
        self.ended = True


@asynccontextmanager
async def read_form(
    request: Request, *, limits: Limits, part: str = "photo", instead: str = ""
) -> AsyncIterator[FormData]:
    """Parse a multipart body: one file, few parts. Files above 1 MiB lie on disk until left.

    ``part``: the file's; ``instead``: what else may be sent. Both for who sends neither.

    Raises:
        WrongMedia: another content type, or another charset than UTF-8.
        BadRequest: no boundary, more parts than allowed, or a body cut short.
    """
    content_type = request.headers.get("content-type", "")
    if not content_type.lower().startswith("multipart/form-data"):
        raise WrongMedia(f"send multipart/form-data, the file in a part named {part!r}{instead}")
    # Of others starlette decodes what fails, or what no database takes.
    if parse_options_header(content_type)[1].get(b"charset", b"utf-8").lower() not in CHARSETS:
        raise WrongMedia("send the fields of multipart/form-data in UTF-8")
    parser: _WholeForm

    async def chunks() -> AsyncGenerator[bytes, None]:
        async for chunk in request.stream():
            yield chunk
        if not parser.ended:  # Said within `parse`, which closes its files on an error only.
            raise MultiPartException("it is cut short")

    parser = _WholeForm(
        request.headers,
        chunks(),
        max_files=1,
        max_fields=limits.parts - 1,
        max_part_size=limits.field_bytes,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise BadRequest(f"the multipart body cannot be read: {error.message}") from error
    try:
        yield form
    finally:
        await form.close()


async def read_file_part(form: FormData, name: str, *, most_bytes: int) -> bytes:
    """The bytes of the one file part ``name``; its file name is ignored.

    Raises:
        Unprocessable: the part is missing or is a plain field.
        BodyTooLarge: it has more than ``most_bytes`` bytes.
    """
    part = form.get(name)
    if not isinstance(part, UploadFile):
        raise Unprocessable(f"{name}: send the file as a multipart part named {name!r}")
    data = await part.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise BodyTooLarge(f"{name}: at most {most_bytes:,} bytes are allowed")
    return data


class InferencePool:
    """A few threads for decoding and models, and a cap on what runs and waits together.

    Beyond the cap the answer is `Overloaded`, at once: a queue nobody waits for helps nobody.
    """

    def __init__(self, *, threads: int, most_in_flight: int | None = None) -> None:
        self.threads = max(1, threads)
        self.most_in_flight = most_in_flight or WAITING_A_THREAD * self.threads
        self._executor = ThreadPoolExecutor(self.threads, thread_name_prefix="inference")
        self._lock = threading.Lock()
        self._in_flight = 0

    @property
    def in_flight(self) -> int:
        """Photos running and waiting now."""
        return self._in_flight

    def refuse_when_full(self) -> None:
        """Raises `Overloaded` when the cap is reached: worth asking before a body is read."""
        if self._in_flight >= self.most_in_flight:
            raise Overloaded(f"{self._in_flight} photos are in work; try again in a second")

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``work`` on a thread of the pool. Raises `Overloaded` when the cap is reached."""
        with self._lock:
            self.refuse_when_full()
            self._in_flight += 1
        try:
            context = contextvars.copy_context()
            future = self._executor.submit(context.run, partial(work, *args, **kwargs))
        except RuntimeError as error:
            self._leave()
            raise Overloaded("the server is shutting down") from error
        # Not in a finally here: a caller that hangs up leaves its thread running.
        future.add_done_callback(lambda _: self._leave())
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Let what runs finish; what waits is dropped."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _leave(self) -> None:
        with self._lock:
            self._in_flight -= 1
