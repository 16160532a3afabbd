"""The commands over a real catalog, with the models faked."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from indexer import bootstrap, catalog_cli, cli
from indexer.catalog.repository import open_catalog
from indexer.embedder.base import Embedder
from search_api.schemas.products import StoredProductOut
from segmentation.garment import NamedColour, ParsedPhoto
from segmentation.models import GRAPH, WEIGHTS, ModelVersion, write_card
from segmentation.segmenter import PhotoParser
from tests.fakes import FAKE_DIMENSION, FakeEmbedder, FakePhotoParser, fake_png

COLOURS = {"red": (200, 30, 40), "green": (30, 190, 60), "blue": (20, 40, 200)}


def _fakes(
    storage: bootstrap.Storage, embedder: ModelVersion | None = None
) -> tuple[PhotoParser, Embedder]:
    return FakePhotoParser(), FakeEmbedder()


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with three products in its catalog, and their feed."""
    monkeypatch.setenv("GARB_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GARB_DATABASE_URL", raising=False)
    monkeypatch.setenv("GARB_THREADS", "1")
    for module in (bootstrap, catalog_cli):
        monkeypatch.setattr(module, "load_models", _fakes)
    model = tmp_path / "home" / "models" / "embedder" / "fake-embedder"
    model.mkdir(parents=True)
    for name in (WEIGHTS, GRAPH):
        (model / name).write_bytes(b"")
    write_card(model, {"kind": "embedder", "version": "fake-embedder", "dimension": FAKE_DIMENSION})
    catalog = open_catalog(f"sqlite:///{tmp_path / 'home' / 'garb.db'}")
    catalog.set_active_model("embedder", "fake-embedder")
    catalog.close()
    rows = ["id,title,category,brand,price,currency,image"]
    for number, (name, colour) in enumerate(COLOURS.items()):
        (tmp_path / f"{name}.png").write_bytes(fake_png(colour))
        rows.append(f"{name},A {name} thing,,Brand {number},{10 * number + 5},EUR,{name}.png")
    (tmp_path / "products.csv").write_text("\n".join(rows) + "\n")
    _garb("catalog", "import", str(tmp_path / "products.csv"), "--json")
    return tmp_path


def _garb(*arguments: str, exit_code: int = 0) -> Result:
    app = typer.Typer()
    cli.register(app)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == exit_code, (result.output, result.exception)
    return result


def _json(*arguments: str, exit_code: int = 0) -> Any:
    return json.loads(_garb(*arguments, "--json", exit_code=exit_code).stdout)


