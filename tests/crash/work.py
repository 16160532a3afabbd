"""What the process that is killed does: a shop's day, with a journal of what it was told is done."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from indexer.catalog.repository import Catalog, open_catalog
from indexer.feeds.open import open_feed
from indexer.feeds.record import ProductRecord
from indexer.images import open_image_store
from indexer.ingest import writer
from indexer.ingest.mapper import PhotoMapper
from indexer.ingest.report import Tally
from indexer.ingest.runner import import_feed
from indexer.ingest.single import NewPhoto
from indexer.live_index import LiveIndex
from indexer.vectors import faiss_index
from tests.crash.points import watch
from tests.fakes import FakeEmbedder, FakePhotoParser, fake_jpeg
from tests.indexer.shortcuts import put_product

PRODUCTS = 16
DELETED = 3
PUT = 2


@dataclass(frozen=True)
class Shop:
    """Where a shop keeps its things."""

    home: Path
    url: str

    @property
    def journal(self) -> Path:
        return self.home / "journal.jsonl"

    @property
    def snapshots(self) -> Path:
        return self.home / "index"

    def mapper(self) -> PhotoMapper:
        store = open_image_store(str(self.home / "images"))
        return PhotoMapper(
            photo_parser=FakePhotoParser(), embedder=FakeEmbedder(), image_store=store
        )

    def index(self, catalog: Catalog) -> LiveIndex:
        embedder = FakeEmbedder()
        return LiveIndex(
            catalog,
            embedder_version=embedder.version,
            dimension=embedder.dimension,
            snapshot_dir=self.snapshots,
        )


def photo_of(title: str, product: str) -> bytes:
    """The photo of a product under this title: no two are the same."""
    number = int(title.split()[1]) * 31 + int(product) * 7 + (title[0] == "p") * 101
    return fake_jpeg((60 + number % 180, 10 + number // 180 % 40, 20), width=48, height=48)


def feed_titles(day: int) -> dict[str, str]:
    """What the feed of a day calls each product: always something new."""
    return {str(number): f"feed {day}" for number in range(PRODUCTS)}


def write_feed(shop: Shop, day: int) -> Path:
    """The feed of a day, with its photos."""
    folder = shop.home / f"feed-{day}"
    folder.mkdir(exist_ok=True)
    feed = folder / "products.csv"
    lines = ["id,title,category,image\n"]
    for product, title in feed_titles(day).items():
        (folder / f"{product}.jpg").write_bytes(photo_of(title, product))
        lines.append(f"{product},{title},dress,{product}.jpg\n")
    feed.write_text("".join(lines), encoding="utf-8")
    return feed


class Journal:
    """One line for what is about to be done, one for what is done; a kill cannot take them back."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def write(self, what: str, products: Iterable[str], title: str | None) -> None:
        """``what``: begun, done, or another word for the test; title None: deleted."""
        line = json.dumps([what, list(products), title]) + "\n"
        os.write(self._handle, line.encode())


def run_day(shop: Shop, day: int, point: tuple[str, int] | None, begun: Connection | None) -> None:
    """Import a feed, delete, put and index. ``point``: which one to die at, and the how manyth."""
    journal = Journal(shop.journal)
    counts: Counter[str] = Counter()

    def reached(name: str) -> bool:
        counts[name] += 1
        due = (name, counts[name]) == point
        if due:
            journal.write("died", [name], None)
        return due

    watch(reached)
    # Small, so that a short day has many commits and the index is compacted.
    writer.PHOTOS_A_BATCH = writer.ROWS_A_BATCH = 4  # type: ignore[misc]
    faiss_index.COMPACT_FROM = 16  # type: ignore[misc]
    if begun is not None:
        begun.send(True)
    catalog = open_catalog(shop.url)
    index, mapper = shop.index(catalog), shop.mapper()
    index.open()
    if day > 1:  # What was cut off yesterday goes on.
        _import(shop, catalog, mapper, journal, day - 1)
    _import(shop, catalog, mapper, journal, day)
    index.refresh()
    index.save_snapshot()
    for number in range(day, day + DELETED):
        product = str(number % PRODUCTS)
        journal.write("begun", [product], None)
        catalog.remove_products([product])
        journal.write("done", [product], None)
    index.refresh()
    index.save_snapshot()
    for number in range(day, day + PUT):
        product, title = str(number % PRODUCTS), f"put {day}"
        photo = NewPhoto("api", photo_of(title, product))
        record = ProductRecord(id=product, title=title, category="dress")
        journal.write("begun", [product], title)
        put_product(record, [photo], catalog=catalog, mapper=mapper)
        journal.write("done", [product], title)
    index.rebuild()
    index.save_snapshot()
    catalog.close()
    for name, count in counts.items():
        journal.write("passed", [name] * count, None)


def _import(shop: Shop, catalog: Catalog, mapper: PhotoMapper, journal: Journal, day: int) -> None:
    titles = feed_titles(day)
    feed = shop.home / f"feed-{day}" / "products.csv"
    acknowledged = 0

    def acknowledge(tally: Tally) -> None:
        nonlocal acknowledged
        # Batches are written in the feed's order. Of a feed that goes on, the first are unchanged.
        done = 0 if tally.unchanged else tally.new + tally.updated
        if done > acknowledged:
            journal.write("done", list(titles)[acknowledged:done], f"feed {day}")
            acknowledged = done

    journal.write("begun", titles, f"feed {day}")
    import_feed(open_feed(feed), catalog=catalog, mapper=mapper, workers=2, on_progress=acknowledge)
    journal.write("done", titles, f"feed {day}")
