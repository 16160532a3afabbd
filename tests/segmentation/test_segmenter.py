from collections.abc import Sequence

import numpy as np
import pytest

from segmentation.execution import Profile
from segmentation.garment import BoolPixels, Box, Mask, Regions
from segmentation.mask_rcnn.closer_look import Scene
from segmentation.mask_rcnn.predict import ScoredInstance
from segmentation.photo import Photo
from segmentation.segmenter import (
    FAINT_SCORE,
    GUESS_SCORE,
    MIN_SCORE,
    MOST_PARSED,
    Segmenter,
    believed,
    union_of,
    without_body,
    without_doubles,
)

SKIN, HAIR, CLOTH = (230, 180, 150), (60, 40, 20), (20, 30, 120)


def _patch(x0: int, y0: int, x1: int, y1: int) -> BoolPixels:
    pixels = np.zeros((120, 80), bool)
    pixels[y0:y1, x0:x1] = True
    return pixels


HAIR_PX, SKIN_PX = _patch(30, 5, 50, 20), _patch(30, 20, 50, 40)
PERSON_PX = _patch(20, 5, 60, 110)


def _instance(category: str, pixels: BoolPixels, score: float = 0.9) -> ScoredInstance:
    return ScoredInstance(category, score, Mask(pixels).box(), Mask(pixels))


class FixedPredictor:
    """Finds the same instances in every photo."""

    version = "fixed-predictor"

    def __init__(self, *instances: ScoredInstance) -> None:
        self._instances = instances
        self.asked: list[float] = []
        self.scenes: list[Scene] = []

    def predict(
        self, photo: Photo, *, min_score: float, scene: Scene = Scene.STREET
    ) -> list[ScoredInstance]:
        self.asked.append(min_score)
        self.scenes.append(scene)
        return [instance for instance in self._instances if instance.score >= min_score]


class FixedParser:
    """Finds skin and hair where they are drawn; remembers the person it was shown."""

    version = "fixed-parser"

    def __init__(self) -> None:
        self.persons: list[Mask] = []

    def parse(self, photo: Photo, person: Mask) -> Regions:
        self.persons.append(person)
        clothes = person.pixels & ~SKIN_PX & ~HAIR_PX
        return Regions(Mask(SKIN_PX), Mask(HAIR_PX), Mask(clothes))


@pytest.fixture
def photo() -> Photo:
    # Not plain: before a plain backdrop masks are redrawn (test_sharpen.py).
    pixels = np.full((120, 80, 3), (0, 160, 0), np.uint8)
    pixels[::30, :], pixels[60:] = 255, (160, 120, 0)
    pixels[:60, 60:] = (90, 90, 200)
    pixels[PERSON_PX] = CLOTH
    pixels[SKIN_PX] = SKIN
    pixels[HAIR_PX] = HAIR
    return Photo(pixels)


def test_before_a_plain_backdrop_masks_are_redrawn() -> None:
    thing = _patch(20, 20, 60, 100)
    pixels = np.full((120, 80, 3), 235, np.uint8)
    pixels[thing] = CLOTH
    segmenter, _ = _segmenter(_instance("dress", _patch(22, 30, 58, 95)))
    parsed = segmenter.parse(Photo(pixels))
    (garment,) = parsed.garments
    assert garment.mask is not None
    assert parsed.foreground is not None
    assert garment.mask.box() == parsed.foreground.box()
    shared = np.count_nonzero(garment.mask.pixels & thing)
    assert shared / np.count_nonzero(garment.mask.pixels | thing) > 0.92
    assert garment.colours[0].hex == "#141e78"


def _segmenter(*instances: ScoredInstance) -> tuple[Segmenter, FixedParser]:
    parser = FixedParser()
    return Segmenter(FixedPredictor(*instances), parser), parser  # type: ignore[arg-type]


