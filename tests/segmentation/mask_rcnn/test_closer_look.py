from collections.abc import Sequence

import numpy as np
import pytest

from segmentation.garment import Box, Mask
from segmentation.mask_rcnn.closer_look import MOST_LOOKS, Scene, look_closer
from segmentation.mask_rcnn.predict import ScoredInstance
from segmentation.photo import Photo

SIZE = (576, 384)
# 4:3, as wide as it can be without being looked at in parts too.
WIDTH, HEIGHT = 1340, 900
Thing = tuple[str, float, Box]


class Looks:
    """A network that sees, in each part of a photo, whatever of ``things`` lies in it.

    ``from_afar``: what it sees of a whole photo instead; ``from_near``: of less than its height.
    """

    def __init__(
        self,
        things: Sequence[Thing],
        from_afar: Sequence[Thing] | None = None,
        from_near: Sequence[Thing] | None = None,
    ) -> None:
        self._things = things
        self._from_afar = things if from_afar is None else from_afar
        self._from_near = things if from_near is None else from_near
        self.sizes: list[tuple[int, int]] = []

    def __call__(self, photo: Photo) -> list[ScoredInstance]:
        whole_height = self.sizes[0][1] if self.sizes else photo.height
        near = self._from_near if photo.height < whole_height else self._things
        things = near if self.sizes else self._from_afar
        self.sizes.append((photo.width, photo.height))
        # Each pixel of `_photo` says where it is.
        x_tens, y_tens, units = (int(value) for value in photo.pixels[0, 0])
        x0, y0 = 10 * x_tens + units // 10, 10 * y_tens + units % 10
        part = Box(x0, y0, x0 + photo.width, y0 + photo.height)
        found = []
        for category, score, box in things:
            inside = Box(box.x0 - x0, box.y0 - y0, box.x1 - x0, box.y1 - y0)
            if _meet(part, box):
                clipped = inside.clipped(width=photo.width, height=photo.height)
                found.append(_instance(category, score, clipped, photo))
        return found


def _meet(one: Box, other: Box) -> bool:
    """Whether they share a place; a box without a width is in one too."""
    beside = one.x1 <= other.x0 or other.x1 <= one.x0
    return not (beside or one.y1 <= other.y0 or other.y1 <= one.y0)


