import numpy as np
import pytest

from segmentation.believed import FAINT_SCORE, MIN_SCORE
from segmentation.execution import Profile
from segmentation.garment import BoolPixels, Box, Mask, Regions
from segmentation.mask_rcnn.closer_look import Scene
from segmentation.mask_rcnn.predict import ScoredInstance
from segmentation.photo import Photo
from segmentation.segmenter import (
    GUESS_SCORE,
    MOST_PARSED,
    Segmenter,
    union_of,
    without_body,
)
from tests.segmentation.instances import PERSON_PX, instance_of, patch_of

SKIN, HAIR, CLOTH = (230, 180, 150), (60, 40, 20), (20, 30, 120)


HAIR_PX, SKIN_PX = patch_of(30, 5, 50, 20), patch_of(30, 20, 50, 40)


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
    thing = patch_of(20, 20, 60, 100)
    pixels = np.full((120, 80, 3), 235, np.uint8)
    pixels[thing] = CLOTH
    segmenter, _ = _segmenter(instance_of("dress", patch_of(22, 30, 58, 95)))
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
    top = patch_of(20, 15, 60, 70)
    segmenter, parser = _segmenter(instance_of("person", PERSON_PX), instance_of("top", top))
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
    segmenter, _ = _segmenter(instance_of("person", PERSON_PX), instance_of("hat", hat))
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
    segmenter, _ = _segmenter(instance_of("person", PERSON_PX), instance_of("top", SKIN_PX))
    assert segmenter.parse(photo).garments == ()


def test_person_is_described_only_when_asked_for(photo: Photo) -> None:
    segmenter, _ = _segmenter(instance_of("person", PERSON_PX))
    assert segmenter.parse(photo).person is None
    person = segmenter.parse(photo, include=frozenset({"person"})).person
    assert person is not None
    assert person.box == Mask(PERSON_PX).box()
    assert person.skin is not None
    assert person.skin.hex == "#e6b496"
    assert person.hair is not None
    assert person.hair.hex == "#3c2814"


def test_without_a_person_the_parser_is_not_run_and_garments_stay_whole(photo: Photo) -> None:
    top = patch_of(20, 15, 60, 70)
    segmenter, parser = _segmenter(instance_of("top", top))
    parsed = segmenter.parse(photo, include=frozenset({"person"}))
    assert parser.persons == []
    assert parsed.person is parsed.person_mask is parsed.regions is None
    (garment,) = parsed.garments
    assert garment.mask is not None
    assert np.array_equal(garment.mask.pixels, top)


def test_of_two_people_each_is_shown_to_the_parser_alone(photo: Photo) -> None:
    other = patch_of(62, 5, 79, 110)
    segmenter, parser = _segmenter(instance_of("person", other), instance_of("person", PERSON_PX))
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

    other = patch_of(50, 5, 79, 110)
    seen = FixedPredictor(instance_of("person", PERSON_PX), instance_of("person", other))
    regions = Segmenter(seen, Parser()).parse(photo).regions  # type: ignore[arg-type]
    assert regions is not None
    assert np.array_equal(regions.clothes.pixels, PERSON_PX)
    assert np.array_equal(regions.skin.pixels, other & ~PERSON_PX)


