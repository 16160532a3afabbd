from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from segmentation.annotations.annotated_photo import Instance, is_validation
from segmentation.annotations.label_photo import list_label_folder
from segmentation.annotations.label_png import (
    garment_instances,
    label_instances,
    list_label_pairs,
    read_label_map,
)
from segmentation.annotations.photo_folders import PhotoFolders
from segmentation.errors import AnnotationError
from segmentation.labels import instance_classes

NAMES = ("null", "hair", "shoes", "boots", "shirt", "jumper", "bag", "coat", "belt")
NULL, HAIR, SHOES, BOOTS, SHIRT, JUMPER, BAG, COAT, BELT = range(9)


def _map(*patches: tuple[int, int, int, int, int]) -> npt.NDArray[np.uint8]:
    """100 × 100 px, so that 0.1% is 10 px. A patch: label, x, y, width, height."""
    pixels = np.zeros((100, 100), np.uint8)
    for label, x, y, width, height in patches:
        pixels[y : y + height, x : x + width] = label
    return pixels


def _of(instances: tuple[Instance, ...], category: str) -> list[int]:
    return [i.mask.area for i in instances if i.category == category]


def test_each_connected_shoe_and_bag_is_its_own_instance() -> None:
    found = garment_instances(
        _map((SHOES, 10, 80, 5, 10), (SHOES, 30, 80, 6, 10), (BAG, 0, 0, 5, 5), (BAG, 20, 0, 6, 6)),
        NAMES,
    )
    assert sorted(_of(found, "shoes")) == [50, 60]
    assert sorted(_of(found, "bag")) == [25, 36]


def test_other_categories_are_one_instance_with_all_their_pieces() -> None:
    found = garment_instances(_map((SHIRT, 10, 10, 5, 5), (JUMPER, 50, 50, 6, 6)), NAMES)
    assert _of(found, "top") == [25 + 36]


def test_touching_names_of_one_category_are_one_piece() -> None:
    found = garment_instances(_map((SHOES, 10, 10, 5, 5), (BOOTS, 15, 10, 5, 5)), NAMES)
    assert _of(found, "shoes") == [50]


def test_corners_connect() -> None:
    found = garment_instances(_map((SHOES, 10, 10, 4, 4), (SHOES, 14, 14, 4, 4)), NAMES)
    assert _of(found, "shoes") == [32]


def test_pieces_under_a_thousandth_of_the_photo_are_dropped_first() -> None:
    found = garment_instances(
        _map(
            (SHOES, 10, 10, 3, 3),
            (SHOES, 30, 30, 5, 2),
            (COAT, 50, 50, 20, 20),
            (COAT, 80, 80, 3, 3),
        ),
        NAMES,
    )
    assert _of(found, "shoes") == [10]
    assert _of(found, "outerwear") == [400]
    assert _of(found, "person") == [410]


def test_person_is_every_labelled_pixel() -> None:
    found = garment_instances(
        _map((HAIR, 40, 0, 10, 10), (SHIRT, 30, 10, 30, 30), (BELT, 30, 40, 30, 2)), NAMES
    )
    assert _of(found, "person") == [100 + 900 + 60]
    assert [i.category for i in found] == ["top", "person"]


@pytest.mark.parametrize("label", [SHOES, SHIRT])
@pytest.mark.parametrize(
    "patch", [(0, 0, 1, 100), (99, 0, 1, 100), (50, 20, 1, 60), (0, 99, 100, 1)]
)
def test_pieces_one_pixel_wide_count_by_their_area(
    label: int, patch: tuple[int, int, int, int]
) -> None:
    found = garment_instances(_map((label, *patch)), NAMES)
    area = patch[2] * patch[3]
    assert [i.mask.area for i in found] == [area, area]


@pytest.mark.parametrize("shape", [(1, 400), (400, 1), (8, 8)])
def test_a_whole_map_of_one_garment_does_not_crash(shape: tuple[int, int]) -> None:
    found = garment_instances(np.full(shape, BAG, np.uint8), NAMES)
    assert [i.mask.area for i in found] == [shape[0] * shape[1]] * 2


def test_empty_maps_and_unlisted_numbers_give_no_instance() -> None:
    assert garment_instances(_map(), NAMES) == ()
    assert garment_instances(_map((77, 0, 0, 50, 50)), NAMES) == ()


