"""Two processes over one database: what one changes, the other knows within a second.

Workers of one server on SQLite, and servers with homes of their own on PostgreSQL.
"""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from indexer.catalog.repository import open_catalog
from search_api.auth import new_token, open_hasher, shown_part
from tests.fakes import fake_jpeg
from tests.patience import READINGS

RED = (200, 20, 20)
ASKS = 24
ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def make_key(home: Path, *, per_minute: int) -> str:
    token = new_token()
    catalog = open_catalog(f"sqlite:///{home / 'garb.db'}")
    hashed = open_hasher(home).hash(token)
    catalog.create_key("test", "write", hashed, shown_part(token), per_minute=per_minute)
    catalog.close()
    return token


@contextmanager
def serving(home: Path, *, workers: int, database_url: str = "") -> Iterator[str]:
    """A server on this home; its address."""
    port = free_port()
    arguments = ["--host", "127.0.0.1", "--port", str(port), "--workers", str(workers), "--factory"]
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", *arguments, "tests.search_api.fake_server:build"],
        cwd=ROOT,
        env={**os.environ, "GARB_HOME": str(home), "GARB_DATABASE_URL": database_url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    open_catalog(f"sqlite:///{tmp_path / 'garb.db'}").close()
    with serving(tmp_path, workers=2) as address:
        yield address


def answers(url: str, asks: int = ASKS) -> list[int]:
    """How many matches each of many new connections is given."""
    counts = []
    for _ in range(asks):
        answer = httpx.post(f"{url}/v1/search", files={"photo": fake_jpeg(RED)}, timeout=30)
        assert answer.status_code == 200, answer.text
        counts.append(len(answer.json()["garments"][0]["matches"]))
    return counts


def put(url: str) -> None:
    image = base64.b64encode(fake_jpeg(RED)).decode()
    body = {"category": "dress", "images": [{"base64": image}]}
    assert httpx.put(f"{url}/v1/products/a", json=body, timeout=30).status_code == 201


def wait_until_ready(url: str) -> None:
    """With a moment for the second worker."""
    for _ in range(300):
        try:
            if httpx.get(f"{url}/readyz", timeout=30).status_code == 200:
                break
        except httpx.TransportError:
            time.sleep(0.2)
    time.sleep(2)


def within_a_second(changed: str, *asked: str, asks: int = ASKS) -> bool:
    """Whether a new product, and its deletion, are known a second later to all who are asked."""
    put(changed)
    time.sleep(1)
    found = [answers(url, asks) for url in asked]
    assert httpx.delete(f"{changed}/v1/products/a", timeout=30).status_code == 204
    time.sleep(1)
    left = [answers(url, asks) for url in asked]
    return (found, left) == ([[1] * asks] * len(asked), [[0] * asks] * len(asked))


def test_change_reaches_every_worker_within_a_second(url: str) -> None:
    wait_until_ready(url)
    assert any(within_a_second(url, url) for _ in range(READINGS))


@pytest.mark.slow
def test_change_reaches_the_other_server_on_one_postgres_within_a_second(
    tmp_path: Path, postgres_database_url: str
) -> None:
    homes = [tmp_path / "one", tmp_path / "two"]
    for home in homes:
        home.mkdir()
    with (
        serving(homes[0], workers=1, database_url=postgres_database_url) as one,
        serving(homes[1], workers=1, database_url=postgres_database_url) as two,
    ):
        for url in (one, two):
            wait_until_ready(url)
        for changed, other in ((one, two), (two, one)):
            assert any(within_a_second(changed, changed, other, asks=1) for _ in range(READINGS))
            status = httpx.get(f"{other}/v1/index", timeout=30).json()
            assert (status["products"], status["behind"]) == (0, 0)


@pytest.mark.slow
def test_limit_of_a_key_is_one_for_all_processes_of_a_home(tmp_path: Path) -> None:
    key = {"Authorization": f"Bearer {make_key(tmp_path, per_minute=8)}"}
    with serving(tmp_path, workers=1) as one, serving(tmp_path, workers=1) as two:
        for url in (one, two):
            wait_until_ready(url)
        asked = [httpx.get(f"{url}/v1/index", headers=key, timeout=30) for url in (one, two) * 8]
    assert [answer.status_code for answer in asked] == [200] * 8 + [429] * 8
    assert len({answer.json()["process"] for answer in asked[:8]}) == 2
