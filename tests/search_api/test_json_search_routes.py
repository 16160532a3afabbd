"""A photo in base64 is answered as one in a form."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.fakes import fake_jpeg
from tests.search_api.answers import BLUE, RED
from tests.search_api.conftest import PROBLEM, Server


def in_base64(colour: tuple[int, int, int]) -> str:
    return base64.b64encode(fake_jpeg(colour)).decode()


def untimed(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "timings_ms"}


def test_a_photo_in_base64_is_answered_as_a_file(server: Server) -> None:
    for number in range(4):
        server.put(f"red {number}", (200 - number, 32, 44), price=10.0 * number, brand="Acme")
    server.put("blue", BLUE, price=99.0)
    asked: dict[str, Any] = {
        "k": 3, "category": "dress", "filter": "price < 50", "colour": "#C8202C",
        "colour_weight": 0.25, "min_score": 0.5, "boost": "price:0.1", "q": "red, by Acme",
        "q_weight": 0.1,
    }  # fmt: skip
    form = {**asked, "box": "10,10,50,60", "facets": "brand,price", "fold": "true"}
    lists = {"box": [10, 10, 50, 60], "facets": ["brand", "price"], "fold": True}
    body = {**asked, **lists, "photo": in_base64(RED), "include": ["person"]}
    by_file = server.search(RED, **form, include="person")
    answer = server.client.post("/v1/search", json=body)
    assert answer.status_code == 200, answer.text
    assert untimed(answer.json()) == untimed(by_file.json())
    assert answer.json()["garments"][0]["matches"]
    # As a page has it from a file or a canvas.
    url = {"photo": f"data:image/jpeg;base64,{in_base64(BLUE)}"}
    (garment,) = server.client.post("/v1/search", json=url).json()["garments"]
    assert garment["matches"][0]["product"]["id"] == "blue"


def test_a_photo_in_base64_is_parsed_as_a_file(server: Server) -> None:
    files = {"photo": fake_jpeg(RED)}
    by_file = server.client.post("/v1/parse", files=files, data={"include": "person"})
    body = {"photo": in_base64(RED), "include": ["person"]}
    answer = server.client.post("/v1/parse", json=body)
    assert answer.json()["person"] is not None
    assert untimed(answer.json()) == untimed(by_file.json())


@pytest.mark.parametrize("path", ["/v1/search", "/v1/parse"])
@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        (b"{", 400, "JSON"),
        (b"[" * 100_000, 400, "JSON"),
        (b"[]", 422, "body"),
        (b"{}", 422, "photo"),
        (b'{"photo": 3}', 422, "photo"),
        (b'{"photo": null}', 422, "photo"),
        (b'{"photo": "###"}', 422, "base64"),
        (b'{"photo": ""}', 422, ""),
        (b'{"photo": "aGVsbG8="}', 415, "photo"),
        (b'{"photo": "", "include": ["cat"]}', 422, "include"),
        (b'{"photo": "", "fotos": 1}', 422, "fotos"),
        (b'{"photo": "", "q": "\\ud800"}', 400, "JSON"),
        (b'{"photo": "", "filter": "\\udc00"}', 400, "JSON"),
        (b'{"photo": "", "category": "\xed\xa0\x80"}', 400, "JSON"),
    ],
)
def test_json_that_cannot_be_used_is_refused(
    server: Server, path: str, body: bytes, status: int, word: str
) -> None:
    answer = server.client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    assert word in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/search", "/v1/parse"])
def test_who_sends_neither_form_nor_json_is_told_of_both(server: Server, path: str) -> None:
    answer = server.client.post(path, content=b"x", headers={"Content-Type": "image/jpeg"})
    assert answer.status_code == 415
    detail = answer.json()["detail"]
    assert "multipart/form-data" in detail
    assert "application/json" in detail


@pytest.mark.parametrize(
    "field",
    [
        {"k": 0}, {"k": 101}, {"k": "3"}, {"k": True}, {"box": [1, 2, 3]}, {"box": [9, 9, 1, 1]},
        {"colour": "red"}, {"colour_weight": 1.5}, {"q": "x" * 501}, {"filter": "price <"},
        {"q": "\x00"}, {"boost": "price"}, {"facets": "brand"}, {"facets": ["a"] * 21},
        {"fold": "true"}, {"min_score": -0.1}, {"category": "a" * 1_001}, {"category": "a\x00b"},
    ],
    ids=str,
)  # fmt: skip
def test_a_field_of_json_that_cannot_be_used_is_named(
    server: Server, field: dict[str, Any]
) -> None:
    answer = server.client.post("/v1/search", json={"photo": in_base64(RED), **field})
    assert answer.status_code == 422
    (name,) = field
    assert name in answer.text
