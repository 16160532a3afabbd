"""One body shape for every error, one envelope for every answer, and nothing leaks."""

from __future__ import annotations

import errno
import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from indexer.errors import CatalogError
from search_api.auth import new_token
from search_api.envelope import LineFormatter
from tests.fakes import fake_jpeg
from tests.search_api.conftest import Server, assert_problem, stranger
from tests.search_api.test_auth import bearer

JSON = {"Content-Type": "application/json"}


def test_unknown_addresses_and_methods_are_problems(server: Server) -> None:
    assert_problem(server.client.get("/nothing"), 404)
    assert_problem(server.client.get("/static/../app.py"), 404)
    assert_problem(server.client.get("/static/%2e%2e%2fapp.py"), 404)
    answer = server.client.get("/v1/search")
    assert_problem(answer, 405)
    assert "POST" in answer.headers["allow"]
    assert_problem(server.client.get("/v1/products", params={"limit": 0}), 422)
    assert_problem(server.client.request("BREW", "/v1/index"), 405)


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/", "/v1/index", "/v1/products/a/images/0"])
def test_head_is_answered_as_get_without_the_body(server: Server, path: str) -> None:
    server.put("a", (200, 20, 20))
    got, head = server.client.get(path), server.client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "content-length", "etag"):
        assert head.headers.get(name) == got.headers.get(name)


def test_head_is_refused_where_there_is_no_get_and_needs_the_same_key(server: Server) -> None:
    assert server.client.head("/v1/search").status_code == 405
    assert server.client.delete("/v1/index").headers["allow"] == "GET, HEAD"
    server.key("search")
    assert server.client.head("/v1/index").status_code == 401


def test_operations_have_names_of_their_own(server: Server) -> None:
    operations = [
        operation["operationId"]
        for methods in server.client.get("/openapi.json").json()["paths"].values()
        for operation in methods.values()
    ]
    assert len(operations) == len(set(operations)) > 20


