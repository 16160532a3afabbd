"""The commands that the pages name, and how a test types them in a folder of its own."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from search_api.cli import build

_LOG = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("garb", "curl", "echo", "python", "pip", "make", "docker", "bash")
# Named on a page as one names a thing; typed like this they would ask for their arguments.
MENTIONED = frozenset({
    "garb catalog import", "garb embedder train", "garb evaluate retrieval",
    "garb segmenter evaluate", "pip install garb",
})  # fmt: skip


def every_page() -> list[str]:
    """Every page that may name a command, relative to the root."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
    pages += [ROOT / "benchmarks" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [str(page.relative_to(ROOT)) for page in pages]


def blocks(page: str, language: str = "") -> list[str]:
    """The code blocks of a page, as they stand."""
    return re.findall(rf"^```{language}\n(.*?)^```", _text(page), re.MULTILINE | re.DOTALL)


def typed(page: str) -> list[str]:
    """The commands of a page's code blocks, in their order."""
    lines = [line for block in blocks(page) for line in block.splitlines()]
    return [command for line in lines if (command := _command(line)) is not None]


def spans(page: str) -> list[str]:
    """The whole commands within the sentences of a page: those with gaps are no commands."""
    prose = re.sub(r"^```.*?^```", "", _text(page), flags=re.MULTILINE | re.DOTALL)
    found = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]
    commands = [command for span in found if (command := _command(span)) is not None]
    return [
        command
        for command in dict.fromkeys(commands)
        if command not in MENTIONED and " " in command and not re.search(r"…|\[-", command)
    ]


def _text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def _command(line: str) -> str | None:
    bare = re.sub(r"\s{2,}#.*", "", line.strip()).removeprefix("$ ").removeprefix(".venv/bin/")
    first = bare.split(" ", 1)[0]
    return bare if first in PROGRAMS or re.match(r"[A-Z_]+=\S+ (garb|make) ", bare) else None


@dataclass
class Shop:
    """A working folder with the files that the pages name, and a home for Garb.

    ``instead``: patterns of what is typed in other words, and those words.
    """

    folder: Path
    instead: Mapping[str, str] = field(default_factory=dict)
    port: int = 0

    @property
    def environment(self) -> dict[str, str]:
        """Where `garb` and `python` are this checkout's."""
        programs = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        home = str(self.folder / "home")
        return {**os.environ, "PATH": programs, "PYTHONPATH": str(ROOT), "GARB_HOME": home}

    def run(self, line: str) -> tuple[int, str]:
        """What a command exits with, and what it says."""
        for documented, small in self.instead.items():
            line = re.sub(documented, small, line)
        line = line.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}")
        if line.startswith("garb ") and "|" not in line:
            # In this process: it takes seconds to start one and load the libraries.
            told = CliRunner().invoke(build(), shlex.split(line)[1:])
            return told.exit_code, f"{told.output}\n{told.exception!r}"
        line = re.sub(r"(^|\| )curl ", r"\1curl --silent --show-error --fail-with-body ", line)
        finished = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            check=False,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        return finished.returncode, finished.stdout + finished.stderr

    def wrong(self, page: str, lines: list[str]) -> list[str]:
        """Those that do not exit with 0, with what they said."""
        wrong = []
        for line in lines:
            status, told = self.run(line)
            _LOG.info("%d %s", status, line)
            if status != 0:
                wrong.append(f"{page}: {line}\n{told[-1500:]}")
        return wrong

    @contextlib.contextmanager
    def serving(self, command: str) -> Iterator[None]:
        """A server, on a free port of this machine alone, until left."""
        words = shlex.split(command.replace("0.0.0.0", "127.0.0.1"))
        words += ["--port", str(self.port)]
        server = subprocess.Popen(
            words,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._wait_until_ready()
            yield
        finally:
            server.terminate()
            server.wait(60)

    def _wait_until_ready(self) -> None:
        for _ in range(240):
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=5).is_success:
                    return
            time.sleep(0.5)
        raise TimeoutError("the server did not become ready within two minutes")


@contextlib.contextmanager
def open_shop(folder: Path, instead: Mapping[str, str]) -> Iterator[Shop]:
    """The folder as a shop's, and the working folder until left."""
    programs = folder / "bin"
    programs.mkdir()
    for name, module in (("garb", "-m search_api"), ("python", "")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n', "utf-8")
        program.chmod(0o755)
    shop = Shop(folder, instead, _free_port())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("GARB_HOME", shop.environment["GARB_HOME"])
        yield shop


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
