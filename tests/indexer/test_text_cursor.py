from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.text_cursor import Cursor, CursorError, Part, read_cursor

TEXTS = st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=200)


@settings(deadline=None)
@given(st.sampled_from([Part.SEEN, Part.FITTING]), st.floats(-1, 1), TEXTS, TEXTS)
def test_a_place_by_score_reads_back(
    part: Part, score: float, product_id: str, version: str
) -> None:
    cursor = Cursor(part, score, product_id, version)
    assert read_cursor(str(cursor)) == cursor


@settings(deadline=None)
@given(TEXTS, TEXTS, TEXTS)
def test_a_place_by_title_reads_back(title: str, product_id: str, version: str) -> None:
    cursor = Cursor(Part.UNSEEN, title, product_id, version)
    assert read_cursor(str(cursor)) == cursor


def _encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "p1",
        "ü",
        "a" * 5000,
        "////",
        _encoded(None),
        _encoded("abc"),
        _encoded([0, 0.5]),
        _encoded([0, 0.5, "a"]),
        _encoded([0, 0.5, "a", 7]),
        _encoded([3, 0.5, "a", "v"]),
        _encoded([0, "title", "a", "v"]),
        _encoded([1, 0.5, "a", "v"]),
        _encoded([0, 0.5, 7, "v"]),
        _encoded([0, float("nan"), "a", "v"]),
        _encoded([0, float("inf"), "a", "v"]),
        _encoded([1, "a\x00", "a", "v"]),
        _encoded([1, "\ud800", "a", "v"]),
        base64.urlsafe_b64encode(b"[" * 2900).decode(),
    ],
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(CursorError):
        read_cursor(text)
