"""Facets against counting by hand, on both databases."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from indexer.catalog.repository import Catalog
from indexer.catalog.rows import ProductWrite
from indexer.facets import MAX_VALUES, PriceFacet, ValueFacet
from indexer.feeds.record import ProductRecord
from indexer.filters import And, Comparison, parse_filter

BRANDS = ("Acme", "acme", "Zed & Co", "Ünlü", "", 'say "hi"')


def _records(count: int = 120) -> list[ProductRecord]:
    rng = np.random.default_rng(5)
    return [
        ProductRecord(
            id=f"p{number}",
            title="red gown" if number % 3 else "hat",
            category=("dress", "Hoodies", "")[number % 3],
            brand=BRANDS[int(rng.integers(len(BRANDS)))],
            price=None if number % 10 == 0 else float(rng.integers(5, 400)) - 0.01,
            collections=("new", "sale", "new")[: number % 4],
            attributes={
                "size": int(rng.integers(34, 40)),
                "sku": f"{number % 40}",
                "organic": number % 2 == 0,
                "tags": ("a", "b", "a") if number % 5 else ("c",),
            },
        )
        for number in range(count)
    ]


@pytest.fixture
def shop(catalog: Catalog) -> Catalog:
    catalog.write_products([ProductWrite(record, None) for record in _records()])
    catalog.remove_products(["p1", "p2"])
    return catalog


def _by_filter(catalog: Catalog, narrow: str, words: str, name: str, value: str) -> int:
    tree = And((parse_filter(narrow), Comparison(name, "=", (value,))))
    return catalog.product_count(words=words, tree=tree)


def test_a_value_counts_what_a_filter_for_it_lets_through(shop: Catalog) -> None:
    narrow, words = "price < 300", "gown"
    tree = parse_filter(narrow)
    names = ("brand", "title", "size", "organic", "collections", "tags", "sku")
    facets = shop.facets(names, words=words, tree=tree)
    assert [facet.name for facet in facets] == list(names)
    for facet in facets:
        assert isinstance(facet, ValueFacet)
        counts = [count for _, count in facet.values]
        assert counts == sorted(counts, reverse=True)
        assert counts
        assert counts == [
            _by_filter(shop, narrow, words, facet.name, value) for value, _ in facet.values
        ], facet.name
    brands = facets[0]
    assert isinstance(brands, ValueFacet)
    assert {value for value, _ in brands.values} == set(BRANDS) - {""}
    assert sum(count for _, count in brands.values) == shop.product_count(
        words=words, tree=And((tree, Comparison("brand", "!=", ("",))))
    )


def test_values_beyond_the_most_frequent_are_counted_together(shop: Catalog) -> None:
    (facet,) = shop.facets(["sku"])
    assert isinstance(facet, ValueFacet)
    expected = Counter(
        str(record.attributes["sku"]) for record in _records() if record.id not in ("p1", "p2")
    )
    in_order = sorted(expected.items(), key=lambda item: (-item[1], item[0]))
    assert list(facet.values) == in_order[:MAX_VALUES]
    assert facet.other == sum(count for _, count in in_order[MAX_VALUES:]) > 0


def test_every_price_is_in_one_range_and_a_filter_finds_as_many(shop: Catalog) -> None:
    (facet,) = shop.facets(["price"], words="gown")
    assert isinstance(facet, PriceFacet)
    assert len(facet.ranges) == 6
    assert (facet.ranges[0].low, facet.ranges[-1].high) == (None, None)
    assert [one.high for one in facet.ranges[:-1]] == [one.low for one in facet.ranges[1:]]
    for one in facet.ranges:
        low = -1 if one.low is None else one.low
        high = 1e9 if one.high is None else one.high
        tree = parse_filter(f"price >= {low} AND price < {high}")
        assert shop.product_count(words="gown", tree=tree) == one.count > 0
    total = sum(one.count for one in facet.ranges)
    assert total == shop.product_count(words="gown", tree=parse_filter("price >= 0"))


def test_only_the_products_named_are_counted(shop: Catalog) -> None:
    (facet,) = shop.facets(["size"], ids=["p1", "p3", "p4"])
    assert isinstance(facet, ValueFacet)
    assert sum(count for _, count in facet.values) == 2
    assert shop.facets(["size", "price"], ids=[]) == (
        ValueFacet("size", (), 0),
        PriceFacet("price", ()),
    )


def test_a_field_that_nothing_has_counts_nothing(shop: Catalog) -> None:
    assert shop.facets(["' OR 1=1", "p\u00e4ris"]) == (
        ValueFacet("' OR 1=1", (), 0),
        ValueFacet("p\u00e4ris", (), 0),
    )
