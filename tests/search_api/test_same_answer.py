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

from indexer import cli
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
        {"filter": "price < 50", "include": "person"},
        {"category": "hat"},
    ],
)
def test_search_answers_alike(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: dict[str, str]
) -> None:
    for number in range(3):
        server.put(f"p {number}", (200 - number, 20, 20), price=number * 40.0)
    photo = tmp_path / "street.png"
    photo.write_bytes(fake_png(RED))

    @contextmanager
    def opened(_: Settings) -> Iterator[Services]:
        yield server.services

    monkeypatch.setattr(cli, "open_services", opened)
    app = typer.Typer()
    cli.register(app)
    options = [part for name, value in fields.items() for part in _option(name, value)]
    printed = CliRunner().invoke(app, ["search", str(photo), *options, "--json"])
    files = {"photo": ("street.png", photo.read_bytes(), "image/png")}
    answered = server.client.post("/v1/search", files=files, data=fields)
    assert answered.status_code == 200, answered.text
    assert _timeless(json.loads(printed.stdout)) == _timeless(answered.json())


def _option(name: str, value: str) -> tuple[str, ...]:
    option = f"--{name.replace('_', '-')}"
    return (option,) if value == "true" else (option, value)


def _timeless(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer.pop("timings_ms")
    return answer
