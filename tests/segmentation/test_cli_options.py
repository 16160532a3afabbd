"""Annotations on their way into training: what is refused, what is left out, and what is said."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from segmentation.annotations.sound import read_sound, without_broken
from segmentation.cli_options import read_all
from segmentation.errors import AnnotationError

BLOB = {"shape_attributes": {"name": "blob"}, "region_attributes": {"class": "coat"}}
RECT = {
    "shape_attributes": {"name": "rect", "x": 2, "y": 2, "width": 9, "height": 9},
    "region_attributes": {"class": "coat"},
}


def _annotations(folder: Path, *regions: Any) -> Path:
    Image.new("RGB", (20, 20)).save(folder / "a.png")
    file = folder / "via.json"
    file.write_text(json.dumps({"a": {"filename": "a.png", "regions": list(regions)}}))
    return file


def test_broken_annotations_are_refused_in_one_line(tmp_path: Path) -> None:
    file = _annotations(tmp_path, RECT, BLOB, BLOB)
    with pytest.raises(AnnotationError) as refused:
        read_all([file], [tmp_path], None, read_sound)
    assert str(refused.value).startswith(f"{file}: a.png: region 1: unknown shape 'blob'")
    assert "1 more" in str(refused.value)
    assert str(refused.value).endswith("--skip-broken")


def test_what_is_left_out_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = _annotations(tmp_path, *[BLOB] * 25, RECT)
    (photo,) = read_all([file], [tmp_path], None, without_broken)
    assert [instance.category for instance in photo.read()[1]] == ["coat"]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("(left out)") == 20
    assert "… and 5 more" in captured.err


def test_no_annotations_are_no_photos(tmp_path: Path) -> None:
    assert read_all([], [tmp_path], None, read_sound) == []
