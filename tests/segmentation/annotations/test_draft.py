import csv
import json
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from segmentation.annotations.draft import draft_annotations
from segmentation.annotations.read import read_annotations
from segmentation.cli import register
from segmentation.errors import AnnotationError
from tests.segmentation.fake_versions import NoVersions


def _shop(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    plain = rng.integers(238, 243, (96, 96, 3)).astype(np.uint8)
    plain[24:72, 30:66] = rng.integers(20, 60, (48, 36, 3))
    Image.fromarray(plain).save(folder / "shirt.png")
    Image.fromarray(plain).save(folder / "shirt2.png")
    Image.fromarray(np.full((96, 96, 3), 240, np.uint8)).save(folder / "nothing.png")
    rows = [("shirt.png", "shirt"), ("nothing.png", "pants"), ("shirt.png", "sofa")]
    rows += [("shirt2.png", "shirt"), ("gone.png", "hat")]
    feed = folder / "products.csv"
    with feed.open("w", newline="") as file:
        csv.writer(file).writerows([("image", "category"), *rows])
    return feed


def test_drafts_hold_what_stands_out_named_by_the_catalog(tmp_path: Path) -> None:
    feed, file = _shop(tmp_path), tmp_path / "draft.json"
    drafted = draft_annotations(feed, file, most_per_category=1)
    assert drafted == {"top": 1, "skipped": 2}
    (annotated,) = read_annotations(file, [tmp_path])
    _, (instance,) = annotated.read()
    assert instance.category == "top"
    truth = np.zeros((96, 96), bool)
    truth[24:72, 30:66] = True
    pixels = instance.mask.pixels
    assert (pixels & truth).sum() / (pixels | truth).sum() > 0.9


def test_unreadable_feeds_are_named(tmp_path: Path) -> None:
    feed = tmp_path / "products.csv"
    feed.write_text("picture,category\na.png,shirt\n")
    for path in (feed, tmp_path / "none.csv"):
        with pytest.raises(AnnotationError, match=path.name):
            draft_annotations(path, tmp_path / "out.json", most_per_category=1)


def test_command_drafts_and_counts(tmp_path: Path) -> None:
    feed, file = _shop(tmp_path), tmp_path / "draft.json"
    app = typer.Typer()
    register(app, NoVersions())
    arguments = ["annotations", "draft", str(feed), "--out", str(file), "--most", "5"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert "2 top" in result.stdout
    assert len(json.loads(file.read_text())["annotations"]) == 2
