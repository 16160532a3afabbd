"""The guided filter against its definition, worked out pixel by pixel."""

import cv2
import numpy as np
import pytest

from segmentation.guided_filter import GuidedFilter


def noisy(
    height: int, width: int, seed: int = 0
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    rng = np.random.default_rng(seed)
    smooth = cv2.GaussianBlur(rng.integers(0, 256, (height, width, 3)).astype(np.uint8), (0, 0), 2)
    return np.asarray(smooth, np.uint8)


def test_it_is_the_regression_on_colours_over_every_window() -> None:
    photo, radius, smoothness = noisy(21, 17), 2, 1e-3
    mask = np.random.default_rng(1).random((21, 17), np.float32)
    colours = np.pad(photo.astype(float) / 255, ((4, 4), (4, 4), (0, 0)), "symmetric")
    values = np.pad(mask.astype(float), 4, "symmetric")

    def line(y: int, x: int) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float64]], float]:
        around = (slice(y - radius, y + radius + 1), slice(x - radius, x + radius + 1))
        seen, wanted = colours[around].reshape(-1, 3), values[around].ravel()
        variance = np.cov(seen.T, bias=True) + smoothness * np.eye(3)
        covariance = ((seen - seen.mean(0)) * (wanted - wanted.mean())[:, None]).mean(0)
        slope = np.linalg.solve(variance, covariance)
        return slope, float(wanted.mean() - slope @ seen.mean(0))

    y, x = 10, 8  # Away from the border, where padding would be compared.
    lines = [line(y + 4 + dy, x + 4 + dx) for dy in range(-2, 3) for dx in range(-2, 3)]
    slope = np.mean([a for a, _ in lines], axis=0)
    offset = np.mean([b for _, b in lines])
    expected = slope @ (photo[y, x] / 255) + offset
    (drawn,) = GuidedFilter(smoothness, work_px=64).apply(
        mask[None], photo, radius_px=(radius, radius)
    )
    assert drawn[y, x] == pytest.approx(expected, abs=1e-3)


def test_masks_that_add_up_to_one_still_do() -> None:
    masks = np.random.default_rng(2).random((3, 90, 70), np.float32)
    masks /= masks.sum(axis=0)
    drawn = GuidedFilter(1e-3, work_px=32).apply(masks, noisy(90, 70), radius_px=(9, 9))
    assert drawn.shape == masks.shape
    np.testing.assert_allclose(drawn.sum(axis=0), 1, atol=1e-3)


def test_a_mask_of_few_pixels_is_drawn_as_the_same_mask_of_many() -> None:
    photo = noisy(120, 90)
    few = cv2.GaussianBlur(np.eye(30, dtype=np.float32), (0, 0), 3)
    many = cv2.resize(few, (90, 120))
    guided = GuidedFilter(1e-3, work_px=48)
    (of_few,) = guided.apply(few[None], photo, radius_px=(9, 12))
    (of_many,) = guided.apply(many[None], photo, radius_px=(9, 12))
    assert of_few.shape == of_many.shape == (120, 90)
    np.testing.assert_allclose(of_few, of_many, atol=0.03)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 2)])
def test_the_smallest_pictures_are_drawn(shape: tuple[int, int]) -> None:
    drawn = GuidedFilter(1e-3, work_px=64).apply(
        np.full((1, *shape), 0.75, np.float32), noisy(*shape), radius_px=(0.1, 9)
    )
    assert drawn == pytest.approx(0.75, abs=1e-4)


def test_many_masks_come_out_as_each_alone() -> None:
    photo = noisy(40, 30)
    masks = np.random.default_rng(2).random((28, 40, 30), np.float32)
    guided = GuidedFilter(1e-3, work_px=20)
    drawn = guided.apply(masks, photo, radius_px=(2, 2))
    for number in (0, 5, 27):
        (alone,) = guided.apply(masks[number : number + 1], photo, radius_px=(2, 2))
        assert drawn[number] == pytest.approx(alone, abs=1e-5)
