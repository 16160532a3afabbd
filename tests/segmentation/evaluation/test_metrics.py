from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmentation.annotations.annotated_photo import AnnotatedPhoto, Instance
from segmentation.errors import AnnotationError
from segmentation.evaluation.metrics import evaluate_instances, merged_names
from segmentation.garment import BoolPixels, Mask
from segmentation.labels import GARMENT_CATEGORIES, PERSON
from segmentation.mask_rcnn.predict import ScoredInstance
from segmentation.photo import Photo

MODEL = (*GARMENT_CATEGORIES, PERSON)


def _patch(x0: int, y0: int, x1: int, y1: int) -> BoolPixels:
    pixels = np.zeros((100, 80), bool)
    pixels[y0:y1, x0:x1] = True
    return pixels


def _found(category: str, score: float, pixels: BoolPixels) -> ScoredInstance:
    return ScoredInstance(category, score, Mask(pixels).box(), Mask(pixels))


class FixedPredictor:
    """Gives the prepared answers one after another."""

    categories = MODEL

    def __init__(self, *answers: list[ScoredInstance]) -> None:
        self._answers = iter(answers)

    def predict(self, photo: Photo, *, min_score: float) -> list[ScoredInstance]:
        return [scored for scored in next(self._answers) if scored.score >= min_score]


Annotate = Callable[..., AnnotatedPhoto]


@pytest.fixture
def annotate(tmp_path: Path) -> Annotate:
    path = tmp_path / "photo.png"
    Image.new("RGB", (80, 100)).save(path)

    def make(*instances: Instance, labelled: tuple[str, ...] = MODEL) -> AnnotatedPhoto:
        return AnnotatedPhoto(path, lambda: instances, frozenset(labelled))

    return make


TOP, BAG, BODY = _patch(10, 10, 50, 50), _patch(55, 60, 75, 80), _patch(5, 5, 60, 95)


def test_perfect_prediction_is_one_everywhere(annotate: Annotate) -> None:
    truth = [Instance("top", Mask(TOP)), Instance("bag", Mask(BAG)), Instance(PERSON, Mask(BODY))]
    answer = [_found("top", 0.9, TOP), _found("bag", 0.8, BAG), _found(PERSON, 0.7, BODY)]
    figures = evaluate_instances(FixedPredictor(answer), [annotate(*truth)])
    assert figures.mask_ap == figures.mask_ap50 == figures.box_ap == figures.box_ap50 == 1.0
    assert figures.person_iou == 1.0
    assert set(figures.per_category) == {"top", "bag", PERSON}
    assert figures.per_category["bag"].n == 1
    assert figures.photos == 1
    document = figures.as_json()
    assert document["per_category"]["top"] == {"mask_ap": 1.0, "mask_ap50": 1.0, "n": 1}
    assert set(document) == {
        "mask_ap", "mask_ap50", "box_ap", "box_ap50", "per_category", "person_iou", "photos",
        "seconds_per_photo",
    }  # fmt: skip


def test_average_precision_equals_the_one_by_hand(annotate: Annotate) -> None:
    # Two bags in two photos. Ranked: a hit of IoU 0.8 (0.9), a miss (0.8), an exact hit (0.7).
    # At IoU .50 to .80 (seven thresholds; 0.80 is reached): precision 1 up to recall ½, then 2/3:
    # of COCO's 101 recalls, 51 and 50. From .85 on (three thresholds) the first is a miss too:
    # ranked miss, miss, hit: precision 1/3 up to recall ½, then nothing.
    cut = _patch(55, 60, 75, 76)
    answers = [[_found("bag", 0.9, cut)], [_found("bag", 0.8, TOP), _found("bag", 0.7, BAG)]]
    truth = annotate(Instance("bag", Mask(BAG)))
    figures = evaluate_instances(FixedPredictor(*answers), [truth, truth])
    at_50 = (51 * 1 + 50 * 2 / 3) / 101
    at_85 = (51 * 1 / 3) / 101
    assert figures.mask_ap50 == pytest.approx(at_50, abs=1e-4)
    assert figures.mask_ap == pytest.approx((7 * at_50 + 3 * at_85) / 10, abs=1e-4)
    assert figures.per_category["bag"].n == 2


def test_mean_is_over_the_categories_that_occur(annotate: Annotate) -> None:
    truth = [Instance("top", Mask(TOP)), Instance("bag", Mask(BAG))]
    figures = evaluate_instances(FixedPredictor([_found("top", 0.9, TOP)]), [annotate(*truth)])
    assert figures.mask_ap == 0.5
    assert figures.per_category["bag"].mask_ap == 0.0


