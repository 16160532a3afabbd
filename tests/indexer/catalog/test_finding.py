"""Which products there are: listed, searched by words, filtered."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from indexer.carried_words import MOST_WORDS
from indexer.catalog.repository import Catalog
from indexer.catalog.rows import ProductWrite
from indexer.feeds.record import AttributeValue, ProductRecord
from indexer.filters import MAX_LENGTH, Comparison, parse_filter
from tests.indexer.catalog.written import product_write


def test_products_are_listed_by_code_point_in_pages(catalog: Catalog) -> None:
    ids = ["b", "A", "ä", "a", "B", "_", "10", "9"]
    catalog.write_products([product_write(one) for one in ids])
    listed: list[str] = []
    while page := catalog.list_products(after=listed[-1] if listed else None, limit=3):
        listed += [product.id for product in page]
    assert listed == sorted(ids)
    assert [product.id for product in catalog.all_products()] == sorted(ids)


def test_words_are_found_in_any_case_and_wildcards_are_text(catalog: Catalog) -> None:
    catalog.write_products(
        [product_write("1", title="Red Dress"), product_write("2", title="100% wool")]
    )
    assert [product.id for product in catalog.search_text("dress RED")] == ["1"]
    assert [product.id for product in catalog.search_text("0%")] == ["2"]
    assert catalog.search_text("_%_ x") == []
    assert catalog.product_ids_carrying("RED") == {"1"}
    assert catalog.product_ids_carrying("wool kimono") == set()


def test_every_one_of_many_words_must_be_carried(catalog: Catalog) -> None:
    words = [f"w{number}ä{'_' * (number % 3)}" for number in range(MOST_WORDS)]
    titles = {"all": " ".join(words), "all but one": " ".join(words[:-1])}
    catalog.write_products([product_write(one, title=title) for one, title in titles.items()])
    asked = " ".join(words)
    deep = parse_filter(" OR ".join(["brand != x"] * 280))
    assert [one.id for one in catalog.search_text(asked, tree=deep)] == ["all"]
    assert catalog.product_ids_carrying(" ".join(words[:-1]).upper()) == {"all", "all but one"}


def test_words_of_any_alphabet_are_found_in_any_case(catalog: Catalog) -> None:
    titles = {"a": "Robe d'ÉTÉ", "b": "robe d'été", "c": "ЮБКА", "d": "Größe", "e": "robe d'ete"}
    records = [ProductRecord(id=product_id, title=title) for product_id, title in titles.items()]
    catalog.write_products([ProductWrite(record, None) for record in records])
    for words, expected in {
        "été": ["a", "b"],
        "ROBE ÉTÉ": ["a", "b"],
        "юбка": ["c"],
        "GRÖSSE": [],
        "größe": ["d"],
        "robe": ["a", "b", "e"],
    }.items():
        assert [product.id for product in catalog.list_products(words=words)] == expected, words
        assert catalog.product_count(words=words) == len(expected)


def test_words_are_listed_in_pages_too(catalog: Catalog) -> None:
    titles = {"1": "Red gown", "2": "Blue gown", "3": "Red hat", "4": "Long red gown"}
    catalog.write_products([product_write(one, title=title) for one, title in titles.items()])
    first = catalog.list_products(words="gown RED", limit=1)
    assert [product.id for product in first] == ["1"]
    rest = catalog.list_products(words="gown RED", limit=1, after="1")
    assert [product.id for product in rest] == ["4"]
    assert catalog.list_products(words="gown RED", limit=1, after="4") == []
    assert len(catalog.list_products(words="  ")) == 4
    counts = [catalog.product_count(words=words) for words in ("gown RED", "red", "kimono", "  ")]
    assert counts == [2, 3, 0, 4]
    catalog.remove_products(["1"])
    assert (catalog.product_count(words="gown RED"), catalog.product_count()) == (1, 3)


def test_a_listing_repeats_and_skips_nothing_while_products_come_and_go(catalog: Catalog) -> None:
    stayed = {f"{number:02}" for number in range(0, 40, 2)}
    catalog.write_products([product_write(one) for one in stayed])
    listed: list[str] = []
    while page := catalog.list_products(after=listed[-1] if listed else None, limit=3):
        listed += [product.id for product in page]
        last = int(listed[-1])
        leaving = {f"{last:02}", f"{last + 4:02}", f"{last - 4:02}"}
        catalog.remove_products(leaving)
        stayed -= leaving
        catalog.write_products([product_write(f"{last - 1:02}"), product_write(f"{last + 1:02}")])
    assert listed == sorted(set(listed))
    assert stayed
    assert stayed <= set(listed)


def test_the_numbers_of_a_field_are_those_of_living_products(catalog: Catalog) -> None:
    fields: dict[str, tuple[float | None, AttributeValue]] = {
        "1": (10.0, 5),
        "2": (None, ("7.5", "no number", 2)),
        "3": (30.0, "plain"),
        "gone": (1000.0, 1000),
    }
    for one, (price, popularity) in fields.items():
        record = ProductRecord(id=one, price=price, attributes={"popularity": popularity})
        catalog.write_products([ProductWrite(record, None)])
    catalog.remove_products(["gone"])
    assert catalog.number_range("price") == (10, 30)
    assert catalog.number_range("popularity") == (5, 7.5)
    assert catalog.number_range("nothing") is None
    assert catalog.numbers_of("price", fields) == {"1": 10, "3": 30}
    assert catalog.numbers_of("popularity", ["2", "3", "gone"]) == {"2": 7.5}


def test_a_word_for_a_garment_that_stands_nowhere_means_its_category(catalog: Catalog) -> None:
    titles = {"1": "Red gown", "2": "Blue gown", "3": "Sneaker", "4": "Boot", "5": "Box"}
    categories = {"1": "dress", "2": "Evening wear > Dress", "3": "shoes", "4": "shoes"}
    for one, title in titles.items():
        record = ProductRecord(id=one, title=title, category=categories.get(one, ""), brand="Acme")
        catalog.write_products([ProductWrite(record, None)])
    found = {"Kleid": "12", "dresses red": "1", "dress": "12", "sneaker": "3", "clogs": "34"}
    for words, ids in {**found, "hats": "", "xyzzy": ""}.items():
        assert catalog.product_ids_carrying(words) == set(ids), words
        assert "".join(one.id for one in catalog.list_products(words=words)) == ids
        assert {one.id for one in catalog.search_text(words)} == set(ids)
        assert catalog.product_count(words=words) == len(ids)
        counted = [facet.to_json() for facet in catalog.facets(["brand"], words=words)]
        assert sum(one["count"] for facet in counted for one in facet["values"]) == len(ids)
    # What the filter leaves out is as if it were not there.
    tree = parse_filter("id != 3")
    assert catalog.product_ids_carrying("sneaker", tree=tree) == {"4"}
    catalog.remove_products(["3"])
    assert catalog.product_ids_carrying("sneaker") == {"4"}


def test_fields_that_can_be_named_are_those_of_living_products(catalog: Catalog) -> None:
    for one, name in (("1", "Size"), ("gone", "colour of the button")):
        record = ProductRecord(id=one, attributes={name: "M"}, collections=("winter",))
        catalog.write_products([ProductWrite(record, None)])
    catalog.remove_products(["gone"])
    every = {"id", "title", "category", "brand", "currency", "url", "price", "collection"}
    assert catalog.field_names() == every | {"Size", "colour", "pattern", "tag"}


def test_words_and_a_filter_narrow_the_same_products_everywhere(catalog: Catalog) -> None:
    for number in range(9):
        title = "red gown" if number % 2 else "red hat"
        record = ProductRecord(id=str(number), title=title, price=float(number))
        catalog.write_products([ProductWrite(record, None)])
    tree = parse_filter("price >= 3 AND price != 5")
    narrow: Any = {"words": "GOWN", "tree": tree}
    assert [one.id for one in catalog.list_products(**narrow)] == ["3", "7"]
    assert [one.id for one in catalog.list_products(after="3", **narrow)] == ["7"]
    assert catalog.product_count(**narrow) == 2
    assert catalog.product_count(tree=tree) == 5
    assert [one.id for one in catalog.search_text("gown", tree=tree)] == ["3", "7"]
    assert catalog.product_ids_carrying("gown", tree=tree) == {"3", "7"}


_FILTERED: tuple[tuple[str, str, float | None, Mapping[str, AttributeValue]], ...] = (
    ("1", "Acme", 5.0, {"size": "42", "sale": True, "weight": 1.5}),
    ("2", "Zed", 100.0, {"size": "9", "material": "wool"}),
    ("3", "", None, {"size": "XL", 'it\'s "odd" %': "y"}),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("price < 100", "1"),
        ("price <= 100", "12"),
        ("price != 5", "23"),
        ("price IN (5, 100)", "12"),
        ('price = "5"', "1"),
        ("price = cheap", ""),
        ("brand = Acme", "1"),
        ("brand = acme", ""),
        ("brand != Acme", "23"),
        ("brand IN (Acme, Zed)", "12"),
        ("(brand = Acme OR brand = Zed) AND price > 50", "2"),
        ("size < 10", "2"),
        ("size >= 9", "12"),
        ("size = 42", "1"),
        ('size = "42"', "1"),
        ("size = 42.0", "1"),
        ("size IN (9, XL)", "23"),
        ("size != 9", "13"),
        ("material != wool", "13"),
        ("sale = true", "1"),
        ("weight > 1 AND weight < 2", "1"),
        ("nothing = 1", ""),
        ("nothing != 1", "123"),
        ("category = t-shirt", "123"),
        ("category = top", "123"),
        ("category != top", ""),
        ("category = dress", ""),
        ('title > "T" AND id <= 2', "12"),
        ("collections = summer", "123"),
        ("collection = autumn", ""),
        ('"it\'s \\"odd\\" %" = y', "3"),
        ('brand = "x\' OR 1=1 --"', ""),
    ],
)
def test_filters(catalog: Catalog, text: str, expected: str) -> None:
    records = [
        ProductRecord(
            id=product_id,
            title="Title",
            category="t-shirt",
            brand=brand,
            price=price,
            collections=("summer", "sale"),
            attributes=attributes,
        )
        for product_id, brand, price, attributes in _FILTERED
    ]
    catalog.write_products([ProductWrite(record, ()) for record in records])
    assert catalog.product_ids_matching(parse_filter(text)) == set(expected)
    assert catalog.product_ids_matching(None) is None


def _longest(first: str, more: str, last: str, *, field: str) -> str:
    """A filter as long as one may be."""
    text = first.format(field)
    for number in itertools.count(2):
        value = more.format(field=field, number=number)
        if len(text) + len(value) + len(last) > MAX_LENGTH:
            return text + last
        text += value
    raise AssertionError


def test_the_longest_filter_is_answered(catalog: Catalog) -> None:
    shapes = [
        ("{} IN (M", ",{number}", ")"),
        ("{} IN (1", ",{number}", ")"),
        ("{} = 1", " OR {field}={number}", ""),
        ("{} = M", " AND {field}!={number}", ""),
    ]
    for field, shape in itertools.product(("size", "colour", "price", "category"), shapes):
        tree = parse_filter(_longest(*shape, field=field))
        assert catalog.product_ids_matching(tree) == set()


def test_more_collections_than_a_filter_names_are_looked_through(catalog: Catalog) -> None:
    names = [f"season {number}" for number in range(2_000)]
    records = [ProductRecord(id=str(n), collections=(name,)) for n, name in enumerate(names)]
    catalog.write_products([ProductWrite(record, ()) for record in (records[0], records[-1])])
    tree = Comparison("collections", "IN", tuple(names[1:]))
    assert catalog.product_ids_matching(tree) == {"1999"}
