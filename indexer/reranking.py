"""What may be done to a ranking on request: colour or a field weighed in, cut off, near-identical products folded.

A ranking is asked for its best n products; each step here makes another ranking of one, and asks it
for as many as its own answer needs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from indexer.answer import shown_score
from indexer.colour_match import closeness, lab_of
from indexer.ranking import RankedPhoto, rank
from indexer.vectors.base import Ids, Vectors
from segmentation.garment import NamedColour

# n → the n best products, best first; fewer only where there are no more.
Ranking = Callable[[int], list[RankedPhoto]]
ValuesOf = Callable[[Sequence[RankedPhoto]], Sequence[float]]
ColoursOf = Callable[[Sequence[RankedPhoto]], Sequence[Sequence[NamedColour]]]

# Inner product from which two products' photos show one article, sold twice or in two sizes. Looking
# through a real catalog's most alike pairs: above it one article, just below it another print, stripe
# or shade of the same cut.
NEAR_IDENTICAL = 0.97
# How many candidates a step looks at: at first, and at most.
FEWEST_CANDIDATES = 200
MOST_CANDIDATES = 3200
_GROWTH = 4


def nearer_to(colour: str, ranking: Ranking, colours_of: ColoursOf, *, weight: float) -> Ranking:
    """The ranking with closeness in colour weighed in, as `fitting` does.

    Args:
        colour: ``#rrggbb``.
        colours_of: the stored colours of photos.
        weight: 0 (the ranking itself) to 1 (likeness decides nothing).

    Raises:
        ColourError: not such a colour.
    """
    wanted = lab_of([colour])
    return fitting(
        ranking, lambda photos: closeness(wanted, colours_of(photos)).tolist(), weight=weight
    )


def fitting(ranking: Ranking, fit_of: ValuesOf, *, weight: float) -> Ranking:
    """The ranking by (1 − weight) · likeness + weight · fit − cost of the category.

    Exact as long as the answer lies among the `MOST_CANDIDATES` most alike: candidates are fetched
    until no product further down could come in, did it fit perfectly (the threshold algorithm:
    Fagin, Lotem, Naor 2003).

    Args:
        fit_of: how well the photos meet what was asked for, 0–1.
        weight: 0 (the ranking itself) to 1 (likeness decides nothing).
    """

    def blended(photo: RankedPhoto, fit: float) -> RankedPhoto:
        likeness = photo.score + photo.cost
        return replace(photo, score=(1 - weight) * likeness + weight * fit - photo.cost)

    def rescored(photos: Sequence[RankedPhoto]) -> list[RankedPhoto]:
        return list(map(blended, photos, fit_of(photos)))

    return _rescored(ranking, rescored, lambda score: (1 - weight) * score + weight)


def boosted(ranking: Ranking, values_of: ValuesOf, *, weight: float) -> Ranking:
    """The ranking by score + weight · value. Exact as `fitting` is.

    Args:
        values_of: of the photos' products, 0–1.
        weight: −1 to 1.
    """

    def rescored(photos: Sequence[RankedPhoto]) -> list[RankedPhoto]:
        return [
            replace(photo, score=photo.score + weight * value)
            for photo, value in zip(photos, values_of(photos), strict=True)
        ]

    return _rescored(ranking, rescored, lambda score: score + max(weight, 0))


def _rescored(
    ranking: Ranking,
    rescored: Callable[[Sequence[RankedPhoto]], list[RankedPhoto]],
    highest_for: Callable[[float], float],
) -> Ranking:
    """The ranking by new scores; ``highest_for``: the highest that a score, or a lower one, becomes."""

    def best(most: int) -> list[RankedPhoto]:
        fetch = max(FEWEST_CANDIDATES, most)
        while True:
            candidates = ranking(fetch)
            ranked = sorted(rescored(candidates), key=rank)[:most]
            if len(candidates) < fetch or fetch >= MOST_CANDIDATES:
                return ranked
            if ranked[-1].score >= highest_for(candidates[-1].score):
                return ranked
            fetch *= _GROWTH

    return best


def at_least(score: float, ranking: Ranking) -> Ranking:
    """The ranking as far as scores, as answers show them, reach ``score``."""

    def best(most: int) -> list[RankedPhoto]:
        return [photo for photo in ranking(most) if shown_score(photo.score) >= score]

    return best


def page_place(photo: RankedPhoto) -> tuple[float, str]:
    """What pages are sorted by: nearly the score, then the product.

    Rounded, because one product's score may differ in its last bits from one generation to the
    next; by product, because of two photos as good another may then come first.
    """
    return -round(photo.score, 5), photo.product_id


def behind(place: tuple[float, str] | None, ranking: Ranking) -> Ranking:
    """The ranking from behind a `page_place` on, in the order of these places; None: from the start."""

    def best(most: int) -> list[RankedPhoto]:
        fetch = max(FEWEST_CANDIDATES, most)
        while True:
            candidates = ranking(fetch)
            whole = len(candidates) < fetch
            # Of those that tie with the last one, some may not have been fetched.
            last = 0.0 if whole else page_place(candidates[-1])[0]
            found = sorted(
                (photo for photo in candidates if whole or page_place(photo)[0] < last),
                key=page_place,
            )
            found = [photo for photo in found if place is None or page_place(photo) > place]
            if whole or len(found) >= most:
                return found[:most]
            fetch *= _GROWTH

    return best


def fold(ranking: Ranking, k: int, vectors_of: Callable[[Ids], Vectors]) -> list[RankedPhoto]:
    """The ``k`` best products of which no two are near-identical.

    A product that is near-identical to a better one is counted there; so are those further down,
    as far as candidates were looked at.

    Args:
        vectors_of: image ids → float32 (n, dimension), unit length, in their order.
    """
    fetch = max(FEWEST_CANDIDATES, k)
    while True:
        candidates = ranking(fetch)
        folds = _folded(candidates, k, vectors_of)
        if len(folds) == k or len(candidates) < fetch:
            return folds
        fetch *= _GROWTH


def _folded(
    candidates: Sequence[RankedPhoto], k: int, vectors_of: Callable[[Ids], Vectors]
) -> list[RankedPhoto]:
    if not candidates:
        return []
    ids = np.fromiter((photo.image_id for photo in candidates), np.int64, len(candidates))
    vectors = vectors_of(ids)
    kept: list[int] = []
    counts: list[int] = []
    for number, vector in enumerate(vectors):
        alike = vectors[kept] @ vector
        if kept and alike.max() >= NEAR_IDENTICAL:
            counts[int(alike.argmax())] += 1
        elif len(kept) < k:
            kept.append(number)
            counts.append(0)
    return [
        replace(candidates[number], folded=count)
        for number, count in zip(kept, counts, strict=True)
    ]
