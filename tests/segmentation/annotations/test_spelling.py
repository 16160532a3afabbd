import time
from itertools import product

import pytest

from segmentation.annotations.spelling import nearest_name, probably_misspelt


@pytest.mark.parametrize("wrong", ["kimon", "kimonoo", "kimona", "kmiono", "kkimono", "Kimono "])
def test_a_rare_name_one_edit_from_a_frequent_one_is_misspelt(wrong: str) -> None:
    assert probably_misspelt({"kimono": 9, wrong: 1}) == {wrong: "kimono"}


@pytest.mark.parametrize(
    ("one", "other"), [("Coat", "coat"), ("t-shirt", "T Shirt"), ("dress", "dresses"), ("scarf ", "scarf")]
)  # fmt: skip
def test_one_word_in_two_spellings_is_one_class_however_frequent(one: str, other: str) -> None:
    (found,) = probably_misspelt({one: 50, other: 49}).items()
    assert found == (other, one)


@pytest.mark.parametrize(
    ("rare", "frequent"),
    [
        ("skirt", "shirt"),  # both are garments
        ("cap", "cape"),
        ("hat", "bat"),
        ("kimonos2", "kimonos1"),  # numbered on purpose
        ("bag", "hat"),
        ("ab", "abc"),
        ("komino", "kimono"),  # two edits
    ],
)
def test_other_names_are_classes_of_their_own(rare: str, frequent: str) -> None:
    assert probably_misspelt({frequent: 90, rare: 1}) == {}


def test_two_frequent_names_one_edit_apart_are_two_classes() -> None:
    assert probably_misspelt({"poncho": 10, "ponchu": 4}) == {}


def test_two_misspellings_are_traced_to_one_name() -> None:
    assert probably_misspelt({"kimono": 50, "kimon": 9, "kimo": 1}) == {
        "kimon": "kimono",
        "kimo": "kimono",
    }


def test_nearest_known_name_is_named() -> None:
    assert nearest_name("jaket", {"jacket", "coat"}) == "jacket"
    assert nearest_name("coat", {"coat"}) is None


def test_thousands_of_names_are_compared_in_no_time() -> None:
    names = ["red dress no " + "".join(letters) for letters in product("abcdefghijklmno", repeat=3)]
    started = time.process_time()
    assert probably_misspelt(dict.fromkeys(names, 1)) == {}
    assert probably_misspelt(dict.fromkeys(names, 1) | {"kimono": 9, "kimon": 1}) == {
        "kimon": "kimono"
    }
    assert time.process_time() - started < 5
