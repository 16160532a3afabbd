import unicodedata
from pathlib import Path

import pytest
from PIL import Image

from segmentation.annotations.photo_folders import PhotoFolders
from segmentation.errors import AnnotationError


def _photo(path: Path, side: int = 8) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (side, side)).save(path)
    return path


def test_photos_are_found_in_the_first_folder_that_has_them(tmp_path: Path) -> None:
    photos, other = tmp_path / "photos", tmp_path / "other"
    first = _photo(photos / "a.png")
    _photo(other / "a.png")
    second = _photo(other / "b.png")
    folders = PhotoFolders([photos, other])
    assert folders.find("a.png") == first
    assert folders.find("b.png") == second
    with pytest.raises(AnnotationError, match="other"):
        folders.find("c.png")


def test_of_photos_of_one_name_the_one_of_the_annotated_size_is_taken(tmp_path: Path) -> None:
    small, large = _photo(tmp_path / "1/a.png", 8), _photo(tmp_path / "2/a.png", 90)
    folders = PhotoFolders([tmp_path / "1", tmp_path / "2"])
    for name in ("a.png", r"C:\shop\a.png"):
        assert folders.find(name, size_bytes=large.stat().st_size) == large
        assert folders.find(name, size_bytes=small.stat().st_size) == small
        assert folders.find(name, size_bytes=7) == folders.find(name) == small


@pytest.mark.parametrize("name", ["../secret.png", "{}/secret.png", "x/../../secret.png", "", "\0"])
def test_nothing_outside_the_folders_is_found(name: str, tmp_path: Path) -> None:
    _photo(tmp_path / "secret.png")
    _photo(tmp_path / "photos" / "a.png")
    (tmp_path / "photos" / "link.png").symlink_to(tmp_path / "secret.png")
    folders = PhotoFolders([tmp_path / "photos"])
    for wanted in (name.format(tmp_path), "link.png"):
        with pytest.raises(AnnotationError):
            folders.find(wanted)


@pytest.mark.parametrize(
    "name", ["a.png", "photos/a.png", r"C:\shop\photos\a.png", "/home/x/a.png", "./a.png"]
)
def test_paths_of_another_machine_end_in_the_photos_name(name: str, tmp_path: Path) -> None:
    path = _photo(tmp_path / "a.png")
    assert PhotoFolders([tmp_path]).find(name) == path


def test_sub_folders_are_looked_into_where_one_photo_alone_is_meant(tmp_path: Path) -> None:
    one, two = _photo(tmp_path / "1/a.png", 8), _photo(tmp_path / "2/a.png", 90)
    alone = _photo(tmp_path / "2/deep/b.png")
    folders = PhotoFolders([tmp_path])
    assert folders.find("b.png") == alone
    assert folders.find("1/a.png") == one
    assert folders.find(r"D:\all\2\a.png") == two
    assert folders.find("a.png", size_bytes=two.stat().st_size) == two
    with pytest.raises(AnnotationError, match="several photos"):
        folders.find("a.png")


def test_accents_and_capitals_may_be_spelt_as_another_system_does(tmp_path: Path) -> None:
    path = _photo(tmp_path / unicodedata.normalize("NFD", "Kleid_größe_é.png"))
    folders = PhotoFolders([tmp_path])
    assert folders.find(unicodedata.normalize("NFC", "Kleid_größe_é.png")) == path
    assert folders.find("kleid_größe_É.PNG") == path
