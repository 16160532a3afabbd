from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from indexer.bootstrap import Services
from indexer.settings import Settings
from search_api.demo import (
    STAMP,
    DemoResult,
    demo_settings,
    draw_once,
    environment_of,
    run_demo,
    table_of,
)
from search_api.demo_judging import Found, judge
from tests.demo.conftest import answer_of, seen, worn
from tests.fakes import FakeEmbedder, FakePhotoParser
from wardrobe.draw import Drawn

QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Drawn]:
    """Draws one small shop, once."""
    folder = tmp_path_factory.mktemp("demo") / "shop"
    return lambda: draw_once(folder, progress=QUIET, products=14, photos=2, seed=1)


def printed(result: DemoResult, *, width: int) -> str:
    file = io.StringIO()
    Console(width=width, file=file).print(table_of(result))
    return file.getvalue()


def test_demo_indexes_every_product_and_leaves_one_file(
    services: Services, shop: Callable[[], Drawn]
) -> None:
    result = run_demo(services, shop(), progress=QUIET)
    assert result.summary.imported.read == result.summary.imported.indexed == 14
    assert result.report == services.settings.home / "report.html"
    html = result.report.read_text("utf-8")
    assert html.startswith("<!doctype html>")
    assert html.count("<section") == 2
    assert len(html) < 5_000_000


def test_every_product_worn_is_judged_once(services: Services, shop: Callable[[], Drawn]) -> None:
    drawn = shop()
    result = run_demo(services, drawn, progress=QUIET)
    lines = [line.split(",") for line in drawn.queries.read_text("utf-8").splitlines()[1:]]
    asked = {(Path(line[0]).name, line[1]) for line in lines}
    judged = [(p.name, one.worn) for p in result.photos for one in p.judged if one.counts]
    assert len(judged) == len(set(judged))
    assert set(judged) == asked
    # The stand-in sees one garment a photo: the rest is told to be missing, not left out.
    assert any(one.found is Found.NOT_SEEN for p in result.photos for one in p.judged)


def test_second_run_only_matches_again(services: Services, shop: Callable[[], Drawn]) -> None:
    first = run_demo(services, shop(), progress=QUIET)
    parser, embedder = services.photo_parser, services.embedder
    assert isinstance(parser, FakePhotoParser)
    assert isinstance(embedder, FakeEmbedder)
    before, made = parser.photos_parsed, first.report.stat().st_mtime_ns
    drawn = shop()
    written = [path.stat().st_mtime_ns for path in drawn.street_photos]
    again = run_demo(services, drawn, progress=QUIET)
    assert [path.stat().st_mtime_ns for path in shop().street_photos] == written
    assert parser.photos_parsed == before + 2
    assert again.summary.imported.unchanged == 14
    assert [p.judged[0].found for p in again.photos] == [p.judged[0].found for p in first.photos]
    assert again.report.stat().st_mtime_ns > made


def test_other_shop_takes_the_place_of_the_one_before(
    services: Services, shop: Callable[[], Drawn], tmp_path: Path
) -> None:
    run_demo(services, shop(), progress=QUIET)
    other = draw_once(tmp_path / "shop", progress=QUIET, products=4, photos=1, seed=2)
    result = run_demo(services, other, progress=QUIET)
    assert result.summary.imported.products == services.catalog.product_count() == 4
    assert services.index.product_count == 4


def test_shop_is_drawn_again_when_other_numbers_or_another_wardrobe_are_asked(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "shop"
    draw_once(folder, progress=QUIET, products=3, photos=2, seed=1)
    fewer = draw_once(folder, progress=QUIET, products=3, photos=1, seed=1)
    assert [path.name for path in fewer.street_photos] == ["0001.jpg"]
    assert len(list((folder / "street").iterdir())) == 1
    stamp = folder / STAMP
    for text in (stamp.read_text("utf-8").replace('wardrobe": "', 'wardrobe": "0'), "{", ""):
        stamp.write_text(text, "utf-8")
        products = folder / "products.csv"
        products.write_text("gone", "utf-8")
        draw_once(folder, progress=QUIET, products=3, photos=1, seed=1)
        assert "gone" not in products.read_text("utf-8")


def test_table_counts_only_what_is_worn_and_fits_80_columns(
    services: Services, shop: Callable[[], Drawn]
) -> None:
    result = run_demo(services, shop(), progress=QUIET)
    product = "longsleeve-0120"
    garments = [seen("outerwear", 0, 0, 40, 40, product), seen("hat", 0, 50, 30, 60, product)]
    judged = judge(garments, [worn(product, "outerwear", 0, 0, 40, 40)])
    photo = replace(result.photos[0], name="0001.jpg", answer=answer_of(*garments), judged=judged)
    text = printed(replace(result, photos=(photo,)), width=80)
    assert "1 of 1 garments: the product worn comes first" in text
    (row,) = [line for line in text.splitlines() if "outerwear" in line]
    assert row.split() == ["0001", "outerwear", product, "0.90", product, "first"]
    assert max(len(line) for line in text.splitlines()) <= 80


def test_demo_keeps_away_from_the_shops_own_database(tmp_path: Path) -> None:
    own = Settings.from_env(
        {"GARB_HOME": str(tmp_path), "GARB_DATABASE_URL": "postgresql://shop", "GARB_THREADS": "1"}
    )
    demo = demo_settings(own)
    assert demo.database_url.startswith("sqlite:")
    assert demo.home == tmp_path / "demo"
    assert demo.images_url.startswith(str(demo.home))


def test_server_of_the_demo_has_its_models_and_offers_its_street_photos(tmp_path: Path) -> None:
    own = Settings.from_env(
        {"GARB_HOME": str(tmp_path), "GARB_MODELS": str(tmp_path / "trained"), "GARB_THREADS": "3"}
    )
    demo = demo_settings(own)
    assert demo.samples_dir == tmp_path / "demo" / "shop" / "street"
    assert Settings.from_env(environment_of(demo)) == demo
