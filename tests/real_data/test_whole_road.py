"""The main job on real photos: a catalog indexed, a street photo answered, by command and HTTP."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from tests.patience import READINGS
from tests.real_data.conftest import ROOT, Shop, part_of_catalog, run_garb
from tests.search_api.test_two_workers import free_port, wait_until_ready

pytestmark = [pytest.mark.real_data, pytest.mark.slow, pytest.mark.timeout(600)]

ASKS = 10
KILLS = 10


@pytest.fixture(scope="module")
def server(shop: Shop) -> Iterator[str]:
    """`garb serve --workers 2` over the shop."""
    port = free_port()
    arguments = ["serve", "--port", str(port), "--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "search_api", *arguments],
        env={**os.environ, "GARB_HOME": str(shop.home)},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(url)
        yield url
    finally:
        process.terminate()
        process.wait(60)


def post(url: str, photo: Path, **fields: Any) -> httpx.Response:
    files = {"photo": (photo.name, photo.read_bytes(), "image/jpeg")}
    return httpx.post(f"{url}/v1/search", files=files, data=fields, timeout=60)


def test_second_import_changes_nothing(shop: Shop) -> None:
    report = shop.run_import()
    assert (report["unchanged"], report["new"], report["failed"]) == (shop.products, 0, 0)


def test_broken_rows_are_named_and_others_unaffected(
    shop: Shop, garb_data: Path, tmp_path: Path
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    good = sorted((garb_data / "catalog" / "images").iterdir())[:2]
    for path in good:
        shutil.copy(path, images)
    (images / "empty.jpg").touch()
    (images / "text.jpg").write_text("not a photo")
    (images / "cut.jpg").write_bytes(good[0].read_bytes()[:900])
    rows = [
        "id,title,category,image",
        f"a,fine,dress,images/{good[0].name}",
        "b,broken,dress,images/empty.jpg",
        "c,broken,dress,images/text.jpg",
        "d,broken,dress,images/cut.jpg",
        ",no id,dress,images/empty.jpg",
        "too,few",
        f"e,fine,dress,images/{good[1].name}",
    ]
    feed = tmp_path / "feed.csv"
    feed.write_text("\n".join(rows) + "\n")
    fresh = Shop(tmp_path / "home", feed, tmp_path, 2)
    report = fresh.run_import()
    assert (report["read"], report["indexed"], report["failed"]) == (7, 2, 5)
    assert [error["line"] for error in report["errors"]] == [3, 4, 5, 6, 7]
    assert all(error["reason"] for error in report["errors"])


def test_command_and_http_give_one_answer(shop: Shop, server: str, garb_data: Path) -> None:
    photo = garb_data / "street" / "photos" / "1200.jpg"
    by_command = shop.garb("search", str(photo), "--k", "5")
    answered = post(server, photo, k=5)
    assert answered.status_code == 200
    by_http = answered.json()
    schemas = httpx.get(f"{server}/openapi.json").json()
    jsonschema.validate(
        by_http, {"$ref": "#/components/schemas/SearchOut", "components": schemas["components"]}
    )
    assert {garment["category"] for garment in by_http["garments"]} & {"top", "outerwear"}
    assert all(len(garment["matches"]) == 5 for garment in by_http["garments"])
    for answer in (by_command, by_http):
        del answer["timings_ms"]
    assert by_command == by_http


def test_picture_is_saved(shop: Shop, garb_data: Path, tmp_path: Path) -> None:
    photo = garb_data / "street" / "photos" / "1200.jpg"
    ran = run_garb(shop.home, "search", str(photo), "--save", str(tmp_path / "answer.png"))
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "answer.png").read_bytes().startswith(b"\x89PNG")


def test_change_reaches_both_workers_within_a_second(
    shop: Shop, server: str, garb_data: Path, tmp_path: Path
) -> None:
    images = sorted((garb_data / "catalog" / "images").iterdir())
    photo = next(path for path in images if path.name not in shop.feed.read_text())
    feed = tmp_path / "one.csv"
    feed.write_text(f"id,title,category,image\nnew one,new,,{photo.name}\n")

    def is_known() -> bool:
        report = shop.garb("catalog", "import", str(feed), "--images", str(photo.parent))
        assert report["new"] == 1
        time.sleep(1)
        found = best_matches(server, photo)
        shop.garb("catalog", "remove", "new one")
        time.sleep(1)
        return found == {"new one"} and "new one" not in best_matches(server, photo)

    assert any(is_known() for _ in range(READINGS))


def best_matches(url: str, photo: Path) -> set[str]:
    """The first match over many connections: both workers are asked."""
    answers = [post(url, photo, k=1).json() for _ in range(ASKS)]
    return {
        match["product"]["id"]
        for answer in answers
        for garment in answer["garments"]
        for match in garment["matches"]
        if match["score"] > 0.9
    }


def test_killed_import_loses_and_doubles_nothing(garb_data: Path, tmp_path: Path) -> None:
    feed = tmp_path / "products.csv"
    products = part_of_catalog(garb_data, feed, a_category=12)
    shop = Shop(tmp_path / "home", feed, garb_data / "catalog", products)
    chance = random.Random(7)
    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-m", "search_api", "catalog", "import", str(feed), "--images",
             str(shop.images)],
            env={**os.environ, "GARB_HOME": str(shop.home)},
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            process.wait(chance.uniform(1.5, 8.0))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait(30)
    report = shop.run_import()
    assert (report["products"], report["indexed"], report["failed"]) == (products, products, 0)
    assert run_garb(shop.home, "index", "verify").returncode == 0
