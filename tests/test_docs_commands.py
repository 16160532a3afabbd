"""Every command of the pages that a shop works by is run, on a shop of a few drawn products."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from search_api.cli import build
from wardrobe.draw import draw_wardrobe

ROOT = Path(__file__).resolve().parent.parent
# In the order that a shop meets them: what one page imports the next one searches.
PAGES = ("index-your-catalog.md", "match-photos.md", "evaluate.md")
# What is run in other words: the shop's own address, and how much is drawn.
INSTEAD = {
    "curl -s https://shop.example/google.xml": "cat google.xml",
    "--products 200 --photos 40": "--products 6 --photos 1",
}
# The server runs beside them all.
SERVES = re.compile(r"garb serve")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Shop:
    """The working folder has the files that the pages name; a server runs on its catalog."""

    environment: dict[str, str]
    port: int

    def run(self, line: str) -> tuple[int, str]:
        """A line of a page: what it exits with, and what it says."""
        for documented, small in INSTEAD.items():
            line = line.replace(documented, small)
        line = line.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}")
        if line.startswith("garb ") and "|" not in line:
            # In this process: it takes seconds to start one and load the libraries.
            told = CliRunner().invoke(build(), shlex.split(line)[1:])
            return told.exit_code, f"{told.output[-500:]}\n{told.exception!r}"
        line = re.sub(r"^curl ", "curl --silent --show-error --fail-with-body ", line)
        finished = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            check=False,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        return finished.returncode, finished.stdout[-500:] + finished.stderr[-500:]


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[str]:
    lines = [line.strip() for block in blocks(page, "") for line in block.splitlines()]
    asked = [line for line in lines if line.startswith(("garb ", "curl "))]
    return [line for line in asked if not SERVES.search(line)]


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def lay_out(folder: Path) -> None:
    """The files that the pages name."""
    drawn = draw_wardrobe(folder, products=8, photos=2, seed=3)
    shutil.copy(drawn.street_photos[0], folder / "street.jpg")
    shutil.copy(drawn.annotations, folder / "validation.json")
    (folder / "photos").mkdir()
    for photo in drawn.street_photos:
        shutil.copy(photo, folder / "photos" / photo.name)
    first = next((folder / "images").iterdir()).name
    for name in ("4711", "d-1"):
        with drawn.products.open("a", encoding="utf-8") as file:
            columns = drawn.products.read_text("utf-8").splitlines()[0].split(",")
            told = {"id": name, "title": "Navy silk dress", "category": "dress", "price": "79.00"}
            told |= {"currency": "EUR", "image": f"images/{first}", "brand": "Acme"}
            file.write(",".join(told.get(column, "") for column in columns) + "\n")
    shutil.copy(folder / "images" / first, folder / "photos" / "e-1.jpg")
    record = {"id": "e-1", "title": "Shirt", "image": "e-1.jpg", "popularity": 3}
    (folder / "feed.jsonl").write_text(json.dumps(record) + "\n", "utf-8")
    (folder / "products_export.csv").write_text(
        "Handle,Title,Body (HTML),Vendor,Variant Price,Image Src,Image Position\n"
        f"bag,Bag,,Acme,20.00,images/{first},1\n",
        "utf-8",
    )
    (folder / "feeds").mkdir()
    (folder / "feeds" / "more.csv").write_text(
        f"id,title,image\nf-1,Hat,../images/{first}\n", "utf-8"
    )
    (folder / "google.xml").write_text(
        '<rss xmlns:g="http://base.google.com/ns/1.0"><channel><item><g:id>g-1</g:id>'
        "<title>Coat</title><g:image_link>e-1.jpg</g:image_link></item></channel></rss>",
        "utf-8",
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    lay_out(folder)
    programs = folder / "bin"
    programs.mkdir()
    garb = programs / "garb"
    garb.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m search_api "$@"\n', "utf-8")
    garb.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "GARB_HOME": str(folder / "home"),
    }
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as closing:
        patch.chdir(folder)
        patch.setenv("GARB_HOME", environment["GARB_HOME"])
        opened = Shop(environment, free_port())
        assert opened.run("garb catalog list")[0] == 0
        server = subprocess.Popen(
            [garb, "serve", "--port", str(opened.port)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        closing.callback(server.wait, 60)
        closing.callback(server.terminate)
        wait_until_ready(opened)
        yield opened


def wait_until_ready(shop: Shop) -> None:
    for _ in range(240):
        try:
            if httpx.get(f"http://127.0.0.1:{shop.port}/readyz", timeout=5).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise TimeoutError("the server did not become ready within two minutes")


def test_every_command_of_the_pages_does_what_it_says(shop: Shop) -> None:
    lines = [(page, line) for page in PAGES for line in commands(page)]
    assert len(lines) > 30
    wrong = []
    for page, line in lines:
        # The page before took products away.
        if page == "match-photos.md" and line == commands(page)[0]:
            assert shop.run("garb catalog import products.csv")[0] == 0
        status, told = shop.run(line)
        if status != 0:
            wrong.append(f"{page}: {line}\n{told}")
    assert not wrong, "\n\n".join(wrong)


def test_the_python_of_the_pages_runs(shop: Shop) -> None:
    (code,) = blocks("match-photos.md", "python")
    code = code.replace("127.0.0.1:8000", f"127.0.0.1:{shop.port}")
    finished = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        env=shop.environment,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip()
