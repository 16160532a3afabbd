"""A small shop on fake models, served for real: a browser asks over a socket."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import numpy as np
import uvicorn

from indexer.bootstrap import Services
from indexer.matching import Matcher
from search_api.app import create_app
from segmentation.garment import BoolPixels, Box, Garment, Mask, NamedColour, ParsedPhoto
from segmentation.photo import Photo, encode_jpeg
from tests.fakes import FakePhotoParser, fake_jpeg
from tests.search_api.conftest import build_services

RED, BLUE, GREEN, BROWN = (200, 30, 30), (30, 30, 200), (30, 160, 30), (120, 80, 40)
WIDTH, HEIGHT = 240, 320
# What is worn in the street photo: category, box, colour. The shoes lie at its foot, side by side, and
# the bag just above the right one.
WORN = (
    ("top", Box(60, 40, 180, 150), RED),
    ("trousers", Box(70, 150, 170, 290), BLUE),
    ("shoes", Box(70, 295, 115, 318), GREEN),
    ("shoes", Box(118, 296, 165, 319), GREEN),
    ("bag", Box(118, 272, 165, 294), BROWN),
)
PRODUCTS = 26


class StreetParser(FakePhotoParser):
    """Finds what `street_jpeg` wears in a photo of its size, and one garment in any other."""

    def parse(
        self,
        photo: Photo,
        *,
        include: frozenset[str] = frozenset(),
        expected: str | None = None,
        expected_box: Box | None = None,
    ) -> ParsedPhoto:
        if (photo.width, photo.height) != (WIDTH, HEIGHT):
            return super().parse(photo, include=include)
        found = tuple(_garment(photo, category, box) for category, box, _ in WORN)
        return ParsedPhoto(photo, found, timings_ms={"segment": 12.0, "parse": 3.0})


def _garment(photo: Photo, category: str, box: Box) -> Garment:
    pixels: BoolPixels = np.zeros((photo.height, photo.width), dtype=bool)
    rows, columns = slice(int(box.y0), int(box.y1)), slice(int(box.x0), int(box.x1))
    pixels[rows, columns] = True
    mean = photo.pixels[rows, columns].reshape(-1, 3).mean(axis=0)
    own = NamedColour("plain", "#" + "".join(f"{round(value):02x}" for value in mean), 0.75)
    colours = (own, NamedColour("white", "#ffffff", 0.25))
    pattern = "striped" if category == "top" else None
    return Garment(category, 0.9, box, Mask(pixels), colours, pattern)


def street_jpeg() -> bytes:
    """Somebody in a red top, blue trousers and green shoes, with a bag, before a white wall."""
    pixels = np.full((HEIGHT, WIDTH, 3), 255, dtype=np.uint8)
    for _, box, colour in WORN:
        pixels[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = colour
    return encode_jpeg(Photo(pixels), quality=95)


@dataclass(frozen=True)
class Shop:
    """A running server: where it answers, and what it stands on."""

    url: str
    services: Services


@contextmanager
def open_shop(home: Path) -> Iterator[Shop]:
    """A server with samples and without products; ``home`` may hold a migrated database."""
    samples = home / "samples"
    samples.mkdir(parents=True)
    # More than a phone is wide.
    for name in ("red-top", *(f"street-{number}" for number in range(5))):
        (samples / f"{name}.jpg").write_bytes(street_jpeg())
    built = build_services(home)
    parser = StreetParser()
    services = replace(
        built,
        settings=replace(built.settings, samples_dir=samples),
        photo_parser=parser,
        matcher=Matcher(parser, built.embedder, built.index, built.catalog, built.image_store),
    )
    config = uvicorn.Config(create_app(services), port=0, log_config=None, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield Shop(f"http://127.0.0.1:{_port(server)}", services)
    finally:
        server.should_exit = True
        thread.join(30)
        built.catalog.close()


def _port(server: uvicorn.Server) -> int:
    for _ in range(600):
        if server.started:
            port: int = server.servers[0].sockets[0].getsockname()[1]
            return port
        time.sleep(0.05)
    raise TimeoutError("the server did not start within 30 seconds")


def put(shop: Shop, product_id: str, colours: list[tuple[int, int, int]], **fields: object) -> None:
    """A product with a plain photo of each colour."""
    images = [{"base64": base64.b64encode(fake_jpeg(colour)).decode()} for colour in colours]
    body = {"title": product_id, "category": "top", "images": images, **fields}
    path = product_id.replace("/", "%2F")
    answer = httpx.put(f"{shop.url}/v1/products/{path}", json=body, timeout=30)
    assert answer.status_code == 201, answer.text


def fill(shop: Shop) -> None:
    """Enough products for two pages, the first of them with everything a product can have."""
    put(
        shop,
        "a/1",
        [RED, (120, 10, 10)],
        title="Scarlet top",
        brand="Acme",
        price=49.5,
        currency="EUR",
        url="https://shop.example/scarlet",
        attributes={"sizes": ["S", "M"], "vegan": True},
    )
    put(shop, "b-bare", [], title="<img src=x onerror=alert(1)>", url="javascript:alert(1)")
    for number in range(PRODUCTS - 2):
        category = ("top", "trousers", "shoes")[number % 3]
        put(
            shop,
            f"c-{number:02}",
            [(40 + 8 * number, 60, 220 - 8 * number)],
            title=f"Plain {category} {number}",
            category=category,
            brand="Acme" if number % 2 else "Bell",
            price=10.0 + number,
        )
