"""Recall at k and mean reciprocal rank."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

RECALL_AT = (1, 5, 10)

Figures = dict[str, float]


def figures_of(ranks: Sequence[int]) -> Figures:
    """``r@k``: the share of queries whose right product is among the first k; ``mrr``: the mean of 1 / rank.

    ``ranks``: of the right product, from 1. All 0 without queries.
    """
    count = max(1, len(ranks))
    recalls = {f"r@{k}": sum(rank <= k for rank in ranks) / count for k in RECALL_AT}
    values = recalls | {"mrr": sum(1 / rank for rank in ranks) / count}
    return {name: round(value, 4) for name, value in values.items()}


def grouped(named_ranks: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    """Ranks by name, the names in order; those without a name are left out."""
    groups: dict[str, list[int]] = defaultdict(list)
    for name, rank in named_ranks:
        if name:
            groups[name].append(rank)
    return dict(sorted(groups.items()))
