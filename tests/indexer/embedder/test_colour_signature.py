"""Colours beside the vector: what is alike, what is not, and how the two scores are weighed."""

import numpy as np
import pytest

from indexer.embedder.colour_signature import DIMENSION, colour_signature
from indexer.embedder.siamese import beside
from segmentation.garment import Cutout


def cloth(rgb: tuple[int, int, int], around: tuple[int, int, int] = (128, 128, 128)) -> Cutout:
    pixels = np.full((90, 90, 3), around, np.uint8)
    alpha = np.zeros((90, 90), np.uint8)
    pixels[20:70, 30:60], alpha[20:70, 30:60] = rgb, 255
    return Cutout(pixels, alpha)


def alike(one: Cutout, other: Cutout) -> float:
    return float(colour_signature(one) @ colour_signature(other))


def test_it_has_unit_length_and_sees_the_cloth_alone() -> None:
    red = cloth((180, 40, 50))
    assert colour_signature(red).shape == (DIMENSION,)
    assert alike(red, red) == pytest.approx(1, abs=1e-5)
    assert alike(red, cloth((180, 40, 50), around=(20, 200, 90))) == pytest.approx(1, abs=1e-5)


def test_hue_counts_more_than_light() -> None:
    red, darker, green = cloth((180, 40, 50)), cloth((140, 30, 38)), cloth((40, 140, 60))
    assert alike(red, darker) > 0.6
    assert alike(red, green) < alike(red, darker) - 0.3


def test_no_cloth_at_all_is_the_whole_picture() -> None:
    nothing = Cutout(np.full((32, 32, 3), 200, np.uint8), np.zeros((32, 32), np.uint8))
    assert np.linalg.norm(colour_signature(nothing)) == pytest.approx(1, abs=1e-5)


def test_both_scores_are_weighed() -> None:
    cutouts = [cloth((180, 40, 50)), cloth((40, 140, 60))]
    vectors = np.asarray([[1, 0], [0.6, 0.8]], np.float32)
    joined = beside(vectors, cutouts, weight=0.2)
    assert joined.shape == (2, 2 + DIMENSION)
    assert np.linalg.norm(joined, axis=1) == pytest.approx(1, abs=1e-5)
    assert joined[0] @ joined[1] == pytest.approx(0.8 * 0.6 + 0.2 * alike(*cutouts), abs=1e-5)
    assert beside(vectors, cutouts, weight=0) is vectors
