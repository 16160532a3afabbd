"""SIGKILL at named points and at seeded moments: nothing acknowledged is lost, nothing is torn.

Not shown here: a power cut. What the kernel holds survives a killed process, on the disk or not.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import random
import signal
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path

import numpy as np
import pytest

from indexer.catalog.repository import Catalog, open_catalog
from indexer.images import open_image_store
from indexer.live_index import LiveIndex
from tests.crash.points import POINTS
from tests.crash.work import PRODUCTS, Shop, photo_of, run_day, write_feed
from tests.fakes import FakeEmbedder
from tests.indexer.shortcuts import list_imports

RECOVERY_SECONDS = 10.0
IDS = [str(number) for number in range(PRODUCTS)]
Title = str | None


@dataclass
class Promises:
    """What a product may be after a kill: as acknowledged last, or as something begun since."""

    allowed: dict[str, set[Title]] = field(default_factory=lambda: {one: {None} for one in IDS})

    def read(self, lines: Iterable[str]) -> None:
        for what, products, title in map(json.loads, lines):
            for product in products:
                if what == "begun":
                    self.allowed[product].add(title)
                elif what == "done":
                    self.allowed[product] = {title}

    def settle(self, found: dict[str, Title]) -> None:
        """What is stored now must stay."""
        self.allowed = {product: {title} for product, title in found.items()}


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Children are forked from a server that has imported everything and has no threads."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.crash.work", "faiss"])
    return context


@pytest.fixture
def shop(tmp_path: Path, catalog_url: str) -> Shop:
    return Shop(tmp_path, catalog_url)


@cache
def stored_name(title: str, product: str, folder: Path) -> tuple[str, bytes]:
    """The sha256 and the vector of a product's photo, made where nobody is killed."""
    photo = Shop(folder, "").mapper().map_photo(photo_of(title, product), category="dress")
    return photo.sha256, photo.vector.astype(np.float16).tobytes()


def check_catalog(shop: Shop, catalog: Catalog, promises: Promises, scratch: Path) -> None:
    """Every product is as promised, once and whole; settles the promises."""
    products = catalog.products(IDS)
    assert catalog.product_count() == catalog.indexed_count() == len(products)
    found: dict[str, Title] = dict.fromkeys(IDS) | {
        one: product.title for one, product in products.items()
    }
    for product, title in found.items():
        assert title in promises.allowed[product], f"{product} is {title!r}"
    photos = open_image_store(str(shop.home / "images"))
    rows = catalog.changes_since(0, embedder=FakeEmbedder().version)
    numbers = [row.sequence for row in rows]
    assert len(set(numbers)) == len(numbers)
    assert max(numbers, default=0) <= catalog.latest_sequence()
    living = {row.product_id: row for row in rows if not row.deleted}
    assert len(living) == sum(not row.deleted for row in rows) == len(products)
    for product, row in living.items():
        title = found[product]
        assert title is not None
        (image,) = catalog.images(product)
        assert row.vector is not None
        assert (image.sha256, row.vector.tobytes()) == stored_name(title, product, scratch)
        assert hashlib.sha256(photos.read(image.sha256)).hexdigest() == image.sha256
    promises.settle(found)


def check_index(index: LiveIndex, catalog: Catalog) -> None:
    """What a new process takes up is the database, and every product is found once."""
    assert index.damage is None
    assert index.verify() == []
    generation = index.generation()
    if len(generation.rows):
        ids, _ = generation.vectors.search(np.ones(index.dimension, np.float32), 10 * PRODUCTS)
        held = [generation.product_ids[int(row["product"])] for row in generation.rows_of(ids)]
        assert sorted(held) == sorted(catalog.products(IDS))


