from __future__ import annotations

import numpy as np
import pytest

from indexer.colour_match import HALF_CLOSE, ColourError, closeness, lab_of
from segmentation.ciede2000 import ciede2000
from segmentation.garment import NamedColour


def test_lab_of_known_colours() -> None:
    np.testing.assert_allclose(
        lab_of(["#ffffff", "000000", "#ff0000"]),
        np.array([[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20]]),
        atol=0.1,
    )


def _plain(text: str) -> list[NamedColour]:
    return [NamedColour("", text, 0.8)]


def test_closeness_falls_with_the_difference_that_is_seen() -> None:
    (navy,) = lab_of(["#1b2a4a"])
    photos = [_plain(text) for text in ("#1b2a4a", "#22325a", "#3a4f8a", "#ffee00")]
    same, near, blue, yellow = closeness(navy, photos)
    assert same == pytest.approx(1)
    assert same > near > 0.8
    assert near > blue > 0.1
    assert yellow < 0.01


def test_photos_without_colours_are_not_close() -> None:
    (navy,) = lab_of(["#1b2a4a"])
    np.testing.assert_allclose(closeness(navy, [[], _plain("#1b2a4a"), []]), [0, 1, 0])
    np.testing.assert_allclose(closeness(navy, [[], []]), [0, 0])
    assert closeness(navy, []).shape == (0,)


def test_half_close_is_a_difference_of_fifteen() -> None:
    grey, other = lab_of(["#777777", "#9c9c9c"])
    difference = float(ciede2000(grey, other))
    expected = 2 ** -((difference / HALF_CLOSE) ** 2)
    assert 10 < difference < 20
    np.testing.assert_allclose(closeness(grey, [_plain("#9c9c9c")]), [expected])


def test_a_colour_counts_by_its_share() -> None:
    (navy,) = lab_of(["#1b2a4a"])
    striped = [NamedColour("yellow", "#ffee00", 0.6), NamedColour("navy", "#1b2a4a", 0.2)]
    np.testing.assert_allclose(closeness(navy, [striped]), [0.25], atol=0.01)


@pytest.mark.parametrize("text", ["navy", "#12345", "#1234567", "", "#12345g"])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(ColourError):
        lab_of([text])
