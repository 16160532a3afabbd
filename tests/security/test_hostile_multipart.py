"""Hostile bodies over a raw socket: refused with a 4xx, not read far past the cap, nothing left."""

from __future__ import annotations

import json
import re
import select
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from indexer.bootstrap import Services
from search_api.app import ApiOptions, create_app
from search_api.limits import Limits
from search_api.listening import PromptProtocol
from tests.fakes import fake_jpeg
from tests.patience import HANGS_SECONDS, wait_until
from tests.security.conftest import Listening, listening

MEBIBYTE = 1024 * 1024
LIMITS = Limits(
    photo_bytes=2 * MEBIBYTE,
    json_body_bytes=2 * MEBIBYTE,
    feed_bytes=3 * MEBIBYTE,
    silence_seconds=0.4,
    upload_seconds=1.5,
)
CAP = LIMITS.photo_bytes + LIMITS.body_slack_bytes
FORM = "multipart/form-data; boundary=b"
PHOTO = fake_jpeg((200, 20, 20))

Pieces = Sequence[bytes | float]
"""What is sent, in order; a number is a pause in seconds."""


@dataclass(frozen=True)
class Hostile:
    """A request and the statuses that may answer it; None: the server hangs up without one."""

    pieces: Pieces
    statuses: tuple[int | None, ...]


def head(path: str = "/v1/search", *lines: str, method: str = "POST") -> bytes:
    text = "\r\n".join((f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *lines, "", ""))
    return text.encode("latin-1")


def part(name: str = "photo", data: bytes = PHOTO, *, more: str = "", file: str = "a.jpg") -> bytes:
    named = f'; filename="{file}"' if file else ""
    disposition = f'Content-Disposition: form-data; name="{name}"{named}\r\n'
    return b"--b\r\n" + (disposition + more + "\r\n").encode("latin-1") + data + b"\r\n"


END = b"--b--\r\n"


def sent(
    body: bytes, *statuses: int | None, content_type: str = FORM, length: int | None = None
) -> Hostile:
    """A body of one piece; ``length``: another one than its own."""
    size = len(body) if length is None else length
    lines = (f"Content-Type: {content_type}", f"Content-Length: {size}")
    return Hostile((head("/v1/search", *lines), body), statuses or (400, 422))


def chunked(*chunks: bytes, statuses: tuple[int | None, ...], end: bytes = b"0\r\n\r\n") -> Hostile:
    start = head("/v1/search", f"Content-Type: {FORM}", "Transfer-Encoding: chunked")
    framed = [f"{len(data):x}\r\n".encode() + data + b"\r\n" for data in chunks]
    return Hostile((start, *framed, end), statuses)


MUCH = b"x" * (64 * 1024)
ENDLESS = [MUCH] * 1_600  # 100 MiB

