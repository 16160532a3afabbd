import numpy as np

from indexer.garment_choice import as_answered, choose_garments
from segmentation.garment import BoolPixels, Box, Garment, Mask, ParsedPhoto
from segmentation.photo import Photo

THING = Box(60, 50, 180, 250)


def _pixels_of(box: Box) -> BoolPixels:
    pixels = np.zeros((300, 240), bool)
    pixels[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = True
    return pixels


def _studio(*garments: Garment, person: Mask | None = None) -> ParsedPhoto:
    pixels = np.full((300, 240, 3), 235, np.uint8)
    pixels[_pixels_of(THING)] = (30, 40, 120)
    foreground = Mask(_pixels_of(THING))
    return ParsedPhoto(Photo(pixels), garments, person_mask=person, foreground=foreground)


def test_what_stands_out_from_a_plain_backdrop_is_matched_without_a_name() -> None:
    (garment,) = choose_garments(_studio(), category="top", box=None)
    assert (garment.category, garment.score) == (None, None)
    assert garment.mask is not None
    assert garment.box == THING
    assert [colour.hex for colour in garment.colours] == ["#1e2878"]


def test_it_is_also_matched_where_only_another_category_was_found() -> None:
    bag = Garment("bag", 0.9, THING, Mask(_pixels_of(THING)))
    (garment,) = choose_garments(_studio(bag), category="top", box=None)
    assert garment.category is None
    assert garment.box == THING


def test_where_no_skirt_was_found_the_dress_is_it() -> None:
    dress, top, bag = (
        Garment(name, score, THING, Mask(_pixels_of(THING)))
        for name, score in (("dress", 0.7), ("top", 0.9), ("bag", 0.95))
    )
    parsed = _studio(bag, top, dress, person=Mask(_pixels_of(THING)))
    assert choose_garments(parsed, category="skirt", box=None) == (dress,)
    assert choose_garments(parsed, category="skirt", box=THING) == (dress,)
    assert choose_garments(parsed, category="top", box=None) == (top,)
    (whole,) = choose_garments(parsed, category="hat", box=None)
    assert whole.category is None


def test_a_guess_is_taken_only_where_nothing_near_was_found() -> None:
    guess = Garment("skirt", 0.03, THING, Mask(_pixels_of(THING)))
    dress = Garment("dress", 0.7, THING, Mask(_pixels_of(THING)))
    bag = Garment("bag", 0.9, THING, Mask(_pixels_of(THING)))
    assert choose_garments(_studio(bag, dress, guess), category="skirt", box=None) == (dress,)
    assert choose_garments(_studio(bag, guess), category="skirt", box=None) == (guess,)


def test_in_a_wide_box_it_is_the_garment_of_the_name() -> None:
    wide, small = Box(0, 0, 200, 290), Box(70, 60, 100, 90)
    top = Garment("top", 0.9, THING, Mask(_pixels_of(THING)))
    bag = Garment("bag", 0.2, small, Mask(_pixels_of(small)))
    parsed = _studio(top, bag, person=Mask(_pixels_of(THING)))
    assert choose_garments(parsed, category="bag", box=wide) == (bag,)
    assert choose_garments(parsed, category=None, box=wide) == (top,)
    (elsewhere,) = choose_garments(parsed, category="bag", box=Box(120, 100, 240, 300))
    assert elsewhere.category is None
    assert elsewhere.box == Box(120, 100, 240, 300)


def test_a_photo_with_a_person_is_matched_whole() -> None:
    parsed = _studio(person=Mask(_pixels_of(THING)))
    (garment,) = choose_garments(parsed, category=None, box=None)
    assert garment.mask is None
    assert garment.box == Box(0, 0, 240, 300)


def test_the_answer_tells_what_has_no_name_as_the_whole_photo() -> None:
    parsed = _studio()
    (garment,) = choose_garments(parsed, category=None, box=None)
    told = as_answered(garment, parsed.photo)
    assert (told.category, told.score, told.mask) == (None, None, None)
    assert told.box == Box(0, 0, 240, 300)
    named = Garment("bag", 0.9, THING, Mask(_pixels_of(THING)))
    assert as_answered(named, parsed.photo) is named
