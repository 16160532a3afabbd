"""The command line and HTTP give one answer; only the timings differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from indexer import cli, search_cli
from indexer.bootstrap import Services
from indexer.settings import Settings
from tests.fakes import fake_png
from tests.search_api.conftest import Server

RED = (200, 20, 20)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"k": "1", "category": "Dresses"},
        {"box": "10,10,50,60", "colour": "#c81414"},
        {"colour": "#1414c8", "colour_weight": "0.9", "fold": "true"},
        {"filter": "price < 50", "include": "person", "min_score": "0.9999"},
        {"facets": "brand,price,material", "k": "2", "boost": "price:0.5"},
        {"category": "hat"},
        {"q": "but blue, p 2", "q_weight": "0.6"},
    ],
)
def test_search_answers_alike(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: dict[str, str]
) -> None:
    for number in range(3):
        server.put(f"p {number}", (200 - number, 20, 20), price=number * 40.0)
    photo = tmp_path / "street.png"
    photo.write_bytes(fake_png(RED))

    options = [part for name, value in fields.items() for part in _option(name, value)]
    printed = _printed(server, monkeypatch, "search", str(photo), *options)
    files = {"photo": ("street.png", photo.read_bytes(), "image/png")}
    answered = server.client.post("/v1/search", files=files, data=fields)
    assert answered.status_code == 200, answered.text
    assert _timeless(printed) == _timeless(answered.json())


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"k": "1"},
        {"q": "in blue", "q_weight": "0.75"},
        {"filter": "price > 0", "fold": "true", "min_score": "0.5", "boost": "price:0.5"},
    ],
)
def test_similar_and_find_answer_alike(
    server: Server, monkeypatch: pytest.MonkeyPatch, fields: dict[str, str]
) -> None:
    for number in range(3):
        server.put(f"p {number}", (200 - number, 20, 20), price=number * 40.0)
    options = [part for name, value in fields.items() for part in _option(name, value)]
    printed = _printed(server, monkeypatch, "similar", "p 1", *options)
    answered = server.client.post("/v1/products/p 1/similar", params=fields).json()
    assert printed == answered
    assert answered["matches"]
    if "fold" in fields or "q" in fields:
        return
    printed = _printed(server, monkeypatch, "find", "P", *options, "--facets", "price,brand")
    asked = {"q": "P", "facets": "price,brand", **fields}
    answered = server.client.get("/v1/search/text", params=asked).json()
    assert printed == answered
    assert answered["matches"]


def _printed(server: Server, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:
    """What a command prints as JSON, over the server's own services."""

    @contextmanager
    def opened(_: Settings) -> Iterator[Services]:
        yield server.services

    monkeypatch.setattr(search_cli, "open_services", opened)
    app = typer.Typer()
    cli.register(app)
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


def _option(name: str, value: str) -> tuple[str, ...]:
    words = {"q": "words", "q_weight": "words-weight"}
    option = f"--{words.get(name, name.replace('_', '-'))}"
    return (option,) if value == "true" else (option, value)


def _timeless(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer.pop("timings_ms")
    return answer