def test_of_a_crowd_the_largest_are_parsed(photo: Photo) -> None:
    crowd = [patch_of(0, y, 20 + y // 5, y + 9) for y in range(0, 100, 10)]
    segmenter, parser = _segmenter(*(instance_of("person", pixels) for pixels in crowd))
    segmenter.parse(photo)
    assert len(parser.persons) == MOST_PARSED
    assert np.array_equal(parser.persons[0].pixels, crowd[-1])


def test_low_scores_are_left_out(photo: Photo) -> None:
    low = instance_of("top", patch_of(20, 40, 60, 70), MIN_SCORE - 0.01)
    segmenter, _ = _segmenter(low, instance_of("bag", patch_of(0, 80, 18, 100), MIN_SCORE))
    assert [g.category for g in segmenter.parse(photo).garments] == ["bag"]


def test_a_faint_garment_counts_where_it_is_known_to_be_there(photo: Photo) -> None:
    dress, skirt = patch_of(20, 30, 60, 60), patch_of(20, 60, 60, 100)
    segmenter, _ = _segmenter(instance_of("dress", dress), instance_of("skirt", skirt, 0.3))
    assert [g.category for g in segmenter.parse(photo).garments] == ["dress"]
    found = segmenter.parse(photo, expected="skirt").garments
    assert [g.category for g in found] == ["skirt", "dress"]
    assert [g.category for g in segmenter.parse(photo, expected="bag").garments] == ["dress"]


def test_a_guess_counts_only_where_the_category_is_named_and_nothing_better_is_there(
    photo: Photo,
) -> None:
    dress, guess = (
        instance_of("dress", PERSON_PX),
        instance_of("bag", patch_of(0, 80, 18, 100), 0.03),
    )
    predictor = FixedPredictor(instance_of("person", PERSON_PX, 1.0), dress, guess)
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
    dress, wide = instance_of("dress", PERSON_PX), Box(0, 20, 40, 105)
    inside = instance_of("bag", patch_of(0, 80, 18, 100), 0.2)
    outside = instance_of("bag", patch_of(62, 80, 80, 100), 0.4)
    segmenter, _ = _segmenter(dress, outside, inside)
    found = segmenter.parse(photo, expected="bag", expected_box=wide).garments
    assert [(g.category, g.score) for g in found] == [("bag", 0.2), ("dress", 0.9)]
    # Without a name the box means what fills it.
    unnamed = segmenter.parse(photo, expected_box=wide).garments
    assert [g.category for g in unnamed] == ["dress"]
    # What the box outlines is meant before what lies in it.
    outlined = instance_of("bag", patch_of(2, 20, 40, 105), 0.12)
    segmenter, _ = _segmenter(dress, inside, outlined)
    found = segmenter.parse(photo, expected="bag", expected_box=wide).garments
    assert found[0].score == 0.12


def test_a_lone_thing_before_a_plain_backdrop_is_not_a_faint_garment() -> None:
    thing = patch_of(20, 20, 60, 100)
    pixels = np.full((120, 80, 3), 235, np.uint8)
    pixels[thing] = CLOTH
    faint = instance_of("top", patch_of(25, 30, 50, 60), 0.3)
    alone, _ = _segmenter(faint)
    assert alone.parse(Photo(pixels), expected="top").garments == ()
    coat, parser = _segmenter(instance_of("person", thing, 0.9), faint)
    assert coat.parse(Photo(pixels), expected="top").garments == ()
    assert parser.persons == []
    worn, _ = _segmenter(instance_of("person", thing, 0.99), faint)
    assert [g.category for g in worn.parse(Photo(pixels), expected="top").garments] == ["top"]


def _alone(*things: BoolPixels) -> Photo:
    """Things of one colour before a plain backdrop."""
    pixels = np.full((120, 80, 3), 235, np.uint8)
    pixels[np.logical_or.reduce(things)] = CLOTH
    return Photo(pixels)


def test_a_lone_thing_is_not_searched_for_small_people(photo: Photo) -> None:
    bag = patch_of(20, 60, 60, 100)
    predictor = FixedPredictor(instance_of("bag", bag))
    segmenter = Segmenter(predictor, None)  # type: ignore[arg-type]
    segmenter.parse(_alone(bag))
    segmenter.parse(photo)
    assert predictor.scenes == [Scene.BACKDROP, Scene.STREET]


def test_a_lone_bag_is_all_that_stands_out_whatever_its_handle_is_taken_for() -> None:
    bag = patch_of(10, 50, 70, 110)
    handle = patch_of(10, 20, 16, 50) | patch_of(64, 20, 70, 50) | patch_of(10, 14, 70, 20)
    photo = _alone(bag, handle)
    top = instance_of("top", patch_of(10, 14, 70, 50), 0.9)
    for seen in (bag, patch_of(10, 14, 70, 110)):  # The coarse mask of the second fills the handle.
        instances = top, instance_of("bag", seen)
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
        found = _segmenter(top, instance_of("bag", bag))[0].parse(photo, expected=expected).garments
        assert [g.category for g in found] == ["top", "bag"]


def test_what_lies_beside_a_lone_bag_or_carries_it_is_not_the_bag() -> None:
    bag, hat = patch_of(10, 60, 70, 110), patch_of(20, 10, 60, 45)
    beside = _segmenter(instance_of("hat", hat), instance_of("bag", bag))[0]
    found = beside.parse(_alone(bag, hat), expected="bag").garments
    assert [g.category for g in found] == ["hat", "bag"]
    coat, small = patch_of(10, 10, 70, 110), patch_of(30, 60, 50, 90)
    carried = _segmenter(instance_of("outerwear", coat), instance_of("bag", small))[0]
    found = carried.parse(_alone(coat), expected="bag").garments
    assert [g.category for g in found] == ["outerwear", "bag"]


def test_of_a_lone_pair_both_shoes_are_the_product() -> None:
    left, right = patch_of(5, 40, 35, 110), patch_of(45, 40, 75, 110)
    seen = instance_of("shoes", left), instance_of("bag", right)
    (pair,) = _segmenter(*seen)[0].parse(_alone(left, right), expected="shoes").garments
    assert pair.mask is not None
    assert np.count_nonzero(pair.mask.pixels & right) > 0.9 * right.sum()


def test_of_a_white_shirt_on_white_the_print_is_not_all() -> None:
    shirt, print_px = patch_of(20, 20, 60, 100), patch_of(30, 50, 50, 60)
    pixels = np.full((120, 80, 3), 235, np.uint8)
    pixels[shirt] = 231
    pixels[print_px] = CLOTH
    for faint, whole in (
        (instance_of("top", shirt, 0.3), shirt),
        (instance_of("person", shirt, 0.3), print_px),
        (instance_of("top", patch_of(20, 20, 60, 54), 0.3), print_px),
    ):
        parsed = _segmenter(faint)[0].parse(Photo(pixels))
        assert parsed.foreground is not None
        found = parsed.foreground.pixels
        assert np.count_nonzero(found & whole) > 0.7 * np.count_nonzero(found | whole)


def test_a_faint_garment_counts_where_somebody_drew_a_box(photo: Photo) -> None:
    dress, bag = patch_of(20, 30, 60, 60), patch_of(10, 60, 30, 90)
    segmenter, _ = _segmenter(instance_of("dress", dress), instance_of("bag", bag, 0.2))
    around = segmenter.parse(photo, expected_box=Box(8, 58, 31, 92)).garments
    assert [g.category for g in around] == ["bag", "dress"]
    elsewhere = segmenter.parse(photo, expected_box=Box(40, 90, 80, 120)).garments
    assert [g.category for g in elsewhere] == ["dress"]


def test_union_of_nothing_is_none() -> None:
    assert union_of(iter(())) is None


def test_versions_are_the_models(photo: Photo) -> None:
    segmenter, _ = _segmenter()
    assert (segmenter.version, segmenter.parser_version) == ("fixed-predictor", "fixed-parser")
    assert segmenter.parse(photo).garments == ()


def test_without_a_parser_a_garment_keeps_the_skin_that_its_mask_covers(photo: Photo) -> None:
    dress = patch_of(25, 22, 55, 100)
    seen = instance_of("person", PERSON_PX), instance_of("dress", dress)
    parsed = Segmenter(FixedPredictor(*seen), None).parse(photo, include=frozenset({"person"}))
    (garment,) = parsed.garments
    assert garment.mask is not None
    assert (garment.mask.pixels & SKIN_PX).any()
    assert parsed.regions is None
    assert parsed.person is None
    assert parsed.person_mask is not None


def test_the_fast_profile_asks_for_skin_and_hair_only_when_a_person_is_wanted(photo: Photo) -> None:
    parser = FixedParser()
    seen = FixedPredictor(instance_of("person", PERSON_PX), instance_of("dress", PERSON_PX))
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