def test_skin_and_hair_are_removed_from_a_garment(photo: Photo) -> None:
    top = _patch(20, 15, 60, 70)
    segmenter, parser = _segmenter(_instance("person", PERSON_PX), _instance("top", top))
    parsed = segmenter.parse(photo)
    (garment,) = parsed.garments
    assert garment.mask is not None
    assert np.array_equal(garment.mask.pixels, top & ~SKIN_PX & ~HAIR_PX)
    assert garment.box == garment.mask.box()
    (colour,) = garment.colours
    assert colour.share == pytest.approx(1)
    assert colour.hex == "#141e78"
    assert np.array_equal(parser.persons[0].pixels, PERSON_PX)
    assert parsed.regions is not None
    assert parsed.person is None
    assert set(parsed.timings_ms) == {"segment", "parse"}


def test_a_hat_keeps_what_the_parser_takes_for_hair(photo: Photo) -> None:
    hat = HAIR_PX | SKIN_PX
    segmenter, _ = _segmenter(_instance("person", PERSON_PX), _instance("hat", hat))
    (garment,) = segmenter.parse(photo).garments
    assert garment.mask is not None
    assert np.array_equal(garment.mask.pixels, hat & ~SKIN_PX)


@pytest.mark.parametrize("category", ["top", "hat"])
@pytest.mark.parametrize("rows", [slice(0, 0), slice(3, 9), slice(11, 12), slice(0, 12)])
def test_body_is_removed_wherever_the_garment_lies(category: str, rows: slice) -> None:
    rng = np.random.default_rng(0)
    skin, hair, cloth = (Mask(rng.random((12, 7)) < share) for share in (0.3, 0.3, 0.6))
    pixels = np.zeros((12, 7), bool)
    pixels[rows, 1:6] = cloth.pixels[rows, 1:6]
    garment = ScoredInstance(category, 0.9, Box(0, 0, 7, 12), Mask(pixels))
    left = without_body(garment, Regions(skin, hair, cloth))
    kept = pixels & ~skin.pixels & (True if category == "hat" else ~hair.pixels)
    np.testing.assert_array_equal(left.pixels, kept)


def test_garment_that_is_all_skin_is_dropped(photo: Photo) -> None:
    segmenter, _ = _segmenter(_instance("person", PERSON_PX), _instance("top", SKIN_PX))
    assert segmenter.parse(photo).garments == ()


def test_person_is_described_only_when_asked_for(photo: Photo) -> None:
    segmenter, _ = _segmenter(_instance("person", PERSON_PX))
    assert segmenter.parse(photo).person is None
    person = segmenter.parse(photo, include=frozenset({"person"})).person
    assert person is not None
    assert person.box == Mask(PERSON_PX).box()
    assert person.skin is not None
    assert person.skin.hex == "#e6b496"
    assert person.hair is not None
    assert person.hair.hex == "#3c2814"


def test_without_a_person_the_parser_is_not_run_and_garments_stay_whole(photo: Photo) -> None:
    top = _patch(20, 15, 60, 70)
    segmenter, parser = _segmenter(_instance("top", top))
    parsed = segmenter.parse(photo, include=frozenset({"person"}))
    assert parser.persons == []
    assert parsed.person is parsed.person_mask is parsed.regions is None
    (garment,) = parsed.garments
    assert garment.mask is not None
    assert np.array_equal(garment.mask.pixels, top)


def test_of_two_people_each_is_shown_to_the_parser_alone(photo: Photo) -> None:
    other = _patch(62, 5, 79, 110)
    segmenter, parser = _segmenter(_instance("person", other), _instance("person", PERSON_PX))
    parsed = segmenter.parse(photo)
    larger, smaller = (person.pixels for person in parser.persons)
    assert np.array_equal(larger, PERSON_PX)
    assert np.array_equal(smaller, other)
    assert parsed.person_mask is not None
    assert np.array_equal(parsed.person_mask.pixels, PERSON_PX | other)
    assert parsed.regions is not None
    assert np.array_equal(parsed.regions.skin.pixels, SKIN_PX)
    clothes = (PERSON_PX | other) & ~SKIN_PX & ~HAIR_PX
    assert np.array_equal(parsed.regions.clothes.pixels, clothes)


