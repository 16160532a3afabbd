"""Cutting garments for a training, which takes long and may be killed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer.embedder import crop_store
from indexer.embedder.crop_store import open_crops
from indexer.embedder.items import Crop, Source, cut_source
from segmentation.errors import AnnotationError, GarbError
from segmentation.models import sha256_of
from segmentation.photo import Pixels


@pytest.fixture
def sources(tmp_path: Path) -> list[Source]:
    """Five products before white paper, of five greens."""
    found = []
    for number in range(5):
        pixels = np.full((120, 100, 3), 255, np.uint8)
        pixels[30:90, 25:75] = (0, 40 * number, 0)
        path = tmp_path / f"{number}.png"
        Image.fromarray(pixels).save(path)
        found.append(Source(f"catalog/{number}", str(path), None, (), "top", held_out=False))
    return found


class Killed(Exception):
    """Something ended the process."""


class _Knife:
    """Cuts sources, and is killed before one of them."""

    def __init__(self, *, killed_before: str | None = None) -> None:
        self._killed_before = killed_before
        self.cut: list[str] = []

    def __call__(self, source: Source, find: object = None) -> list[tuple[Crop, Pixels]]:
        if source.item == self._killed_before:
            raise Killed
        self.cut.append(source.item)
        return cut_source(source)


def _begin(
    sources: list[Source], folder: Path, monkeypatch: pytest.MonkeyPatch, *, killed_before: str
) -> None:
    monkeypatch.setattr(crop_store, "cut_source", _Knife(killed_before=killed_before))
    with pytest.raises(Killed):
        open_crops(sources, folder, workers=1)


def test_a_cutting_that_was_killed_goes_on_where_it_was(
    sources: list[Source], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = open_crops(sources, tmp_path / "whole", workers=1)
    folder = tmp_path / "crops"
    _begin(sources, folder, monkeypatch, killed_before="catalog/3")
    knife = _Knife()
    monkeypatch.setattr(crop_store, "cut_source", knife)
    steps: list[tuple[int, int]] = []
    store = open_crops(
        sources, folder, workers=1, on_progress=lambda done, total: steps.append((done, total))
    )
    assert knife.cut == ["catalog/3", "catalog/4"]
    assert steps == [(4, 5), (5, 5)]
    assert store.crops == whole.crops
    np.testing.assert_array_equal(store.pixels, whole.pixels)
    assert {path.suffix for path in folder.iterdir()} == {".json", ".npy"}


@pytest.mark.parametrize("torn", ["a line", "pixels", "pixels lost"])
def test_what_was_being_written_at_the_kill_is_cut_again(
    sources: list[Source], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, torn: str
) -> None:
    whole = open_crops(sources, tmp_path / "whole", workers=1)
    folder = tmp_path / "crops"
    _begin(sources, folder, monkeypatch, killed_before="catalog/3")
    (begun,), (raw,) = folder.glob("*.jsonl"), folder.glob("*.raw")
    if torn == "a line":
        begun.write_text(begun.read_text()[:-7])
    elif torn == "pixels":
        raw.write_bytes(raw.read_bytes() + b"half a crop")
    else:
        raw.write_bytes(raw.read_bytes()[:1000])
    knife = _Knife()
    monkeypatch.setattr(crop_store, "cut_source", knife)
    store = open_crops(sources, folder, workers=1)
    assert len(knife.cut) == {"a line": 3, "pixels": 2, "pixels lost": 5}[torn]
    assert store.crops == whole.crops
    np.testing.assert_array_equal(store.pixels, whole.pixels)


def test_mended_labels_and_other_names_are_cut_anew(
    sources: list[Source], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = np.zeros((120, 100), np.uint8)
    labels[30:90, 25:75] = 1
    path = tmp_path / "labels.png"
    Image.fromarray(labels).save(path)
    names = ("background", "shirt", "jeans")
    worn = [replace(one, labels=str(path), names=names, category=None) for one in sources]
    read = []

    def counted(file: Path) -> str:
        read.append(file)
        return sha256_of(file)

    monkeypatch.setattr(crop_store, "sha256_of", counted)

    def cut(sources: list[Source]) -> tuple[str, set[str]]:
        store = open_crops(sources, tmp_path / "crops", workers=1)
        return store.fingerprint, {crop.category for crop in store.crops}

    first = cut(worn)
    assert read == [path]
    renamed = cut([replace(source, names=(names[0], names[2], names[1])) for source in worn])
    assert (first[1], renamed[1]) == ({"top"}, {"trousers"})
    labels[labels == 1] = 2
    Image.fromarray(labels).save(path)
    mended = cut(worn)
    assert mended[1] == {"trousers"}
    assert len({first[0], renamed[0], mended[0]}) == 3
    path.unlink()
    with pytest.raises(GarbError, match=r"labels\.png: No such file"):
        cut(worn)


def test_a_corrected_category_is_cut_anew(sources: list[Source], tmp_path: Path) -> None:
    for category in ("top", "bag"):
        corrected = [replace(source, category=category) for source in sources]
        store = open_crops(corrected, tmp_path / "crops", workers=1)
        assert {crop.category for crop in store.crops} == {category}


def test_nothing_to_cut_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no photo")
    source = Source("catalog/1", str(broken), None, (), "top", held_out=False)
    with pytest.raises(AnnotationError, match="no garment was found"):
        open_crops([source], tmp_path / "crops", workers=1)
    assert not list((tmp_path / "crops").iterdir())
