"""A server in a process of its own: fake models, all else as it is served, the home of GARB_HOME."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from fastapi import FastAPI

from indexer.catalog.repository import open_catalog
from search_api.app import create_app
from tests.crash.snapshots import with_snapshots
from tests.search_api.conftest import build_services
from tests.search_api.test_two_workers import free_port

ROOT = Path(__file__).parents[2]


def build() -> FastAPI:
    """uvicorn's factory."""
    return create_app(with_snapshots(build_services(Path(os.environ["GARB_HOME"]))))


@contextmanager
def running_server(home: Path) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    """The process and a client of it, ready; killed on leaving."""
    open_catalog(f"sqlite:///{home / 'garb.db'}").close()
    port = str(free_port())
    arguments = ["--host", "127.0.0.1", "--port", port, "--factory", "--log-level", "warning"]
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", *arguments, f"{__name__}:build"],
        cwd=ROOT,
        env={**os.environ, "GARB_HOME": str(home)},
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            _wait_until_ready(process, client)
            yield process, client
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(30)


def _wait_until_ready(process: subprocess.Popen[bytes], client: httpx.Client) -> None:
    for _ in range(600):
        assert process.poll() is None, "the server does not start"
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the server is not ready")
