from pathlib import Path

import numpy as np
import pytest

from segmentation.annotations.annotated_photo import AnnotatedPhoto, Instance
from segmentation.errors import AnnotationError
from segmentation.evaluation.held_out import split, survey
from segmentation.garment import Mask


def _annotated(name: str, *labelled: str) -> AnnotatedPhoto:
    return AnnotatedPhoto(Path(name), lambda: (), frozenset(labelled))


def _names(photos: list[AnnotatedPhoto]) -> list[str]:
    return [photo.path.stem for photo in photos]


def test_names_that_end_in_7_are_held_out() -> None:
    photos = [_annotated(f"{number:04}.jpg") for number in range(20)]
    kept, held = split(photos)
    assert _names(held) == ["0007", "0017"]
    assert len(kept) == 18
    assert not set(_names(kept)) & set(_names(held))


def test_else_every_tenth_is_held_out() -> None:
    kept, held = split([_annotated(f"{letter}.jpg") for letter in "abcdefghijklmnop"])
    assert _names(held) == ["e", "o"]
    assert len(kept) == 14


def _photo(name: str, *instances: Instance) -> AnnotatedPhoto:
    return AnnotatedPhoto(Path(name), lambda: instances, frozenset({"top", "bag"}))


def _instance(category: str, pixels: int = 6, *, iscrowd: bool = False) -> Instance:
    mask = np.zeros((8, 8), bool)
    mask[2:pixels] = True
    return Instance(category, Mask(mask), iscrowd=iscrowd)


def test_a_set_of_photos_is_known_again_in_any_order() -> None:
    one, two = _instance("top"), _instance("bag", 5)
    first = survey([_photo("a/1.jpg", one, two), _photo("a/2.jpg")])
    again = survey([_photo("b/2.jpg"), _photo("b/1.jpg", two, one)])
    assert first.identity == again.identity


@pytest.mark.parametrize(
    "other",
    [
        _photo("2.jpg", _instance("top")),
        _photo("1.jpg", _instance("top", 7)),
        _photo("1.jpg", _instance("bag")),
        _photo("1.jpg", _instance("top", iscrowd=True)),
        _photo("1.jpg"),
        AnnotatedPhoto(Path("1.jpg"), lambda: (_instance("top"),), frozenset({"top"})),
    ],
)
def test_another_name_mask_category_or_list_of_what_was_looked_for_is_another_set(
    other: AnnotatedPhoto,
) -> None:
    assert survey([_photo("1.jpg", _instance("top"))]).identity != survey([other]).identity


def test_figures_of_mixed_annotations_from_before_are_not_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    same, other = [_photo("1.jpg"), _photo("2.jpg")], [_photo("1.jpg"), _annotated("2.jpg", "top")]
    now = [survey(photos).identity for photos in (same, other)]
    monkeypatch.setattr("segmentation.evaluation.held_out._MEASURE_OF_MIXED", "2")
    before = [survey(photos).identity for photos in (same, other)]
    assert now[0] == before[0]
    assert now[1] != before[1]


def test_survey_says_what_each_photo_shows_and_leaves_crowds_out() -> None:
    empty = Instance("bag", Mask(np.zeros((8, 8), bool)))
    found = survey(
        [
            _photo("1.jpg", _instance("top"), _instance("top"), empty),
            _photo("2.jpg", _instance("bag", iscrowd=True)),
            _photo("3.jpg", _instance("top"), _instance("bag")),
        ]
    )
    assert found.occurring == (frozenset({"top"}), frozenset(), frozenset({"top", "bag"}))


def test_a_survey_needs_nothing_that_linux_alone_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    assert survey([_photo("1.jpg", _instance("top"))]).occurring == (frozenset({"top"}),)


def test_annotation_that_cannot_be_read_is_an_error() -> None:
    def broken() -> tuple[Instance, ...]:
        raise AnnotationError("1.jpg: not a segmentation")

    with pytest.raises(AnnotationError, match=r"1\.jpg"):
        survey([AnnotatedPhoto(Path("1.jpg"), broken, frozenset({"top"}))])