HOSTILE: dict[str, Hostile] = {
    "1,001 parts": sent(part("k", b"1", file="") * 1_001 + END, 400),
    "1,001 files": sent(part() * 1_001 + END, 400, 413),
    "30 fields": sent(part() + part("k", b"1", file="") * 30 + END, 400),
    "two photos": sent(part() * 2 + END, 400),
    "a field twice": sent(part() + part("k", b"1", file="") * 2 + END, 422),
    "an unknown field": sent(part() + part("K", b"1", file="") + END, 422),
    "photo as a field": sent(part(file="") + END, 422, 400),
    "field as a file": sent(part("k", b"1") + END, 422),
    "no photo": sent(part("k", b"1", file="") + END, 422),
    "no boundary": sent(part() + END, 400, content_type="multipart/form-data"),
    "empty boundary": sent(part() + END, 400, content_type="multipart/form-data; boundary="),
    "boundary of 4,000": sent(part() + END, 400, 422, content_type=FORM + "c" * 4_000),
    "another boundary": sent(part() + END, 400, 422, content_type=FORM + "other"),
    "two boundaries": sent(part() + END, 200, 400, content_type=FORM + "; boundary=c"),
    "boundary with a line end": sent(part() + END, 400, content_type=FORM + "\r\n evil"),
    "nested multipart": sent(part(data=part() + END, more=f"Content-Type: {FORM}\r\n") + END, 400, 415, 422),
    "no end": sent(part(), 400),
    "no end, long enough to lie on the disk": sent(part(data=PHOTO + bytes(3 * MEBIBYTE // 2)), 400),
    "cut within a part": sent(part()[:60], 400, 422),
    "cut within a part's head": sent(part()[:20], 400, 422),
    "only the end": sent(END, 400, 422),
    "nothing": sent(b"", 400),
    "text before the first part": sent(b"evil" + part() + END, 400),
    "part without a name": sent(b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n" + END, 400),
    "part without a head": sent(b"--b\r\n\r\nx\r\n" + END, 400),
    "part with 500 heads": sent(part(more="A: b\r\n" * 500) + END, 400),
    "part with a head of 1 MB": sent(part(more="A: " + "b" * MEBIBYTE + "\r\n") + END, 400),
    "part's name of 1 MB": sent(part("n" * MEBIBYTE) + END, 400),
    "field of 1 MB": sent(part() + part("filter", b"x" * MEBIBYTE, file="") + END, 400, 413),
    "field with a NUL": sent(part() + part("filter", b"a\x00", file="") + END, 422),
    "field that is no UTF-8": sent(part() + part("filter", b"\xff\xfe = 1", file="") + END, 200, 422),
    "unknown charset": sent(part() + END, 200, 400, 415, content_type=FORM + "; charset=evil"),
    "another content type": sent(part() + END, 415, content_type="application/x-www-form-urlencoded"),
    "length too long": sent(part() + END, 408, length=len(part() + END) + 9),
    "length too short": sent(part() + END, 400, 422, length=60),
    "length above the cap": sent(b"", 413, length=CAP + 1),
    "length of 20 digits": sent(b"", 413, 400, length=10**19),
    "length below zero": sent(b"", 400, length=-1),
    "two lengths": Hostile(
        (head("/v1/search", f"Content-Type: {FORM}", "Content-Length: 5", "Content-Length: 99"), b"x" * 5),
        (400,),
    ),
    "length and chunks": Hostile(
        (
            head("/v1/search", f"Content-Type: {FORM}", "Content-Length: 4", "Transfer-Encoding: chunked"),
            b"0\r\n\r\n",
        ),
        (400, 422),
    ),
    "chunks without end": chunked(part(data=MUCH), *ENDLESS, statuses=(413,)),
    "chunks of one byte": chunked(*(bytes([byte]) for byte in part()[:200]), statuses=(400, 422)),
    "chunk's size is no number": chunked(statuses=(400,), end=b"zz\r\n"),
    "chunk's size of 30 digits": chunked(statuses=(400,), end=b"f" * 30 + b"\r\n"),
    "body that stops": Hostile((*sent(part() + END, length=99_999).pieces[:1], b"--b\r\n", 2.0), (408,)),
    "body drop by drop": Hostile(
        (sent(b"", length=99_999).pieces[0], part(), *(one for _ in range(20) for one in (b"-", 0.2))),
        (408,),
    ),
    "head that stops": Hostile((head()[:40], 2.0), (None, 408)),
    "head drop by drop": Hostile(
        tuple(piece for byte in head("/v1/search", "A: " + "b" * 99) for piece in (bytes([byte]), 0.1)),
        (None, 408),
    ),
    "head of 1 MB": Hostile((head("/v1/search", *(f"A{n}: {'b' * 999}" for n in range(1_000))),), (400, 431, None)),
    "no HTTP": Hostile((b"\x16\x03\x01\x02\x00\x01\x00" + bytes(99) + b"\r\n\r\n",), (400, None)),
}  # fmt: skip


class HastyProtocol(PromptProtocol):
    """As it is served, with less patience."""

    head_seconds = 0.5


@pytest.fixture
def there(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Listening]:
    """A listening server whose temporary files go into an empty folder."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    app = create_app(services, ApiOptions(limits=LIMITS))
    with listening(app, started=False, http=HastyProtocol) as running:
        yield running


def ask(port: int, pieces: Pieces) -> tuple[int | None, bytes]:
    """Send what the server takes until it answers; the status, and the whole answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=HANGS_SECONDS) as connection:
        for piece in pieces:
            pause = 0.0 if isinstance(piece, bytes) else piece
            with suppress(OSError):
                if isinstance(piece, bytes):
                    connection.sendall(piece)
            if select.select([connection], [], [], pause)[0]:
                break
        answer = b""
        with suppress(OSError):
            while not is_whole(answer) and (more := connection.recv(65_536)):
                answer += more
    status = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    return (int(status[1]) if status else None), answer


def is_whole(answer: bytes) -> bool:
    start, between, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", start.lower())
    return bool(between) and length is not None and len(body) >= int(length[1])


def left_behind(folder: Path) -> list[str]:
    """Files in a folder, and open ones that were in it."""
    opened = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            opened.append(str(descriptor.readlink()))
    return [*map(str, folder.iterdir()), *(name for name in opened if str(folder) in name)]


def test_there_are_40() -> None:
    assert sum(200 not in hostile.statuses for hostile in HOSTILE.values()) >= 40


def test_hostile_bodies_are_refused_and_leave_nothing(there: Listening) -> None:
    folder = Path(tempfile.gettempdir())
    for name, hostile in HOSTILE.items():
        status, answer = ask(there.port, hostile.pieces)
        assert status in hostile.statuses, (name, answer[:500])
        if status not in (None, 200) and b"problem+json" in answer:
            body = answer.partition(b"\r\n\r\n")[2].decode()
            assert json.JSONDecoder().raw_decode(body)[0]["status"] == status
        wait_until(lambda: not left_behind(folder))
        assert ask(there.port, [head("/livez", method="GET")])[0] == 200, name
    assert max(there.counting.body_bytes) <= CAP + MEBIBYTE


@pytest.mark.parametrize(
    ("method", "path", "content_type", "cap"),
    [
        ("POST", "/v1/search", FORM, CAP),
        ("POST", "/v1/parse", FORM, CAP),
        ("POST", "/v1/products/a/images", FORM, CAP),
        ("PUT", "/v1/products/a", "application/json", LIMITS.json_body_bytes),
        ("PATCH", "/v1/products/a", "application/json", LIMITS.json_body_bytes),
        ("POST", "/v1/imports", FORM, LIMITS.feed_bytes + LIMITS.body_slack_bytes),
    ],
)
def test_endless_body_is_given_up_soon_after_its_cap(
    there: Listening, method: str, path: str, content_type: str, cap: int
) -> None:
    lines = (f"Content-Type: {content_type}", "Transfer-Encoding: chunked")
    start = part("feed" if "imports" in path else "photo", MUCH)
    if content_type == "application/json":
        start = b'{"title": "'
    chunks = (f"{len(data):x}\r\n".encode() + data + b"\r\n" for data in (start, *ENDLESS))
    status, _ = ask(there.port, [head(path, *lines, method=method), *chunks])
    assert status == 413
    assert cap < there.counting.body_bytes[-1] <= cap + MEBIBYTE
    wait_until(lambda: not left_behind(Path(tempfile.gettempdir())))


def test_heads_that_never_end_take_no_connection_for_long(there: Listening) -> None:
    with ExitStack() as stack:
        slow = [
            stack.enter_context(
                socket.create_connection(("127.0.0.1", there.port), timeout=HANGS_SECONDS)
            )
            for _ in range(50)
        ]
        for connection in slow:
            connection.sendall(b"GET /livez HTTP/1.1\r\nA: ")
        assert ask(there.port, [head("/livez", method="GET")])[0] == 200
        # Hung up on: what is read is the end of the stream.
        assert all(connection.recv(1) == b"" for connection in slow)