def test_our_own_faults_tell_the_caller_nothing_and_the_log_everything(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("SELECT secret FROM /home/shop")

    monkeypatch.setattr(server.services.catalog, "list_products", broken)
    with caplog.at_level(logging.ERROR, logger="garb"):
        answer = server.client.get("/v1/products")
    assert_problem(answer, 500)
    assert "SELECT" not in answer.text
    assert "/home" not in answer.text
    assert "SELECT secret" in caplog.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_full_disk_is_507(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/var/garb")

    server.put("a", (200, 20, 20))
    monkeypatch.setattr(server.services.catalog, "remove_products", full)
    answer = server.client.delete("/v1/products/a")
    assert_problem(answer, 507)
    assert "/var" not in answer.text


def test_every_error_has_one_shape_and_tells_no_path_and_no_sql(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise CatalogError("the database /var/garb.db does not answer: SELECT value FROM counter")

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("/var/garb.db: SELECT")

    client, key = server.client, bearer(server.key("admin"))
    limited = bearer(server.key("search", per_minute=1))
    search = {"method": "POST", "url": "/v1/search", "headers": key}
    big = [("photo", ("a.jpg", bytes(21 * 1024 * 1024), "image/jpeg"))]
    answers = {
        401: client.get("/v1/index"),
        403: stranger(server.app).get("/v1/imports/a", headers=bearer(server.key("search"))),
        404: client.get("/v1/products/a", headers=key),
        405: client.put("/v1/search", headers=key),
        413: client.request(**search, files=big),
        415: client.request(**search, content=b"{}"),
        422: client.get("/v1/products?limit=none", headers=key),
        429: [client.get("/v1/index", headers=limited) for _ in range(2)][1],
        400: client.put("/v1/products/a", content=b"{", headers=key | JSON),
    }
    monkeypatch.setattr(server.services.catalog, "list_products", gone)
    answers[503] = client.get("/v1/products", headers=key)
    monkeypatch.setattr(server.services.catalog, "list_products", broken)
    answers[500] = client.get("/v1/products", headers=key)
    members = {"type", "title", "status", "detail", "request_id"}
    for status, answer in answers.items():
        body = assert_problem(answer, status)
        assert body.keys() - {"errors", "column"} == members, status
        assert "SELECT" not in answer.text
        assert "/var" not in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert ("retry-after" in answer.headers) == (status in (429, 503))


def test_every_answer_carries_security_headers_and_its_request_id(server: Server) -> None:
    for path in ("/", "/livez", "/v1/products", "/nothing", "/static/app.js", "/openapi.json"):
        headers = server.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert len(headers["x-request-id"]) == 32
    given = server.client.get("/livez", headers={"X-Request-ID": "abc-1"})
    assert given.headers["x-request-id"] == "abc-1"
    odd = server.client.get("/livez", headers={"X-Request-ID": 'a"b' * 40})
    assert odd.headers["x-request-id"] != 'a"b' * 40


@pytest.fixture
def lines() -> Iterator[Callable[[], list[str]]]:
    """What the server logs, as `garb serve` writes it."""
    stream, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter())
    root.addHandler(handler)
    levels = {name: logging.getLogger(name).level for name in ("garb", "indexer")}
    for name in levels:
        logging.getLogger(name).setLevel(logging.INFO)
    yield lambda: stream.getvalue().splitlines()
    root.removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def test_log_is_one_line_an_answer_without_keys_and_ids(
    server: Server, lines: Callable[[], list[str]]
) -> None:
    token = server.key("search")
    headers = {"Authorization": f"Bearer {token}", "X-Request-ID": "r1"}
    server.client.get("/v1/products/some-id", headers=headers)
    (text,) = (text for text in lines() if "garb.access" in text)
    line = json.loads(text)
    assert line["request_id"] == "r1"
    assert line["status"] == 404
    assert line["route"] == "/v1/products/{product_id:path}"
    assert token not in text


def test_every_line_about_a_request_names_it_on_whatever_thread(
    server: Server, lines: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def chatty(*_: Any, **__: Any) -> None:
        logging.getLogger("indexer.matching").warning("from a thread of the pool")
        raise OSError("/var/lib/garb: SELECT secret FROM products")

    monkeypatch.setattr(server.services.photo_parser, "parse", chatty)
    for number in range(5):
        files = {"photo": ("a.jpg", fake_jpeg((9, 9, 9)), "image/jpeg")}
        answer = server.client.post(
            "/v1/search", files=files, headers={"X-Request-ID": f"r{number}"}
        )
        assert answer.status_code == 500
    told = [json.loads(text) for text in lines()]
    for number in range(5):
        own = [line["logger"] for line in told if line.get("request_id") == f"r{number}"]
        assert own == ["indexer.matching", "garb.api", "garb.access"]


def test_key_is_in_no_log_and_no_row(server: Server, lines: Callable[[], list[str]]) -> None:
    tokens = [server.key("search"), server.key("write"), new_token()]
    for token in tokens:
        for header in (f"Bearer {token}", f"bearer  {token} ", f"Basic {token}", token):
            headers = {"Authorization": header}
            server.client.get("/v1/products", headers=headers)
            server.client.put("/v1/products/a", json={"title": "a"}, headers=headers)
            server.client.post("/v1/search", content=b"nonsense", headers=headers)
            server.client.get(f"/v1/products?key={token}", headers=headers)
    files = [file.read_bytes() for file in server.services.settings.home.glob("garb.db*")]
    assert len(lines()) >= 48
    for token in tokens:
        assert not any(token in text for text in lines())
        assert not any(token.encode() in data for data in files)


def test_page_names_no_other_host_and_has_no_inline_code(server: Server) -> None:
    for path in ("/", "/docs"):
        page = server.client.get(path)
        assert page.headers["content-type"].startswith("text/html")
        assert "://" not in page.text
        assert "<script>" not in page.text
        assert "style=" not in page.text
    script = server.client.get("/static/app.js")
    assert script.headers["content-type"].startswith("text/javascript")