def _instance(category: str, score: float, box: Box, photo: Photo) -> ScoredInstance:
    pixels = np.zeros((photo.height, photo.width), bool)
    pixels[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = True
    return ScoredInstance(category, score, box, Mask(pixels))


def _photo(width: int, height: int) -> Photo:
    x, y = np.arange(width)[None, :], np.arange(height)[:, None]
    pixels = np.stack(np.broadcast_arrays(x // 10, y // 10, x % 10 * 10 + y % 10), axis=-1)
    return Photo(pixels.astype(np.uint8))


@pytest.fixture
def photo() -> Photo:
    return _photo(WIDTH, HEIGHT)


PERSON = ("person", 0.99, Box(700, 400, 860, 840))
SHOES = ("shoes", 0.8, Box(740, 800, 790, 840))
WHOLE = (WIDTH, HEIGHT)


def _categories(found: Sequence[ScoredInstance]) -> list[str]:
    return [one.category for one in found]


def _lefts(found: Sequence[ScoredInstance]) -> list[int]:
    return sorted(round(one.box.x0) for one in found)


def test_a_small_person_is_seen_again_and_what_is_found_lies_where_it_is(photo: Photo) -> None:
    look = Looks([PERSON, SHOES], from_afar=[PERSON])
    found = look_closer(photo, look, size=SIZE)
    assert _categories(found) == ["person", "shoes"]
    shoes = found[1]
    assert shoes.box == SHOES[2]
    assert shoes.mask.pixels.shape == (HEIGHT, WIDTH)
    assert shoes.mask.box().iou(shoes.box) > 0.9
    afar, (width, height) = look.sizes
    assert afar == WHOLE
    assert 160 < width < 260
    assert 440 < height < 580


def test_a_person_who_fills_the_photo_is_seen_once() -> None:
    photo = _photo(600, 900)
    look = Looks([("person", 0.99, Box(150, 100, 450, 860))])
    assert _categories(look_closer(photo, look, size=SIZE)) == ["person"]
    assert look.sizes == [(600, 900)]


def test_somebody_a_little_small_is_looked_at_unless_that_is_not_worth_it() -> None:
    look = Looks([("person", 0.99, Box(150, 200, 450, 840))])
    look_closer(_photo(600, 900), look, size=SIZE, least_zoom=1.4)
    assert len(look.sizes) == 1
    look_closer(_photo(600, 900), look, size=SIZE)
    assert len(look.sizes) == 3


def test_passers_by_are_not_looked_at_where_somebody_fills_the_photo() -> None:
    photo = _photo(600, 900)
    look = Looks(
        [("person", 0.99, Box(100, 60, 450, 860)), ("person", 0.9, Box(500, 200, 560, 380))]
    )
    assert _lefts(look_closer(photo, look, size=SIZE)) == [100, 500]
    assert look.sizes == [(600, 900)]


def test_a_box_too_large_from_afar_is_looked_into_until_it_fits(photo: Photo) -> None:
    large = ("person", 0.4, Box(560, 100, 980, 860))
    look = Looks([PERSON, SHOES], from_afar=[large])
    found = look_closer(photo, look, size=SIZE)
    assert _categories(found) == ["person", "shoes"]
    assert found[0].box == PERSON[2]
    assert len(look.sizes) == 3
    assert look.sizes[2] < look.sizes[1] < look.sizes[0]


def test_a_box_that_held_two_people_is_both(photo: Photo) -> None:
    two = ("person", 0.4, Box(600, 380, 900, 850))
    left, right = Box(630, 400, 730, 840), Box(770, 410, 870, 840)
    look = Looks([("person", 0.99, left), ("person", 0.98, right)], from_afar=[two])
    assert _lefts(look_closer(photo, look, size=SIZE)) == [630, 770]


def test_a_neighbour_whom_the_closer_look_shows_whole_is_not_looked_at_twice(photo: Photo) -> None:
    left, right = Box(630, 400, 730, 840), Box(770, 400, 870, 840)
    near = [("person", 0.99, left), ("person", 0.98, right)]
    afar = [("person", 0.7, Box(600, 380, 900, 850)), ("person", 0.6, right)]
    look = Looks(near, from_afar=afar)
    assert [one.score for one in look_closer(photo, look, size=SIZE)] == [0.99, 0.98]
    assert len(look.sizes) == 2


GROUP = ("person", 0.95, Box(60, 60, 840, 860))
LEFT, RIGHT = Box(80, 80, 430, 850), Box(450, 70, 830, 850)


def test_one_box_around_two_people_who_fill_the_photo_does_not_end_the_search() -> None:
    afar = [GROUP, ("person", 0.3, LEFT), ("person", 0.1, RIGHT)]
    look = Looks([("person", 0.99, LEFT), ("person", 0.98, RIGHT)], from_afar=afar)
    found = look_closer(_photo(900, 900), look, size=SIZE)
    assert [(one.score, one.box) for one in found] == [(0.99, LEFT), (0.98, RIGHT)]


def test_a_group_of_whom_one_alone_is_found_stays() -> None:
    look = Looks([("person", 0.99, LEFT)], from_afar=[GROUP, ("person", 0.4, LEFT)])
    found = look_closer(_photo(900, 900), look, size=SIZE)
    assert [one.score for one in found] == [0.99, 0.95]


@pytest.mark.parametrize(
    ("score", "box"),
    [
        (0.25, LEFT),
        # Too wide, too low, and not in it.
        (0.5, Box(80, 80, 600, 850)),
        (0.5, Box(80, 450, 430, 850)),
        (0.5, Box(700, 80, 900, 850)),
    ],
)
def test_somebody_large_who_holds_nobody_alike_is_no_group(score: float, box: Box) -> None:
    look = Looks([], from_afar=[GROUP, ("person", score, box)])
    assert len(look_closer(_photo(900, 900), look, size=SIZE)) == 2
    assert look.sizes == [(900, 900)]


@pytest.mark.parametrize(("scene", "looks"), [(Scene.BACKDROP, 1), (Scene.STREET, 2)])
def test_one_thing_before_a_backdrop_is_no_group(scene: Scene, looks: int) -> None:
    look = Looks([], from_afar=[("person", 0.97, LEFT), GROUP])
    look_closer(_photo(900, 900), look, size=SIZE, scene=scene)
    assert len(look.sizes) == looks


def test_who_is_nobody_from_near_stays_a_guess(photo: Photo) -> None:
    shadow = ("person", 0.3, Box(700, 400, 860, 840))
    bag = ("bag", 0.6, Box(740, 600, 790, 650))
    look = Looks([("top", 0.9, Box(720, 450, 840, 600))], from_afar=[shadow, bag])
    found = look_closer(photo, look, size=SIZE)
    assert [(one.category, one.score) for one in found] == [("bag", 0.6), ("person", 0.3)]


def test_garments_seen_near_replace_those_seen_from_afar_and_no_others(photo: Photo) -> None:
    far = ("top", 0.9, Box(720, 470, 840, 620))
    elsewhere = ("bag", 0.7, Box(100, 100, 200, 180))
    near = ("dress", 0.95, Box(720, 470, 840, 700))
    look = Looks([PERSON, near], from_afar=[PERSON, far, elsewhere])
    assert _categories(look_closer(photo, look, size=SIZE)) == ["person", "dress", "bag"]


def test_a_neighbours_dress_that_the_closer_look_cuts_stays_as_it_was(photo: Photo) -> None:
    left = ("person", 0.99, Box(400, 300, 560, 800))
    right = ("person", 0.98, Box(545, 300, 705, 810))
    whole = ("dress", 0.9, Box(555, 380, 695, 700))
    look = Looks([left, right, ("dress", 0.97, whole[2])], from_afar=[left, right, whole])
    found = [one for one in look_closer(photo, look, size=SIZE) if one.category == "dress"]
    assert [one.box for one in found] == [whole[2]]


@pytest.mark.parametrize("x0", [800, 820])
def test_a_bag_that_swings_out_of_the_region_stays_whole(photo: Photo, x0: float) -> None:
    # The region ends at 886: of the bag 86 hundredths lie in it, or 66.
    bag = ("bag", 0.9, Box(x0, 600, x0 + 100, 700))
    look = Looks([PERSON, ("bag", 0.6, bag[2])], from_afar=[PERSON, bag])
    found = [one for one in look_closer(photo, look, size=SIZE) if one.category == "bag"]
    assert [(one.score, one.box) for one in found] == [(0.9, bag[2])]


def test_a_child_before_a_parent_is_found_again(photo: Photo) -> None:
    parent = ("person", 0.99, Box(500, 250, 740, 850))
    child = ("person", 0.97, Box(560, 560, 660, 845))
    shoes = ("shoes", 0.9, Box(590, 815, 640, 845))
    look = Looks([parent, child, shoes], from_afar=[("person", 0.9, Box(548, 540, 672, 850))])
    found = look_closer(photo, look, size=SIZE)
    assert ("person", 0.97) in [(one.category, one.score) for one in found]
    assert "shoes" in _categories(found)


def test_somebody_before_another_stays_where_the_closer_look_does_not_tell_them_apart(
    photo: Photo,
) -> None:
    parent = ("person", 0.99, Box(500, 250, 740, 850))
    child = ("person", 0.6, Box(560, 560, 660, 845))
    look = Looks([parent], from_afar=[parent, child])
    found = look_closer(photo, look, size=SIZE)
    assert [(one.category, one.score) for one in found] == [("person", 0.99), ("person", 0.6)]


def test_half_a_neighbour_is_no_person(photo: Photo) -> None:
    neighbour = ("person", 0.97, Box(840, 390, 1010, 850))
    look = Looks([PERSON, neighbour])
    assert _lefts(look_closer(photo, look, size=SIZE)) == [700, 840]


def test_a_person_without_a_width_is_nobody(photo: Photo) -> None:
    line = ("person", 0.95, Box(800, 500, 800, 700))
    look = Looks([line], from_afar=[("person", 0.6, PERSON[2])])
    assert [one.score for one in look_closer(photo, look, size=SIZE)] == [0.6]
    beside = Looks([PERSON, line], from_afar=[PERSON])
    assert _lefts(look_closer(photo, beside, size=SIZE)) == [700]


def test_people_of_a_wide_photo_whom_nothing_shows_from_afar_are_found_in_parts_of_it() -> None:
    photo = _photo(1600, 800)
    people = [("person", 0.97, Box(x, 40, x + 240, 780)) for x in (100, 660, 1250)]
    look = Looks(people, from_afar=[])
    assert _lefts(look_closer(photo, look, size=SIZE)) == [100, 660, 1250]
    assert max(look.sizes[1:])[0] <= 800
    alone = Looks([], from_afar=[])
    assert look_closer(_photo(1200, 900), alone, size=SIZE) == []
    assert alone.sizes == [(1200, 900)]


def test_who_is_seen_in_a_part_of_a_wide_photo_alone_is_nobody() -> None:
    # Two of three parts show it whole, and it is looked at once.
    pillar = ("person", 0.9, Box(450, 200, 690, 700))
    look = Looks([pillar], from_afar=[], from_near=[])
    assert look_closer(_photo(1600, 800), look, size=SIZE) == []
    assert len(look.sizes) == 1 + 3 + 1


@pytest.mark.parametrize(
    ("width", "height", "parts"), [(1500, 1000, 0), (1600, 1000, 3), (2400, 200, 7)]
)
def test_wide_photos_alone_are_searched_in_parts(width: int, height: int, parts: int) -> None:
    look = Looks([])
    look_closer(_photo(width, height), look, size=SIZE)
    assert len(look.sizes) == 1 + parts


def test_a_lone_thing_is_somebody_only_if_that_is_sure_from_near(photo: Photo) -> None:
    coat = ("person", 0.97, Box(700, 400, 860, 840))
    zipper = ("person", 0.5, Box(300, 400, 460, 840))
    seen = [coat, zipper]
    look = Looks([("top", 0.9, coat[2]), coat], from_afar=seen)
    assert _categories(look_closer(photo, look, size=SIZE, scene=Scene.BACKDROP)) == [
        "person",
        "person",
    ]
    assert len(look.sizes) == 2
    look = Looks([PERSON, SHOES], from_afar=seen)
    found = look_closer(photo, look, size=SIZE, scene=Scene.BACKDROP)
    assert _categories(found) == ["person", "shoes", "person"]
    faint = ("person", 0.3, Box(700, 200, 860, 640))
    nobody = Looks([PERSON], from_afar=[faint])
    look_closer(_photo(1600, 800), nobody, size=SIZE, scene=Scene.BACKDROP)
    assert nobody.sizes == [(1600, 800)]


def test_of_a_crowd_the_surest_and_then_the_largest_are_seen_again(photo: Photo) -> None:
    boxes = [Box(x, 400, x + 60 + x / 20, 640) for x in range(50, 1250, 120)]
    crowd = [("person", 0.7, boxes[0]), *(("person", 0.5, box) for box in boxes[1:])]
    near = [("person", 0.9, box) for box in boxes]
    sure = ("person", 0.96, Box(20, 650, 70, 780))
    look = Looks([*near, sure], from_afar=[*crowd, sure])
    found = look_closer(photo, look, size=SIZE)
    assert len(found) == len(crowd) + 1
    assert look.sizes[1][1] < 200
    again = {one.box.x0 for one in found if one.score == pytest.approx(0.9)}
    assert again == {box.x0 for box in boxes[-MOST_LOOKS + 1 :]}


@pytest.mark.parametrize("box", [Box(1200, 100, 1200.5, 400), Box(700, 400, 715, 440)])
def test_a_sliver_at_the_edge_and_a_speck_are_not_looked_at(photo: Photo, box: Box) -> None:
    look = Looks([], from_afar=[("person", 0.6, box)])
    assert _categories(look_closer(photo, look, size=SIZE)) == ["person"]
    assert look.sizes == [WHOLE]
