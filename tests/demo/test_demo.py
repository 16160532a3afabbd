from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from indexer.bootstrap import Services, open_storage
from indexer.live_index import LiveIndex
from indexer.matching import Matcher
from indexer.settings import Settings
from search_api.demo import Found, demo_settings, run_demo, table_of
from tests.fakes import FakeEmbedder, FakePhotoParser
from wardrobe.draw import draw_wardrobe


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """The real catalog, index and matcher of a demo, with stand-ins for the models."""
    settings = demo_settings(Settings.from_env({"GARB_HOME": str(tmp_path), "GARB_THREADS": "1"}))
    photo_parser, embedder = FakePhotoParser(), FakeEmbedder()
    with open_storage(settings) as storage:
        index = LiveIndex(
            storage.catalog,
            embedder_version=embedder.version,
            dimension=embedder.dimension,
            snapshot_dir=settings.snapshot_dir,
        )
        index.open()
        yield Services(
            settings=settings,
            catalog=storage.catalog,
            models=storage.models,
            image_store=storage.image_store,
            photo_parser=photo_parser,
            embedder=embedder,
            index=index,
            matcher=Matcher(photo_parser, embedder, index, storage.catalog),
        )
        index.stop()


def test_demo_indexes_every_product_and_leaves_a_picture(services: Services) -> None:
    drawn = draw_wardrobe(services.settings.home / "shop", products=11, photos=2, seed=1)
    result = run_demo(services, drawn, progress=Console(quiet=True))
    assert result.imported.read == result.imported.indexed == 11
    with Image.open(result.report) as picture:
        assert picture.width > 500
        assert picture.height > 800


def test_every_garment_worn_has_a_row_whether_it_was_seen_or_not(services: Services) -> None:
    drawn = draw_wardrobe(services.settings.home / "shop", products=11, photos=2, seed=1)
    result = run_demo(services, drawn, progress=Console(quiet=True))
    worn = {row.worn for row in result.rows if row.worn}
    named = {line.split(",")[1] for line in drawn.queries.read_text("utf-8").splitlines()[1:]}
    assert worn == named
    # The stand-in sees one garment a photo: the rest is told to be missing, not left out.
    assert any(row.found is Found.NO_GARMENT for row in result.rows)


def test_table_counts_only_what_is_worn(services: Services) -> None:
    drawn = draw_wardrobe(services.settings.home / "shop", products=11, photos=1, seed=1)
    result = run_demo(services, drawn, progress=Console(quiet=True))
    seen = [replace(row, found=Found.FIRST) for row in result.rows]
    table = table_of(replace(result, rows=(*seen, replace(seen[0], found=Found.NOT_WORN))))
    assert f"{len(seen)} of {len(seen)} garments" in str(table.title)


def test_demo_keeps_away_from_the_shops_own_database(tmp_path: Path) -> None:
    own = Settings.from_env(
        {"GARB_HOME": str(tmp_path), "GARB_DATABASE_URL": "postgresql://shop", "GARB_THREADS": "1"}
    )
    demo = demo_settings(own)
    assert demo.database_url.startswith("sqlite:")
    assert demo.home == tmp_path / "demo"
    assert demo.images_url.startswith(str(demo.home))
