from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmentation.annotations.annotated_photo import AnnotatedPhoto, Instance
from segmentation.garment import Box, Mask
from segmentation.mask_rcnn.predict import ScoredInstance
from segmentation.photo import Photo
from segmentation.training.recipe import Unlabelled
from segmentation.training.unlabelled import complete, look_with

SCARF, TOP, BAG = (slice(0, 10), slice(12, 22), slice(24, 34))


def _mask(rows: slice) -> Mask:
    pixels = np.zeros((40, 30), bool)
    pixels[rows] = True
    return Mask(pixels)


class Teacher:
    """Knows top, bag and person; takes the scarf for a top."""

    categories = ("top", "bag", "person")

    def __init__(self) -> None:
        self.looked = 0

    def predict(self, photo: Photo, *, min_score: float) -> list[ScoredInstance]:
        self.looked += 1
        found = [
            ("top", 0.9, _mask(TOP)),
            ("bag", 0.3, _mask(BAG)),
            ("top", 0.8, _mask(SCARF)),
            ("person", 0.95, _mask(slice(0, 12))),
        ]
        return [
            ScoredInstance(name, score, Box(0, 0, 1, 1), mask)
            for name, score, mask in found
            if score >= min_score
        ]


@pytest.fixture
def photo(tmp_path: Path) -> AnnotatedPhoto:
    path = tmp_path / "1.png"
    Image.new("RGB", (30, 40)).save(path)
    return AnnotatedPhoto(path, lambda: (Instance("scarf", _mask(SCARF)),), frozenset({"scarf"}))


def _completed(
    photo: AnnotatedPhoto, tmp_path: Path, how: Unlabelled
) -> list[tuple[str, bool, int]]:
    seen = look_with(Teacher(), [photo], cache=tmp_path / "work" / "seen.json")
    (completed,) = complete([photo], seen, Teacher.categories, how)
    if how is not Unlabelled.BACKGROUND:
        assert completed.labelled == {"scarf", "top", "bag", "person"}
    _, instances = completed.read()
    return [(one.category, one.iscrowd, one.mask.area) for one in instances]


def test_what_the_teacher_is_sure_of_is_a_label_and_its_doubts_are_ignored(
    photo: AnnotatedPhoto, tmp_path: Path
) -> None:
    assert _completed(photo, tmp_path, Unlabelled.TEACHER) == [
        ("scarf", False, 300),
        ("top", False, 300),
        ("bag", True, 300),
        # A person covers what is labelled, and is not the same thing.
        ("person", False, 360),
    ]


def test_masked_photos_learn_nothing_where_an_old_class_may_be(
    photo: AnnotatedPhoto, tmp_path: Path
) -> None:
    found = _completed(photo, tmp_path, Unlabelled.MASK)
    assert [(name, iscrowd) for name, iscrowd, _ in found] == [
        ("scarf", False),
        ("top", True),
        ("bag", True),
        ("person", True),
    ]


def test_background_leaves_photos_as_they_are(photo: AnnotatedPhoto, tmp_path: Path) -> None:
    assert _completed(photo, tmp_path, Unlabelled.BACKGROUND) == [("scarf", False, 300)]


def test_labelled_classes_are_the_annotators_and_nothing_is_looked_at_twice(
    photo: AnnotatedPhoto, tmp_path: Path
) -> None:
    whole = AnnotatedPhoto(photo.path, photo.read_instances, frozenset({"top", "bag", "person"}))
    teacher = Teacher()
    assert look_with(teacher, [whole], cache=tmp_path / "whole.json") == {str(photo.path): []}
    assert teacher.looked == 0
    for _ in range(2):
        look_with(teacher, [photo], cache=tmp_path / "seen.json")
    assert teacher.looked == 1
