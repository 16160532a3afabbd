"""A pair of shoes is looked for as it stands and by its larger shoe."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from indexer.garment_views import embed_views, larger_of_pair, views_of
from indexer.vectors.base import Vectors
from segmentation.garment import Box, Cutout, Garment, Mask
from segmentation.photo import Photo

SMALLER, LARGER = Box(20, 80, 60, 100), Box(120, 70, 170, 100)


def shoes(*boxes: Box, category: str | None = "shoes") -> Garment:
    pixels = np.zeros((120, 200), np.bool_)
    for box in boxes:
        pixels[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = True
    mask = Mask(pixels)
    return Garment(category=category, score=0.9, box=mask.box(), mask=mask)


def photo() -> Photo:
    return Photo(np.random.default_rng(0).integers(0, 256, (120, 200, 3), np.uint8))


def test_of_two_shoes_that_stand_apart_the_larger_is_a_view_too() -> None:
    pair = shoes(SMALLER, LARGER)
    larger = larger_of_pair(pair)
    assert larger is not None
    assert larger.box == LARGER
    assert larger.mask is not None
    assert larger.mask.area == LARGER.area
    together, alone = views_of(photo(), pair)
    # The larger shoe is 50 wide of a pair of 150.
    assert np.count_nonzero(alone.alpha) > 3 * np.count_nonzero(together.alpha)


@pytest.mark.parametrize(
    "garment",
    [
        shoes(LARGER),
        shoes(LARGER, Box(20, 95, 60, 100)),
        shoes(Box(20, 80, 118, 100), LARGER),
        shoes(SMALLER, LARGER, category="outerwear"),
        shoes(SMALLER, LARGER, category=None),
        shoes(),
        Garment(category="shoes", score=0.9, box=LARGER, mask=None),
    ],
    ids=["one", "and a strap", "cracked", "an open coat", "unnamed", "empty", "no mask"],
)
def test_whatever_else_has_one_view(garment: Garment) -> None:
    assert larger_of_pair(garment) is None
    assert len(views_of(photo(), garment)) == 1


class ByAlpha:
    """Vectors at an angle that a cut-out's first alpha value tells."""

    version, dimension = "by alpha", 2

    def embed(self, cutouts: Sequence[Cutout]) -> Vectors:
        angles = np.radians([float(cutout.alpha[0, 0]) for cutout in cutouts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_a_garment_has_the_mean_of_its_views() -> None:
    def view(degrees: int) -> Cutout:
        return Cutout(np.zeros((2, 2, 3), np.uint8), np.full((2, 2), degrees, np.uint8))

    vectors = embed_views(ByAlpha(), [[view(0)], [view(10), view(50)], [view(90)]])
    expected = ByAlpha().embed([view(0), view(30), view(90)])
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
    assert embed_views(ByAlpha(), []).shape == (0, 2)
