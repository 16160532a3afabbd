from __future__ import annotations

from collections.abc import Sequence

import pytest

from segmentation.believed import believed, without_doubles
from segmentation.garment import Box
from segmentation.mask_rcnn.predict import ScoredInstance
from tests.segmentation.instances import PERSON_PX, instance_of, patch_of

LEFT, RIGHT, LOW = patch_of(20, 20, 40, 60), patch_of(42, 20, 60, 60), patch_of(20, 92, 60, 110)


def test_a_certain_garment_needs_no_faint_one_beside_it() -> None:
    seen = [instance_of("skirt", PERSON_PX, 0.8), instance_of("skirt", patch_of(0, 0, 9, 9), 0.4)]
    assert believed(seen, expected="skirt") == seen[:1]


def _skirts(*scores: float) -> list[ScoredInstance]:
    patches = (LEFT, RIGHT, LOW, patch_of(0, 0, 9, 9))
    return [instance_of("skirt", px, score) for px, score in zip(patches, scores, strict=False)]


@pytest.mark.parametrize(
    ("scores", "compared"),
    [
        ((0.49, 0.4), 2),
        ((0.4, 0.25, 0.23), 2),
        ((0.51, 0.4), 1),
        ((0.09, 0.08), 1),
        ((0.4,) * 4, 3),
    ],
)
def test_where_the_best_is_uncertain_those_as_likely_are_compared(
    scores: tuple[float, ...], compared: int
) -> None:
    top = instance_of("top", patch_of(20, 62, 60, 90), 0.9)
    skirts = _skirts(*scores)
    found = believed([top, *skirts], expected="skirt")
    assert [one for one in found if one.category == "skirt"] == skirts[:compared]
    assert top in found


def test_in_a_box_the_best_alone_is_meant() -> None:
    skirts = _skirts(0.4, 0.39)
    whole = Box(0, 0, 80, 120)
    assert believed(skirts, expected="skirt", expected_box=whole) == skirts[:1]
    bag, top = instance_of("bag", LEFT, 0.45), instance_of("top", LEFT, 0.4)
    assert believed([bag, top], expected=None, expected_box=bag.box) == [bag]


def test_a_less_likely_one_takes_no_certain_garments_place() -> None:
    dress = instance_of("dress", RIGHT, 0.9)
    best, other = _skirts(0.4, 0.39)
    assert believed([dress, best, other], expected="skirt") == [best, dress]


def test_a_certain_garment_is_not_lost_to_a_better_one_under_another_name() -> None:
    dress = instance_of("dress", PERSON_PX, 0.9)
    seen = [dress, instance_of("skirt", PERSON_PX, 0.6)]
    (skirt,) = without_doubles(believed(seen, expected="skirt"))
    assert (skirt.category, skirt.score) == ("skirt", 0.6)
    assert without_doubles(believed(seen, expected="dress")) == [dress]
    assert without_doubles(believed(seen, expected=None)) == [dress]


def test_an_expected_garment_takes_the_place_of_its_pixels_under_another_name() -> None:
    rough = patch_of(21, 6, 59, 109)
    seen = [instance_of("outerwear", PERSON_PX, 0.8), instance_of("top", rough, 0.2)]
    (garment,) = without_doubles(believed(seen, expected="top"))
    assert (garment.category, garment.score) == ("top", 0.2)
    assert garment.mask is seen[0].mask


def _categories(instances: Sequence[ScoredInstance]) -> list[str]:
    return [instance.category for instance in instances]


def test_same_pixels_under_another_name_are_dropped() -> None:
    one, almost = patch_of(10, 10, 60, 60), patch_of(10, 10, 60, 57)
    apart = patch_of(10, 10, 60, 30)
    instances = [instance_of("dress", one, 0.9), instance_of("top", almost, 0.8)]
    assert _categories(without_doubles(instances)) == ["dress"]
    instances = [instance_of("dress", one, 0.9), instance_of("top", apart, 0.8)]
    assert _categories(without_doubles(instances)) == ["dress", "top"]


def test_one_shoe_of_a_pair_that_was_found_whole_is_dropped() -> None:
    pair, shoe, other = patch_of(10, 10, 60, 30), patch_of(12, 12, 30, 30), patch_of(10, 60, 60, 80)
    instances = [instance_of("shoes", pair, 0.9), instance_of("shoes", shoe, 0.8)]
    assert _categories(without_doubles(instances)) == ["shoes"]
    instances = [instance_of("shoes", pair, 0.9), instance_of("shoes", other, 0.8)]
    assert _categories(without_doubles(instances)) == ["shoes", "shoes"]


def test_person_and_the_garment_that_covers_it_both_stay() -> None:
    instances = [instance_of("person", PERSON_PX, 0.9), instance_of("dress", PERSON_PX, 0.8)]
    assert _categories(without_doubles(instances)) == ["person", "dress"]
    assert _categories(without_doubles(instances[::-1])) == ["dress", "person"]
