"""SIGKILL of a server with imports under way: the next start goes on with them."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.crash.server_process import running_server
from tests.fakes import fake_jpeg

ROWS = 400
KILLS = 3


def job_at(client: httpx.Client, address: str) -> dict[str, Any]:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.slow
def test_imports_of_a_killed_server_go_on_and_every_product_is_there_once(tmp_path: Path) -> None:
    photos = tmp_path / "feed-images"
    photos.mkdir()
    rows = []
    for number in range(ROWS):
        colour = (130 + number % 120, number // 120 * 9, 20)
        (photos / f"{number}.jpg").write_bytes(fake_jpeg(colour, width=48, height=48))
        rows.append(f"{number},dress,{number}.jpg\n")
    halves = ("".join(rows[: ROWS // 2]), "".join(rows[ROWS // 2 :]))
    with running_server(tmp_path) as (_, client):
        addresses = [
            client.post("/v1/imports", files={"feed": ("a.csv", "id,category,image\n" + half)})
            .raise_for_status()
            .headers["location"]
            for half in halves
        ]
    moments = random.Random(5)
    acknowledged = 0
    for _ in range(KILLS):
        with running_server(tmp_path) as (_, client):
            time.sleep(moments.uniform(0, 0.3))
            products = client.get("/v1/products").json()["total"]
            assert products >= acknowledged
            acknowledged = products
    with running_server(tmp_path) as (_, client):
        until = time.monotonic() + 60
        while any(job_at(client, one)["state"] != "done" for one in addresses):
            assert time.monotonic() < until, [job_at(client, one) for one in addresses]
            time.sleep(0.1)
        counts = [job_at(client, one)["counts"] for one in addresses]
        assert [one["new"] + one["unchanged"] for one in counts] == [ROWS // 2] * 2
        assert all(one["failed"] == 0 for one in counts)
        index = client.get("/v1/index").json()
        assert (index["products"], index["indexed_images"], index["behind"]) == (ROWS, ROWS, 0)
        assert client.get("/v1/products").json()["total"] == ROWS
    assert list((tmp_path / "imports").iterdir()) == []
