"""The drawn products: distinct, truthful, and the same for the same seed."""

import itertools
from collections import defaultdict

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from wardrobe.assortment import COLOURS, KINDS, MATERIALS, ORDER, PALETTES, PERIODS
from wardrobe.cloth import Colour, Fabric
from wardrobe.cut import Cut, Side
from wardrobe.shoes import LACE, worn_shoe
from wardrobe.shop import (
    OTHER_STYLE_APART,
    SAME_STYLE_APART,
    Item,
    draw_items,
    in_colour,
    product_photo,
)


@pytest.fixture(scope="module")
def items() -> tuple[Item, ...]:
    return draw_items(300, np.random.default_rng(1))


def photo(item: Item, side: Side = Side.FRONT) -> npt.NDArray[np.uint8]:
    return product_photo(item, np.random.default_rng(0), side)


def share_covered(pixels: npt.NDArray[np.uint8]) -> float:
    """The part of the photo that is far from its backdrop's colour."""
    corner = np.median(pixels[:20, :20].reshape(-1, 3), axis=0)
    return float((abs(pixels - corner).max(axis=2) > 18).mean())


def lab(colour: Colour) -> npt.NDArray[np.float32]:
    rgb = np.asarray(colour, np.float32).reshape(1, 1, 3) / 255
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).ravel())


def test_products_of_one_garment_and_cloth_differ_in_dye(items: tuple[Item, ...]) -> None:
    alike = defaultdict(list)
    for item in items:
        alike[item.garment, item.fabric.pattern, item.fabric.texture].append(item)
    pairs = [pair for group in alike.values() for pair in itertools.combinations(group, 2)]
    assert any(a.style == b.style for a, b in pairs)
    for a, b in pairs:
        apart = SAME_STYLE_APART if a.style == b.style else OTHER_STYLE_APART
        assert np.linalg.norm(lab(a.fabric.colour) - lab(b.fabric.colour)) >= apart - 0.01, (a, b)


def test_dyes_are_near_their_names_colour(items: tuple[Item, ...]) -> None:
    for item in items:
        assert np.linalg.norm(lab(item.fabric.colour) - lab(COLOURS[item.colour])) < 35


def test_small_shop_has_every_category(items: tuple[Item, ...]) -> None:
    assert {item.garment for item in items[:10]} == {kind.garment for kind in KINDS.values()}
    assert set(ORDER) == set(KINDS)


def test_every_style_and_texture_is_sold(items: tuple[Item, ...]) -> None:
    assert {item.style for item in items} == {
        style.words for kind in KINDS.values() for style in kind.styles
    }
    assert {item.fabric.texture for item in items} == set(MATERIALS)
    assert {item.fabric.pattern for item in items} == set(PERIODS)


def test_no_colour_rules_the_shop(items: tuple[Item, ...]) -> None:
    counts = [sum(item.colour == colour for item in items) for colour in COLOURS]
    assert max(counts) < 0.2 * len(items)
    assert sum(count > 0 for count in counts) >= 20


def test_title_tells_the_colour_pattern_and_cut(items: tuple[Item, ...]) -> None:
    words = {"stripes": "striped", "dots": "dotted", "checks": "checked", "floral": "floral"}
    for item in items:
        assert item.colour in item.title.lower()
        assert item.title.endswith(item.style) or item.title == item.style.capitalize()
        assert words.get(item.fabric.pattern, "") in item.title
        assert "  " not in item.title


def test_attributes_tell_the_sleeve_as_it_is_cut(items: tuple[Item, ...]) -> None:
    for item in items:
        told = item.attributes
        assert ("sleeve" in told) == (item.garment in ("top", "dress", "outerwear"))
        if "sleeveless" in item.style or item.style.startswith("strap"):
            assert told["sleeve"] == "sleeveless"
        if "coat" in item.style or "jumper" in item.style:
            assert told["sleeve"] == "long"


def test_palettes_name_colours_that_exist() -> None:
    assert all(set(palette) <= set(COLOURS) for palette in PALETTES.values())


def test_same_seed_draws_the_same_shop_and_photos(items: tuple[Item, ...]) -> None:
    assert draw_items(300, np.random.default_rng(1)) == items
    for item in items[:10]:
        np.testing.assert_array_equal(photo(item), photo(item))


@pytest.mark.parametrize("kind", KINDS)
def test_garment_fills_a_sane_part_of_its_photo(items: tuple[Item, ...], kind: str) -> None:
    coloured = (i for i in items if i.id.startswith(f"{kind}-") and sum(i.fabric.colour) < 500)
    for item in itertools.islice(coloured, 2):
        for side in Side:
            assert 0.04 < share_covered(photo(item, side)) < 0.8, item.title


def test_back_shows_no_buttons_or_neckline(items: tuple[Item, ...]) -> None:
    shirts = [item for item in items if item.cut.closure == "buttons"][:5]
    for item in shirts:
        front, back = photo(item).astype(int), photo(item, Side.BACK).astype(int)
        assert (abs(front - back).max(axis=2) > 40).sum() > 100, item.title


@pytest.mark.parametrize("shape", ["sneaker", "pump", "high boot"])
def test_shoe_looks_otherwise_from_behind(shape: str) -> None:
    shoes = Cut("shoes", shape=shape, hem=0.02)
    front, back = (worn_shoe(shoes, Fabric((40, 60, 120)), (0.04, 0.94), side) for side in Side)
    assert LACE not in [piece.fabric for piece in back]
    assert (LACE in [piece.fabric for piece in front]) == (shape == "sneaker")
    assert [piece.outline.tolist() for piece in front] != [p.outline.tolist() for p in back]


def test_the_same_cut_in_another_colour_differs_in_its_colour_alone(
    items: tuple[Item, ...],
) -> None:
    item = next(one for one in items if one.fabric.pattern == "stripes" and one.colour != "red")
    red = in_colour(item, "red", np.random.default_rng(3))
    assert (red.id, red.colour) == (f"{item.id}-red", "red")
    assert red.title.startswith("Red striped")
    assert (red.cut, red.style, red.garment) == (item.cut, item.style, item.garment)
    assert red.fabric.accent == item.fabric.accent
    assert np.linalg.norm(lab(red.fabric.colour) - lab(COLOURS["red"])) < 30
    assert np.linalg.norm(lab(red.fabric.colour) - lab(item.fabric.colour)) > 20