def test_an_import_embeds_what_another_version_became_active_under(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = iter(("fake-embedder", "newer"))

    def load(storage: bootstrap.Storage) -> tuple[PhotoParser, Embedder]:
        return FakePhotoParser(), FakeEmbedder(version=next(versions))

    monkeypatch.setattr(catalog_cli, "load_models", load)
    (shop / "more.csv").write_text("id,image\nmore,red.png\n")
    _garb("catalog", "import", str(shop / "more.csv"))
    catalog = open_catalog(f"sqlite:///{shop / 'home' / 'garb.db'}")
    newer = catalog.changes_since(0, embedder="newer")
    catalog.close()
    assert "more" in {row.product_id for row in newer if row.vector is not None}


def test_search_finds_the_product_and_prints_one_document(shop: Path) -> None:
    answer = _json("search", str(shop / "red.png"), "--k", "2")
    (garment,) = answer["garments"]
    assert garment["category"] == "dress"
    assert garment["matches"][0]["product"]["id"] == "red"
    assert len(garment["matches"]) == 2
    assert answer["index"]["products"] == 3
    assert {"decode", "embed", "search", "total"} <= answer["timings_ms"].keys()


def test_search_takes_filter_box_category_and_colour(shop: Path) -> None:
    answer = _json(
        "search", str(shop / "red.png"), "--filter", "price > 10", "--box", "10,10,60,70",
        "--category", "dress", "--colour", "#1428c8", "--include", "person",
    )  # fmt: skip
    (garment,) = answer["garments"]
    assert {match["product"]["id"] for match in garment["matches"]} == {"green", "blue"}


def test_what_was_matched_in_a_box_is_said(shop: Path) -> None:
    photo = str(shop / "red.png")
    fitting = _garb("search", photo, "--box", "10,10,60,70").stdout
    assert "dress" in fitting
    corner = _garb("search", photo, "--box", "0,0,6,6").stdout
    assert "the box was matched as it stands" in corner
    assert "no garment found" not in corner


def test_garments_colours_are_listed_and_not_wrapped(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class TwoColours(FakePhotoParser):
        def parse(self, *args: Any, **options: Any) -> ParsedPhoto:
            parsed = super().parse(*args, **options)
            names = ("light blue", "multicolour")
            colours = tuple(NamedColour(name, "#808080", 0.5) for name in names)
            (garment,) = parsed.garments
            return replace(parsed, garments=(replace(garment, colours=colours),))

    monkeypatch.setattr(bootstrap, "load_models", lambda *_: (TwoColours(), FakeEmbedder()))
    printed = _garb("search", str(shop / "red.png")).stdout
    assert "light blue, multicolour dress 0.90" in printed


def test_category_that_nobody_knows_is_said_and_restricts_nothing(shop: Path) -> None:
    result = _garb("search", str(shop / "red.png"), "--category", "bananas", "--json")
    assert "no category is known as 'bananas'" in result.stderr
    known = _garb("search", str(shop / "red.png"), "--category", "dress", "--json")
    assert known.stderr == ""
    assert json.loads(result.stdout)["garments"]


def test_search_without_json_prints_a_table(shop: Path) -> None:
    assert "A red thing" in _garb("search", str(shop / "red.png")).stdout


def test_similar_and_find_print_a_table_or_one_document(shop: Path) -> None:
    answer = _json("similar", "red", "--filter", "price > 5")
    assert {match["product"]["id"] for match in answer["matches"]} == {"green", "blue"}
    assert "A green thing" in _garb("similar", "red").stdout
    answer = _json("find", "thing", "RED")
    assert [match["product"]["id"] for match in answer["matches"]] == ["red"]
    assert "A red thing" in _garb("find", "a red thing").stdout


def test_find_goes_on_behind_a_page(shop: Path) -> None:
    first = _json("find", "thing", "--k", "2")
    rest = _json("find", "thing", "--after", first["next"])
    ids = [match["product"]["id"] for match in first["matches"] + rest["matches"]]
    assert (ids, rest["next"]) == (["blue", "green", "red"], None)


def test_catalog_list_takes_words_and_a_filter(shop: Path) -> None:
    page = _json("catalog", "list", "--words", "thing", "--filter", "price < 20", "--limit", "1")
    assert ([one["id"] for one in page["products"]], page["total"]) == (["green"], 2)
    assert page["next"] == "green"
    page = _json("catalog", "list", "--filter", "price < 20", "--after", "green", "--limit", "1")
    assert ([one["id"] for one in page["products"]], page["next"]) == (["red"], None)


def test_facets_are_printed_below_the_table(shop: Path) -> None:
    printed = _garb("catalog", "list", "--facets", "price,brand").stdout
    assert "price: under 15 (1), 15–25 (1), from 25 (1)" in printed
    assert "brand: Brand 0 (1), Brand 1 (1), Brand 2 (1)" in printed
    document = _json("catalog", "list", "--facets", "brand", "--filter", "price < 20")
    assert [one["count"] for one in document["facets"]["brand"]["values"]] == [1, 1]
    printed = _garb("find", "red", "--facets", "brand,price,nothing").stdout
    assert "brand: Brand 0 (1)\nprice: any (1)\n" in printed
    assert "nothing" not in printed


def test_wrong_usage_exits_2(shop: Path) -> None:
    _garb("search", str(shop / "red.png"), "--box", "1,2,3", exit_code=2)
    _garb("search", str(shop / "red.png"), "--k", "0", exit_code=2)
    _garb("search", exit_code=2)
    _garb("catalog", "import", "", exit_code=2)


@pytest.mark.parametrize(
    ("option", "value", "reason", "commands"),
    [
        ("--filter", "price <", "found the end (column 8)", ["search", "similar", "find", "list"]),
        ("--facets", ",".join(map(str, range(21))), "at most 20", ["search", "find", "list"]),
        ("--boost", "price:2", "from -1 to 1", ["search", "similar"]),
        ("--colour", "xyz", "'xyz' is no colour", ["search"]),
        ("--box", "5,5,1,9", "x1 must be right of x0", ["search"]),
        ("--after", "x", "what the page before gave", ["find"]),
        ("--words", " ".join(map(str, range(51))), "at most 50 different words", ["list"]),
    ],
)
def test_option_that_cannot_be_read_exits_2_with_the_reason(
    tmp_path: Path, option: str, value: str, reason: str, commands: list[str]
) -> None:
    (tmp_path / "red.png").write_bytes(fake_png((200, 20, 20)))
    lines = {
        "search": ("search", str(tmp_path / "red.png")),
        "similar": ("similar", "red"),
        "find": ("find", "red"),
        "list": ("catalog", "list"),
    }
    for command in commands:
        assert reason in _garb(*lines[command], option, value, exit_code=2).stderr


def test_words_that_cannot_be_looked_for_exit_2() -> None:
    assert "name a word" in _garb("find", " ", "", exit_code=2).stderr
    assert "at most 50 different" in _garb("find", *map(str, range(51)), exit_code=2).stderr


def test_what_the_data_lacks_exits_1(shop: Path) -> None:
    photo = str(shop / "red.png")
    _garb("search", str(shop / "products.csv"), exit_code=1)
    _garb("search", photo, "--box", "5000,5000,6000,6000", exit_code=1)
    _garb("similar", "nothing", "--filter", "price < 5", exit_code=1)


@pytest.mark.parametrize("command", ["search", "parse"])
def test_save_draws_a_picture(shop: Path, command: str) -> None:
    out = shop / "out.png"
    _garb(command, str(shop / "red.png"), "--save", str(out))
    with Image.open(out) as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 100


def test_parse_is_the_answer_without_matches_and_with_regions(shop: Path) -> None:
    answer = _json("parse", str(shop / "blue.png"))
    assert "matches" not in answer["garments"][0]
    assert answer["regions"]["clothes"]["size"] == [80, 64]
    assert "trousers" in _garb("parse", str(shop / "blue.png")).stdout


def test_a_merged_index_answers_and_verifies_as_any_other(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _json("search", str(shop / "red.png"))
    assert _json("index", "status")["merged_images"] == 0
    monkeypatch.setenv("GARB_MERGE_FROM", "2")
    assert _json("index", "rebuild")["merged_images"] == 3
    assert _json("index", "status")["merged_images"] == 3
    assert _json("index", "verify")["clean"] is True
    assert _json("search", str(shop / "red.png"))["garments"] == before["garments"]
    _garb("catalog", "remove", "green")
    assert _json("index", "status")["merged_images"] == 2
    (vectors,) = (shop / "home" / "index" / "fake-embedder").glob("merged_vectors-*")
    vectors.write_bytes(vectors.read_bytes()[:-1] + b"?")
    assert _json("index", "verify", exit_code=1)["drifts"][0]["kind"] == "damaged"
    assert _json("index", "verify", "--repair")["clean"] is True


def test_index_status_verify_and_rebuild(shop: Path) -> None:
    status = _json("index", "status")
    assert (status["products"], status["images"]) == (3, 3)
    assert status["sequence"] == status["database"]["sequence"]
    text = _garb("index", "status").stdout
    assert re.search(r"^ *database products +3 *$", text, re.MULTILINE)
    assert not {"None", "{"} & set(text.split())
    assert _json("index", "verify")["clean"] is True
    assert _json("index", "rebuild")["products"] == 3


def test_verify_exits_1_until_a_damaged_snapshot_is_repaired(shop: Path) -> None:
    _garb("index", "rebuild")
    manifest = shop / "home" / "index" / "fake-embedder" / "manifest.json"
    manifest.write_bytes(manifest.read_bytes()[:-9])
    for _ in range(2):
        assert _json("index", "verify", exit_code=1)["drifts"][0]["kind"] == "damaged"
    report = _json("index", "verify", "--repair")
    assert (report["clean"], report["repaired"]) == (True, 1)
    assert _json("index", "verify")["clean"] is True


def test_a_folder_of_feeds_is_imported_and_errors_name_their_file(shop: Path) -> None:
    feeds = shop / "feeds"
    feeds.mkdir()
    (feeds / "a.csv").write_text("id,image\nnew,red.png\nred,none.png\n")
    (feeds / "b.jsonl").write_text('{"id": "new", "image": "red.png"}\n{\n')
    report = _json("catalog", "import", str(feeds), "--images", str(shop))
    assert (report["read"], report["new"], report["failed"]) == (4, 1, 3)
    assert [(error["file"], error["line"], error["id"]) for error in report["errors"]] == [
        ("a.csv", 3, "red"),
        ("b.jsonl", 1, "new"),
        ("b.jsonl", 2, None),
    ]
    assert "on line 2 of a.csv" in report["errors"][1]["reason"]
    printed = _garb("catalog", "import", str(feeds), "--images", str(shop)).stderr
    assert "b.jsonl, line 2: not JSON" in printed


def test_a_feed_is_read_from_standard_input(shop: Path) -> None:
    app = typer.Typer()
    cli.register(app)
    arguments = ["catalog", "import", "-", "--images", str(shop), "--json"]
    result = CliRunner().invoke(app, arguments, input="Handle,Type,Image Src\nhat,Hats,red.png\n")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["new"] == 1
    assert _json("catalog", "show", "hat")["category"] == "Hats"


def test_show_tells_the_models_and_leaves_what_was_cut_out(shop: Path) -> None:
    folder = shop / "cutouts"
    document = _json("catalog", "show", "red", "--cutouts", str(folder), "--json")
    (image,) = document["images"]
    assert image["versions"] == [
        {"segmenter": "fake-segmenter", "parser": "fake-parser", "embedder": "fake-embedder"}
    ]
    with Image.open(folder / "0.jpg") as cutout:
        red, green, _ = cutout.convert("RGB").getpixel((112, 112))
    assert (red > 180, green < 50) == (True, True)


def test_show_and_list_print_what_http_answers(shop: Path) -> None:
    document = _json("catalog", "show", "red")
    assert _json("catalog", "list", "--filter", "id = red")["products"] == [document]
    assert StoredProductOut.model_validate(document).model_dump() == document
    assert (document["category"], document["url"], document["brand"]) == (None, None, "Brand 0")
    (image,) = document["images"]
    assert image["cutout"] == "/v1/products/red/images/0/cutout"
    assert all(colour["share"] == round(colour["share"], 3) for colour in image["colours"])
    assert "null" not in _garb("catalog", "show", "red").stdout


def test_show_says_that_a_photo_waits_for_the_models_that_serve(shop: Path) -> None:
    assert _json("catalog", "show", "red")["images"][0]["status"] == "indexed"
    catalog = open_catalog(f"sqlite:///{shop / 'home' / 'garb.db'}")
    catalog.set_active_model("embedder", "the-next")
    catalog.close()
    assert _json("catalog", "show", "red")["images"][0]["status"] == "waiting"


def test_a_removed_product_is_not_found(shop: Path) -> None:
    _garb("catalog", "remove", "red")
    (garment,) = _json("search", str(shop / "red.png"))["garments"]
    assert {match["product"]["id"] for match in garment["matches"]} == {"green", "blue"}


def test_folder_where_a_photo_is_not_is_named(shop: Path) -> None:
    (shop / "more.csv").write_text("id,image\nmore,none.png\n")
    told = _garb("catalog", "import", str(shop / "more.csv"), "--json").stderr
    assert f"image names are relative to {shop}; --images names another" in told
    told = _garb("catalog", "import", str(shop / "products.csv")).stderr
    assert "--images" not in told


def test_progress_of_a_finished_import_is_whole(shop: Path) -> None:
    rows = ["Handle,Title,Image Src,Image Position"]
    rows += [f"{name},A {name} thing,{name}.png,1\n{name},,green.png,2" for name in COLOURS]
    (shop / "export.csv").write_text("\n".join(rows) + "\n")
    told = _garb("catalog", "import", str(shop / "export.csv")).stderr
    assert "3/3" in told


def test_field_that_no_product_has_is_told_with_a_near_one(shop: Path) -> None:
    photo = str(shop / "red.png")
    misspelt = "garb: no product has the field 'brnd': is 'brand' meant?\n"
    for command in (("search", photo), ("similar", "red"), ("find", "red"), ("catalog", "list")):
        result = _garb(*command, "--filter", "brnd = x OR brnd = y OR price > 1", "--json")
        assert result.stderr == misspelt
        json.loads(result.stdout)
    for command in (("search", photo), ("find", "red"), ("catalog", "list")):
        told = _garb(*command, "--facets", "xyz,brand,colour,collection", "--json").stderr
        assert told == "garb: no product has the field 'xyz'\n"
    for command in (("search", photo), ("similar", "red")):
        told = _garb(*command, "--boost", "prize:0.1", "--json").stderr
        assert told == "garb: no product has a number as 'prize': is 'price' meant?\n"
        assert _garb(*command, "--boost", "price:0.1", "--json").stderr == ""


def test_empty_table_says_why(shop: Path) -> None:
    photo = str(shop / "red.png")
    for command, reason in (
        (("find", "xyzzy"), "no product carries these words"),
        (("find", "red", "--filter", "price > 99"), "no product that passes the filter carries"),
        (("search", photo, "--min-score", "1"), ""),
        (("search", photo, "--colour", "#00ff00", "--min-score", "0.99"), "no match scores 0.99"),
        (("similar", "red", "--min-score", "0.99"), "no match scores 0.99"),
        (("similar", "red", "--filter", "price > 99"), "no product that could match passes"),
    ):
        told = _garb(*command).stderr
        assert reason in told
        assert bool(told) == bool(reason)
        assert _garb(*command, "--json").stderr == ""
