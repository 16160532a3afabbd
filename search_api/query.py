"""The fields beside a photo → what the matcher takes."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Annotated

from fastapi import Query
from starlette.datastructures import FormData, QueryParams

from indexer import carried_words
from indexer.boosting import Boost, BoostError, read_boost
from indexer.carried_words import WordsError
from indexer.facets import FacetError, read_facets
from indexer.filters import Filter, parse_filter
from indexer.matching import COLOUR_WEIGHT, MAX_K, SearchRequest
from indexer.text_cursor import Cursor, CursorError, read_cursor
from indexer.wish import WORDS_WEIGHT, Wish, read_wish
from search_api.errors import Unprocessable
from search_api.reach import Reach
from segmentation.garment import Box

DEFAULT_K = 10
MAX_QUERY = 500
MAX_CATEGORY = 1_000
WORDS_EXAMPLE = "red, striped"
BOOST_EXAMPLE = "popularity:0.2"
FILTER_EXAMPLE = 'brand = "Acme" AND price < 100'
SEARCH_FIELDS = frozenset(
    {
        "photo", "k", "category", "box", "filter", "colour", "colour_weight", "fold", "include",
        "min_score", "facets", "boost", "q", "q_weight",
    }
)  # fmt: skip

K = Annotated[int, Query(ge=1, le=MAX_K)]
FilterText = Annotated[
    str | None,
    Query(
        alias="filter",
        description="Only products that it lets through",
        examples=[FILTER_EXAMPLE],
    ),
]
Fold = Annotated[bool, Query(description="One match for products that are near-identical")]
MinScore = Annotated[
    float | None, Query(ge=0, le=1, description="Matches below this score are left out")
]
BoostText = Annotated[
    str | None,
    Query(
        alias="boost",
        description="A field, whose number (0 to 1 over the catalog) is added to the score, and "
        "its weight, -1 to 1",
        examples=[BOOST_EXAMPLE],
    ),
]
FacetNames = Annotated[
    str | None,
    Query(
        alias="facets",
        description="Fields to count by, separated by commas",
        examples=["brand,category,price"],
    ),
]

Words = Annotated[
    str | None,
    Query(alias="q", description="Words that count too", examples=[WORDS_EXAMPLE]),
]
WordsWeight = Annotated[
    float,
    Query(alias="q_weight", ge=0, le=1, description="How much the words count beside likeness"),
]

_HEX = re.compile(r"#?[0-9a-fA-F]{6}")
_WHOLE = re.compile(r"[0-9]{1,6}")
_FRACTION = re.compile(r"[0-9](\.[0-9]{1,6})?")


def read_search_request(form: FormData, reach: Reach) -> SearchRequest:
    """Read every field of a search, which finds nothing beyond ``reach``.

    Raises:
        Unprocessable: a field that is unknown or cannot be used, by name.
        FilterError: the filter, by column.
    """
    check_names(form, SEARCH_FIELDS)
    weight = _read_share(form, "colour_weight")
    words_weight = _read_share(form, "q_weight")
    return SearchRequest(
        k=read_k(_text(form, "k")),
        category=read_category(_text(form, "category")),
        box=_read_box(_text(form, "box")),
        filter=reach.narrowed(read_filter(_text(form, "filter"))),
        colour=_read_colour(_text(form, "colour")),
        colour_weight=COLOUR_WEIGHT if weight is None else weight,
        wish=read_words(_text(form, "q")),
        words_weight=WORDS_WEIGHT if words_weight is None else words_weight,
        min_score=_read_share(form, "min_score"),
        fold=_read_fold(_text(form, "fold")),
        boost=read_boost_text(_text(form, "boost")),
        include=read_include(form),
        facets=read_facet_names(_text(form, "facets")),
    )


def check_names(form: FormData | QueryParams, known: frozenset[str]) -> None:
    """A misspelt field would silently search for something else."""
    for name in form:
        if name not in known:
            raise Unprocessable(f"unknown field {name[:60]!r}; known: {', '.join(sorted(known))}")


def read_include(form: FormData) -> frozenset[str]:
    """``include``, once or more, each a comma-separated list."""
    words = {
        word.strip()
        for value in form.getlist("include")
        if isinstance(value, str)
        for word in value.split(",")
        if word.strip()
    }
    if words - {"person"}:
        raise Unprocessable("include: the only thing to include is person")
    return frozenset(words)


def read_k(text: str | None) -> int:
    """How many matches a garment, 1 to 100."""
    if text is None:
        return DEFAULT_K
    if not _WHOLE.fullmatch(text) or not 1 <= int(text) <= MAX_K:
        raise Unprocessable(f"k: a whole number from 1 to {MAX_K}")
    return int(text)


def read_filter(text: str | None) -> Filter | None:
    """A filter expression; none where there is no text.

    Raises:
        FilterError: with the column where it went wrong.
    """
    text = plain(text, "filter")
    return None if text is None else parse_filter(text)


def read_facet_names(text: str | None) -> tuple[str, ...]:
    """The fields of ``facets``, separated by commas."""
    try:
        return read_facets(plain(text, "facets"))
    except FacetError as error:
        raise Unprocessable(str(error)) from error


def read_boost_text(text: str | None) -> Boost | None:
    """A field and its weight."""
    text = plain(text, "boost")
    try:
        return None if text is None else read_boost(text)
    except BoostError as error:
        raise Unprocessable(str(error)) from error


def read_query(text: str) -> str:
    """The words of a search by words."""
    try:
        return carried_words.read_query(text)
    except WordsError as error:
        raise Unprocessable(f"q: {error}") from error


def read_listing_words(text: str) -> str:
    """The words that narrow a listing."""
    try:
        return carried_words.read_words(text)
    except WordsError as error:
        raise Unprocessable(f"q: {error}") from error


def read_words(text: str | None) -> Wish | None:
    """Words beside a photo or a product."""
    text = plain(text, "q")
    if text is not None and len(text) > MAX_QUERY:
        raise Unprocessable(f"q: at most {MAX_QUERY} characters")
    return read_wish(text)


def read_category(text: str | None) -> str | None:
    """Garb's word for a garment or the shop's own."""
    text = plain(text, "category")
    if text is not None and len(text) > MAX_CATEGORY:
        raise Unprocessable(f"category: at most {MAX_CATEGORY:,} characters")
    return text


def read_box(values: Sequence[float]) -> Box:
    """Four numbers with an inside."""
    if len(values) != 4 or not all(map(math.isfinite, values)):
        raise Unprocessable("box: four numbers, x0,y0,x1,y1, in pixels of the upright photo")
    box = Box(*values)
    if box.x1 <= box.x0 or box.y1 <= box.y0:
        raise Unprocessable("box: x1 must be right of x0 and y1 below y0")
    return box


def read_after(text: str | None) -> Cursor | None:
    """The ``next`` of the page before."""
    try:
        return read_cursor(text) if text else None
    except CursorError as error:
        raise Unprocessable(str(error)) from error


def plain(text: str | None, name: str) -> str | None:
    """A text without the blanks around it; None where nothing is left."""
    if text is not None and "\x00" in text:
        raise Unprocessable(f"{name}: a NUL character cannot be used")
    return (text or "").strip() or None


def _text(form: FormData, name: str) -> str | None:
    values = form.getlist(name)
    if not values:
        return None
    if len(values) > 1 or not isinstance(values[0], str):
        raise Unprocessable(f"{name}: send it once, as a plain field")
    return plain(values[0], name)


def _read_box(text: str | None) -> Box | None:
    if text is None:
        return None
    try:
        return read_box([float(part) for part in text.strip("[]").split(",")])
    except ValueError:
        return read_box(())


def _read_colour(text: str | None) -> str | None:
    if text is None:
        return None
    if not _HEX.fullmatch(text):
        raise Unprocessable("colour: six hexadecimal digits, such as #1b2a4a")
    return "#" + text.removeprefix("#").lower()


def _read_share(form: FormData, name: str) -> float | None:
    text = _text(form, name)
    if text is None:
        return None
    if not _FRACTION.fullmatch(text) or not 0 <= float(text) <= 1:
        raise Unprocessable(f"{name}: a number from 0 to 1, such as 0.5")
    return float(text)


def _read_fold(text: str | None) -> bool:
    if text not in (None, "true", "false"):
        raise Unprocessable("fold: true or false")
    return text == "true"