class Trial:
    """One shop, killed again and again."""

    def __init__(self, shop: Shop, processes: ForkServerContext, scratch: Path) -> None:
        self.shop = shop
        self.scratch = scratch
        self.day = 0
        self.seconds = 0.0
        self.slowest_recovery = 0.0
        self.passed: Counter[str] = Counter()
        self.died: Counter[str] = Counter()
        self._photos: set[Path] = set()
        self._processes = processes
        self._promises = Promises()

    def run(self, *, point: tuple[str, int] | None = None, moment: float | None = None) -> bool:
        """One day, killed at a point, or at a moment, or not at all; whether it was killed."""
        self.day += 1
        write_feed(self.shop, self.day)
        receiver, sender = self._processes.Pipe(duplex=False)
        child = self._processes.Process(target=run_day, args=(self.shop, self.day, point, sender))
        child.start()
        sender.close()
        assert receiver.recv()
        started = time.monotonic()
        if moment is not None:
            child.join(moment)
            child.kill()
        child.join()
        self.seconds = time.monotonic() - started
        assert child.exitcode in (0, -signal.SIGKILL), "it failed by itself"
        self._check()
        return child.exitcode != 0

    def check_jobs(self) -> None:
        """After a whole day: its import is done, and the one it went on with is not left running."""
        catalog = open_catalog(self.shop.url)
        for day, states in ((self.day, {"done"}), (self.day - 1, {"done", "interrupted"})):
            source = str(self.shop.home / f"feed-{day}" / "products.csv")
            jobs = [job for job in list_imports(catalog) if job.source == source]
            assert {job.state for job in jobs} <= states
            assert jobs[-1:]
        catalog.close()

    def _check(self) -> None:
        lines = self.shop.journal.read_text().splitlines() if self.shop.journal.exists() else []
        self.shop.journal.unlink(missing_ok=True)
        self._promises.read(lines)
        for what, names, _ in map(json.loads, lines):
            self.died.update(names if what == "died" else ())
            self.passed.update(names if what == "passed" else ())
        started = time.monotonic()
        catalog = open_catalog(self.shop.url)
        with catalog.writing():
            pass  # PostgreSQL may still be ending what the dead process had asked for.
        index = self.shop.index(catalog)
        index.open()
        self.slowest_recovery = max(self.slowest_recovery, time.monotonic() - started)
        check_catalog(self.shop, catalog, self._promises, self.scratch)
        self._check_photos()
        check_index(index, catalog)
        catalog.close()

    def _check_photos(self) -> None:
        """What has a photo's name is that photo, whether a product shows it or not."""
        new = set((self.shop.home / "images").glob("*/[!.]*")) - self._photos
        for path in new:
            assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem
        self._photos |= new


def kill_often(trial: Trial, *, kills: int, seed: int) -> None:
    """Half of the kills at named points, each in turn, half at moments of the day."""
    choice = random.Random(seed)
    assert not trial.run()
    whole_day, passed = trial.seconds, dict(trial.passed)
    assert set(passed) == set(POINTS)
    names = choice.sample(POINTS, len(POINTS))
    done = 0
    while done < kills:
        assert trial.day < 3 * kills, "most days end before they are killed"
        if done % 2:
            done += trial.run(moment=choice.uniform(0, whole_day))
        else:
            name = names[done // 2 % len(names)]
            done += trial.run(point=(name, choice.randint(1, passed[name])))
    assert not trial.run()
    trial.check_jobs()
    assert set(trial.died) == set(names[: kills // 2])
    assert trial.slowest_recovery < RECOVERY_SECONDS


def test_few_kills_lose_nothing(
    shop: Shop, processes: ForkServerContext, tmp_path_factory: pytest.TempPathFactory
) -> None:
    kill_often(Trial(shop, processes, tmp_path_factory.mktemp("scratch")), kills=2, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_hundred_kills_on_each_database_lose_nothing(
    shop: Shop, processes: ForkServerContext, tmp_path_factory: pytest.TempPathFactory
) -> None:
    kill_often(Trial(shop, processes, tmp_path_factory.mktemp("scratch")), kills=100, seed=2)
