"""A garment in another colour."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.colour import dominant_colours
from segmentation.garment import Cutout
from segmentation.recolour import recoloured

RED = "#c8202c"


def striped_on_grey() -> Cutout:
    pixels = np.full((64, 64, 3), 128, np.uint8)
    pixels[8:56, 8:56] = (30, 40, 120)
    pixels[8:56:6, 8:56] = (240, 240, 236)
    alpha = np.zeros((64, 64), np.uint8)
    alpha[8:56, 8:56] = 255
    return Cutout(pixels, alpha)


def test_the_cloth_is_red_and_its_stripes_are_as_they_were() -> None:
    cutout = striped_on_grey()
    red = recoloured(cutout, RED)
    names = {colour.name: colour.share for colour in dominant_colours(red.pixels[red.alpha > 0])}
    assert names["red"] == pytest.approx(5 / 6, abs=0.01)
    stripes = red.pixels[8:56:6, 8:56].astype(int)
    assert np.abs(stripes - (240, 240, 236)).max() <= 4


def test_what_is_not_cloth_stays() -> None:
    cutout = striped_on_grey()
    red = recoloured(cutout, RED)
    outside = cutout.alpha == 0
    assert np.abs(red.pixels[outside].astype(int) - cutout.pixels[outside]).max() <= 1
    assert red.alpha is cutout.alpha


def test_light_and_shade_stay() -> None:
    cutout = striped_on_grey()
    cutout.pixels[8:56, 8:30] = (45, 57, 145)
    red = recoloured(cutout, RED)
    assert red.pixels[10, 20].astype(int).sum() > red.pixels[10, 40].astype(int).sum() + 10


def test_a_cutout_without_cloth_is_left_alone() -> None:
    empty = Cutout(np.full((8, 8, 3), 128, np.uint8), np.zeros((8, 8), np.uint8))
    assert recoloured(empty, RED) is empty
