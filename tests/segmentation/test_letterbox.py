import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.garment import Box
from segmentation.letterbox import GREY, Letterbox, to_tensor

sides = st.integers(8, 900)


@given(sides, sides)
def test_picture_fills_one_side_and_is_centred(width: int, height: int) -> None:
    box = Letterbox.fit(picture_width=width, picture_height=height, width=96, height=128)
    assert min(box.dx, box.dy) == pytest.approx(0, abs=1e-6)
    assert 2 * box.dx + width * box.scale == pytest.approx(96)
    assert 2 * box.dy + height * box.scale == pytest.approx(128)


@given(sides, sides)
def test_canvas_has_its_size_and_grey_margins(width: int, height: int) -> None:
    box = Letterbox.fit(picture_width=width, picture_height=height, width=96, height=128)
    canvas = box.apply(np.zeros((height, width, 3), np.uint8))
    assert canvas.shape == (128, 96, 3)
    drawn = np.argwhere(canvas[..., 0] == 0)
    (y0, x0), (y1, x1) = drawn.min(axis=0), drawn.max(axis=0) + 1
    assert abs(x0 - box.dx) <= 1
    assert abs(x1 - (96 - box.dx)) <= 1
    assert abs(y0 - box.dy) <= 1
    assert abs(y1 - (128 - box.dy)) <= 1
    assert set(np.unique(canvas)) <= {0, GREY}


@given(sides, sides)
def test_box_of_the_canvas_comes_back_to_the_picture(width: int, height: int) -> None:
    fit = Letterbox.fit(picture_width=width, picture_height=height, width=96, height=128)
    canvas = Box(fit.dx, fit.dy, fit.dx + width * fit.scale, fit.dy + height * fit.scale)
    back = fit.to_picture(canvas)
    assert back.as_list() == pytest.approx([0, 0, width, height], abs=0.05)


def test_fill_can_be_chosen_and_single_channels_fit() -> None:
    fit = Letterbox.fit(picture_width=10, picture_height=40, width=40, height=40)
    canvas = fit.apply(np.full((40, 10), 7, np.uint8), fill=0)
    assert canvas[:, 15:25].min() == 7
    assert canvas[:, :15].max() == 0


def test_tensor_is_channels_first_and_normalised() -> None:
    pixels = np.zeros((2, 3, 3), np.uint8)
    pixels[1, 2] = (255, 100, 50)
    tensor = to_tensor(pixels, mean=(0, 100, 0), std=(255, 50, 10))
    assert tensor.shape == (1, 3, 2, 3)
    assert tensor.dtype == np.float32
    assert tensor[0, :, 1, 2].tolist() == [1, 0, 5]
    assert tensor[0, 1, 0, 0] == -2
