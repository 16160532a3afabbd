"""Patterns and textures as tiles, and panels painted with them."""

import itertools

import numpy as np
import pytest

from wardrobe.assortment import MATERIALS, PERIODS
from wardrobe.canvas import Canvas, Mark, Panel
from wardrobe.cloth import Fabric, weave

SQUARE = np.asarray([(-0.2, -0.2), (0.2, -0.2), (0.2, 0.2), (-0.2, 0.2)])
INK, PAPER = (40, 60, 120), (235, 230, 220)


def canvas() -> Canvas:
    return Canvas(np.full((120, 120, 3), 200, np.float32), origin=(60, 60), scale=200)


def swatch(fabric: Fabric) -> np.ndarray:
    tile = weave(fabric, 48)
    reach = -(-96 // tile.shape[0])
    return np.tile(tile, (reach, reach, 1))[:96, :96].astype(float)


@pytest.mark.parametrize(("first", "second"), tuple(itertools.combinations(PERIODS, 2)))
def test_every_pattern_looks_different(first: str, second: str) -> None:
    one, other = (swatch(Fabric(INK, PAPER, name, 0.05)) for name in (first, second))
    assert abs(one - other).mean() > 8


@pytest.mark.parametrize(("first", "second"), tuple(itertools.combinations(MATERIALS, 2)))
def test_every_texture_looks_different(first: str, second: str) -> None:
    one, other = (swatch(Fabric(INK, texture=name, period=0.05)) for name in (first, second))
    assert abs(one - other).mean() > 0.5


def test_tile_is_of_the_cloths_colours() -> None:
    tile = weave(Fabric(INK, PAPER, "stripes"), 48).reshape(-1, 3)
    assert abs(tile.min(axis=0) - np.asarray(INK)).max() < 12
    assert abs(tile.max(axis=0) - np.asarray(PAPER)).max() < 12


def test_pattern_is_as_large_on_a_person_as_its_period_says() -> None:
    painted = canvas()
    flat = Fabric(INK, PAPER, "stripes", period=0.1, folds=0.0, grain=0.0)
    painted.paint([Panel(SQUARE, flat, round_edges=0.0)], owner=1, rng=np.random.default_rng(0))
    light = painted.pixels[25:95, 60].mean(axis=1) > 140
    edges = np.flatnonzero(np.diff(light.astype(int)) == 1)
    assert np.diff(edges).tolist() == pytest.approx([20] * (len(edges) - 1), abs=1)


def test_panel_owns_its_pixels_and_only_those() -> None:
    painted = canvas()
    painted.paint([Panel(SQUARE, Fabric(INK))], owner=7, rng=np.random.default_rng(0))
    assert (painted.owner == 7).sum() == pytest.approx(80 * 80, rel=0.03)
    assert set(np.unique(painted.owner)) == {0, 7}


def test_panel_outside_the_picture_changes_nothing() -> None:
    painted = canvas()
    painted.paint([Panel(SQUARE + 3, Fabric(INK))], owner=7, rng=np.random.default_rng(0))
    assert not painted.owner.any()
    assert (painted.pixels == 200).all()


def test_line_touches_only_its_owner() -> None:
    painted = canvas()
    painted.paint([Panel(SQUARE, Fabric(PAPER))], owner=7, rng=np.random.default_rng(0))
    before = painted.pixels.copy()
    painted.line(Mark([(-0.3, 0.0), (0.3, 0.0)], 0.01, 0.5), owner=7)
    changed = (painted.pixels != before).any(axis=2)
    assert changed.any()
    assert (painted.owner[changed] == 7).all()
    painted.line(Mark([(-0.3, 0.0), (0.3, 0.0)], 0.01, 0.5), owner=9)
    assert ((painted.pixels != before).any(axis=2) == changed).all()
