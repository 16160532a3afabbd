from collections.abc import Sequence

import numpy as np

from segmentation.backdrop import foreground_of
from segmentation.garment import BoolPixels, Mask, Regions
from segmentation.mask_rcnn.predict import ScoredInstance
from segmentation.photo import Photo
from segmentation.sharpen import sharpened

HEIGHT, WIDTH = 300, 240
CLOTH, LEATHER, SKIN = (30, 40, 120), (110, 50, 20), (225, 170, 140)


def _patch(x0: int, y0: int, x1: int, y1: int) -> BoolPixels:
    pixels = np.zeros((HEIGHT, WIDTH), bool)
    pixels[y0:y1, x0:x1] = True
    return pixels


def _photo(*things: tuple[BoolPixels, tuple[int, int, int]], wall: int = 235) -> Photo:
    rng = np.random.default_rng(0)
    grain = rng.integers(-3, 4, (HEIGHT, WIDTH, 1))
    pixels = np.broadcast_to(wall + grain, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    for where, colour in things:
        pixels[where] = colour
    return Photo(pixels)


def _instance(category: str, pixels: BoolPixels, score: float = 0.9) -> ScoredInstance:
    return ScoredInstance(category, score, Mask(pixels).box(), Mask(pixels))


def _sharpened(
    photo: Photo, found: Sequence[ScoredInstance], regions: Regions | None
) -> list[ScoredInstance]:
    return sharpened(photo, found, regions, foreground_of(photo))


def _iou(one: BoolPixels, other: BoolPixels) -> float:
    return float(np.count_nonzero(one & other) / np.count_nonzero(one | other))


BODICE, SLEEVE = _patch(80, 60, 180, 240), _patch(40, 60, 80, 160)
SHIRT = BODICE | SLEEVE


def test_lone_garment_gets_what_its_coarse_mask_missed() -> None:
    (shirt,) = _sharpened(
        _photo((SHIRT, CLOTH)), [_instance("top", _patch(86, 70, 170, 230))], None
    )
    assert _iou(shirt.mask.pixels, SHIRT) > 0.95
    assert shirt.box == shirt.mask.box()
    assert (shirt.category, shirt.score) == ("top", 0.9)


def test_backdrop_inside_a_coarse_mask_is_taken_away() -> None:
    coarse = _instance("top", _patch(76, 56, 184, 244))
    (shirt,) = _sharpened(_photo((SHIRT, CLOTH)), [coarse], None)
    assert not shirt.mask.pixels[:58].any()
    assert not shirt.mask.pixels[180:, :78].any()


def test_mask_of_the_backdrops_own_colour_stays() -> None:
    white = _photo((SHIRT, (237, 237, 237)), (_patch(120, 100, 140, 120), CLOTH))
    found = [_instance("top", _patch(86, 70, 170, 230))]
    assert _sharpened(white, found, None) == found


def test_mask_that_is_partly_of_the_backdrops_colour_only_grows() -> None:
    photo = _photo((SHIRT, CLOTH), (_patch(90, 180, 180, 240), (236, 236, 236)))
    mask = _patch(86, 70, 170, 230)
    (shirt,) = _sharpened(photo, [_instance("top", mask)], None)
    assert not (mask & ~shirt.mask.pixels).any()
    assert shirt.mask.pixels[110, 60]


def test_two_shoes_stay_two() -> None:
    left, right = _patch(30, 100, 100, 200), _patch(140, 100, 210, 200)
    photo = _photo((left | right, LEATHER))
    found = [_instance("shoes", _patch(40, 130, 95, 195)), _instance("shoes", right, 0.8)]
    one, other = _sharpened(photo, found, None)
    assert _iou(one.mask.pixels, left) > 0.95
    assert _iou(other.mask.pixels, right) > 0.95


def test_bag_over_a_coat_keeps_its_own_pixels() -> None:
    bag = _patch(130, 180, 170, 220)
    found = [_instance("outerwear", _patch(86, 70, 170, 230)), _instance("bag", bag, 0.8)]
    coat, same_bag = _sharpened(_photo((SHIRT, CLOTH), (bag, LEATHER)), found, None)
    assert _iou(same_bag.mask.pixels, bag) > 0.9
    assert coat.mask.pixels[110, 60]


def test_speck_far_from_the_garment_is_not_its() -> None:
    speck = _patch(200, 270, 212, 282)
    photo = _photo((SHIRT, CLOTH), (speck, LEATHER))
    (shirt,) = _sharpened(photo, [_instance("top", BODICE)], None)
    assert not (shirt.mask.pixels & speck).any()


def test_furniture_at_the_photos_edge_is_not_its() -> None:
    shelf = _patch(200, 200, WIDTH, HEIGHT)
    photo = _photo((SHIRT, CLOTH), (shelf, LEATHER))
    (shirt,) = _sharpened(photo, [_instance("top", BODICE)], None)
    assert not (shirt.mask.pixels & shelf).any()
    assert _iou(shirt.mask.pixels, SHIRT) > 0.95


def test_on_a_person_skin_and_what_is_far_stay_out() -> None:
    arm, legs = _patch(40, 60, 80, 240), _patch(90, 240, 170, 290)
    photo = _photo((BODICE, CLOTH), (arm | legs, SKIN))
    dress = _instance("dress", _patch(83, 66, 176, 230))
    person = _instance("person", BODICE | arm | legs, 0.99)
    nothing = Mask(np.zeros((HEIGHT, WIDTH), bool))
    regions = Regions(Mask(arm), nothing, Mask(BODICE | legs))
    sharp, same = _sharpened(photo, [dress, person], regions)
    assert same is person
    assert not (sharp.mask.pixels & arm).any()
    assert not sharp.mask.pixels[260:].any()
    assert _iou(sharp.mask.pixels, BODICE) > 0.93


def test_in_the_street_nothing_changes() -> None:
    photo = _photo((SHIRT, CLOTH), (_patch(0, 240, WIDTH, HEIGHT), (90, 85, 80)))
    street = photo.pixels.copy()
    street[:240, 200:] = (160, 70, 50)
    found = [_instance("top", BODICE), _instance("person", SHIRT)]
    assert _sharpened(Photo(street), found, None) == found


def test_nothing_found_stays_nothing() -> None:
    assert _sharpened(_photo(), [], None) == []
    person = [_instance("person", SHIRT)]
    assert _sharpened(_photo((SHIRT, CLOTH)), person, None) == person
