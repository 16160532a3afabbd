import numpy as np
import pytest

from segmentation.garment import BoolPixels, Box, Garment, Mask, ParsedPhoto
from segmentation.photo import Photo
from segmentation.product_photo import (
    GarmentSource,
    backdrop_foreground,
    choose_product_garment,
    whole_photo,
)


def _patch(x0: int, y0: int, x1: int, y1: int) -> BoolPixels:
    pixels = np.zeros((160, 120), bool)
    pixels[y0:y1, x0:x1] = True
    return pixels


def _garment(category: str, score: float, pixels: BoolPixels) -> Garment:
    return Garment(category, score, Mask(pixels).box(), Mask(pixels))


def _studio(*, seed: int = 0) -> tuple[Photo, BoolPixels]:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(235, 245, (160, 120, 3)).astype(np.uint8)
    thing = _patch(35, 40, 85, 130)
    pixels[thing] = rng.integers(20, 70, (int(thing.sum()), 3))
    return Photo(pixels), thing


def _plain() -> Photo:
    return Photo(np.full((160, 120, 3), 240, np.uint8))


TOP = _garment("top", 0.8, _patch(30, 20, 90, 70))
TROUSERS = _garment("trousers", 0.95, _patch(30, 70, 90, 150))


def test_the_best_garment_of_the_products_category_is_the_product() -> None:
    worse = _garment("top", 0.6, _patch(0, 0, 100, 100))
    parsed = ParsedPhoto(_plain(), (TROUSERS, TOP, worse))
    garment, source = choose_product_garment(parsed, "top")
    assert garment is TOP
    assert source is GarmentSource.CATEGORY


@pytest.mark.parametrize("category", ["hat", None])
def test_else_the_largest_garment_is_the_product(category: str | None) -> None:
    garment, source = choose_product_garment(ParsedPhoto(_plain(), (TOP, TROUSERS)), category)
    assert garment is TROUSERS
    assert source is GarmentSource.LARGEST


def test_else_what_stands_out_from_the_backdrop_is_the_product() -> None:
    photo, thing = _studio()
    garment, source = choose_product_garment(ParsedPhoto(photo, ()), "top")
    assert source is GarmentSource.BACKDROP
    assert garment.category == "top"
    assert garment.score is None
    assert garment.mask is not None
    found = garment.mask.pixels
    assert (found & thing).sum() / (found | thing).sum() > 0.9
    assert garment.box == garment.mask.box()
    assert garment.colours


def test_what_the_parser_saw_before_a_plain_backdrop_is_taken_first() -> None:
    photo, thing = _studio()
    seen = Mask(thing & _patch(0, 0, 60, 160))
    garment, source = choose_product_garment(ParsedPhoto(photo, (), foreground=seen), "top")
    assert source is GarmentSource.BACKDROP
    assert garment.mask is seen


def test_else_the_whole_photo_is_the_product() -> None:
    garment, source = choose_product_garment(ParsedPhoto(_plain(), ()), "top")
    assert source is GarmentSource.WHOLE
    assert (garment.category, garment.score, garment.mask) == (None, None, None)
    assert garment.box == Box(0, 0, 120, 160)
    assert whole_photo(_plain()).colours == garment.colours


def test_a_pair_of_shoes_is_one_product() -> None:
    left, right = _patch(10, 100, 40, 150), _patch(60, 100, 95, 150)
    shoes = (_garment("shoes", 0.7, left), _garment("shoes", 0.9, right))
    garment, source = choose_product_garment(ParsedPhoto(_plain(), shoes), "shoes")
    assert source is GarmentSource.CATEGORY
    assert garment.mask is not None
    assert np.array_equal(garment.mask.pixels, left | right)
    assert garment.box == Box(10, 100, 95, 150)
    assert garment.score == 0.9


def test_a_speck_beside_a_shoe_is_no_pair() -> None:
    shoe, speck = _patch(10, 100, 60, 150), _patch(80, 140, 90, 150)
    shoes = (_garment("shoes", 0.9, shoe), _garment("shoes", 0.6, speck))
    garment, _ = choose_product_garment(ParsedPhoto(_plain(), shoes), "shoes")
    assert garment is shoes[0]


def test_two_bags_are_not_joined() -> None:
    bags = (
        _garment("bag", 0.9, _patch(10, 100, 40, 150)),
        _garment("bag", 0.8, _patch(60, 100, 95, 150)),
    )
    assert choose_product_garment(ParsedPhoto(_plain(), bags), "bag")[0] is bags[0]


def test_foreground_is_the_same_every_time() -> None:
    photo, _ = _studio()
    one, other = backdrop_foreground(photo), backdrop_foreground(photo)
    assert one is not None
    assert other is not None
    assert np.array_equal(one.pixels, other.pixels)


def test_large_photos_get_a_mask_of_their_own_size() -> None:
    photo, thing = _studio()
    large = Photo(np.ascontiguousarray(np.kron(photo.pixels, np.ones((4, 4, 1), np.uint8))))
    mask = backdrop_foreground(large)
    assert mask is not None
    assert mask.pixels.shape == (640, 480)
    assert mask.area == pytest.approx(16 * thing.sum(), rel=0.1)


@pytest.mark.parametrize("shape", [(8, 8), (8, 600), (600, 8), (33, 33)])
def test_small_and_narrow_photos_have_no_foreground(shape: tuple[int, int]) -> None:
    assert backdrop_foreground(Photo(np.full((*shape, 3), 200, np.uint8))) is None


def test_thing_that_runs_off_the_photo_is_no_foreground() -> None:
    pixels = np.full((160, 120, 3), 240, np.uint8)
    pixels[:, 20:] = (30, 30, 90)
    assert backdrop_foreground(Photo(pixels)) is None
