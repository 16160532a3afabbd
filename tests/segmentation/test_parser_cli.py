"""`garb parser`: what it refuses before it trains or measures, and what it tells after."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import typer
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from indexer.bootstrap import open_models
from indexer.settings import Settings
from segmentation.cli import register
from segmentation.errors import AnnotationError, LabelError, ModelError
from segmentation.models import ModelKind, ModelStore, ModelVersion

pytest.importorskip("torch")


class Refusing:
    """Knows one version of each kind, and activates none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def store(self) -> ModelStore:
        return ModelStore(self._folder, {})

    def active(self, kind: ModelKind) -> ModelVersion:
        return ModelVersion(kind, "active", self._folder, {})

    def activate(self, version: ModelVersion, *, force: bool) -> None:
        raise ModelError(f"{version.name} is worse")

    def coverage(self, kind: ModelKind) -> Mapping[str, float]:
        return {}


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Four photos with labels: too few to hold one out."""
    (tmp_path / "labels.json").write_text(json.dumps(["null", "skin"]))
    for name in "abcd":
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.jpg")
        Image.new("L", (8, 8)).save(tmp_path / f"{name}.png")
    return tmp_path


class Bundled(Refusing):
    """The models that come with Garb."""

    def active(self, kind: ModelKind) -> ModelVersion:
        return open_models(Settings.from_env({})).get(kind)


def train(folder: Path, *options: str) -> Result:
    return _parser("train", Refusing(folder), folder, *options)


def _parser(verb: str, versions: Refusing, folder: Path, *options: str) -> Result:
    app = typer.Typer()
    register(app, versions)
    command = ["parser", verb, "--photos", str(folder), "--labels", str(folder)]
    return CliRunner().invoke(app, [*command, *options])


def test_evaluation_tells_what_the_contract_names(labelled: Path) -> None:
    options = ("--json", "--background", "white", "--label-set", "4")
    result = _parser("evaluate", Bundled(labelled), labelled, *options)
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert list(told) == ["pixel_accuracy", "mean_iou", "iou", "photos", "seconds_per_photo"]
    assert list(told["iou"]) == ["background", "skin", "hair", "clothes"]
    assert told["photos"] == 4


def test_nothing_is_measured_on_no_photo(labelled: Path) -> None:
    result = _parser("evaluate", Bundled(labelled), labelled, "--held-out")
    assert isinstance(result.exception, AnnotationError)
    assert "no photo to measure on" in str(result.exception)
    assert not result.stdout


def test_classes_that_a_version_does_not_have_are_not_measured(labelled: Path) -> None:
    result = _parser("evaluate", Bundled(labelled), labelled, "--label-set", "29")
    assert isinstance(result.exception, LabelError)
    assert "4 classes cannot be measured by 29" in str(result.exception)


@pytest.mark.parametrize("verb", ["train", "evaluate"])
@pytest.mark.parametrize("wrong", [("--label-set", "5"), ("--background", "pink")])
def test_options_of_no_meaning_are_wrong_usage(
    labelled: Path, verb: str, wrong: tuple[str, str]
) -> None:
    assert _parser(verb, Refusing(labelled), labelled, *wrong).exit_code == 2


def test_parser_does_not_begin_from_coco(labelled: Path) -> None:
    result = train(labelled, "--init", "coco")
    assert isinstance(result.exception, ModelError)
    assert "--init bundled, imagenet or none" in str(result.exception)


def test_nothing_is_trained_that_cannot_be_measured(labelled: Path) -> None:
    result = train(labelled, "--init", "none")
    assert isinstance(result.exception, AnnotationError)
    assert "held out" in str(result.exception)
    assert not (labelled / ".training").exists()


def test_version_is_told_even_if_its_activation_is_refused(
    labelled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = {"figures": {"held_out": {"pixel_accuracy": 0.5}}}
    trained = ModelVersion(ModelKind.PARSER, "new", labelled, card)
    monkeypatch.setattr(
        "segmentation.training.parser.train_parser_version", lambda *_, **__: trained
    )
    result = train(labelled, "--init", "none", "--activate", "--json")
    assert isinstance(result.exception, ModelError)
    told = json.loads(result.stdout)
    assert (told["version"], told["activated"]) == ("new", False)
    assert told["metrics"] == {"pixel_accuracy": told["pixel_accuracy"]} == {"pixel_accuracy": 0.5}
