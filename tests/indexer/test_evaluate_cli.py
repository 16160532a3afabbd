"""`garb evaluate`, with the models faked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from indexer import bootstrap, cli, evaluate_cli
from indexer.bootstrap import open_storage
from indexer.catalog.feedback import Feedback, FeedbackKind
from indexer.embedder.base import Embedder
from indexer.evaluation.dataset import EvaluationError
from indexer.settings import Settings
from segmentation.segmenter import PhotoParser
from tests.fakes import FakeEmbedder, FakePhotoParser, fake_png

COLOURS = {"red": (200, 30, 40), "green": (30, 190, 60), "blue": (20, 40, 200)}


def _models(storage: bootstrap.Storage) -> tuple[PhotoParser, Embedder]:
    return FakePhotoParser(), FakeEmbedder()


def _mask_rcnn(storage: bootstrap.Storage) -> PhotoParser:
    return FakePhotoParser()


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GARB_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GARB_DATABASE_URL", raising=False)
    monkeypatch.setenv("GARB_THREADS", "1")
    monkeypatch.setattr(evaluate_cli, "load_models", _models)
    monkeypatch.setattr(evaluate_cli, "load_mask_rcnn", _mask_rcnn)
    for name, colour in COLOURS.items():
        (tmp_path / f"{name}.png").write_bytes(fake_png(colour))
    rows = "".join(f"{name},{name}.png\n" for name in COLOURS)
    (tmp_path / "products.csv").write_text("id,image\n" + rows + "gone,gone.png\n")
    (tmp_path / "queries.csv").write_text(
        "image,product,view\nred.png,red,front\nblue.png,blue,back\ngone.png,red,front\n"
    )
    return tmp_path


def _evaluate(shop: Path, *options: str) -> Result:
    app = typer.Typer()
    evaluate_cli.register(app)
    tables = (str(shop / "products.csv"), str(shop / "queries.csv"))
    return CliRunner().invoke(app, ["evaluate", "retrieval", *tables, *options])


def test_json_prints_the_figures_and_names_what_it_left_out_elsewhere(shop: Path) -> None:
    result = _evaluate(shop, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["gallery"], report["queries"], report["r@1"]) == (3, 2, 1.0)
    assert "products.csv, line 5" in result.stderr
    assert "queries.csv, line 4" in result.stderr
    assert json.loads(_evaluate(shop, "--json", "--no-segmentation").stdout)["r@1"] == 1.0


def test_without_json_it_prints_a_table(shop: Path) -> None:
    printed = _evaluate(shop).stdout
    for words in ("R@1", "all", "front", "back", "1.000", "3 products"):
        assert words in printed


@pytest.mark.parametrize("options", [(), ("--no-segmentation",)])
def test_report_is_written_and_named(shop: Path, options: tuple[str, ...]) -> None:
    file = shop / "report.html"
    result = _evaluate(shop, "--json", "--report", str(file), *options)
    assert json.loads(result.stdout)["queries"] == 2
    assert str(file) in result.stderr.replace("\n", "")
    page = file.read_text("utf-8")
    assert ("stage is worth" in page) is (not options)
    assert ("fake-segmenter" in page) is (not options)
    assert "fake-embedder" in page


def test_report_without_a_folder_is_refused_before_anything_is_measured(shop: Path) -> None:
    result = _evaluate(shop, "--report", str(shop / "nowhere" / "report.html"))
    assert isinstance(result.exception, EvaluationError)
    assert "nowhere" in str(result.exception)
    assert result.stdout == ""


def test_clicks_are_printed_as_a_table_and_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GARB_HOME", str(tmp_path))
    monkeypatch.delenv("GARB_DATABASE_URL", raising=False)
    app = typer.Typer()
    cli.register(app)
    with open_storage(Settings.from_env()) as storage:
        storage.catalog.add_feedback(Feedback("a", 0, FeedbackKind.SHOWN, "", 2))
        storage.catalog.add_feedback(Feedback("a", 0, FeedbackKind.CLICKED, "p", 2))
    printed = CliRunner().invoke(app, ["evaluate", "clicks", "--json"])
    assert printed.exit_code == 0, printed.output
    assert [one["click_through"] for one in json.loads(printed.stdout)["by_rank"]] == [0, 1]
    table = CliRunner().invoke(app, ["evaluate", "clicks", "--since", "2020-01-01"])
    assert "100.0%" in table.stdout
    assert "searches: 1" in table.stdout
    later = CliRunner().invoke(app, ["evaluate", "clicks", "--since", "2999-01-01", "--json"])
    assert json.loads(later.stdout)["by_rank"] == []
