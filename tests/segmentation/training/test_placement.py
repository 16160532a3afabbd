from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from segmentation.garment import Box
from segmentation.training.placement import Canvas, beside, close_up, random_placement

CANVAS = Canvas(height=128, width=96)
FOCUS = Box(20, 30, 60, 80)
Place = Callable[[np.random.Generator], npt.NDArray[np.float64]]

PLACES: dict[str, Place] = {
    "whole": lambda rng: random_placement(rng, 90, 120, CANVAS),
    "close up": lambda rng: close_up(rng, 90, 120, CANVAS, of=FOCUS),
    "beside": lambda rng: beside(rng, 90, 120, CANVAS, of=FOCUS, at=0.25),
}


def _centre(matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(matrix @ (40, 55, 1))


@pytest.mark.parametrize("name", PLACES)
def test_half_of_the_photos_are_mirrored_and_all_keep_their_proportions(name: str) -> None:
    rng = np.random.default_rng(0)
    matrices = [PLACES[name](rng) for _ in range(200)]
    mirrored = sum(matrix[0, 0] < 0 for matrix in matrices)
    assert 70 < mirrored < 130
    assert all(abs(matrix[0, 0]) == pytest.approx(matrix[1, 1]) for matrix in matrices)


def test_close_up_shows_the_garment_large_in_the_middle() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        matrix = PLACES["close up"](rng)
        x, y = _centre(matrix)
        scale = matrix[1, 1]
        assert abs(x - 48) < 10
        assert abs(y - 64) < 13
        assert 0.5 <= max(40 * scale / 96, 50 * scale / 128) <= 1.05 + 1e-9


def test_close_up_of_a_speck_does_not_magnify_it_without_end() -> None:
    speck = Box(20, 30, 21, 31)
    matrix = close_up(np.random.default_rng(0), 90, 120, CANVAS, of=speck)
    assert matrix[1, 1] < 4


def test_beside_puts_the_garment_in_its_half() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        x, _ = _centre(PLACES["beside"](rng))
        assert 16 < x < 32
