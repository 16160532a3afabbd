from __future__ import annotations

import numpy as np
import pytest

from indexer.colour_match import ColourError, closeness, lab_of
from segmentation.garment import NamedColour


def test_lab_of_known_colours() -> None:
    np.testing.assert_allclose(
        lab_of(["#ffffff", "000000", "#ff0000"]),
        np.array([[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20]]),
        atol=0.1,
    )


def test_closeness_falls_with_distance_and_ignores_trims() -> None:
    (navy,) = lab_of(["#1b2a4a"])
    assert closeness(navy, [NamedColour("navy", "#1b2a4a", 0.8)]) == pytest.approx(1)
    assert closeness(navy, [NamedColour("yellow", "#ffee00", 0.8)]) < 0.1
    trims = [NamedColour("yellow", "#ffee00", 0.9), NamedColour("navy", "#1b2a4a", 0.1)]
    assert closeness(navy, trims) < 0.1
    assert closeness(navy, []) == 0


@pytest.mark.parametrize("text", ["navy", "#12345", "#1234567", "", "#12345g"])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(ColourError):
        lab_of([text])
