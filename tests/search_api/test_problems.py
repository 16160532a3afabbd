"""One body shape for every error, one envelope for every answer, and nothing leaks."""

from __future__ import annotations

import errno
import io
import json
import logging

import pytest

from search_api.envelope import LineFormatter
from tests.search_api.conftest import Server, assert_problem


def test_unknown_addresses_and_methods_are_problems(server: Server) -> None:
    assert_problem(server.client.get("/nothing"), 404)
    assert_problem(server.client.get("/static/../app.py"), 404)
    assert_problem(server.client.get("/static/%2e%2e%2fapp.py"), 404)
    answer = server.client.get("/v1/search")
    assert_problem(answer, 405)
    assert "POST" in answer.headers["allow"]
    assert_problem(server.client.get("/v1/products", params={"limit": 0}), 422)
    assert_problem(server.client.request("BREW", "/v1/index"), 405)


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

    monkeypatch.setattr(server.services.catalog, "remove_products", full)
    answer = server.client.delete("/v1/products/a")
    assert_problem(answer, 507)
    assert "/var" not in answer.text


def test_every_answer_carries_security_headers_and_its_request_id(server: Server) -> None:
    for path in ("/", "/livez", "/v1/products", "/nothing"):
        headers = server.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert len(headers["x-request-id"]) == 32
    given = server.client.get("/livez", headers={"X-Request-ID": "abc-1"})
    assert given.headers["x-request-id"] == "abc-1"
    odd = server.client.get("/livez", headers={"X-Request-ID": 'a"b' * 40})
    assert odd.headers["x-request-id"] != 'a"b' * 40


def test_log_is_one_line_an_answer_without_keys_and_ids(server: Server) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter())
    logger = logging.getLogger("garb.access")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        token = server.key("search")
        headers = {"Authorization": f"Bearer {token}", "X-Request-ID": "r1"}
        server.client.get("/v1/products/some-id", headers=headers)
    finally:
        logger.removeHandler(handler)
    (text,) = stream.getvalue().splitlines()
    line = json.loads(text)
    assert line["request_id"] == "r1"
    assert line["status"] == 404
    assert line["route"] == "/v1/products/{product_id:path}"
    assert token not in text


def test_page_names_no_other_host_and_has_no_inline_code(server: Server) -> None:
    for path in ("/", "/docs"):
        page = server.client.get(path)
        assert page.headers["content-type"].startswith("text/html")
        assert "://" not in page.text
        assert "<script>" not in page.text
        assert "style=" not in page.text
    script = server.client.get("/static/app.js")
    assert script.headers["content-type"].startswith("text/javascript")
