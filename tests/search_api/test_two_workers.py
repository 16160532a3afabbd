"""Two processes over one database: what one changes, the other knows within a second."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from indexer.catalog.repository import open_catalog
from tests.fakes import fake_jpeg

RED = (200, 20, 20)
ASKS = 24
ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    open_catalog(f"sqlite:///{tmp_path / 'garb.db'}").close()
    port = free_port()
    arguments = ["--host", "127.0.0.1", "--port", str(port), "--workers", "2", "--factory"]
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", *arguments, "tests.search_api.fake_server:build"],
        cwd=ROOT,
        env={**os.environ, "GARB_HOME": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def answers(url: str) -> list[int]:
    """How many matches each of many new connections is given."""
    counts = []
    for _ in range(ASKS):
        answer = httpx.post(f"{url}/v1/search", files={"photo": fake_jpeg(RED)}, timeout=30)
        assert answer.status_code == 200, answer.text
        counts.append(len(answer.json()["garments"][0]["matches"]))
    return counts


def wait_until_both_workers_listen(url: str) -> None:
    for _ in range(300):
        try:
            if httpx.get(f"{url}/readyz", timeout=30).status_code == 200:
                break
        except httpx.TransportError:
            time.sleep(0.2)
    time.sleep(2)


def test_change_reaches_every_worker_within_a_second(url: str) -> None:
    wait_until_both_workers_listen(url)
    image = base64.b64encode(fake_jpeg(RED)).decode()
    body = {"category": "dress", "images": [{"base64": image}]}
    assert httpx.put(f"{url}/v1/products/a", json=body, timeout=30).status_code == 201
    time.sleep(1)
    assert answers(url) == [1] * ASKS
    assert httpx.delete(f"{url}/v1/products/a", timeout=30).status_code == 204
    time.sleep(1)
    assert answers(url) == [0] * ASKS
