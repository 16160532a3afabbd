"""One vector against one generation of the index: the best product photos, one a product.

A garment should match products of its own category first. Categories are guesses on both sides, so
another category costs points instead of shutting a product out, and the likelier confusions cost
less. Searching once a price keeps the result exact: within a price the order is the score's own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from indexer.generation import Generation
from indexer.vectors.base import Ids, Vectors
from segmentation.labels import GARMENT_CATEGORIES


@dataclass(frozen=True, slots=True)
class CategoryCosts:
    """What a product of another category, or of one that is often taken for it, costs."""

    other: float
    near: float


# Of a category that the segmenter saw; and of one that a person or a catalog names. Where the shop has
# the very garment, lower ones find it as well, a little better where the segmenter was mistaken; where
# it has not, they answer shoes with shorts. `benchmarks/street_to_catalog.py` counts those.
SEEN = CategoryCosts(other=0.3, near=0.1)
NAMED = CategoryCosts(other=0.5, near=0.3)

# Photos whose scores agree in so many decimals are equally good.
SCORE_DIGITS = 6

# Groups whose members are often taken for each other: a long shirt is a short dress.
NEAR_CATEGORIES: tuple[frozenset[str], ...] = (
    frozenset({"top", "outerwear"}),
    frozenset({"top", "dress"}),
    frozenset({"dress", "skirt"}),
    frozenset({"trousers", "shorts"}),
    frozenset({"shorts", "skirt"}),
)


@dataclass(frozen=True, slots=True)
class RankedPhoto:
    """A product's photo. ``score``: inner product less ``cost``, that of its category.

    ``folded``: how many near-identical products it stands for; None where none were folded.
    """

    product_id: str
    image_id: int
    position: int
    score: float
    cost: float = 0.0
    folded: int | None = None


def rank_products(
    generation: Generation,
    query: Vectors,
    k: int,
    *,
    category: str | None,
    costs: CategoryCosts = SEEN,
    allowed: Ids | None = None,
) -> list[RankedPhoto]:
    """The ``k`` best products, best first, each with its closest photo; ties by product id.

    Fewer come back only when fewer products are allowed.

    Args:
        query: float32 (dimension,).
        category: the garment's; None (unknown) makes all categories cost the same.
        costs: of the others; `NAMED` where the category is known for sure.
        allowed: image ids that may be found; None: all.

    Raises:
        VectorRefused: as `VectorView.search`.
    """
    return best_of_each(
        photo
        for cost, images in _priced(generation, category, costs, allowed)
        for photo in _best_photos(generation, query, k, images, cost)
    )[:k]


def best_of_each(photos: Iterable[RankedPhoto]) -> list[RankedPhoto]:
    """Every product's best photo, best first; ties by product id."""
    best: dict[str, RankedPhoto] = {}
    for photo in photos:
        known = best.get(photo.product_id)
        if known is None or rank(photo) < rank(known):
            best[photo.product_id] = photo
    return sorted(best.values(), key=rank)


def category_costs(category: str, costs: CategoryCosts) -> Mapping[str | None, float]:
    """What each of Garb's categories, and None for unmapped products, costs a garment."""
    of_each: dict[str | None, float] = dict.fromkeys(GARMENT_CATEGORIES, costs.other)
    of_each |= dict.fromkeys(near_categories(category), costs.near)
    return of_each | {category: 0.0, None: 0.0}


def near_categories(category: str) -> frozenset[str]:
    """The categories that this one is often taken for."""
    groups = (group for group in NEAR_CATEGORIES if category in group)
    return frozenset().union(*groups) - {category}


def rank(photo: RankedPhoto) -> tuple[float, str, int]:
    """What photos are sorted by: the best first, and of equal ones what the feed alone decides.

    Image ids are in the order of the import: the same catalog elsewhere has others. Rounded,
    because the same vector's score may differ in its last bits from one place to another.
    """
    return -round(photo.score, SCORE_DIGITS), photo.product_id, photo.position


def _priced(
    generation: Generation, category: str | None, costs: CategoryCosts, allowed: Ids | None
) -> Iterator[tuple[float, Ids | None]]:
    """The allowed images by what their category costs."""
    if category is None:
        yield 0.0, allowed
        return
    categories_at: dict[float, set[str | None]] = defaultdict(set)
    for name, cost in category_costs(category, costs).items():
        categories_at[cost].add(name)
    for cost, names in categories_at.items():
        images = generation.images_in(names)
        yield cost, images if allowed is None else np.intersect1d(images, allowed)


def _best_photos(
    generation: Generation, query: Vectors, k: int, images: Ids | None, cost: float
) -> list[RankedPhoto]:
    """Fetch on until ``k`` products and all that tie with the last are found, or no image is left."""
    fetch = 2 * k
    while True:
        ids, scores = generation.vectors.search(query, fetch, allowed=images)
        rows = generation.rows_of(ids)
        _, first = np.unique(rows["product"], return_index=True)
        if len(ids) < fetch or (len(first) >= k and scores[-1] < _clearly_below(scores, first, k)):
            break
        fetch *= 4
    photos = [
        RankedPhoto(
            product_id=generation.product_ids[int(row["product"])],
            image_id=int(image_id),
            position=int(row["position"]),
            score=float(score) - cost,
            cost=cost,
        )
        for image_id, row, score in zip(ids, rows, scores, strict=True)
    ]
    return best_of_each(photos)[:k]


def _clearly_below(scores: Vectors, first: Ids, k: int) -> float:
    """What scores less is worse than the ``k``-th product; ``first``: each product's best photo."""
    return float(scores[np.sort(first)[k - 1]]) - 10.0**-SCORE_DIGITS
