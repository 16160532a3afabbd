"""Index and database made to differ behind Garb's back: `garb index verify` finds it all."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
import typer
from typer.testing import CliRunner

from indexer import cli
from indexer.catalog.models import embeddings, product_images, products
from indexer.catalog.repository import open_catalog
from indexer.catalog.rows import Fingerprint, ImageWrite, IndexedPhoto, ModelVersions, ProductWrite
from indexer.feeds.record import ProductRecord
from indexer.vectors.snapshot import MANIFEST
from segmentation.garment import Box
from segmentation.models import GRAPH, WEIGHTS, write_card
from tests.fakes import FAKE_DIMENSION
from tests.indexer.memory_catalog import unit

EMBEDDER = "fake-embedder"
PRODUCTS = 120
KINDS = {"missing": 17, "extra": 17, "stale": 16}


def write_of(number: int, vector: np.ndarray) -> ProductWrite:
    photo = IndexedPhoto(
        sha256=f"{number:064x}",
        width=60,
        height=80,
        garment_source="category",
        garment_category="dress",
        box=Box(1, 2, 30, 40),
        score=0.9,
        colours=(),
        versions=ModelVersions("segmenter", "parser", EMBEDDER),
        vector=vector,
    )
    image = ImageWrite(0, f"{number}.jpg", Fingerprint(10, 20, "sha"), photo)
    return ProductWrite(ProductRecord(id=f"p{number}", category="dress"), (image,))


@pytest.fixture
def home(tmp_path: Path, catalog_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop whose snapshot is on disk; its first 17 products were deleted."""
    monkeypatch.setenv("GARB_HOME", str(tmp_path))
    monkeypatch.setenv("GARB_DATABASE_URL", catalog_url)
    model = tmp_path / "models" / "embedder" / EMBEDDER
    model.mkdir(parents=True)
    for name in (WEIGHTS, GRAPH):
        (model / name).write_bytes(b"")
    write_card(model, {"kind": "embedder", "version": EMBEDDER, "dimension": FAKE_DIMENSION})
    catalog = open_catalog(catalog_url)
    catalog.set_active_model("embedder", EMBEDDER)
    vectors = unit(np.random.default_rng(3), PRODUCTS, FAKE_DIMENSION)
    catalog.write_products([write_of(number, vectors[number]) for number in range(PRODUCTS)])
    catalog.remove_products([f"p{number}" for number in range(KINDS["missing"])])
    catalog.close()
    garb("rebuild")
    return tmp_path


def garb(*arguments: str, exit_code: int = 0) -> Any:
    app = typer.Typer()
    cli.register(app)
    result = CliRunner().invoke(app, ["index", *arguments, "--json"])
    assert result.exit_code == exit_code, (result.output, result.exception)
    return json.loads(result.stdout)


def inject(url: str) -> None:
    """50 differences that no counter tells of: a restored backup, a hand in the database, a bug."""
    rng = np.random.default_rng(8)
    catalog = open_catalog(url)
    image = product_images.c
    with catalog.engine.begin() as connection:

        def images_of(first: int, last: int) -> list[int]:
            ids = [f"p{number}" for number in range(first, last)]
            query = sa.select(image.id).where(image.product_id.in_(ids)).order_by(image.id)
            return list(connection.execute(query).scalars())

        # Missing: 17 products that come alive again.
        connection.execute(sa.update(products).values(deleted=False))
        # Extra: 6 products and 5 photos that are marked deleted, 6 vectors of another embedder.
        gone = products.c.id.in_([f"p{number}" for number in range(20, 26)])
        connection.execute(sa.update(products).where(gone).values(deleted=True))
        off = image.id.in_(images_of(26, 31))
        connection.execute(sa.update(product_images).where(off).values(deleted=True))
        old = embeddings.c.image_id.in_(images_of(31, 37))
        connection.execute(sa.update(embeddings).where(old).values(embedder="another"))
        # Stale: 8 vectors that another model wrote under this name, 4 photos at another place,
        # 4 products of another category.
        for image_id in images_of(40, 48):
            vector = unit(rng, 1, FAKE_DIMENSION)[0].astype(np.float16).tobytes()
            row = embeddings.c.image_id == image_id
            connection.execute(sa.update(embeddings).where(row).values(vector=vector))
        moved = image.id.in_(images_of(48, 52))
        connection.execute(sa.update(product_images).where(moved).values(position=7))
        renamed = products.c.id.in_([f"p{number}" for number in range(52, 56)])
        connection.execute(sa.update(products).where(renamed).values(garment_category="shoes"))
    catalog.close()


def test_fifty_drifts_are_found_and_mended(home: Path, catalog_url: str) -> None:
    assert garb("verify")["clean"]
    inject(catalog_url)
    found = garb("verify", exit_code=1)
    assert Counter(drift["kind"] for drift in found["drifts"]) == KINDS
    assert len({drift["product"] for drift in found["drifts"]}) == 50
    assert (found["clean"], found["repaired"]) == (False, 0)
    mended = garb("verify", "--repair")
    assert (mended["clean"], mended["repaired"]) == (True, 50)
    assert mended["drifts"] == found["drifts"]
    assert garb("verify")["clean"]


def test_a_damaged_snapshot_is_found_and_mended(home: Path) -> None:
    (manifest,) = (home / "index").rglob(MANIFEST)
    manifest.write_bytes(manifest.read_bytes()[:-20])
    assert [drift["kind"] for drift in garb("verify", exit_code=1)["drifts"]] == ["damaged"]
    assert garb("verify", "--repair")["clean"]
    assert garb("verify")["clean"]
