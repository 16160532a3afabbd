from __future__ import annotations

import colorsys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.embedder.views import GREY, make_view, on_grey, plain_view, recolour

SIDE = 96


def disc(colour: tuple[int, int, int]) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    crop = np.full((SIDE, SIDE, 4), 255, np.uint8)
    crop[..., :3] = 20
    inside = (x - SIDE / 2) ** 2 + (y - SIDE / 2) ** 2 < (0.4 * SIDE) ** 2
    crop[inside, :3] = colour
    crop[..., 3] = np.where(inside, 255, 0)
    return crop


def hue_of(pixels: np.ndarray, alpha: np.ndarray) -> float:
    red, green, blue = np.median(pixels[alpha > 250], axis=0) / 255
    return colorsys.rgb_to_hsv(red, green, blue)[0] * 360


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    colour=st.sampled_from([(200, 40, 40), (40, 160, 60), (40, 60, 190), (190, 170, 40)]),
)
def test_a_view_keeps_the_hue_of_the_cloth(seed: int, colour: tuple[int, int, int]) -> None:
    crop = disc(colour)
    crop[..., :3] = colour  # the hue alone, not what an uncut view shows round it
    view = make_view(crop, size_px=64, generator=np.random.default_rng(seed))
    turned = abs(hue_of(view.pixels, view.alpha) - hue_of(crop[..., :3], crop[..., 3]))
    assert min(turned, 360 - turned) < 20


def test_a_view_follows_from_its_seed_alone() -> None:
    crop = disc((90, 120, 200))
    views = [make_view(crop, size_px=64, generator=np.random.default_rng(s)) for s in (5, 5, 6)]
    assert np.array_equal(views[0].pixels, views[1].pixels)
    assert not np.array_equal(views[0].pixels, views[2].pixels)


def test_a_view_never_loses_the_whole_garment() -> None:
    for seed in range(200):
        generator = np.random.default_rng(seed)
        view = make_view(disc((90, 120, 200)), size_px=64, generator=generator)
        assert (view.alpha > 127).mean() >= 0.01


def test_what_is_not_cloth_is_grey() -> None:
    view = plain_view(disc((200, 10, 10)), size_px=SIDE)
    assert (view.pixels[view.alpha == 0] == GREY).all()
    assert (view.pixels[view.alpha == 255] == (200, 10, 10)).all()


def test_black_cloth_stays_black_on_grey() -> None:
    alpha = np.full((4, 4), 255, np.uint8)
    assert (on_grey(np.zeros((4, 4, 3), np.uint8), alpha) == 0).all()


@pytest.mark.parametrize("colour", [(200, 40, 40), (40, 160, 60), (128, 128, 128), (15, 15, 15)])
def test_a_recoloured_garment_differs_in_colour_and_keeps_its_shape(
    colour: tuple[int, int, int],
) -> None:
    crop = disc(colour)
    for seed in range(20):
        other = recolour(crop, generator=np.random.default_rng(seed))
        assert np.array_equal(other[..., 3], crop[..., 3])
        centre = other[SIDE // 2, SIDE // 2, :3].astype(int)
        assert np.abs(centre - np.array(colour)).max() > 20
