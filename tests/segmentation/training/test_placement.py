from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from segmentation.garment import Box
from segmentation.letterbox import Letterbox
from segmentation.training.placement import (
    Canvas,
    Matrix,
    beside,
    close_up,
    random_placement,
    warped,
)

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


def _whole(width: int, height: int) -> list[Matrix]:
    rng = np.random.default_rng(0)
    return [random_placement(rng, width, height, CANVAS) for _ in range(20)]


@pytest.mark.parametrize(("width", "height"), [(900, 1200), (700, 1100), (1333, 777)])
def test_a_fine_weave_of_a_large_photo_is_grey_as_where_it_is_served(
    width: int, height: int
) -> None:
    y, x = np.mgrid[:height, :width]
    weave = np.repeat(np.where((x + y) % 2, 255, 0).astype(np.uint8)[..., None], 3, axis=2)
    served = Letterbox.fit(
        picture_width=width, picture_height=height, width=CANVAS.width, height=CANVAS.height
    ).apply(weave)
    assert np.abs(served.astype(int) - 128).max() < 12
    for matrix in _whole(width, height):
        assert np.abs(warped(weave, matrix, CANVAS).astype(int) - 128).max() < 12


def test_a_large_photo_lies_where_its_masks_do() -> None:
    photo = np.zeros((1200, 900, 3), np.uint8)
    photo[300:905, 210:610, 0] = 240
    cloth = (photo[..., 0] > 0).astype(np.uint8)
    apart = []
    for matrix in _whole(900, 1200):
        pixels = warped(photo, matrix, CANVAS).astype(int)
        shown = (pixels[..., 0] - pixels[..., 1] > 120).astype(np.uint8)
        mask = cv2.warpAffine(cloth, matrix, (96, 128), flags=cv2.INTER_NEAREST)
        mirrored = np.sign(matrix[0, 0])
        (x, y), (mask_x, mask_y) = _middle(shown), _middle(mask)
        apart.append((mirrored * (x - mask_x), y - mask_y))
        assert np.abs(apart[-1]).max() <= 0.5
    assert np.abs(np.mean(apart, axis=0)).max() < 0.15


def _middle(mask: npt.NDArray[np.uint8]) -> tuple[float, float]:
    y, x = np.nonzero(mask)
    return float(x.mean()), float(y.mean())


@pytest.mark.parametrize("name", PLACES)
def test_small_photos_are_what_they_were(name: str) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (120, 90, 3), np.uint8)
    for _ in range(20):
        matrix = PLACES[name](rng)
        before = cv2.warpAffine(
            pixels, matrix, (96, 128), flags=cv2.INTER_AREA, borderValue=(128, 128, 128)
        )
        np.testing.assert_array_equal(warped(pixels, matrix, CANVAS), before)
