import argparse
from pathlib import Path

import numpy as np
import pytest

from benchmarks.parser_comparison import CASES, HeldOut, groups_of, spread
from benchmarks.parser_difficulty import Difficulty, background_sharpness, border_contrast
from segmentation.annotations.label_png import LabelPair
from segmentation.photo import Photo

CLOTHES = np.zeros((80, 60), bool)
CLOTHES[20:70, 20:40] = True


def _pair(stem: str) -> LabelPair:
    return LabelPair(stem, Path(f"{stem}.jpg"), Path(f"{stem}.png"))


def test_contrast_is_that_of_the_colours_beside_the_border() -> None:
    pixels = np.full((80, 60, 3), (250, 250, 250), np.uint8)
    pixels[CLOTHES] = (30, 60, 160)
    far = border_contrast(Photo(pixels), CLOTHES, ~CLOTHES)
    # Far away all is as blue as the clothes; beside them nothing is.
    pixels[:10] = pixels[-4:] = (30, 60, 160)
    assert border_contrast(Photo(pixels), CLOTHES, ~CLOTHES) == pytest.approx(far)
    pixels[~CLOTHES] = (36, 66, 160)
    near = border_contrast(Photo(pixels), CLOTHES, ~CLOTHES)
    assert near is not None
    assert far is not None
    assert near < 5 < 40 < far
    assert border_contrast(Photo(pixels), CLOTHES, np.zeros_like(CLOTHES)) is None


def test_sharpness_is_of_the_background_alone() -> None:
    pixels = np.full((80, 60, 3), 128, np.uint8)
    noise = np.random.default_rng(0).integers(0, 255, (80, 60, 3), np.uint8)
    person = pixels.copy()
    person[CLOTHES] = noise[CLOTHES]
    assert background_sharpness(Photo(person), ~CLOTHES) == 0
    assert background_sharpness(Photo(noise), ~CLOTHES) > 1000


def test_groups_are_the_hardest_quarters() -> None:
    photos = [
        HeldOut(_pair(str(i)), None, Difficulty(None if i == 0 else float(i), float(i % 5)))
        for i in range(8)
    ]
    groups = groups_of(photos)
    assert len(groups["all"]) == 8
    assert groups["alike"] == ["1", "2"]
    assert groups["sharp"] == ["4", "3"]


def test_a_sample_is_spread_over_all_photos() -> None:
    pairs = [_pair(str(i)) for i in range(10)]
    assert [pair.stem for pair in spread(pairs, 4)] == ["0", "2", "5", "7"]
    assert spread(pairs, 99) == pairs


def test_cases_differ_from_the_first_in_what_their_name_says() -> None:
    arguments = argparse.Namespace(whole=False, epochs=1, batch=4)
    first = CASES["grey"].recipe(arguments).as_card()
    assert first["adversarial_weight"] > 0
    for name, changed in {
        "no-adversarial": {"adversarial_weight"},
        "none": {"crop"},
        "black": {"crop"},
        "white": {"crop"},
        "another-seed": {"seed"},
        "classes-59": set(),
        "picture": {"head", "adversarial_weight", "adversarial_from", "objective"},
    }.items():
        other = CASES[name].recipe(arguments).as_card()
        assert {key for key in first if first[key] != other[key]} == changed
