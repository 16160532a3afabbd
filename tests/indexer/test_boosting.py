from __future__ import annotations

import pytest

from indexer.boosting import Boost, BoostError, read_boost, values_in
from indexer.ranking import RankedPhoto
from tests.indexer.memory_catalog import MemoryCatalog


@pytest.mark.parametrize(
    ("text", "boost"),
    [
        ("popularity:0.2", Boost("popularity", 0.2)),
        (" a: b : -1 ", Boost("a: b", -1.0)),
        ("price:.5", Boost("price", 0.5)),
        ("price:+0", Boost("price", 0.0)),
    ],
)
def test_a_boost_is_a_field_and_a_weight(text: str, boost: Boost) -> None:
    assert read_boost(text) == boost


@pytest.mark.parametrize(
    "text",
    [
        "",
        "price",
        "price:",
        ":0.5",
        " :0.5",
        "price:1.1",
        "price:-2",
        "price:nan",
        "price:1e-1",
        "price:.",
        "price:-",
        "price:\u0661",
    ],
)
def test_what_is_no_boost_is_refused(text: str) -> None:
    with pytest.raises(BoostError):
        read_boost(text)


def _values(prices: dict[str, float | None]) -> list[float]:
    catalog = MemoryCatalog()
    for name, price in prices.items():
        catalog.put(name, None, price=price)
    photos = [RankedPhoto(name, number, 0, 0.5) for number, name in enumerate(prices)]
    return values_in(catalog, "price")(photos)


def test_values_go_from_the_lowest_of_the_catalog_to_the_highest() -> None:
    assert _values({"a": 30.0, "b": None, "c": 10.0, "d": 50.0}) == [0.5, 0, 0, 1]
    assert _values({"a": 30.0, "b": None}) == [1, 0]
    assert _values({"a": None}) == [0]


def test_a_product_that_came_meanwhile_counts_no_more_than_the_highest() -> None:
    catalog = MemoryCatalog()
    catalog.put("a", None, price=0.0)
    catalog.put("b", None, price=10.0)
    values_of = values_in(catalog, "price")
    catalog.put("c", None, price=1000.0)
    assert values_of([RankedPhoto("c", 0, 0, 0.5), RankedPhoto("b", 1, 0, 0.5)]) == [1, 1]
