"""A full disk: the process lives, what was there serves, writers are told 507, nothing is torn."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from indexer.bootstrap import Services
from indexer.errors import CatalogError, CatalogFull
from tests.crash.full_disk import (
    GREEN,
    RED,
    assert_nothing_torn,
    assert_serves,
    put_noise,
)
from tests.crash.snapshots import with_snapshots
from tests.search_api.conftest import assert_problem, empty_database, serve, services

__all__ = ["empty_database", "services"]
ROOT = Path(__file__).parents[2]
MOUNT = 'mount -t tmpfs -o size=10m none "$0" && exec "$@"'


def own_namespace() -> list[str]:
    """What runs a command that may mount a disk which ends with it."""
    prefix = ["unshare", "--user", "--map-root-user", "--mount"]
    if shutil.which("unshare") is None or subprocess.run([*prefix, "true"], check=False).returncode:
        pytest.skip("no disk can be mounted here")
    return prefix


@pytest.mark.slow
def test_server_on_ten_megabytes(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    inside = [sys.executable, "-m", "tests.crash.full_disk", str(home)]
    command = [*own_namespace(), "sh", "-c", MOUNT, str(home), *inside]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-4_000:]
    assert not list(home.iterdir()), "it ran on the disk of everybody"


def test_a_disk_without_room_for_photos_and_snapshots(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = services.settings.home

    def no_room(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for server in serve(with_snapshots(services)):
        server.put("red", RED)
        server.put("green", GREEN)
        server.services.index.save_snapshot()
        with monkeypatch.context() as full:
            full.setattr(os, "fsync", no_room)
            assert_problem(put_noise(server, "more"), 507)
            assert server.client.delete("/v1/products/none").status_code == 404
            server.services.catalog.remove_products(["nothing"])
            server.services.index.save_if_changed()
            assert_serves(server)
            assert_nothing_torn(home)
        assert put_noise(server, "more").status_code == 201
    again = with_snapshots(services).index
    assert again.damage is None
    assert again.verify() == []


def test_a_disk_without_room_for_the_database(services: Services) -> None:
    engine = services.catalog.engine
    pages = 1_000_000

    # SQLite answers a page too many as it answers a full disk.
    @sa.event.listens_for(engine, "connect")
    def limit(connection: Any, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    for server in serve(with_snapshots(services)):
        server.put("red", RED)
        server.put("green", GREEN)
        pages = 1
        engine.dispose()
        for number in range(200):
            # Of the same photo, so behind "red" by their ids.
            answer = server.put(f"too-many-{number}", RED, title="x" * 1_000)
            if answer.status_code != 201:
                break
        assert_problem(answer, 507)
        assert_serves(server)
        assert server.services.index.verify() == []
        pages = 1_000_000
        engine.dispose()
        assert server.put("more", RED).status_code == 201


@pytest.mark.parametrize(("free", "words"), [(0, "is full"), (10**9, "does not answer")])
def test_sqlite_that_cannot_open_its_files_says_whether_the_disk_is_full(
    services: Services, monkeypatch: pytest.MonkeyPatch, free: int, words: str
) -> None:
    usage = SimpleNamespace(total=10**9, used=10**9 - free, free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    with pytest.raises(CatalogError, match=words), services.catalog.reading():
        raise sa.exc.OperationalError("PRAGMA", {}, error)


def test_postgres_says_it_in_a_word_of_its_own(services: Services) -> None:
    full = psycopg.errors.DiskFull("could not extend file")
    with pytest.raises(CatalogFull), services.catalog.reading():
        raise sa.exc.OperationalError("INSERT", {}, full)
