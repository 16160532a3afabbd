"""The command: keys, the database, exit codes."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from indexer.catalog.repository import open_catalog
from search_api import cli
from search_api.app import version_of_garb
from search_api.auth import open_hasher
from search_api.errors import CannotListen
from search_api.listening import free_port


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    for name in ("GARB_DATABASE_URL", "GARB_MODELS", "GARB_IMAGES", "GARB_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GARB_HOME", str(folder))
    return folder


def garb(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run `garb` in this process; returns its exit code."""
    monkeypatch.setattr(sys, "argv", ["garb", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_key_is_printed_once_listed_by_prefix_and_revoked(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert garb(monkeypatch, "key", "create", "till", "--scope", "search") == 0
    token = capsys.readouterr().out.strip()
    assert token.startswith("garb_")
    assert garb(monkeypatch, "key", "list") == 0
    listed = capsys.readouterr().out
    assert token not in listed
    assert token[:9] in listed
    catalog = open_catalog(f"sqlite:///{home / 'garb.db'}")
    stored = catalog.find_key(open_hasher(home).hash(token))
    catalog.close()
    assert stored is not None
    assert (stored.name, stored.scope, stored.revoked) == ("till", "search", None)
    assert garb(monkeypatch, "key", "revoke", str(stored.id)) == 0
    capsys.readouterr()
    garb(monkeypatch, "key", "list")
    assert "revoked" in capsys.readouterr().out


def test_key_can_be_bound_to_collections_and_a_rate(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bounds = ("--collection", " summer ", "--collection", "winter", "--collection", "summer")
    create = ("key", "create", "tenant", "--scope")
    assert garb(monkeypatch, *create, "write", *bounds, "--per-minute", "600") == 0
    token = capsys.readouterr().out.strip()
    catalog = open_catalog(f"sqlite:///{home / 'garb.db'}")
    stored = catalog.find_key(open_hasher(home).hash(token))
    catalog.close()
    assert stored is not None
    assert (stored.collections, stored.per_minute) == (("summer", "winter"), 600)
    assert garb(monkeypatch, "key", "list") == 0
    assert "tenant: write in summer, winter 600 times a minute" in capsys.readouterr().out
    assert garb(monkeypatch, *create, "admin", "--collection", "summer") == 2
    assert garb(monkeypatch, *create, "search", "--collection", " ") == 2
    assert garb(monkeypatch, *create, "search", "--per-minute", "0") == 2


def test_database_is_upgraded(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert garb(monkeypatch, "db", "upgrade") == 0
    assert capsys.readouterr().out.strip()
    assert (home / "garb.db").exists()


def test_failure_is_one_line_and_exit_code_1(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert garb(monkeypatch, "key", "revoke", "77") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("garb: ")


def test_an_argument_that_is_no_text_is_one_line(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert garb(monkeypatch, "catalog", "show", "\udcff") == 1
    assert capsys.readouterr().err == "garb: an argument holds bytes that are not UTF-8\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["key", "create", "x"],
        ["key", "create", "x", "--scope", "all"],
        ["key", "create", "", "--scope", "search"],
        ["key", "create", " ", "--scope", "search"],
        ["key", "create", "two\nlines", "--scope", "search"],
        ["key", "create", "\udcff", "--scope", "search"],
        ["key", "revoke", "0"],
        ["key", "revoke", "99999999999999999999999"],
        ["serve", "-x"],
    ],
)
def test_wrong_usage_is_exit_code_2(
    home: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    assert garb(monkeypatch, *arguments) == 2


@pytest.mark.parametrize("command", [["serve"], ["demo", "--serve"]])
def test_port_that_is_taken_is_said_in_one_line_before_anything_is_loaded(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert garb(monkeypatch, *command, "--port", str(port)) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"garb: cannot listen on 127.0.0.1, port {port}: address already in use")
    assert said.count("\n") == 1
    assert not home.exists()
    assert free_port("127.0.0.1", port) == port
    assert free_port("127.0.0.1", 0) > 0
    with pytest.raises(CannotListen, match="--host"):
        free_port("192.0.2.1", 8000)


def test_home_that_is_a_file_is_said_in_one_line(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home.touch()
    for arguments in (["key", "list"], ["db", "upgrade"]):
        assert garb(monkeypatch, *arguments) == 1
        said = capsys.readouterr().err
        assert said.startswith(f"garb: GARB_HOME: {home} cannot be made a folder")
        assert said.count("\n") == 1


def test_version_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert garb(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"garb {version_of_garb()}\n"


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def test_every_command_and_what_it_takes_is_told_in_its_help() -> None:
    found = dict(commands(typer.main.get_command(cli.build())))
    assert len(found) > 40
    for name, command in found.items():
        assert command.help, name
        assert [one.name for one in command.params if not one.help] == [], name


def test_nothing_that_serves_imports_torch() -> None:
    code = "import search_api.app, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_ctrl_c_is_one_line_and_exit_code_130(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(settings: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "open_storage", interrupted)
    assert garb(monkeypatch, "key", "list") == 130
    assert capsys.readouterr().err.strip() == "garb: stopped"
