"""SIGKILL at any moment of an import, then the import again: every product once, nothing torn."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from indexer.catalog.repository import open_catalog
from indexer.feeds.open import open_feed
from indexer.images import open_image_store
from indexer.ingest.mapper import PhotoMapper
from indexer.ingest.runner import import_feed
from tests.fakes import FakeEmbedder, FakePhotoParser, fake_jpeg

_COUNT = 120
_KILLS = 4
_CHILD = """
import sys
from pathlib import Path
from indexer.catalog.repository import open_catalog
from indexer.feeds.open import open_feed
from indexer.images import open_image_store
from indexer.ingest.mapper import PhotoMapper
from indexer.ingest.runner import import_feed
from tests.fakes import FakeEmbedder, FakePhotoParser

url, feed, store = sys.argv[1:]
catalog = open_catalog(url)
mapper = PhotoMapper(
    photo_parser=FakePhotoParser(), embedder=FakeEmbedder(), image_store=open_image_store(store)
)
print("ready", flush=True)
import_feed(open_feed(Path(feed)), catalog=catalog, mapper=mapper, workers=2)
print("done", flush=True)
"""


def _shop(folder: Path) -> Path:
    lines = ["id,category,image\n"]
    for number in range(_COUNT):
        colour = (200 - number % 50, number % 60, 20)
        (folder / f"{number}.jpg").write_bytes(fake_jpeg(colour, width=64, height=64))
        lines.append(f"{number},dress,{number}.jpg\n")
    feed = folder / "products.csv"
    feed.write_text("".join(lines), encoding="utf-8")
    return feed


# Every kill starts a process, which takes seconds on a busy machine.
@pytest.mark.timeout(300)
def test_killed_at_seeded_moments_every_product_is_there_once(
    tmp_path: Path, catalog_url: str
) -> None:
    feed, store = _shop(tmp_path), str(tmp_path / "store")
    command = [sys.executable, "-c", textwrap.dedent(_CHILD), catalog_url, str(feed), store]
    moments = random.Random(7)
    acknowledged = 0
    finished = False
    for _ in range(_KILLS):
        child = subprocess.Popen(
            command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3], env=os.environ.copy()
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(moments.uniform(0.0, 0.6))
        child.send_signal(signal.SIGKILL)
        finished |= b"done" in child.stdout.read()
        child.wait()
        child.stdout.close()
        catalog = open_catalog(catalog_url)
        indexed = catalog.indexed_count()
        assert indexed >= acknowledged
        assert catalog.product_count() == indexed, "a product is never stored without its photo"
        acknowledged = indexed
        catalog.close()
    catalog = open_catalog(catalog_url)
    mapper = PhotoMapper(
        photo_parser=FakePhotoParser(), embedder=FakeEmbedder(), image_store=open_image_store(store)
    )
    report = import_feed(open_feed(feed), catalog=catalog, mapper=mapper)
    assert (report.unchanged, report.new, report.failed) == (acknowledged, _COUNT - acknowledged, 0)
    assert (report.products, report.indexed) == (_COUNT, _COUNT)
    rows = catalog.changes_since(0, embedder="fake-embedder")
    assert [row.sequence for row in rows] == list(range(1, _COUNT + 1))
    assert {row.product_id for row in rows} == {str(number) for number in range(_COUNT)}
    assert all(row.vector is not None and np.isfinite(row.vector).all() for row in rows)
    photos = open_image_store(store)
    for images in catalog.images_of(str(number) for number in range(_COUNT)).values():
        assert len(images) == 1
        assert images[0].sha256 is not None
        assert photos.read(images[0].sha256)
    running = [job for job in catalog.list_imports() if job.state == "running"]
    assert running == []
    catalog.close()
