from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import FilterError
from indexer.filters import MAX_DEPTH, OPERATORS, And, Comparison, Filter, Or, parse_filter

_values = st.one_of(
    st.text(max_size=12), st.floats(allow_nan=False, allow_infinity=False).map(float)
)
_single = [operator for operator in OPERATORS if operator != "IN"]
_comparisons = st.one_of(
    st.builds(
        Comparison, st.text(min_size=1, max_size=8), st.sampled_from(_single), st.tuples(_values)
    ),
    st.builds(
        Comparison,
        st.text(min_size=1, max_size=8),
        st.just("IN"),
        st.lists(_values, min_size=1, max_size=4).map(tuple),
    ),
)


def _groups(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    parts = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(And, parts), st.builds(Or, parts))


@given(st.recursive(_comparisons, _groups, max_leaves=6))
def test_text_of_a_tree_reads_back_as_the_same_tree(tree: Filter) -> None:
    assert parse_filter(str(tree)) == tree


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_column_in_it(text: str) -> None:
    column = 1
    try:
        parse_filter(text)
    except FilterError as error:
        column = error.column
    assert 1 <= column <= len(text) + 1


def test_the_example_of_the_contract() -> None:
    assert parse_filter('(brand = "Acme" OR brand = "Zed") AND price < 100') == And(
        (
            Or((Comparison("brand", "=", ("Acme",)), Comparison("brand", "=", ("Zed",)))),
            Comparison("price", "<", (100.0,)),
        )
    )


def test_and_binds_closer_than_or() -> None:
    a, b, c = (Comparison(name, "=", (1.0,)) for name in "abc")
    assert parse_filter("a=1 or b=1 and c=1") == Or((a, And((b, c))))


def test_bare_words_quotes_and_numbers() -> None:
    assert parse_filter("size IN (M, 'X L', \"42\", 42, 501s)") == Comparison(
        "size", "IN", ("M", "X L", "42", 42.0, "501s")
    )
    assert parse_filter('"sleeve length" = long') == Comparison("sleeve length", "=", ("long",))
    assert parse_filter(r"title = 'it\'s'") == Comparison("title", "=", ("it's",))


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 1),
        ("brand", 6),
        ("brand =", 8),
        ("brand = AND price < 3", 9),
        ("brand = 'Acme", 9),
        ("price < 10 colour = red", 12),
        ("(price < 10", 12),
        ("price < 10)", 11),
        ("price ~ 10", 7),
        ("size IN M", 9),
        ("size IN ()", 10),
        ("size IN (M,)", 12),
        ("price = 1e999", 9),
        ("'' = 3", 1),
        ("brand = Acme OR", 16),
    ],
)
def test_an_error_names_the_column(text: str, column: int) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    assert caught.value.column == column


def test_hostile_nesting_and_length_are_refused() -> None:
    with pytest.raises(FilterError):
        parse_filter("(" * (MAX_DEPTH + 2) + "a=1" + ")" * (MAX_DEPTH + 2))
    with pytest.raises(FilterError):
        parse_filter("a=1 OR " * 1_000 + "a=1")
    assert math.isfinite(parse_filter("(" * MAX_DEPTH + "a=1" + ")" * MAX_DEPTH).values[0])  # type: ignore[union-attr,arg-type]