def test_export_set_takes_in_coats_and_dresses_as_tops(annotate: Annotate) -> None:
    names = ("top", "boots", "bag")
    other = _patch(10, 55, 50, 95)
    truth = [Instance("top", Mask(TOP)), Instance("top", Mask(other)), Instance("boots", Mask(BAG))]
    answer = [
        _found("outerwear", 0.9, TOP),
        _found("dress", 0.8, other),
        _found("shoes", 0.7, BAG),
        _found("trousers", 0.9, BODY),
    ]
    photo = annotate(*truth, labelled=names)
    figures = evaluate_instances(FixedPredictor(answer), [photo])
    assert figures.mask_ap == 1.0
    assert set(figures.per_category) == {"top", "boots"}
    assert figures.per_category["top"].n == 2


def test_a_lone_top_keeps_its_narrow_meaning() -> None:
    assert merged_names(MODEL, frozenset({"top", "bag"})) == {"top": "top", "bag": "bag"}
    whole = merged_names(MODEL, frozenset({"top", "boots", "bag"}))
    assert whole["outerwear"] == "top"
    assert "trousers" not in whole
    trained_on_it = ("bag", "boots", "top")
    assert merged_names(trained_on_it, frozenset(trained_on_it)) == {n: n for n in trained_on_it}


def test_a_name_that_alone_means_a_category_is_that_category() -> None:
    assert merged_names(MODEL, frozenset({"jeans", "scarf"})) == {"trousers": "jeans"}
    # The model cannot tell jeans from pants, nor jeans from other trousers.
    assert merged_names(MODEL, frozenset({"jeans", "pants"})) == {}
    assert merged_names(MODEL, frozenset({"jeans", "trousers"})) == {"trousers": "trousers"}


def test_person_is_null_where_not_annotated(annotate: Annotate) -> None:
    photo = annotate(Instance("bag", Mask(BAG)), labelled=("bag",))
    answer = [_found("bag", 0.9, BAG), _found(PERSON, 0.9, BODY)]
    figures = evaluate_instances(FixedPredictor(answer), [photo])
    assert figures.person_iou is None
    assert figures.mask_ap == 1.0
    assert figures.as_json()["person_iou"] is None


def test_what_a_photo_is_not_annotated_for_is_not_wrong_there(annotate: Annotate) -> None:
    photos = [
        annotate(Instance("top", Mask(TOP)), labelled=("top",)),
        annotate(Instance("bag", Mask(BAG)), labelled=("bag",)),
    ]
    both = [_found("top", 0.9, TOP), _found("bag", 0.9, BAG)]
    shown: list[list[str]] = []
    figures = evaluate_instances(
        FixedPredictor(both, both),
        photos,
        on_predicted=lambda _a, _p, _i, predicted: shown.append([s.category for s in predicted]),
    )
    assert figures.mask_ap == figures.box_ap == 1.0
    assert shown == [["top"], ["bag"]]


def test_person_overlap_counts_confident_people_only(annotate: Annotate) -> None:
    half = _patch(5, 5, 60, 50)
    answers = [[_found(PERSON, 0.9, half), _found(PERSON, 0.4, BODY)], []]
    photo = annotate(Instance(PERSON, Mask(BODY)))
    figures = evaluate_instances(FixedPredictor(*answers), [photo, photo])
    assert figures.person_iou == pytest.approx((0.5 + 0) / 2)


def test_crowds_neither_count_nor_punish(annotate: Annotate) -> None:
    truth = [Instance("bag", Mask(BAG)), Instance("shoes", Mask(TOP), iscrowd=True)]
    answer = [_found("bag", 0.9, BAG), _found("shoes", 0.9, TOP)]
    figures = evaluate_instances(FixedPredictor(answer), [annotate(*truth)])
    assert set(figures.per_category) == {"bag"}
    assert figures.mask_ap == 1.0


def test_nothing_found_and_nothing_annotated_are_zero(annotate: Annotate) -> None:
    photo = annotate(Instance("bag", Mask(BAG)))
    assert evaluate_instances(FixedPredictor([]), [photo]).mask_ap == 0.0
    found = [_found("bag", 0.9, BAG)]
    assert evaluate_instances(FixedPredictor(found), [annotate()]).mask_ap == 0.0


def test_standard_output_is_left_to_the_answer(
    annotate: Annotate, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = annotate(Instance("bag", Mask(BAG)))
    evaluate_instances(FixedPredictor([_found("bag", 0.9, BAG)]), [photo])
    assert capsys.readouterr().out == ""


def test_annotation_of_another_size_is_refused(annotate: Annotate) -> None:
    photo = annotate(Instance("bag", Mask(BAG.T.copy())))
    with pytest.raises(AnnotationError, match="100×80"):
        evaluate_instances(FixedPredictor([]), [photo])
