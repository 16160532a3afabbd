import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmentation.garment import Box
from segmentation.mask_rcnn.background import Background
from segmentation.photo import Photo
from segmentation.pix2pix.crop import (
    CropRecipe,
    cut_labels,
    cut_mask,
    cut_pixels,
    frame_person,
    inner_mask,
    person_kept,
    to_tensor,
    uncrop_labels,
    widen_mask,
)

RECIPE = CropRecipe(width_px=64, height_px=96)


@settings(max_examples=80, deadline=None)
@given(st.integers(8, 300), st.integers(8, 300), st.tuples(*[st.floats(-40, 340)] * 4))
def test_frame_lies_in_the_photo_and_in_the_tensor(
    width: int, height: int, corners: tuple[float, float, float, float]
) -> None:
    x0, x1 = sorted((corners[0], corners[2]))
    y0, y1 = sorted((corners[1], corners[3]))
    frame = frame_person(Box(x0, y0, x1, y1), width=width, height=height, recipe=RECIPE)
    assert 0 <= frame.x0 < frame.x1 <= width
    assert 0 <= frame.y0 < frame.y1 <= height
    left, top, inner_width, inner_height = frame.inner
    assert left >= 0
    assert top >= 0
    assert left + inner_width <= 64
    assert top + inner_height <= 96
    assert inner_width == 64 or inner_height == 96


def test_labels_come_back_where_they_were() -> None:
    labels = np.zeros((200, 150), np.uint8)
    labels[40:180, 60:110] = 1
    labels[40:70, 70:100] = 2
    frame = frame_person(Box(60, 40, 110, 180), width=150, height=200, recipe=RECIPE)
    small = cut_labels(labels, frame)
    probabilities = np.eye(3, dtype=np.float32)[small].transpose(2, 0, 1)
    plain = Photo(np.full((200, 150, 3), 90, np.uint8))
    assert np.mean(uncrop_labels(probabilities, frame, plain) == labels) > 0.99
    colours = np.asarray([[90, 90, 90], [200, 60, 60], [40, 60, 160]], np.uint8)
    seen = uncrop_labels(probabilities, frame, Photo(colours[labels]))
    assert np.mean(seen == labels) > 0.998


@pytest.mark.parametrize(
    ("background", "value"),
    [(Background.GREY, 0.004), (Background.WHITE, 1.0), (Background.BLACK, -1.0)],
)
def test_street_is_gone_and_the_person_untouched(background: Background, value: float) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (200, 150, 3), dtype=np.uint8)
    person = np.zeros((200, 150), bool)
    person[40:180, 60:110] = True
    frame = frame_person(Box(60, 40, 110, 180), width=150, height=200, recipe=RECIPE)
    kept = person_kept(person, frame)
    cut = cut_pixels(pixels, frame)
    tensor = to_tensor(cut, kept, background=background)
    assert tensor.shape == (3, 96, 64)
    assert np.allclose(tensor[:, ~kept], value, atol=1e-3)
    assert np.allclose(tensor[:, kept].T, cut[kept] / 127.5 - 1, atol=1e-6)


def test_kept_part_is_the_widened_person() -> None:
    person = np.zeros((200, 150), bool)
    person[40:180, 60:110] = True
    recipe = CropRecipe(width_px=64, height_px=96, widen=0.03)
    frame = frame_person(Box(60, 40, 110, 180), width=150, height=200, recipe=recipe)
    exact, kept = cut_mask(person, frame), person_kept(person, frame)
    assert np.all(kept[exact])
    assert kept.sum() > exact.sum()
    assert not np.any(kept & ~inner_mask(frame))


def test_widening_back_and_forth_keeps_a_disc() -> None:
    mask = np.zeros((60, 60), bool)
    mask[20:40, 20:40] = True
    assert np.array_equal(widen_mask(widen_mask(mask, radius_px=4), radius_px=-4), mask)
    assert widen_mask(mask, radius_px=0) is mask


def test_recipe_survives_its_card() -> None:
    recipe = CropRecipe(width_px=96, margin=0.1, background=Background.WHITE)
    assert CropRecipe.from_card(recipe.as_card()) == recipe
