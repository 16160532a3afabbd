"""What a facet is, without a database."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.facets import MAX_FACETS, FacetError, price_bounds, read_facets


def test_fields_are_read_once_each_in_their_order() -> None:
    assert read_facets(" brand, price ,,brand") == ("brand", "price")
    assert read_facets(None) == read_facets(" , ") == ()
    with pytest.raises(FacetError):
        read_facets(",".join(map(str, range(MAX_FACETS + 1))))


@pytest.mark.parametrize(
    ("lowest", "bounds"),
    [
        ([], []),
        ([49.0], []),
        ([9.99, 19.99, 29.99], [15, 25]),
        ([5, 20, 40, 79.9, 150, 420], [20, 40, 60, 140, 400]),
        ([100.0, 100.03, 100.04], [100.03, 100.04]),
        ([3, 1, 2, 2], [2, 3]),
        ([0, 5e-324, 1e12], [5e-324, 1e12]),
    ],
)
def test_bounds_are_round_and_lie_between_the_parts(
    lowest: list[float], bounds: list[float]
) -> None:
    assert price_bounds(lowest) == pytest.approx(bounds, rel=1e-12, abs=0)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e12), max_size=6))
def test_every_part_begins_in_a_range_of_its_own(lowest: list[float]) -> None:
    parts = sorted(set(lowest))
    bounds = price_bounds(lowest)
    assert len(bounds) == max(0, len(parts) - 1)
    for (before, price), bound in zip(pairwise(parts), bounds, strict=True):
        assert before < bound <= price
