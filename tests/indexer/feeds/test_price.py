"""Prices as shops write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.feeds.price import parse_price
from indexer.feeds.record import FieldError

_CENTS = st.integers(0, 10**9)


@pytest.mark.parametrize(
    ("text", "price", "currency"),
    [
        ("", None, ""),
        ("79", 79.0, ""),
        ("79.9", 79.9, ""),
        # A bare point stays one: exports write prices so.
        ("1.299", 1.299, ""),
        ("79,00", 79.0, ""),
        ("79,5", 79.5, ""),
        ("1.299,00", 1299.0, ""),
        ("1,299.00", 1299.0, ""),
        ("1,234,567", 1234567.0, ""),
        ("1.234.567", 1234567.0, ""),
        ("€79", 79.0, "EUR"),
        ("79,00 €", 79.0, "EUR"),
        ("79,00\u00a0€", 79.0, "EUR"),
        ("£ 5.50", 5.5, "GBP"),
        ("$1,299.00", 1299.0, ""),
        ("EUR 79", 79.0, "EUR"),
        ("chf79.00", 79.0, "CHF"),
        ("79.00EUR", 79.0, "EUR"),
    ],
)
def test_a_price_is_read_as_shops_write_it(text: str, price: float | None, currency: str) -> None:
    assert parse_price(text) == (price, currency)


@pytest.mark.parametrize(
    "text",
    ["cheap", "-1", "12 euros", "€", "€79 EUR", "1,2,3", "1.2.3", "12,3456", "1.29,00", "1,29.00",
     "1,299,00", "1.299.00", "79,", ",79", "79.", "1e3", "9" * 400, "1,299,000,00"],
)  # fmt: skip
def test_what_is_no_price_is_refused(text: str) -> None:
    with pytest.raises(FieldError, match=r"is not a number such as 79\.90"):
        parse_price(text)


@pytest.mark.parametrize("text", ["1,299", "$1,299", "1,299 EUR"])
def test_a_comma_that_may_be_either_is_refused_with_both(text: str) -> None:
    with pytest.raises(FieldError, match=r"'1,299' may be 1299 or 1\.299: write one of these"):
        parse_price(text)


@given(cents=_CENTS, sign=st.sampled_from(["", "€", "EUR "]))
def test_a_price_with_cents_means_the_same_in_every_notation(cents: int, sign: str) -> None:
    english = f"{cents / 100:,.2f}"
    continental = english.translate(str.maketrans(",.", ".,"))
    plain = f"{cents / 100:.2f}"
    texts = [english, continental, plain, plain.replace(".", ",")]
    assert {parse_price(sign + text)[0] for text in texts} == {cents / 100}


@given(st.text(alphabet="0123456789.,€$£EUR -", max_size=12))
def test_any_text_is_a_price_or_refused(text: str) -> None:
    try:
        price, currency = parse_price(text)
    except FieldError:
        return
    assert price is None or price >= 0
    assert currency in ("", "EUR", "GBP") or currency.isalpha()
