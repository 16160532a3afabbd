"""A parser's training goes on where it stopped, and only where the same is learned."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from segmentation.annotations.label_png import LabelPair, list_label_pairs
from segmentation.labels import parser_label_set
from segmentation.mask_rcnn.background import Background
from segmentation.models import ModelKind, ModelStore, ModelVersion
from segmentation.training.parser import train_parser_version
from segmentation.training.recipe import Start

NAMES = ("null", "skin", "hair")


class Begun(Exception):
    """Stands for a training that is killed as soon as it has begun."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Photos, of which one is held out, and their labels."""
    for name in ("photos", "labels"):
        (tmp_path / name).mkdir()
    for stem in ("01", "02", "07"):
        _draw(tmp_path, stem, label=1)
    return tmp_path


def _draw(folder: Path, stem: str, *, label: int, side: int = 8) -> None:
    Image.new("RGB", (side, side)).save(folder / "photos" / f"{stem}.png")
    Image.new("L", (side, side), label).save(folder / "labels" / f"{stem}.png")


def _work_dir(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    names: Sequence[str] = NAMES,
    extra: Sequence[LabelPair] = (),
) -> Path:
    """Where a training of the folder as it is now keeps its checkpoints."""
    begun: list[Path] = []

    def begin(*, work_dir: Path, **options: Any) -> None:
        begun.append(work_dir)
        raise Begun

    monkeypatch.setattr("segmentation.training.parser.train_parser", begin)
    with pytest.raises(Begun):
        train_parser_version(
            list_label_pairs(folder / "photos", folder / "labels"),
            extra=extra,
            names=names,
            label_set=parser_label_set(4),
            background=Background.GREY,
            epochs=1,
            seed=0,
            start=Start.NONE,
            models=ModelStore(folder / "models", {}),
            segmenter=ModelVersion(ModelKind.SEGMENTER, "active", folder, {}),
            notes={},
        )
    return begun[0]


def test_mended_labels_and_photos_are_trained_on_anew(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {_work_dir(folder, monkeypatch)}
    assert _work_dir(folder, monkeypatch) in seen
    seen.add(_work_dir(folder, monkeypatch, names=("null", "hair", "skin")))
    pairs = list_label_pairs(folder / "photos", folder / "labels")
    seen.add(_work_dir(folder, monkeypatch, extra=pairs[:1]))
    for stem, label, side in (("01", 2, 8), ("07", 2, 8), ("01", 2, 64)):
        _draw(folder, stem, label=label, side=side)
        seen.add(_work_dir(folder, monkeypatch))
    assert len(seen) == 6
