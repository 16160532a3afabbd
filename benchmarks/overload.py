"""How long /livez takes while large photos are uploaded all the time: to be matched, or in a product's JSON."""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import io
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

MEBIBYTE = 1024 * 1024
START_SECONDS = 120
PAUSE_SECONDS = 0.02


def large_photo(size_bytes: int) -> bytes:
    """A PNG of noise, just under this size: noise does not shrink."""
    side = int((size_bytes * 0.99 / 3) ** 0.5)
    pixels = np.random.default_rng(1).integers(0, 256, (side, side, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


@contextlib.contextmanager
def serving(home: Path) -> Iterator[str]:
    """`garb serve` on an empty catalog; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "search_api", "serve", "--port", str(port)]
    process = subprocess.Popen(
        command, env={**os.environ, "GARB_HOME": str(home)}, stderr=subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}"
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"{url}/readyz").raise_for_status()
                break
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(30)


Send = Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]


def searching(photo: bytes) -> Send:
    """Ask for what is in the photo."""
    return lambda client: client.post("/v1/search", files={"photo": photo})


def putting(photo: bytes) -> Send:
    """Store a product with the photo in its JSON."""
    body = json.dumps({"images": [{"base64": base64.b64encode(photo).decode()}]}).encode()
    headers = {"Content-Type": "application/json"}
    return lambda client: client.put("/v1/products/a", content=body, headers=headers)


async def measure(url: str, send: Send, *, uploads: int, seconds: float) -> dict[str, object]:
    """Milliseconds of /livez, and what the uploads were answered."""
    statuses: Counter[int] = Counter()
    ending = time.monotonic() + seconds
    async with httpx.AsyncClient(base_url=url, timeout=300) as client:

        async def upload() -> None:
            while time.monotonic() < ending:
                answer = await send(client)
                statuses[answer.status_code] += 1
                await asyncio.sleep(PAUSE_SECONDS)

        working = [asyncio.create_task(upload()) for _ in range(uploads)]
        alive = await asyncio.to_thread(_ask_livez, url, ending)
        await asyncio.gather(*working)
    return {
        "livez_p50_ms": round(statistics.median(alive), 1),
        "livez_p99_ms": round(float(np.percentile(alive, 99)), 1),
        "livez_max_ms": round(max(alive), 1),
        "asked": len(alive),
        "uploads": {str(status): count for status, count in sorted(statuses.items())},
    }


def _ask_livez(url: str, ending: float) -> list[float]:
    """On a thread of its own: what the uploads cost this process must not count."""
    taken = []
    with httpx.Client(base_url=url, timeout=60) as client:
        while time.monotonic() < ending:
            started = time.perf_counter()
            client.get("/livez").raise_for_status()
            taken.append((time.perf_counter() - started) * 1000)
            time.sleep(PAUSE_SECONDS)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uploads", type=int, default=8, help="photos under way at once")
    parser.add_argument("--megabytes", type=float, default=19.5, help="size of each")
    parser.add_argument("--seconds", type=float, default=30)
    arguments = parser.parse_args()
    photo = large_photo(int(arguments.megabytes * MEBIBYTE))
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as url:
        # The same machine without uploads: what else runs on it is in both lines.
        most = arguments.uploads
        for case, uploads, sent in (
            ("idle", 0, searching),
            ("uploads", most, searching),
            ("products", most, putting),
        ):
            sending = measure(url, sent(photo), uploads=uploads, seconds=arguments.seconds)
            figures = asyncio.run(sending)
            sizes = {"at_once": uploads, "photo_mb": round(len(photo) / MEBIBYTE, 1)}
            print(json.dumps({"case": case, **sizes, **figures}))


if __name__ == "__main__":
    main()
