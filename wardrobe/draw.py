"""Writes the drawn shop and street photos as the files a real shop would hand over."""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from wardrobe.cut import Side
from wardrobe.scene import LABEL_NAMES, StreetPhoto, street_photo
from wardrobe.shop import Item, draw_items, product_photo
from wardrobe.truth import coco_annotations, coco_document, label_map, query_rows

FOLDERS = ("images", "street", "labels")
# Fewer pictures than this are drawn before another process has started.
PICTURES_PER_WORKER = 24
# What a process draws before it asks for more.
CHUNK = 6
SHOP, PRODUCT, STREET, BASICS = 0, 1, 2, 3
# What people wear besides the shop's products is drawn from this many more.
BASICS_COUNT = 120

Row = dict[str, Any]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Drawn:
    """The files of one drawn shop."""

    products: Path
    queries: Path
    annotations: Path
    street_photos: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class _Street:
    """What one street photo adds to the tables."""

    queries: list[Row]
    annotations: list[Row]


# A picture by its number.
Draw = Callable[[int], _Street | None]


def draw_wardrobe(
    folder: Path,
    *,
    products: int,
    photos: int,
    seed: int = 0,
    workers: int | None = None,
    on_progress: Progress = lambda done, total: None,
) -> Drawn:
    """Write the shop (``products.csv``, ``images/``) and photos of people who wear it.

    ``street/`` has the photos, ``queries.csv`` the product of each garment asked for,
    ``coco.json`` the exact visible pixels, ``labels/`` and ``labels.json`` the same as label maps.
    The same seed and numbers give the same bytes with any number of ``workers``, by default one a
    processor; a picture does not change with how many there are after it.

    Raises:
        ValueError: no products, a negative number of photos, or a negative seed.
    """
    if products < 1 or photos < 0:
        raise ValueError("at least one product and no negative number of photos")
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    items = draw_items(products, np.random.default_rng((seed, SHOP)))
    basics = draw_items(BASICS_COUNT, np.random.default_rng((seed, BASICS)))
    total = products + photos
    most = max(1, total // PICTURES_PER_WORKER)
    draw = partial(_draw_picture, folder, seed, items, basics)
    drawn = _in_processes(draw, total, workers or min(os.cpu_count() or 1, most))
    streets: list[_Street] = []
    for done, street in enumerate(drawn, start=1):
        streets += [street] if street else []
        on_progress(done, total)
    paths = [folder / "street" / f"{number:04d}.jpg" for number in range(1, photos + 1)]
    _write_rows(
        folder / "products.csv", [_product_row(item, number) for number, item in enumerate(items)]
    )
    _write_rows(
        folder / "queries.csv",
        [row for street in streets for row in street.queries],
        columns=("image", "product", "category", "box", "view"),
    )
    pairs = zip((path.name for path in paths), (s.annotations for s in streets), strict=True)
    _write(folder / "coco.json", json.dumps(coco_document(pairs)).encode())
    _write(folder / "labels.json", json.dumps(LABEL_NAMES).encode())
    return Drawn(
        folder / "products.csv", folder / "queries.csv", folder / "coco.json", tuple(paths)
    )


def _in_processes(draw: Draw, total: int, workers: int) -> Iterator[_Street | None]:
    if workers == 1:
        yield from map(draw, range(total))
        return
    # Spawned, not forked: the caller may have threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_start_worker, initargs=(draw,)
    ) as pool:
        yield from pool.map(_draw_in_worker, range(total), chunksize=CHUNK)


class _Worker:
    # Holds the whole shop, which is too much to be sent with every task.
    draw: Draw


def _start_worker(draw: Draw) -> None:
    # Ctrl-C reaches every process of a terminal: the first one stops the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    _Worker.draw = draw


def _draw_in_worker(number: int) -> _Street | None:
    return _Worker.draw(number)


def _draw_picture(
    folder: Path, seed: int, items: tuple[Item, ...], basics: tuple[Item, ...], number: int
) -> _Street | None:
    """A picture by number: the products' first, then the street photos. Each has its own stream."""
    if number < len(items):
        item = items[number]
        for name, side in _views(item, number).items():
            rng = np.random.default_rng((seed, PRODUCT, number, len(name)))
            _save(product_photo(item, rng, side), folder / "images" / name)
        return None
    index = number - len(items) + 1
    photo = street_photo(items, basics, np.random.default_rng((seed, STREET, index)))
    return _save_street(folder, photo, f"{index:04d}")


def _save_street(folder: Path, photo: StreetPhoto, name: str) -> _Street:
    _save(photo.pixels, folder / "street" / f"{name}.jpg")
    labels = Image.fromarray(label_map(photo), mode="P")
    labels.putpalette(_palette())
    _save_image(labels, folder / "labels" / f"{name}.png", "PNG", compress_level=3)
    truth = coco_annotations(photo)
    return _Street(query_rows(f"street/{name}.jpg", photo, truth), truth)


def _palette() -> list[int]:
    """Well apart colours for the labels, black for the background."""
    hues = (np.arange(len(LABEL_NAMES)) * 67) % 180
    hsv = np.stack([hues, 255 - hues % 3 * 60, 255 - hues % 4 * 40], axis=-1).astype(np.uint8)
    colours = cv2.cvtColor(hsv[None], cv2.COLOR_HSV2RGB)[0]
    colours[0] = 0
    return [int(channel) for channel in colours.ravel()]


def _save(pixels: npt.NDArray[np.uint8], path: Path) -> None:
    _save_image(Image.fromarray(pixels), path, "JPEG", quality=92)


def _save_image(image: Image.Image, path: Path, file_format: str, **options: int) -> None:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    _write(path, buffer.getvalue())


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    partly = path.with_name(f".{path.name}.part")
    partly.write_bytes(content)
    partly.replace(path)


def _views(item: Item, number: int) -> dict[str, Side]:
    """File names and what they show: every third product has a second photo, and all shoes have."""
    views = {f"{item.id}.jpg": Side.FRONT}
    second = item.garment == "shoes" or number % 3 == 1
    return views | ({f"{item.id}-back.jpg": Side.BACK} if second else {})


def _product_row(item: Item, number: int) -> Row:
    return {
        "id": item.id,
        "title": item.title,
        "category": item.category,
        "brand": item.brand,
        "price": f"{item.price}.00",
        "currency": "EUR",
        "image": "|".join(f"images/{name}" for name in _views(item, number)),
        **item.attributes,
    }


def _write_rows(
    path: Path, rows: Iterable[Mapping[str, Any]], columns: tuple[str, ...] | None = None
) -> None:
    listed = list(rows)
    text = io.StringIO(newline="")
    every = columns or tuple(dict.fromkeys(name for row in listed for name in row))
    writer = csv.DictWriter(text, every, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed)
    _write(path, text.getvalue().encode("utf-8"))
