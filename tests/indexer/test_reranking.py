from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from indexer.colour_match import ColourError, closeness, lab_of
from indexer.ranking import RankedPhoto
from indexer.reranking import (
    FEWEST_CANDIDATES,
    MOST_CANDIDATES,
    NEAR_IDENTICAL,
    Ranking,
    boosted,
    fold,
    nearer_to,
)
from indexer.vectors.base import Ids, Vectors
from segmentation.garment import NamedColour

RED, BLUE = "#c81e28", "#1428c8"


class Shop:
    """Products of random likeness, category and colour; remembers how many were asked for."""

    def __init__(self, count: int, *, red: Sequence[int] | None = None, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        costs = rng.choice([0.0, 0.05, 0.15], count)
        scores = np.sort(rng.uniform(-0.2, 0.9, count))[::-1]
        self.photos = [
            RankedPhoto(f"p{n}", n, 0, float(score), float(cost))
            for n, (score, cost) in enumerate(zip(scores, costs, strict=True))
        ]
        self.colours = {
            n: (NamedColour("", "#{:02x}{:02x}{:02x}".format(*rng.integers(0, 256, 3)), 0.9),)
            if red is None
            else (NamedColour("", RED if n in red else BLUE, 0.9),)
            for n in range(count)
        }
        self.asked: list[int] = []

    def ranking(self, most: int) -> list[RankedPhoto]:
        self.asked.append(most)
        return self.photos[:most]

    def colours_of(self, photos: Sequence[RankedPhoto]) -> list[tuple[NamedColour, ...]]:
        return [self.colours[photo.image_id] for photo in photos]

    def nearer_to(self, colour: str, weight: float) -> Ranking:
        return nearer_to(colour, self.ranking, self.colours_of, weight=weight)


@pytest.mark.parametrize("weight", [0.0, 0.2, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("count", [0, 7, 150, 2500])
def test_colour_ranking_equals_weighing_every_product(count: int, weight: float) -> None:
    shop = Shop(count)
    (wanted,) = lab_of([RED])
    near = closeness(wanted, shop.colours_of(shop.photos))
    scores = {
        photo.product_id: (1 - weight) * (photo.score + photo.cost) + weight * share - photo.cost
        for photo, share in zip(shop.photos, near, strict=True)
    }
    expected = sorted(scores.items(), key=lambda item: -item[1])[:10]
    ranked = shop.nearer_to(RED, weight)(10)
    assert [photo.product_id for photo in ranked] == [name for name, _ in expected]
    np.testing.assert_allclose([photo.score for photo in ranked], [score for _, score in expected])


@pytest.mark.parametrize("weight", [-1.0, -0.2, 0.0, 0.1, 1.0])
@pytest.mark.parametrize("count", [0, 7, 150, 2500])
def test_boosted_ranking_equals_weighing_every_product(count: int, weight: float) -> None:
    shop = Shop(count)
    values = np.random.default_rng(9).uniform(0, 1, count)
    scores = {
        photo.product_id: photo.score + weight * values[photo.image_id] for photo in shop.photos
    }
    expected = sorted(scores.items(), key=lambda item: -item[1])[:10]

    def values_of(photos: Sequence[RankedPhoto]) -> list[float]:
        return [float(values[photo.image_id]) for photo in photos]

    ranked = boosted(shop.ranking, values_of, weight=weight)(10)
    assert [photo.product_id for photo in ranked] == [name for name, _ in expected]
    np.testing.assert_allclose([photo.score for photo in ranked], [score for _, score in expected])


def test_a_small_boost_looks_at_few_candidates() -> None:
    shop = Shop(2000)
    boosted(shop.ranking, lambda photos: [0.0] * len(photos), weight=0.01)(10)
    assert shop.asked == [FEWEST_CANDIDATES]


def test_a_rare_colour_is_found_far_down_and_a_common_one_at_once() -> None:
    rare = Shop(2000, red=[1200])
    assert rare.nearer_to(RED, 0.9)(1)[0].product_id == "p1200"
    common = Shop(2000, red=range(0, 2000, 2))
    common.nearer_to(RED, 0.5)(10)
    assert common.asked == [FEWEST_CANDIDATES]


def test_candidates_are_bounded_in_a_large_catalog() -> None:
    shop = Shop(MOST_CANDIDATES * 2, red=[])
    assert len(shop.nearer_to(RED, 1.0)(10)) == 10
    assert max(shop.asked) == MOST_CANDIDATES


def test_another_category_costs_as_much_as_without_a_colour() -> None:
    shop = Shop(2, red=[0, 1])
    shop.photos = [RankedPhoto("own", 0, 0, 0.5), RankedPhoto("other", 1, 0, 0.4, 0.15)]
    own, other = shop.nearer_to(RED, 1.0)(2)
    assert own.score - other.score == pytest.approx(0.15)


def test_what_is_no_colour_is_refused() -> None:
    with pytest.raises(ColourError):
        Shop(3).nearer_to("red", 0.5)


def _around(centre: int, angle: float) -> list[float]:
    """A unit vector whose inner product with its centre's is the cosine of the angle."""
    vector = np.zeros(64)
    vector[2 * centre], vector[2 * centre + 1] = np.cos(angle), np.sin(angle)
    return list(vector)


def _fold(vectors: list[list[float]], k: int) -> list[tuple[str, int | None]]:
    table = np.array(vectors, np.float32)
    photos = [RankedPhoto(f"p{n}", n, 0, 1 - n / len(vectors)) for n in range(len(vectors))]

    def vectors_of(ids: Ids) -> Vectors:
        return table[ids]

    return [(one.product_id, one.folded) for one in fold(lambda n: photos[:n], k, vectors_of)]


def test_near_identical_products_are_counted_with_the_best_of_them() -> None:
    inside = float(np.arccos(NEAR_IDENTICAL)) * 0.99
    vectors = [_around(0, 0), _around(1, 0), _around(0, inside), _around(1, 0), _around(0, -inside)]
    assert _fold(vectors, 5) == [("p0", 2), ("p1", 1)]


def test_products_that_only_look_alike_stay_apart() -> None:
    outside = float(np.arccos(NEAR_IDENTICAL)) * 1.02
    assert _fold([_around(0, 0), _around(0, outside)], 5) == [("p0", 0), ("p1", 0)]


def test_folding_never_under_fills() -> None:
    many = FEWEST_CANDIDATES * 3
    vectors = [_around(0, 0)] * many + [_around(centre, 0) for centre in range(1, 9)]
    assert _fold(vectors, 4) == [("p0", many - 1), *((f"p{many + n}", 0) for n in range(3))]
    assert len(_fold(vectors, 50)) == 9


def test_nothing_to_fold() -> None:
    assert fold(lambda most: [], 5, lambda ids: np.zeros((0, 64), np.float32)) == []
