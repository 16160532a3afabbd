"""A server on a small disk that fills up; run on one of its own: ``python -m tests.crash.full_disk HOME``."""

from __future__ import annotations

import base64
import errno
import hashlib
import io
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.crash.snapshots import with_snapshots
from tests.search_api.conftest import Server, assert_problem, build_services, serve

RED, GREEN = (200, 20, 20), (20, 200, 20)
ROWS = 30


def noise(seed: int, side: int) -> bytes:
    """A JPEG that takes room."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def put_noise(server: Server, product_id: str) -> Any:
    image = base64.b64encode(noise(hash(product_id) % 1_000_000, 300)).decode()
    body = {"category": "dress", "images": [{"base64": image}]}
    return server.client.put(f"/v1/products/{product_id}", json=body)


def send_feed(server: Server, text: str) -> Any:
    return server.client.post("/v1/imports", files={"feed": ("feed.csv", text.encode())})


def fill(ballast: Path) -> None:
    """To the last byte."""
    with ballast.open("ab", buffering=0) as file:
        for size in (65_536, 4_096, 512, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


def assert_serves(server: Server) -> None:
    for address in ("/livez", "/readyz", "/v1/index", "/v1/products"):
        assert server.client.get(address).status_code == 200, address
    for colour, product_id in ((RED, "red"), (GREEN, "green")):
        answer = server.search(colour)
        assert answer.status_code == 200, answer.text
        assert answer.json()["garments"][0]["matches"][0]["product"]["id"] == product_id


def assert_nothing_torn(home: Path) -> None:
    for path in (home / "images").rglob("*"):
        if path.is_file():
            assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem, path
    assert not list((home / "index").rglob(".new-*"))


def full(server: Server, home: Path) -> None:
    """Fill the disk by products, then wholly; nothing that was there may suffer."""
    server.put("red", RED)
    server.put("green", GREEN)
    server.services.index.save_snapshot()
    (home / "ballast").write_bytes(bytes(4_000_000))
    for number in range(1_000):
        answer = put_noise(server, f"noise-{number}")
        if answer.status_code != 201:
            break
    assert_problem(answer, 507)
    assert_nothing_torn(home)
    fill(home / "ballast")
    stored = server.services.catalog.product_count()
    assert_problem(server.put("more", RED), 507)
    assert_problem(server.client.delete("/v1/products/red"), 507)
    assert_problem(send_feed(server, "id,title\n" + "1,x\n" * 10_000), 507)
    assert list((home / "imports").iterdir()) == []
    server.services.index.save_if_changed()
    assert server.services.catalog.product_count() == stored
    assert server.services.index.verify() == []
    assert_serves(server)
    assert_nothing_torn(home)
    (home / "ballast").unlink()
    assert server.client.delete("/v1/products/noise-0").status_code == 204
    assert put_noise(server, "more").status_code == 201


def full_during_an_import(server: Server, home: Path) -> str:
    """Returns the import's address."""
    (home / "feed-images").mkdir(exist_ok=True)
    lines = ["id,category,image\n"]
    for number in range(ROWS):
        (home / "feed-images" / f"{number}.jpg").write_bytes(noise(number, 120))
        lines.append(f"feed-{number},dress,{number}.jpg\n")
    fill(home / "ballast")
    with (home / "ballast").open("r+b") as file:
        file.truncate((home / "ballast").stat().st_size - 200_000)
    answer = send_feed(server, "".join(lines))
    assert answer.status_code == 202, answer.text
    for _ in range(400):
        job = server.client.get(answer.headers["location"]).json()
        if job["state"] not in ("waiting", "running"):
            break
        time.sleep(0.01)
    assert job["state"] != "done"
    assert_serves(server)
    assert_nothing_torn(home)
    return str(answer.headers["location"])


def main(home: Path) -> None:
    services = with_snapshots(build_services(home))
    for server in serve(services):
        full(server, home)
        import_address = full_during_an_import(server, home)
    assert_nothing_torn(home)
    (home / "ballast").unlink()
    services = with_snapshots(services)
    assert services.index.damage is None
    assert services.index.verify() == []
    for server in serve(services):
        assert_serves(server)
        for _ in range(400):
            job = server.client.get(import_address).json()
            if job["state"] not in ("waiting", "running"):
                break
            time.sleep(0.01)
        # It could say that it failed, or it goes on where the disk was full.
        assert job["state"] in ("failed", "done"), job
        assert bool(job["errors"]) == (job["state"] == "failed")
    assert services.index.verify() == []


if __name__ == "__main__":
    main(Path(sys.argv[1]))
