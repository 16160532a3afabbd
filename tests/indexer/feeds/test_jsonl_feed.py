"""JSON lines keep the types of attributes, and name what is wrong by line."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from indexer.feeds.jsonl_feed import MAX_LINE_BYTES
from indexer.feeds.open import open_feed
from indexer.feeds.record import BadRow, ProductRecord
from segmentation.garment import Box


def test_types_are_kept_and_lists_are_read(tmp_path: Path) -> None:
    path = tmp_path / "feed.jsonl"
    values = {
        "id": 7,
        "title": "Dress",
        "price": 79,
        "images": ["a|b.jpg", "c.jpg"],
        "collections": "summer|sale",
        "attributes": {"size": 42, "sale": True, "fits": ["slim", "", " ", "long"]},
        "colour": "navy",
    }
    path.write_text("\ufeff" + json.dumps(values) + "\n\n", encoding="utf-8")
    assert list(open_feed(path)) == [
        ProductRecord(
            id="7",
            title="Dress",
            price=79.0,
            images=("a|b.jpg", "c.jpg"),
            collections=("summer", "sale"),
            attributes={"colour": "navy", "size": 42.0, "sale": True, "fits": ("slim", "long")},
            line=1,
        )
    ]


def test_an_image_without_a_name_does_not_shift_the_boxes_of_the_later_ones(tmp_path: Path) -> None:
    path = tmp_path / "feed.jsonl"
    lines = [
        {"id": "1", "images": ["a.jpg", " ", "b.jpg"], "boxes": [None, None, [1, 2, 30, 40]]},
        {"id": "2", "images": ["", "b.jpg"], "boxes": [[1, 2, 30, 40], None]},
        {"id": "3", "images": ["", "b.jpg"], "boxes": []},
    ]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert list(open_feed(path)) == [
        ProductRecord(id="1", images=("a.jpg", "b.jpg"), boxes=(None, Box(1, 2, 30, 40)), line=1),
        BadRow(2, "2", "a box without an image"),
        ProductRecord(id="3", images=("b.jpg",), line=3),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"image": "a.jpg", "box": [1, 2, 30, 40]},
        {"image": "a.jpg", "box": "1,2,30,40"},
        {"images": ["a.jpg", "b.jpg"], "boxes": [[1, 2, 30, 40], None]},
        {"images": "a.jpg|b.jpg|c.jpg", "boxes": ["1,2,30,40"]},
    ],
)
def test_boxes_lie_on_the_images_in_their_order(tmp_path: Path, fields: dict[str, object]) -> None:
    path = tmp_path / "feed.jsonl"
    path.write_text(json.dumps({"id": "1", **fields}))
    (row,) = open_feed(path)
    assert isinstance(row, ProductRecord)
    assert row.boxes == (Box(1, 2, 30, 40), *[None] * (len(row.images) - 1))
    assert not row.attributes


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"id": "1", "box": [1, 2, 3, 4]}', "more boxes than images"),
        (b'{"id": "1", "image": "a", "box": [1, 2, 3]}', "[x0, y0, x1, y1]"),
        (b'{"id": "1", "image": "a", "box": [0, 0, 1' + b"0" * 400 + b", 9]}", "[x0, y0, x1, y1]"),
        (b'{"id": "1", "image": "a", "box": {"x0": 1}}', "[x0, y0, x1, y1]"),
        (b'{"id": "1", "image": "a", "box": ["a", 2, 3, 4]}', "[x0, y0, x1, y1]"),
        (b'{"id": "1", "image": "a", "boxes": "1,2,3,4"}', "'boxes' is not a list"),
        (b"{", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b'{"title": "x"}', "no id"),
        (b'{"id": "1", "price": "x"}', "not a number"),
        (b'{"id": "1", "price": -1}', "negative"),
        (b'{"id": "1", "price": NaN}', "finite"),
        (b'{"id": "1", "price": true}', "not a number"),
        (b'{"id": "1", "title": ["x"]}', "'title' is not a text"),
        (b'{"id": "1", "images": [1]}', "'images' is not a list of texts"),
        (b'{"id": "1", "size": {"a": 1}}', "'size'"),
        (b'{"id": "1", "title": "a\\u0000b"}', "NUL"),
        (b'{"id": "1", "title": "\\ud800"}', "surrogate"),
        (b'{"id": "\xff"}', "not UTF-8"),
        (b"[" * 100_000, "not JSON"),
        (b'{"id": "1", "size": 1' + b"0" * 400 + b"}", "finite"),
    ],
)
def test_a_bad_line_is_named_and_the_next_is_read(tmp_path: Path, line: bytes, reason: str) -> None:
    path = tmp_path / "feed.jsonl"
    path.write_bytes(line + b'\n{"id": "2"}\n')
    bad, good = list(open_feed(path))
    assert isinstance(bad, BadRow)
    assert bad.line == 1
    assert reason in bad.reason
    assert isinstance(good, ProductRecord)
    assert good.id == "2"


def test_a_line_that_is_too_long_is_named_and_never_held_whole(tmp_path: Path) -> None:
    path = tmp_path / "feed.jsonl"
    sizes = [MAX_LINE_BYTES + 1, 2 * MAX_LINE_BYTES + 2, 10 * MAX_LINE_BYTES]
    with path.open("wb") as file:
        file.writelines(b"x" * (size - 1) + b"\n" + b'{"id": "1"}\n' for size in sizes)
        file.write(b'{"id": "' + b"x" * (MAX_LINE_BYTES - 11) + b'"}\n' + b" " * MAX_LINE_BYTES)
    feed = open_feed(path)
    tracemalloc.start()
    rows, count = [(row.line, row.id or row.reason) for row in feed], feed.count_hint()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == [
        row
        for number, size in enumerate(sizes)
        for row in (
            (2 * number + 1, f"the line has {size:,} bytes; at most {MAX_LINE_BYTES:,}"),
            (2 * number + 2, "1"),
        )
    ] + [(7, f"the id has {MAX_LINE_BYTES - 11} characters; at most 512")]
    assert count == 7
    assert most < 8 * MAX_LINE_BYTES


@pytest.mark.parametrize(
    ("fields", "attributes"),
    [
        ({"box": "gift box"}, {"box": "gift box"}),
        ({"box": 12, "boxes": ["red", "blue"]}, {"box": 12.0, "boxes": ("red", "blue")}),
        ({"boxes": 2, "box": [1, 2, 30, 40]}, {"boxes": 2.0}),
        ({"box": True, "boxes": None}, {"box": True}),
    ],
)
def test_a_word_named_box_stays_an_attribute(
    tmp_path: Path, fields: dict[str, object], attributes: dict[str, object]
) -> None:
    path = tmp_path / "feed.jsonl"
    path.write_text(json.dumps({"id": "1", "image": "a.jpg", **fields}))
    (row,) = open_feed(path)
    assert isinstance(row, ProductRecord)
    assert row.attributes == attributes
    assert bool(row.boxes) == (fields["box"] == [1, 2, 30, 40])


def test_images_under_names_of_their_own_come_in_their_order_with_their_boxes(
    tmp_path: Path,
) -> None:
    path = tmp_path / "feed.jsonl"
    rows = (
        {
            "id": "1",
            "image": "a.jpg",
            "image_10": "c.jpg",
            "image_9": "b.jpg",
            "box_9": [1, 2, 3, 4],
        },
        {"id": "2", "image_1": None, "image_2": "", "image_3": "d.jpg", "box_3": "cardboard"},
        {"id": "3", "box_1": "1,2,3,4"},
    )
    path.write_text("\n".join(json.dumps(row) for row in rows))
    first, second, third = open_feed(path)
    assert isinstance(first, ProductRecord)
    assert isinstance(second, ProductRecord)
    assert (first.images, first.attributes) == (("a.jpg", "b.jpg", "c.jpg"), {})
    assert first.boxes == (None, Box(1, 2, 3, 4), None)
    assert (second.images, second.boxes) == (("d.jpg",), ())
    assert second.attributes == {"box_3": "cardboard"}
    assert third == BadRow(3, "3", "there is a box_1, and no image_1")
