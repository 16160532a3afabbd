import numpy as np
import pytest

from segmentation.errors import LabelError
from segmentation.evaluation.road import merging_table, parsing_road
from segmentation.garment import Box, Mask
from segmentation.labels import parser_label_set
from segmentation.mask_rcnn.predict import ScoredInstance
from segmentation.photo import Photo

PHOTO = Photo(np.zeros((4, 6, 3), np.uint8))
PERSON = np.zeros((4, 6), bool)
PERSON[1:, 2:4] = True


class Finds:
    def __init__(self, *categories: str) -> None:
        self._categories = categories

    def predict(self, _photo: Photo, *, min_score: float) -> list[ScoredInstance]:
        box = Box(2, 1, 4, 4)
        return [ScoredInstance(name, min_score, box, Mask(PERSON)) for name in self._categories]


class Dresses:
    """Calls the upper row of the person hair and the others a dress."""

    classes = parser_label_set(29).classes

    def label_map(self, _photo: Photo, person: Mask) -> np.ndarray:
        labels = np.where(person.pixels, self.classes.index("dress"), 0).astype(np.uint8)
        labels[1][person.pixels[1]] = self.classes.index("hair")
        return labels


@pytest.mark.parametrize("classes", [4, 29])
def test_classes_merge_into_those_that_are_measured(classes: int) -> None:
    measured = parser_label_set(classes)
    predict = parsing_road(Finds("bag", "person"), Dresses(), label_set=measured)  # type: ignore[arg-type]
    names = np.array(measured.classes)[predict(PHOTO, np.zeros((4, 6), np.uint8))]
    assert set(names[~PERSON]) == {"background"}
    assert names[1, 2:4].tolist() == ["hair", "hair"]
    assert set(names[2:, 2:4].ravel()) == {"clothes" if classes == 4 else "dress"}


def test_nobody_found_is_all_background() -> None:
    predict = parsing_road(Finds("bag"), Dresses(), label_set=parser_label_set(4))  # type: ignore[arg-type]
    assert not predict(PHOTO, np.zeros((4, 6), np.uint8)).any()


@pytest.mark.parametrize(("own", "measured"), [(59, 29), (59, 4), (29, 4)])
def test_every_class_of_a_larger_set_has_one_in_a_smaller(own: int, measured: int) -> None:
    classes, smaller = parser_label_set(own).classes, parser_label_set(measured)
    table = merging_table(classes, smaller)
    assert [i for i in range(1, len(classes)) if table[i] == 0] == []
    assert smaller.classes[table[classes.index("skin")]] == "skin"
    assert table[0] == 0


def test_few_classes_do_not_split_into_more() -> None:
    with pytest.raises(LabelError, match="4 classes cannot be measured by 29"):
        merging_table(parser_label_set(4).classes, parser_label_set(29))
