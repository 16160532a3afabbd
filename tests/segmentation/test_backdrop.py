from collections.abc import Callable

import cv2
import numpy as np
import pytest

from segmentation.backdrop import (
    PLAIN_SIDES_WITH_PERSON,
    foreground_of,
    plain_backdrop,
    standing_out,
)
from segmentation.garment import BoolPixels
from segmentation.photo import Photo, Pixels

HEIGHT, WIDTH = 300, 240


def _wall(*, texture: float = 1.5, fall: float = 12) -> Pixels:
    """Light grey that darkens towards the bottom, with the noise of a camera."""
    rng = np.random.default_rng(0)
    light = np.linspace(fall, -fall, HEIGHT)[:, None, None]
    grain = rng.normal(0, texture, (HEIGHT, WIDTH, 1))
    return np.clip(225 + light + grain, 0, 255).astype(np.uint8).repeat(3, axis=2)


def _patch(x0: int, y0: int, x1: int, y1: int) -> BoolPixels:
    pixels = np.zeros((HEIGHT, WIDTH), bool)
    pixels[y0:y1, x0:x1] = True
    return pixels


def _street() -> Pixels:
    pixels = _wall()
    pixels[150:] = (90, 85, 80)
    pixels[60:150, 200:] = (160, 70, 50)
    return pixels


def _iou(one: BoolPixels, other: BoolPixels) -> float:
    return float(np.count_nonzero(one & other) / np.count_nonzero(one | other))


def _foreground(pixels: Pixels) -> BoolPixels:
    backdrop = plain_backdrop(pixels)
    assert backdrop is not None
    return standing_out(pixels, backdrop)


THING = _patch(60, 60, 180, 240)


def test_backdrop_follows_the_light_over_the_wall() -> None:
    wall = _wall()
    pixels = wall.copy()
    pixels[THING] = (30, 40, 120)
    backdrop = plain_backdrop(pixels)
    assert backdrop is not None
    assert min(backdrop.sides) > 0.95
    true_lightness = cv2.cvtColor(wall, cv2.COLOR_RGB2LAB)[..., 0] * (100 / 255)
    assert np.abs(backdrop.colours(HEIGHT, WIDTH)[..., 0] - true_lightness).mean() < 2


@pytest.mark.parametrize("cloth", [(30, 40, 120), (230, 60, 60), (120, 120, 125), (252, 240, 200)])
def test_cloth_of_any_colour_stands_out(cloth: tuple[int, int, int]) -> None:
    pixels = _wall()
    pixels[THING] = cloth
    assert _iou(_foreground(pixels), THING) > 0.95


def test_cloth_that_is_little_darker_than_the_wall_stands_out_by_its_crisp_edge() -> None:
    pixels = _wall(fall=0)
    pixels[THING] = (195, 195, 195)
    assert _iou(_foreground(pixels), THING) > 0.95


def test_soft_shadow_does_not() -> None:
    pixels = _wall().astype(np.float32)
    shadow = cv2.GaussianBlur(_patch(70, 80, 215, 260).astype(np.float32), (0, 0), 12)
    pixels *= 1 - 0.2 * shadow[..., None]
    pixels[THING] = (30, 40, 120)
    assert _iou(_foreground(pixels.astype(np.uint8)), THING) > 0.93


def test_garment_that_is_cut_off_leaves_the_backdrop_plain() -> None:
    thing = _patch(20, 120, 220, HEIGHT)
    pixels = _wall()
    pixels[thing] = (150, 30, 60)
    assert _iou(_foreground(pixels), thing) > 0.95


def test_thing_may_cover_more_of_the_sides_than_a_person() -> None:
    pixels = _wall()
    pixels[_patch(0, 60, 30, HEIGHT)] = (150, 30, 60)
    backdrop = plain_backdrop(pixels)
    assert backdrop is not None
    assert not backdrop.covers(PLAIN_SIDES_WITH_PERSON)


def test_holes_of_a_print_are_filled_and_the_gap_between_legs_stays() -> None:
    thing = THING & ~_patch(110, 140, 130, 240)
    pixels = _wall(fall=0)
    pixels[thing] = (30, 40, 120)
    pixels[_patch(80, 80, 86, 86)] = 225
    assert _iou(_foreground(pixels), thing) > 0.95
    assert _foreground(pixels)[83, 83]


def test_street_has_no_plain_backdrop() -> None:
    assert plain_backdrop(_street()) is None
    assert foreground_of(Photo(_street())) is None


def test_noise_is_no_plain_backdrop() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    assert plain_backdrop(noise) is None


@pytest.mark.parametrize("shape", [(8, 8), (8, 600), (600, 8), (2000, 9)])
def test_small_and_narrow_photos_do_not_break_it(shape: tuple[int, int]) -> None:
    photo = Photo(np.full((*shape, 3), 200, np.uint8))
    foreground = foreground_of(photo)
    assert foreground is None or foreground.mask(photo) is None


def test_nothing_stands_out_from_an_empty_wall() -> None:
    photo = Photo(_wall())
    foreground = foreground_of(photo)
    assert foreground is not None
    assert foreground.mask(photo) is None


@pytest.mark.parametrize("enlarge", [_wall, lambda: np.kron(_wall(), np.ones((4, 4, 1), np.uint8))])
def test_foreground_has_the_photos_size(enlarge: Callable[[], Pixels]) -> None:
    pixels = np.ascontiguousarray(enlarge())
    times = pixels.shape[0] // HEIGHT
    thing = np.kron(THING, np.ones((times, times), bool))
    pixels[thing] = (30, 40, 120)
    photo = Photo(pixels)
    foreground = foreground_of(photo)
    assert foreground is not None
    mask = foreground.mask(photo)
    assert mask is not None
    assert mask.pixels.shape == pixels.shape[:2]
    assert _iou(mask.pixels, thing) > 0.95
