import tomllib
from importlib import resources

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segmentation.colour import colour_name, dominant_colours

TABLE = tomllib.loads(resources.files("segmentation").joinpath("colours.toml").read_text("utf-8"))
SYNONYMS = TABLE.pop("synonyms")
NAMED = {name: value for section in TABLE.values() for name, value in section.items()}

regions = arrays(np.uint8, st.tuples(st.integers(1, 200), st.just(3)))


@pytest.mark.parametrize("name", NAMED)
def test_every_listed_colour_has_its_own_name(name: str) -> None:
    assert colour_name(np.frombuffer(bytes.fromhex(NAMED[name][1:]), np.uint8)) == name


def test_every_synonym_is_another_word_for_a_listed_colour() -> None:
    assert set(SYNONYMS.values()) <= set(TABLE["greys"]) | set(TABLE["hues"])
    assert not set(SYNONYMS) & set(NAMED)


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(0, 255)] * 3), st.integers(1, 6000))
def test_plain_region_is_one_colour_of_share_one(rgb: tuple[int, int, int], count: int) -> None:
    (colour,) = dominant_colours(np.tile(np.uint8(rgb), (count, 1)))
    assert colour.name == colour_name(np.asarray(rgb, np.uint8))
    assert colour.share == 1.0
    assert colour.hex == "#{:02x}{:02x}{:02x}".format(*rgb)


@settings(max_examples=60, deadline=None)
@given(regions, st.randoms(use_true_random=False))
def test_order_of_pixels_does_not_matter(region: np.ndarray, random: object) -> None:
    order = np.random.default_rng(random.randrange(2**32)).permutation(len(region))  # type: ignore[attr-defined]
    assert dominant_colours(region) == dominant_colours(region[order])


@settings(max_examples=60, deadline=None)
@given(regions, st.integers(1, 5))
def test_shares_fall_and_sum_to_at_most_one(region: np.ndarray, most: int) -> None:
    colours = dominant_colours(region, most=most)
    shares = [colour.share for colour in colours]
    assert 1 <= len(colours) <= most
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 1
    assert len({colour.name for colour in colours}) == len(colours)


def test_stripes_are_named_with_their_shares() -> None:
    region = np.repeat(np.uint8([[27, 37, 68], [250, 250, 250]]), [700, 300], axis=0)
    colours = dominant_colours(region)
    assert [(colour.name, colour.share) for colour in colours] == [("navy", 0.7), ("white", 0.3)]


def test_black_cloth_with_noise_and_a_blue_cast_stays_black() -> None:
    noise = np.random.default_rng(0).normal(0, 4, (5000, 3))
    region = np.clip(np.float64([14, 15, 20]) + noise, 0, 255).astype(np.uint8)
    (colour,) = dominant_colours(region)
    assert colour.name == "black"


def test_folds_of_one_cloth_are_one_colour() -> None:
    shade = np.linspace(0.75, 1.1, 3000)[:, None]
    region = np.clip(np.float64([200, 32, 44]) * shade, 0, 255).astype(np.uint8)
    assert dominant_colours(region)[0].name == "red"
    assert dominant_colours(region)[0].share > 0.9


def test_no_pixels_have_no_colour() -> None:
    assert dominant_colours(np.zeros((0, 3), np.uint8)) == ()
