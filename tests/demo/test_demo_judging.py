from __future__ import annotations

from pathlib import Path

import pytest

from search_api.demo_judging import Found, judge, ordinal, tally, worn_in
from segmentation.labels import category_of
from tests.demo.conftest import seen, worn
from wardrobe.draw import draw_wardrobe


def test_product_first_later_and_not_among_the_matches() -> None:
    shirt = worn("shirt", "top", 10, 10, 40, 40)
    for matches, found, verdict in (
        (("shirt", "other"), Found.FIRST, "first"),
        (("a", "b", "shirt"), Found.LATER, "3rd"),
        (("a", "b"), Found.NOT_MATCHED, "not matched"),
        ((), Found.NOT_MATCHED, "not matched"),
    ):
        (judged,) = judge([seen("top", 10, 10, 40, 40, *matches)], [shirt])
        assert (judged.found, judged.verdict) == (found, verdict)
        assert judged.worn == "shirt"


def test_what_nobody_saw_is_told_and_counted() -> None:
    top, skirt = worn("shirt", "top", 10, 10, 40, 40), worn("kilt", "skirt", 10, 40, 40, 70)
    judged = judge([seen("top", 10, 10, 40, 40, "shirt")], [top, skirt])
    assert [(one.category, one.found) for one in judged] == [
        ("top", Found.FIRST),
        ("skirt", Found.NOT_SEEN),
    ]
    assert sum(tally(judged).values()) == 2


def test_two_people_are_judged_each_by_their_own_garment() -> None:
    left, right = worn("left", "top", 0, 10, 28, 40), worn("right", "top", 32, 10, 60, 40)
    garments = [seen("top", 33, 10, 60, 40, "right"), seen("top", 0, 10, 27, 40, "right", "left")]
    judged = judge(garments, [left, right])
    assert [(one.worn, one.verdict) for one in judged] == [("right", "first"), ("left", "2nd")]


def test_garment_of_one_person_does_not_stand_for_the_others() -> None:
    left, right = worn("left", "top", 0, 10, 28, 40), worn("right", "top", 32, 10, 60, 40)
    judged = judge([seen("top", 0, 10, 28, 40, "left", "right")], [left, right])
    assert [(one.worn, one.found) for one in judged] == [
        ("left", Found.FIRST),
        ("right", Found.NOT_SEEN),
    ]


def test_pair_of_shoes_is_one_product_judged_by_the_shoe_that_overlaps_best() -> None:
    pair = worn("boots", "shoes", 10, 60, 50, 78)
    garments = [
        seen("shoes", 10, 60, 24, 78, "boots"),
        seen("shoes", 30, 60, 50, 78, "a", "boots"),
    ]
    judged = judge(garments, [pair])
    assert [one.found for one in judged] == [Found.AGAIN, Found.LATER]
    assert tally(judged) == {
        Found.FIRST: 0,
        Found.LATER: 1,
        Found.NOT_MATCHED: 0,
        Found.NOT_SEEN: 0,
    }


def test_what_is_seen_in_its_place_under_another_name_stands_for_it() -> None:
    shorts = worn("s", "shorts", 10, 10, 40, 40)
    (judged,) = judge([seen("trousers", 10, 10, 40, 42, "s")], [shorts])
    assert (judged.category, judged.found, judged.worn) == ("trousers", Found.FIRST, "s")
    (judged,) = judge([seen("trousers", 10, 10, 40, 42, "another")], [shorts])
    assert judged.found is Found.NOT_MATCHED
    named_right = seen("shorts", 10, 10, 40, 24, "another", "s")
    judged_both = judge([seen("trousers", 10, 10, 40, 42, "s"), named_right], [shorts])
    assert [one.found for one in judged_both] == [Found.AGAIN, Found.LATER]


def test_another_category_that_only_overlaps_counts_for_nothing() -> None:
    judged = judge([seen("dress", 10, 10, 40, 80, "s")], [worn("s", "top", 10, 10, 40, 40)])
    assert [one.found for one in judged] == [Found.NOT_WORN, Found.NOT_SEEN]
    assert sum(tally(judged).values()) == 1


def test_photo_matched_whole_is_no_garment() -> None:
    judged = judge([seen(None, 0, 0, 60, 80, "s", mask=False)], [worn("s", "top", 1, 1, 40, 40)])
    assert [one.found for one in judged] == [Found.NOT_WORN, Found.NOT_SEEN]


def test_garment_without_a_mask_is_placed_by_its_box() -> None:
    garment = seen("top", 11, 11, 40, 40, "s", mask=False)
    (judged,) = judge([garment], [worn("s", "top", 10, 10, 40, 40)])
    assert judged.found is Found.FIRST


@pytest.mark.parametrize(
    ("place", "text"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (10, "10th"), (11, "11th"), (12, "12th"), (23, "23rd")],
)
def test_ordinals(place: int, text: str) -> None:
    assert ordinal(place) == text


def test_truth_names_every_query_once_with_its_pixels(tmp_path: Path) -> None:
    drawn = draw_wardrobe(tmp_path, products=30, photos=6, seed=3)
    truth = worn_in(drawn)
    lines = [line.split(",") for line in drawn.queries.read_text("utf-8").splitlines()[1:]]
    asked = {(Path(line[0]).name, line[1]) for line in lines}
    named = [(photo, one.product) for photo, products in truth.items() for one in products]
    assert sorted(named) == sorted(asked)
    for products in truth.values():
        for one in products:
            assert one.mask.area > 0
            assert category_of(one.category) == one.category