def test_a_shops_boots_are_one_instance_a_piece_and_its_own_words_are_whole() -> None:
    names = ("background", "boots", "kimono")
    found = label_instances(
        _map((1, 10, 80, 5, 10), (1, 30, 80, 6, 10), (2, 0, 0, 9, 9), (2, 50, 0, 9, 9)),
        names,
        instance_classes(names),
    )
    assert sorted(_of(found, "boots")) == [50, 60]
    assert _of(found, "kimono") == [162]
    assert len(found) == 3


def test_label_numbers_are_read_from_palette_and_grey_pngs(tmp_path: Path) -> None:
    numbers = _map((COAT, 10, 10, 20, 20))
    grey = Image.fromarray(numbers)
    palette = grey.copy()
    palette.putpalette([value for i in range(256) for value in (255 - i, i, 7)])
    for name, image in (("grey.png", grey), ("palette.png", palette)):
        image.save(tmp_path / name)
        assert np.array_equal(read_label_map(tmp_path / name), numbers)


def test_coloured_damaged_and_missing_label_files_are_named(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "colour.png")
    (tmp_path / "text.png").write_text("hello")
    whole = tmp_path / "whole.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 9, (64, 64), dtype=np.uint8)).save(whole)
    (tmp_path / "cut.png").write_bytes(whole.read_bytes()[:200])
    Image.new("1", (15_000, 15_000)).save(tmp_path / "large.png")
    for name in ("colour.png", "text.png", "cut.png", "none.png", "large.png"):
        with pytest.raises(AnnotationError, match=name):
            read_label_map(tmp_path / name)


def test_labels_meet_their_photos_by_name(tmp_path: Path) -> None:
    photos, labels = tmp_path / "photos", tmp_path / "labels"
    photos.mkdir()
    labels.mkdir()
    for stem in ("02", "01"):
        Image.new("RGB", (8, 8)).save(photos / f"{stem}.jpg")
        Image.new("L", (8, 8)).save(labels / f"{stem}.png")
    Image.new("RGB", (8, 8)).save(photos / "unlabelled.jpg")
    pairs = list_label_pairs(photos, labels)
    assert [pair.stem for pair in pairs] == ["01", "02"]
    assert pairs[0].path == photos / "01.jpg"
    Image.new("L", (8, 8)).save(labels / "03.png")
    with pytest.raises(AnnotationError, match="03"):
        list_label_pairs(photos, labels)


def test_label_files_may_end_in_capitals(tmp_path: Path) -> None:
    photos, labels = tmp_path / "photos", tmp_path / "labels"
    photos.mkdir()
    labels.mkdir()
    for name in ("01.PNG", "02.Png", "03.png"):
        Image.new("RGB", (8, 8)).save(photos / f"{name[:2]}.jpg")
        Image.new("L", (8, 8)).save(labels / name)
    pairs = list_label_pairs(photos, labels)
    assert [pair.label_path.name for pair in pairs] == ["01.PNG", "02.Png", "03.png"]
    listing = list_label_folder(labels, ("null", "coat"), PhotoFolders([photos]))
    assert [photo.file_name for photo in listing.photos] == ["01.jpg", "02.jpg", "03.jpg"]


def test_photos_and_labels_of_one_folder_are_told_apart(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "01.jpg")
    Image.new("L", (8, 8)).save(tmp_path / "01.png")
    (pair,) = list_label_pairs(tmp_path, tmp_path)
    assert (pair.path.name, pair.label_path.name) == ("01.jpg", "01.png")
    (tmp_path / "01.jpg").unlink()
    with pytest.raises(AnnotationError, match="no photo"):
        list_label_pairs(tmp_path, tmp_path)


def test_two_photos_that_a_label_could_mean_are_both_named(tmp_path: Path) -> None:
    photos, labels = tmp_path / "photos", tmp_path / "labels"
    photos.mkdir()
    labels.mkdir()
    Image.new("L", (8, 8)).save(labels / "01.png")
    for name in ("01.jpg", "01.png"):
        Image.new("RGB", (8, 8)).save(photos / name)
    with pytest.raises(AnnotationError, match=r"01\.jpg and .*photos/01\.png"):
        list_label_pairs(photos, labels)


def test_missing_and_empty_label_folders_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(AnnotationError, match="none"):
        list_label_pairs(tmp_path, tmp_path / "none")
    with pytest.raises(AnnotationError, match="empty"):
        list_label_pairs(tmp_path, tmp_path / "empty")


@pytest.mark.parametrize(
    ("stem", "held"), [("0007", True), ("17", True), ("70", False), ("", False)]
)
def test_photos_whose_number_ends_in_7_are_held_out(stem: str, held: bool) -> None:
    assert is_validation(stem) == held
