"""Prices as shops write them: with a point or a comma, a currency before or after them."""

from __future__ import annotations

import math
import re

from indexer.feeds.record import FieldError, shortened

# What a symbol stands for. There are many dollars: theirs is taken off, and says nothing.
_SYMBOLS = {"€": "EUR", "£": "GBP", "$": ""}
_CURRENCY = r"[A-Za-z]{3}|[€£$]"
_PRICE = re.compile(rf"({_CURRENCY})?\s*(\d[\d.,]*)\s*({_CURRENCY})?")
_POINT = re.compile(r"\d+(\.\d+)?|\d{1,3}(,\d{3})+\.\d+|\d{1,3}(,\d{3}){2,}")
_COMMA = re.compile(r"\d+,\d{1,2}|\d{1,3}(\.\d{3})+,\d{1,2}|\d{1,3}(\.\d{3}){2,}")
_EITHER = re.compile(r"\d{1,3},\d{3}")


def parse_price(text: str) -> tuple[float | None, str]:
    """A price and, where the text names one, its currency: ``79.90``, ``79,90 €``, ``$1,299.00``.

    Raises:
        FieldError: not a number, negative, not finite, or a comma that may be either.
    """
    text = text.strip()
    if not text:
        return None, ""
    match = _PRICE.fullmatch(text)
    value = _number(match[2]) if match and not (match[1] and match[3]) else math.inf
    if not match or not math.isfinite(value):
        raise FieldError(f"the price {shortened(text)} is not a number such as 79.90")
    currency = match[1] or match[3] or ""
    return value, _SYMBOLS.get(currency, currency.upper())


def _number(text: str) -> float:
    if _EITHER.fullmatch(text):
        whole, part = text.replace(",", ""), text.replace(",", ".")
        raise FieldError(f"the price {text!r} may be {whole} or {part}: write one of these")
    if _POINT.fullmatch(text):
        return float(text.replace(",", ""))
    if _COMMA.fullmatch(text):
        return float(text.replace(".", "").replace(",", "."))
    return math.inf
