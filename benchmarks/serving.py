"""`garb serve` as its users meet it: start-up, memory, changes and load, over HTTP.

    python -m benchmarks.serving [--products 100000] [--clients 16] [--seconds 60]

The products are rows with random vectors: what costs at start-up is their number. Seconds of the
processor stand beside those of the clock, because other work on the machine adds to the latter alone.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import sqlalchemy as sa

from indexer.bootstrap import open_index, open_storage
from indexer.catalog.convert import vector_bytes
from indexer.catalog.models import embeddings, product_images, products
from indexer.catalog.repository import Catalog
from indexer.settings import Settings
from segmentation.labels import GARMENT_CATEGORIES
from segmentation.models import ModelKind
from wardrobe.draw import Drawn, draw_wardrobe

CHANGES = 8
ROWS_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, and how it came up."""

    url: str
    process: psutil.Process
    ready_s: float
    ready_cpu_s: float

    def cpu_seconds(self) -> float:
        used = self.process.cpu_times()
        return float(used.user + used.system)

    def resident_mb(self) -> int:
        return int(self.process.memory_info().rss / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=60)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name) / "home"
        drawn = draw_wardrobe(Path(name) / "shop", products=12, photos=6, seed=1)
        settings = Settings.from_env({"GARB_HOME": str(home)})
        _fill(settings, arguments.products)
        with _served(home) as server:
            _print("start-up from rows", _start_up(server, arguments.products))
        _rebuild(settings)
        with _served(home) as server:
            _print("start-up from a snapshot", _start_up(server, arguments.products))
            _print("changes", _changes(server, drawn))
            _print("load", _load(server, drawn, arguments.clients, arguments.seconds))


def _fill(settings: Settings, count: int) -> None:
    """Products of one photo each, written as rows."""
    rng = np.random.default_rng(1)
    with open_storage(settings) as storage:
        version = storage.active(ModelKind.EMBEDDER)
        for start in range(0, count, ROWS_AT_ONCE):
            vectors = rng.normal(size=(min(ROWS_AT_ONCE, count - start), version.card["dimension"]))
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            _write(storage.catalog, start, vectors.astype(np.float16), version.name)


def _write(catalog: Catalog, start: int, vectors: Any, embedder: str) -> None:
    empty = {"brand": "", "currency": "", "url": "", "record_hash": "", "collections": []}
    stamp = {"created": "", "updated": "", "sequence": 0, "attributes": {}}
    with catalog.writing() as writing:
        numbers = range(start, start + len(vectors))
        categories = {number: GARMENT_CATEGORIES[number % 9] for number in numbers}
        rows = [
            {**empty, **stamp, "id": f"row-{number}", "title": f"Product {number}"}
            | {"category": categories[number], "garment_category": categories[number]}
            for number in numbers
        ]
        writing.connection.execute(sa.insert(products), rows)
        photos = [
            {"id": number + 1, "product_id": f"row-{number}", "position": 0, "source": ""}
            | {"status": "indexed", "colours": [], "sequence": writing.next_sequence()}
            for number in numbers
        ]
        writing.connection.execute(sa.insert(product_images), photos)
        versions = {"embedder": embedder, "segmenter": "rows", "parser": "rows"}
        stored = [
            {**versions, "image_id": number + 1, "vector": vector_bytes(vector)}
            for number, vector in zip(numbers, vectors, strict=True)
        ]
        writing.connection.execute(sa.insert(embeddings), stored)


def _rebuild(settings: Settings) -> None:
    with open_storage(settings) as storage:
        index = open_index(storage)
        if not (index.is_merge_due and index.merge()):
            index.save_snapshot()


@contextmanager
def _served(home: Path) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "search_api", "serve", "--port", str(port)]
    started = time.perf_counter()
    with (home / "server.log").open("w") as log:
        running = subprocess.Popen(command, env={**os.environ, "GARB_HOME": str(home)}, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        while not _is_ready(url):
            if running.poll() is not None:
                raise SystemExit((home / "server.log").read_text())
            time.sleep(0.02)
        ready = time.perf_counter() - started
        process = psutil.Process(running.pid)
        used = process.cpu_times()
        yield Server(url, process, ready, used.user + used.system)
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(60)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _start_up(server: Server, count: int) -> dict[str, Any]:
    return {
        "products": count,
        "ready_s": round(server.ready_s, 2),
        "ready_cpu_s": round(server.ready_cpu_s, 2),
        "resident_mb": server.resident_mb(),
    }


def _changes(server: Server, drawn: Drawn) -> dict[str, Any]:
    """PUT of a product with its photo, which answers when it can be found, and DELETE."""
    image = base64.b64encode(next((drawn.products.parent / "images").iterdir()).read_bytes())
    body = {"title": "new", "category": "dress", "images": [{"base64": image.decode()}]}
    put, deleted, gone = [], [], []
    with httpx.Client(base_url=server.url, timeout=60) as client:
        for number in range(CHANGES + 1):
            address = f"/v1/products/new-{number}"
            started = time.perf_counter()
            client.put(address, json=body).raise_for_status()
            put.append(time.perf_counter() - started)
            started = time.perf_counter()
            client.delete(address).raise_for_status()
            deleted.append(time.perf_counter() - started)
            while client.get("/v1/index").json()["behind"]:
                time.sleep(0.01)
            gone.append(time.perf_counter() - started)
    names = ("put_answers_s", "delete_answers_s", "deleted_gone_s")
    # The first of each loads and allocates.
    series = zip(names, (put, deleted, gone), strict=True)
    return {name: round(statistics.median(times[1:]), 3) for name, times in series}


def _load(server: Server, drawn: Drawn, clients: int, seconds: float) -> dict[str, Any]:
    photos = [path.read_bytes() for path in drawn.street_photos]
    took: list[float] = []
    statuses: Counter[int] = Counter()
    until = time.perf_counter() + seconds

    def client(number: int) -> None:
        with httpx.Client(base_url=server.url, timeout=120) as session:
            while time.perf_counter() < until:
                files = {"photo": photos[number % len(photos)]}
                started = time.perf_counter()
                answer = session.post("/v1/search", files=files)
                statuses[answer.status_code] += 1
                if answer.status_code == httpx.codes.OK:
                    took.append(time.perf_counter() - started)
                else:
                    time.sleep(float(answer.headers.get("Retry-After", 1)))
                number += 1

    cpu, started = server.cpu_seconds(), time.perf_counter()
    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.perf_counter() - started
    cpu_a_request = (server.cpu_seconds() - cpu) / max(1, len(took))
    cores = len(os.sched_getaffinity(0))
    p50, p99 = (float(np.quantile(took, share)) for share in (0.5, 0.99))
    return {
        "clients": clients,
        "seconds": round(wall),
        "answers": {str(status): count for status, count in sorted(statuses.items())},
        "requests_per_second": round(len(took) / wall, 2),
        "cpu_s_per_request": round(cpu_a_request, 3),
        "of_what_the_cores_allow": round(len(took) / wall * cpu_a_request / cores, 2),
        "p50_s": round(p50, 2),
        "p99_s": round(p99, 2),
        "p99_over_p50": round(p99 / p50, 2),
        "resident_mb": server.resident_mb(),
    }


def _print(case: str, figures: dict[str, Any]) -> None:
    print(json.dumps({"case": f"serving: {case}"} | figures), flush=True)


if __name__ == "__main__":
    main()
