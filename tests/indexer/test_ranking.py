from __future__ import annotations

import numpy as np
import pytest

from indexer.live_index import LiveIndex
from indexer.ranking import (
    NAMED,
    SEEN,
    CategoryCosts,
    category_costs,
    rank_products,
)
from tests.indexer.memory_catalog import DIMENSION, MemoryCatalog, unit

WORDS = ("dress", "top", "Jeans", "widget", "shoes")


@pytest.fixture(scope="module")
def index() -> LiveIndex:
    """200 products of 1 to 5 photos, in four categories and an unmapped one."""
    catalog = MemoryCatalog()
    rng = np.random.default_rng(3)
    for number in range(200):
        for position, vector in enumerate(unit(rng, 1 + number % 5)):
            catalog.put(
                f"p{number}", vector, position=position, category=WORDS[number % len(WORDS)]
            )
    made = LiveIndex(catalog, embedder_version="fake", dimension=DIMENSION)
    made.open()
    return made


def _by_hand(
    index: LiveIndex,
    query: np.ndarray,
    category: str | None,
    costs: CategoryCosts,
    allowed: set[int] | None,
) -> list[tuple[str, float]]:
    """Score every photo, keep the best of a product, sort."""
    generation = index.generation()
    names = ("top", "outerwear", "dress", "trousers", "shorts", "skirt", "shoes", "bag", "hat")
    best: dict[str, float] = {}
    for row in generation.rows:
        if allowed is not None and int(row["image_id"]) not in allowed:
            continue
        vector = generation.vectors.vectors(np.array([row["image_id"]]))[0]
        theirs = names[row["category"]] if row["category"] >= 0 else None
        cost = 0.0 if category is None else category_costs(category, costs)[theirs]
        product_id = generation.product_ids[row["product"]]
        best[product_id] = max(best.get(product_id, -9.0), float(vector @ query) - cost)
    return sorted(best.items(), key=lambda item: -item[1])


@pytest.mark.parametrize("costs", [SEEN, NAMED])
@pytest.mark.parametrize("category", [None, "dress", "trousers", "hat"])
@pytest.mark.parametrize("share", [None, 0.02, 0.7])
def test_ranking_equals_brute_force(
    index: LiveIndex, category: str | None, share: float | None, costs: CategoryCosts
) -> None:
    rng = np.random.default_rng(11)
    images = index.generation().rows["image_id"]
    for query in unit(rng, 10):
        allowed = None if share is None else np.sort(images[rng.random(len(images)) < share])
        ranked = rank_products(
            index.generation(), query, 10, category=category, costs=costs, allowed=allowed
        )
        wanted = _by_hand(
            index, query, category, costs, None if allowed is None else set(allowed.tolist())
        )
        assert [photo.product_id for photo in ranked] == [one for one, _ in wanted[:10]]
        np.testing.assert_allclose(
            [photo.score for photo in ranked], [score for _, score in wanted[:10]], atol=1e-5
        )


def test_exactly_k_products_come_back_though_one_has_many_photos() -> None:
    catalog = MemoryCatalog()
    rng = np.random.default_rng(1)
    near = unit(rng, 1)[0]
    for position in range(300):
        catalog.put("many", near + 0.01 * unit(rng, 1)[0], position=position)
    for number in range(8):
        catalog.put(f"p{number}", unit(rng, 1)[0])
    index = LiveIndex(catalog, embedder_version="fake", dimension=DIMENSION)
    index.open()
    ranked = rank_products(index.generation(), near, 5, category=None)
    assert len({photo.product_id for photo in ranked}) == 5
    assert ranked[0].product_id == "many"
    assert len(rank_products(index.generation(), near, 50, category=None)) == 9


@pytest.mark.parametrize("order", [1, -1])
def test_of_products_with_the_same_photo_their_ids_decide_and_not_who_came_first(
    order: int,
) -> None:
    catalog = MemoryCatalog()
    rng = np.random.default_rng(3)
    shared, worse = unit(rng, 2)
    for number in range(200)[::order]:
        catalog.put(f"p{number:03}", worse if number % 4 == 0 else shared)
    index = LiveIndex(catalog, embedder_version="fake", dimension=DIMENSION)
    index.open()
    ranked = rank_products(index.generation(), shared, 5, category=None)
    assert [photo.product_id for photo in ranked] == ["p001", "p002", "p003", "p005", "p006"]


def test_another_category_costs_points_and_an_unmapped_one_none() -> None:
    costs = category_costs("trousers", CategoryCosts(other=0.4, near=0.1))
    assert costs["trousers"] == costs[None] == 0
    assert costs["shorts"] == 0.1
    assert costs["dress"] == 0.4
