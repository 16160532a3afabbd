"""An exported feed reads back as the same records."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.errors import FeedError
from indexer.feeds.export import write_feed
from indexer.feeds.open import open_feed
from indexer.feeds.record import ProductRecord, boxes_of, record_hash
from segmentation.garment import Box

_TEXT = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=8
).map(str.strip)
_IDS = st.text(
    st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=8
).map(str.strip).filter(lambda text: text not in ("", ".", ".."))  # fmt: skip
_PLAIN = _TEXT.filter(lambda text: bool(text) and "|" not in text)
_NAMES = st.from_regex(r"[a-z]{3,8}_of", fullmatch=True)
_IMAGES = _PLAIN.filter(lambda text: "\n" not in text and "\r" not in text)
_PRICES = st.none() | st.floats(0, 1e9, allow_nan=False).map(lambda price: round(price, 2))


_SIDES = st.floats(1, 1e6).map(lambda side: round(side, 3))
_BOXES = st.builds(
    lambda x0, y0, width, height: Box(x0, y0, x0 + width, y0 + height),
    *(_SIDES.map(lambda side: side - 1), _SIDES, _SIDES, _SIDES),
)


def _with_boxes(boxes: list[Box | None], **fields: Any) -> ProductRecord:
    record = ProductRecord(**fields)
    return replace(record, boxes=boxes_of(record.images, boxes[: len(record.images)]))


def _records(attributes: st.SearchStrategy[dict[str, object]]) -> st.SearchStrategy[ProductRecord]:
    return st.builds(
        _with_boxes,
        st.lists(st.none() | _BOXES, max_size=3),
        id=_IDS,
        title=_TEXT,
        category=_TEXT,
        brand=_TEXT,
        price=_PRICES,
        currency=_TEXT,
        url=_TEXT,
        images=st.lists(_IMAGES, max_size=3).map(tuple),
        collections=st.lists(_PLAIN, max_size=2).map(tuple),
        attributes=attributes,
    )


def _round_trip(records: list[ProductRecord], name: str) -> list[ProductRecord]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        assert write_feed(lambda: iter(records), path) == len(records)
        read = list(open_feed(path))
    assert all(isinstance(row, ProductRecord) for row in read), read
    return [row for row in read if isinstance(row, ProductRecord)]


def _content(records: list[ProductRecord]) -> list[tuple[object, ...]]:
    return [(record_hash(record), record.images, record.boxes) for record in records]


@settings(max_examples=25, deadline=None)
@given(st.lists(_records(st.dictionaries(_NAMES, _PLAIN, max_size=3)), max_size=4))
def test_csv_round_trip(records: list[ProductRecord]) -> None:
    assert _content(_round_trip(records, "out.csv")) == _content(records)


_SCALARS = _TEXT.filter(bool) | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
_VALUES = _SCALARS | st.lists(_SCALARS, min_size=1, max_size=3).map(tuple)


@settings(max_examples=25, deadline=None)
@given(st.lists(_records(st.dictionaries(_NAMES, _VALUES, max_size=3)), max_size=4))
def test_jsonl_round_trip(records: list[ProductRecord]) -> None:
    assert _content(_round_trip(records, "out.jsonl")) == _content(records)


def test_a_value_that_csv_cannot_hold_leaves_no_file(tmp_path: Path) -> None:
    record = ProductRecord(id="1", collections=("a|b",))
    with pytest.raises(FeedError, match="jsonl"):
        write_feed(lambda: [record], tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []


def test_only_feeds_that_can_be_read_are_written(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="jsonl"):
        write_feed(lambda: [], tmp_path / "out.xlsx")


def test_an_attribute_named_like_a_column_asks_for_json_lines(tmp_path: Path) -> None:
    record = ProductRecord(
        id="1", images=("a.jpg",), boxes=(Box(0, 0, 9, 9),), attributes={"box": "gift box"}
    )
    with pytest.raises(FeedError, match=r"'box' too, export a \.jsonl"):
        write_feed(lambda: [record], tmp_path / "out.csv")
    assert _round_trip([record], "out.jsonl")[0].attributes == {"box": "gift box"}
    plain = replace(record, boxes=())
    assert _round_trip([plain], "out.csv")[0].attributes == {"box": "gift box"}
