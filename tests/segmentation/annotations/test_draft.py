import csv
import gc
import json
import weakref
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
from segmentation.garment import Mask
from segmentation.photo import Photo
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


@pytest.mark.parametrize(
    ("columns", "fields"),
    [
        (("image",), (" shirt.png | nothing.png",)),
        (("images",), ("|shirt.png",)),
        (("image_10", "Image_2"), ("nothing.png", "shirt.png")),
        (("image_1", "image"), ("nothing.png", "shirt.png")),
        (("image", "image_1"), ("", "shirt.png")),
    ],
)
def test_the_first_of_several_photos_is_drafted(
    columns: tuple[str, ...], fields: tuple[str, ...], tmp_path: Path
) -> None:
    feed, file = _shop(tmp_path), tmp_path / "draft.json"
    with feed.open("w", newline="") as lines:
        csv.writer(lines).writerows([(*columns, "category"), (*fields, "shirt")])
    assert draft_annotations(feed, file, most_per_category=1) == {"top": 1}
    (image,) = json.loads(file.read_text())["images"]
    assert image["file_name"] == "shirt.png"


def test_as_many_of_a_category_are_drafted_as_asked_for(tmp_path: Path) -> None:
    feed, file = _shop(tmp_path), tmp_path / "draft.json"
    rows = [("gone.png", "shirt"), ("shirt.png", "shirt"), ("shirt2.png", "blouse")]
    with feed.open("w", newline="") as lines:
        csv.writer(lines).writerows([("image", "category"), *rows])
    assert draft_annotations(feed, file, most_per_category=1) == {"top": 1, "skipped": 1}
    (image,) = json.loads(file.read_text())["images"]
    assert image["file_name"] == "shirt.png"
    assert draft_annotations(feed, file, most_per_category=2) == {"top": 2, "skipped": 1}


def test_no_mask_waits_for_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    feed, drawn = _shop(tmp_path), []
    kept: list[int] = []

    def draw(photo: Photo) -> Mask:
        gc.collect()
        kept.append(sum(mask() is not None for mask in drawn))
        mask = Mask(np.ones((photo.height, photo.width), bool))
        drawn.append(weakref.ref(mask.pixels))
        return mask

    monkeypatch.setattr("segmentation.annotations.draft.backdrop_foreground", draw)
    feed.write_text("image,category\n" + "shirt.png,shirt\n" * 5)
    done: list[tuple[int, int]] = []
    counts = draft_annotations(
        feed,
        tmp_path / "out.json",
        most_per_category=4,
        on_progress=lambda *at: done.append(at),
    )
    assert counts == {"top": 4}
    assert max(kept) <= 1
    assert done == [(number, 5) for number in range(1, 6)]


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