def test_where_two_people_overlap_the_larger_ones_regions_count(photo: Photo) -> None:
    class Parser(FixedParser):
        def parse(self, photo: Photo, person: Mask) -> Regions:
            super().parse(photo, person)
            nothing = Mask(np.zeros_like(person.pixels))
            first = len(self.persons) == 1
            return Regions(nothing if first else person, nothing, person if first else nothing)

    other = _patch(50, 5, 79, 110)
    seen = FixedPredictor(_instance("person", PERSON_PX), _instance("person", other))
    regions = Segmenter(seen, Parser()).parse(photo).regions  # type: ignore[arg-type]
    assert regions is not None
    assert np.array_equal(regions.clothes.pixels, PERSON_PX)
    assert np.array_equal(regions.skin.pixels, other & ~PERSON_PX)


def test_of_a_crowd_the_largest_are_parsed(photo: Photo) -> None:
    crowd = [_patch(0, y, 20 + y // 5, y + 9) for y in range(0, 100, 10)]
    segmenter, parser = _segmenter(*(_instance("person", pixels) for pixels in crowd))
    segmenter.parse(photo)
    assert len(parser.persons) == MOST_PARSED
    assert np.array_equal(parser.persons[0].pixels, crowd[-1])


def test_low_scores_are_left_out(photo: Photo) -> None:
    low = _instance("top", _patch(20, 40, 60, 70), MIN_SCORE - 0.01)
    segmenter, _ = _segmenter(low, _instance("bag", _patch(0, 80, 18, 100), MIN_SCORE))
    assert [g.category for g in segmenter.parse(photo).garments] == ["bag"]


def test_a_faint_garment_counts_where_it_is_known_to_be_there(photo: Photo) -> None:
    dress, skirt = _patch(20, 30, 60, 60), _patch(20, 60, 60, 100)
    segmenter, _ = _segmenter(_instance("dress", dress), _instance("skirt", skirt, 0.3))
    assert [g.category for g in segmenter.parse(photo).garments] == ["dress"]
    found = segmenter.parse(photo, expected="skirt").garments
    assert [g.category for g in found] == ["skirt", "dress"]
    assert [g.category for g in segmenter.parse(photo, expected="bag").garments] == ["dress"]


def test_a_guess_counts_only_where_the_category_is_named_and_nothing_better_is_there(
    photo: Photo,
) -> None:
    dress, guess = _instance("dress", PERSON_PX), _instance("bag", _patch(0, 80, 18, 100), 0.03)
    predictor = FixedPredictor(_instance("person", PERSON_PX, 1.0), dress, guess)
    segmenter = Segmenter(predictor, None)  # type: ignore[arg-type]
    assert [g.category for g in segmenter.parse(photo, expected="bag").garments] == ["bag", "dress"]
    assert predictor.asked == [FAINT_SCORE, GUESS_SCORE]
    assert [g.category for g in segmenter.parse(photo, expected="dress").garments] == ["dress"]
    assert predictor.asked[2:] == [FAINT_SCORE]
    boxed = segmenter.parse(photo, expected_box=guess.box)
    assert [g.category for g in boxed.garments] == ["dress"]
    nobody = Segmenter(FixedPredictor(dress, guess), None)  # type: ignore[arg-type]
    assert [g.category for g in nobody.parse(photo, expected="bag").garments] == ["dress"]


def test_a_wide_box_with_a_name_means_what_is_named_in_it(photo: Photo) -> None:
    dress, wide = _instance("dress", PERSON_PX), Box(0, 20, 40, 105)
    inside = _instance("bag", _patch(0, 80, 18, 100), 0.2)
    outside = _instance("bag", _patch(62, 80, 80, 100), 0.4)
    segmenter, _ = _segmenter(dress, outside, inside)
    found = segmenter.parse(photo, expected="bag", expected_box=wide).garments
    assert [(g.category, g.score) for g in found] == [("bag", 0.2), ("dress", 0.9)]
    # Without a name the box means what fills it.
    unnamed = segmenter.parse(photo, expected_box=wide).garments
    assert [g.category for g in unnamed] == ["dress"]
    # What the box outlines is meant before what lies in it.
    outlined = _instance("bag", _patch(2, 20, 40, 105), 0.12)
    segmenter, _ = _segmenter(dress, inside, outlined)
    found = segmenter.parse(photo, expected="bag", expected_box=wide).garments
    assert found[0].score == 0.12


def test_a_lone_thing_before_a_plain_backdrop_is_not_a_faint_garment() -> None:
    thing = _patch(20, 20, 60, 100)
    pixels = np.full((120, 80, 3), 235, np.uint8)
    pixels[thing] = CLOTH
    faint = _instance("top", _patch(25, 30, 50, 60), 0.3)
    alone, _ = _segmenter(faint)
    assert alone.parse(Photo(pixels), expected="top").garments == ()
    coat, parser = _segmenter(_instance("person", thing, 0.9), faint)
    assert coat.parse(Photo(pixels), expected="top").garments == ()
    assert parser.persons == []
    worn, _ = _segmenter(_instance("person", thing, 0.99), faint)
    assert [g.category for g in worn.parse(Photo(pixels), expected="top").garments] == ["top"]


def _alone(*things: BoolPixels) -> Photo:
    """Things of one colour before a plain backdrop."""
    pixels = np.full((120, 80, 3), 235, np.uint8)
    pixels[np.logical_or.reduce(things)] = CLOTH
    return Photo(pixels)


def test_a_lone_thing_is_not_searched_for_small_people(photo: Photo) -> None:
    bag = _patch(20, 60, 60, 100)
    predictor = FixedPredictor(_instance("bag", bag))
    segmenter = Segmenter(predictor, None)  # type: ignore[arg-type]
    segmenter.parse(_alone(bag))
    segmenter.parse(photo)
    assert predictor.scenes == [Scene.BACKDROP, Scene.STREET]


def test_a_lone_bag_is_all_that_stands_out_whatever_its_handle_is_taken_for() -> None:
    bag = _patch(10, 50, 70, 110)
    handle = _patch(10, 20, 16, 50) | _patch(64, 20, 70, 50) | _patch(10, 14, 70, 20)
    photo = _alone(bag, handle)
    top = _instance("top", _patch(10, 14, 70, 50), 0.9)
    for seen in (bag, _patch(10, 14, 70, 110)):  # The coarse mask of the second fills the handle.
        instances = top, _instance("bag", seen)
        (garment,) = _segmenter(*instances)[0].parse(photo, expected="bag").garments
        assert garment.category == "bag"
        assert garment.mask is not None
        # But for its rim: what the handle encloses is a third of the bag.
        thing = (photo.pixels == CLOTH).all(axis=2)
        assert np.count_nonzero(garment.mask.pixels ^ thing) < 0.12 * thing.sum()
    # Nothing fits: the foreground is the product, not what it is taken for.
    parsed = _segmenter(top)[0].parse(photo, expected="bag")
    assert parsed.garments == ()
    assert parsed.foreground is not None
    # Nobody says what it is, or an outfit may hang there.
    for expected in (None, "skirt"):
        found = _segmenter(top, _instance("bag", bag))[0].parse(photo, expected=expected).garments
        assert [g.category for g in found] == ["top", "bag"]


def test_what_lies_beside_a_lone_bag_or_carries_it_is_not_the_bag() -> None:
    bag, hat = _patch(10, 60, 70, 110), _patch(20, 10, 60, 45)
    beside = _segmenter(_instance("hat", hat), _instance("bag", bag))[0]
    found = beside.parse(_alone(bag, hat), expected="bag").garments
    assert [g.category for g in found] == ["hat", "bag"]
    coat, small = _patch(10, 10, 70, 110), _patch(30, 60, 50, 90)
    carried = _segmenter(_instance("outerwear", coat), _instance("bag", small))[0]
    found = carried.parse(_alone(coat), expected="bag").garments
    assert [g.category for g in found] == ["outerwear", "bag"]


def test_of_a_lone_pair_both_shoes_are_the_product() -> None:
    left, right = _patch(5, 40, 35, 110), _patch(45, 40, 75, 110)
    seen = _instance("shoes", left), _instance("bag", right)
    (pair,) = _segmenter(*seen)[0].parse(_alone(left, right), expected="shoes").garments
    assert pair.mask is not None
    assert np.count_nonzero(pair.mask.pixels & right) > 0.9 * right.sum()


def test_of_a_white_shirt_on_white_the_print_is_not_all() -> None:
    shirt, print_px = _patch(20, 20, 60, 100), _patch(30, 50, 50, 60)
    pixels = np.full((120, 80, 3), 235, np.uint8)
    pixels[shirt] = 231
    pixels[print_px] = CLOTH
    for faint, whole in (
        (_instance("top", shirt, 0.3), shirt),
        (_instance("person", shirt, 0.3), print_px),
        (_instance("top", _patch(20, 20, 60, 54), 0.3), print_px),
    ):
        parsed = _segmenter(faint)[0].parse(Photo(pixels))
        assert parsed.foreground is not None
        found = parsed.foreground.pixels
        assert np.count_nonzero(found & whole) > 0.7 * np.count_nonzero(found | whole)


def test_a_certain_garment_needs_no_faint_one_beside_it() -> None:
    seen = [_instance("skirt", PERSON_PX, 0.8), _instance("skirt", _patch(0, 0, 9, 9), 0.4)]
    assert believed(seen, expected="skirt") == seen[:1]


LEFT, RIGHT, LOW = _patch(20, 20, 40, 60), _patch(42, 20, 60, 60), _patch(20, 92, 60, 110)


def _skirts(*scores: float) -> list[ScoredInstance]:
    patches = (LEFT, RIGHT, LOW, _patch(0, 0, 9, 9))
    return [_instance("skirt", px, score) for px, score in zip(patches, scores, strict=False)]


@pytest.mark.parametrize(
    ("scores", "compared"),
    [
        ((0.49, 0.4), 2),
        ((0.4, 0.25, 0.23), 2),
        ((0.51, 0.4), 1),
        ((0.09, 0.08), 1),
        ((0.4,) * 4, 3),
    ],
)
def test_where_the_best_is_uncertain_those_as_likely_are_compared(
    scores: tuple[float, ...], compared: int
) -> None:
    top = _instance("top", _patch(20, 62, 60, 90), 0.9)
    skirts = _skirts(*scores)
    found = believed([top, *skirts], expected="skirt")
    assert [one for one in found if one.category == "skirt"] == skirts[:compared]
    assert top in found


def test_in_a_box_the_best_alone_is_meant() -> None:
    skirts = _skirts(0.4, 0.39)
    whole = Box(0, 0, 80, 120)
    assert believed(skirts, expected="skirt", expected_box=whole) == skirts[:1]
    bag, top = _instance("bag", LEFT, 0.45), _instance("top", LEFT, 0.4)
    assert believed([bag, top], expected=None, expected_box=bag.box) == [bag]


def test_a_less_likely_one_takes_no_certain_garments_place() -> None:
    dress = _instance("dress", RIGHT, 0.9)
    best, other = _skirts(0.4, 0.39)
    assert believed([dress, best, other], expected="skirt") == [best, dress]


def test_a_certain_garment_is_not_lost_to_a_better_one_under_another_name() -> None:
    dress = _instance("dress", PERSON_PX, 0.9)
    seen = [dress, _instance("skirt", PERSON_PX, 0.6)]
    (skirt,) = without_doubles(believed(seen, expected="skirt"))
    assert (skirt.category, skirt.score) == ("skirt", 0.6)
    assert without_doubles(believed(seen, expected="dress")) == [dress]
    assert without_doubles(believed(seen, expected=None)) == [dress]


def test_a_faint_garment_counts_where_somebody_drew_a_box(photo: Photo) -> None:
    dress, bag = _patch(20, 30, 60, 60), _patch(10, 60, 30, 90)
    segmenter, _ = _segmenter(_instance("dress", dress), _instance("bag", bag, 0.2))
    around = segmenter.parse(photo, expected_box=Box(8, 58, 31, 92)).garments
    assert [g.category for g in around] == ["bag", "dress"]
    elsewhere = segmenter.parse(photo, expected_box=Box(40, 90, 80, 120)).garments
    assert [g.category for g in elsewhere] == ["dress"]


def test_an_expected_garment_takes_the_place_of_its_pixels_under_another_name() -> None:
    rough = _patch(21, 6, 59, 109)
    seen = [_instance("outerwear", PERSON_PX, 0.8), _instance("top", rough, 0.2)]
    (garment,) = without_doubles(believed(seen, expected="top"))
    assert (garment.category, garment.score) == ("top", 0.2)
    assert garment.mask is seen[0].mask


def _categories(instances: Sequence[ScoredInstance]) -> list[str]:
    return [instance.category for instance in instances]


def test_same_pixels_under_another_name_are_dropped() -> None:
    one, almost = _patch(10, 10, 60, 60), _patch(10, 10, 60, 57)
    apart = _patch(10, 10, 60, 30)
    instances = [_instance("dress", one, 0.9), _instance("top", almost, 0.8)]
    assert _categories(without_doubles(instances)) == ["dress"]
    instances = [_instance("dress", one, 0.9), _instance("top", apart, 0.8)]
    assert _categories(without_doubles(instances)) == ["dress", "top"]


def test_one_shoe_of_a_pair_that_was_found_whole_is_dropped() -> None:
    pair, shoe, other = _patch(10, 10, 60, 30), _patch(12, 12, 30, 30), _patch(10, 60, 60, 80)
    instances = [_instance("shoes", pair, 0.9), _instance("shoes", shoe, 0.8)]
    assert _categories(without_doubles(instances)) == ["shoes"]
    instances = [_instance("shoes", pair, 0.9), _instance("shoes", other, 0.8)]
    assert _categories(without_doubles(instances)) == ["shoes", "shoes"]


def test_person_and_the_garment_that_covers_it_both_stay() -> None:
    instances = [_instance("person", PERSON_PX, 0.9), _instance("dress", PERSON_PX, 0.8)]
    assert _categories(without_doubles(instances)) == ["person", "dress"]
    assert _categories(without_doubles(instances[::-1])) == ["dress", "person"]


def test_union_of_nothing_is_none() -> None:
    assert union_of(iter(())) is None


def test_versions_are_the_models(photo: Photo) -> None:
    segmenter, _ = _segmenter()
    assert (segmenter.version, segmenter.parser_version) == ("fixed-predictor", "fixed-parser")
    assert segmenter.parse(photo).garments == ()


def test_without_a_parser_a_garment_keeps_the_skin_that_its_mask_covers(photo: Photo) -> None:
    dress = _patch(25, 22, 55, 100)
    seen = _instance("person", PERSON_PX), _instance("dress", dress)
    parsed = Segmenter(FixedPredictor(*seen), None).parse(photo, include=frozenset({"person"}))
    (garment,) = parsed.garments
    assert garment.mask is not None
    assert (garment.mask.pixels & SKIN_PX).any()
    assert parsed.regions is None
    assert parsed.person is None
    assert parsed.person_mask is not None


def test_the_fast_profile_asks_for_skin_and_hair_only_when_a_person_is_wanted(photo: Photo) -> None:
    parser = FixedParser()
    seen = FixedPredictor(_instance("person", PERSON_PX), _instance("dress", PERSON_PX))
    segmenter = Segmenter(seen, parser, Profile.FAST)  # type: ignore[arg-type]
    (whole,) = segmenter.parse(photo).garments
    assert parser.persons == []
    parsed = segmenter.parse(photo, include=frozenset({"person"}))
    assert len(parser.persons) == 1
    assert parsed.person is not None
    assert whole.mask is not None
    assert parsed.garments[0].mask is not None
    assert whole.mask.area > parsed.garments[0].mask.area


def test_every_network_is_tried_though_the_photo_shows_nobody(photo: Photo) -> None:
    segmenter, parser = _segmenter()
    segmenter.try_networks(photo)
    (person,) = parser.persons
    assert person.pixels.all()
