"""A picture is written whole or not at all."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from PIL import Image

from indexer.picture import PictureError, save_picture


def test_a_picture_replaces_the_one_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "m.png"
    path.write_bytes(b"old")
    save_picture(Image.new("RGB", (3, 2)), path)
    with Image.open(path) as picture:
        assert (picture.format, picture.size) == ("PNG", (3, 2))
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_disk(_: Image.Image, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", fill_disk)
    path = tmp_path / "m.png"
    path.write_bytes(b"old")
    with pytest.raises(PictureError, match=r"m\.png: No space left"):
        save_picture(Image.new("RGB", (3, 2)), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["none/m.png", "m.nonsense", "m"])
def test_a_picture_that_cannot_be_written_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(PictureError):
        save_picture(Image.new("RGB", (3, 2)), tmp_path / name)
    assert list(tmp_path.iterdir()) == []
