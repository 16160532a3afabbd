"""A wrong line is named and changes nothing for the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.errors import FeedError
from indexer.feeds.open import open_feed
from indexer.feeds.record import BadRow, ProductRecord
from segmentation.garment import Box


def _rows(folder: Path, content: bytes, name: str = "feed.csv") -> list[ProductRecord | BadRow]:
    path = folder / name
    path.write_bytes(content)
    return list(open_feed(path))


def _ids(rows: list[ProductRecord | BadRow]) -> list[str]:
    return [row.id for row in rows if isinstance(row, ProductRecord)]


def _bad(rows: list[ProductRecord | BadRow]) -> list[tuple[int, str | None, str]]:
    return [(row.line, row.id, row.reason) for row in rows if isinstance(row, BadRow)]


def test_all_fields_are_read(tmp_path: Path) -> None:
    rows = _rows(
        tmp_path,
        b"id,title,category,brand,price,currency,url,image,collections,size\n"
        b"1, Red dress ,dress,Acme,79.90,EUR,https://x/1,a.jpg|b.jpg,summer|sale,42\n",
    )
    assert rows == [
        ProductRecord(
            id="1",
            title="Red dress",
            category="dress",
            brand="Acme",
            price=79.9,
            currency="EUR",
            url="https://x/1",
            images=("a.jpg", "b.jpg"),
            collections=("summer", "sale"),
            attributes={"size": "42"},
            line=2,
        )
    ]


_UTF_16 = "id,title\n1,blue\n2,red\n3,green\n".encode("utf-16")


@pytest.mark.parametrize(
    ("content", "good", "bad"),
    [
        (_UTF_16[:-1], ["1", "2"], (4, "3")),
        (_UTF_16[:42] + b"\x00\xd8" + _UTF_16[42:], ["1", "3"], (3, "2")),
        (_UTF_16[:42] + b"\x00\xdc" + _UTF_16[42:], ["1", "3"], (3, "2")),
    ],
)
def test_a_broken_character_of_utf_16_is_a_row_that_is_wrong(
    tmp_path: Path, content: bytes, good: list[str], bad: tuple[int, str]
) -> None:
    rows = _rows(tmp_path, content)
    assert _ids(rows) == good
    assert _bad(rows) == [(*bad, "half a character (a lone surrogate) in 'title'")]


@pytest.mark.parametrize("content", [_UTF_16[:5], _UTF_16[:4] + b"\x00\xd8" + _UTF_16[4:]])
def test_a_broken_character_of_utf_16_in_the_header_is_told(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FeedError, match="half a character"):
        _rows(tmp_path, content)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_byte_order_marks_and_line_ends(
    tmp_path: Path, delimiter: str, bom: str, end: str
) -> None:
    lines = [["id", "title"], ["1", "blue"], ["2", "grün"]]
    text = bom + "".join(delimiter.join(line) + end for line in lines)
    rows = _rows(tmp_path, text.encode())
    assert [(row.id, row.title) for row in rows if isinstance(row, ProductRecord)] == [
        ("1", "blue"),
        ("2", "grün"),
    ]
    assert [row.line for row in rows] == [2, 3]


def test_utf_16_with_a_byte_order_mark(tmp_path: Path) -> None:
    assert _ids(_rows(tmp_path, "id\ttitle\nä\tb\n".encode("utf-16"))) == ["ä"]


def test_numbered_image_columns_keep_their_order(tmp_path: Path) -> None:
    rows = _rows(tmp_path, b"id,image_10,image_2,Image_1\n1,c.jpg,b|b.jpg,a.jpg\n")
    assert isinstance(rows[0], ProductRecord)
    assert rows[0].images == ("a.jpg", "b|b.jpg", "c.jpg")
    assert not rows[0].attributes


def test_boxes_lie_on_the_listed_images_and_on_the_numbered_ones(tmp_path: Path) -> None:
    rows = _rows(
        tmp_path,
        b'id,image,Box,image_2,box_2\n1,a.jpg|b.jpg,"|1,2,30.5,40",c.jpg,"0, 0, 9, 9"\n2,a.jpg,,,\n',
    )
    boxed, plain = rows
    assert isinstance(boxed, ProductRecord)
    assert boxed.images == ("a.jpg", "b.jpg", "c.jpg")
    assert boxed.boxes == (None, Box(1, 2, 30.5, 40), Box(0, 0, 9, 9))
    assert not boxed.attributes
    assert isinstance(plain, ProductRecord)
    assert plain.boxes == ()


def test_a_word_named_box_stays_an_attribute(tmp_path: Path) -> None:
    rows = _rows(
        tmp_path,
        b'id,image,Box,box_2,image_2\n1,a.jpg,gift box,30x40,\n2,a.jpg,12,,b.jpg\n3,a.jpg,"1,2,9,9",,\n',
    )
    one, two, three = (row for row in rows if isinstance(row, ProductRecord))
    assert one.attributes == {"box": "gift box", "box_2": "30x40"}
    assert (two.attributes, two.boxes) == ({"box": "12"}, ())
    assert (three.attributes, three.boxes) == ({}, (Box(1, 2, 9, 9),))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (b'a.jpg,"1,2,3",,', "x0,y0,x1,y1"),
        (b'a.jpg,"5,5,5,9",,', "x0,y0,x1,y1"),
        (b'a.jpg,"-1,0,5,9",,', "x0,y0,x1,y1"),
        (b'a.jpg,"0,0,inf,9",,', "x0,y0,x1,y1"),
        (b'a.jpg,"0,0,nan,9",,', "x0,y0,x1,y1"),
        (b'a.jpg,"0,0,9,9|0,0,9,9",,', "more boxes than images"),
        (b'a.jpg,,,"0,0,9,9"', "box_2, and no image_2"),
    ],
)
def test_a_box_that_cannot_be_used_is_named(tmp_path: Path, fields: bytes, reason: str) -> None:
    rows = _rows(tmp_path, b"id,image,box,image_2,box_2\n1," + fields + b"\n2,a.jpg,,,\n")
    assert _ids(rows) == ["2"]
    ((line, product, said),) = _bad(rows)
    assert (line, product) == (2, "1")
    assert reason in said


def test_quoted_newlines_count_as_physical_lines(tmp_path: Path) -> None:
    rows = _rows(tmp_path, b'id,title\n1,"two\nlines"\n2,b\nbad\n')
    assert _ids(rows) == ["1", "2"]
    assert _bad(rows) == [(5, "bad", "1 fields where the header has 2")]


def test_every_kind_of_bad_line_is_named(tmp_path: Path) -> None:
    rows = _rows(
        tmp_path,
        b"id,title,price\n"
        b"1,ok,1\n"
        b"2,too,1,many\n"
        b",no id,1\n"
        b"4,bad price,12 euros\n"
        b"5,nul\0byte,1\n"
        b"6,latin \xe9,1\n"
        b"7,negative,-3\n"
        b"\n"
        b'9,which comma,"1,299"\n'
        b"10,nan,nan\n"
        b"11,ok,79.90 EUR\n",
    )
    assert _ids(rows) == ["1", "11"]
    assert [(line, product) for line, product, _reason in _bad(rows)] == [
        (3, "2"), (4, None), (5, "4"), (6, "5"), (7, "6"), (8, "7"), (10, "9"), (11, "10"),
    ]  # fmt: skip
    reasons = " / ".join(reason for _line, _product, reason in _bad(rows))
    for part in (
        "4 fields",
        "no id",
        "'12 euros'",
        "NUL",
        "not UTF-8 in 'title'",
        "'1,299' may be",
    ):
        assert part in reasons
    last = rows[-1]
    assert isinstance(last, ProductRecord)
    assert (last.price, last.currency) == (79.9, "EUR")


def test_a_currency_column_counts_before_the_symbol(tmp_path: Path) -> None:
    rows = _rows(tmp_path, b"id;price;currency\n1;\xe2\x82\xac79,00;CHF\n2;79,00 \xe2\x82\xac;\n")
    found = [(row.price, row.currency) for row in rows if isinstance(row, ProductRecord)]
    assert found == [(79.0, "CHF"), (79.0, "EUR")]


@pytest.mark.parametrize(
    "wrong",
    [b'2,"never closed,5', b'2,"closed "too early,5', b'2,"a"b,5', b'"2,x,5', b'2,x,"5'],
)
def test_a_quote_that_is_never_closed_spoils_only_its_line(tmp_path: Path, wrong: bytes) -> None:
    for later in (b"3,b,5\n4,c,6\n", b'3,"b",5\n4,"c",6\n', b""):
        rows = _rows(tmp_path, b"id,title,price\n1,a,5\n" + wrong + b"\n" + later)
        assert _ids(rows) == ["1", "3", "4"][: 3 if later else 1]
        assert [line for line, _product, _reason in _bad(rows)] == [3]


def test_a_quote_inside_an_unquoted_field_is_text(tmp_path: Path) -> None:
    rows = _rows(tmp_path, b'id,title\n1,a 5" heel\n2,b\n')
    assert isinstance(rows[0], ProductRecord)
    assert rows[0].title == 'a 5" heel'
    assert _ids(rows) == ["1", "2"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"title,image\nx,y\n", "no column 'id'"),
        (b"id,title,title\n", "twice"),
        (b'id,"title\n', "never closed"),
        ("id,größe\n".encode("cp1252"), "CSV UTF-8"),
        (b"\x89PNG\r\n\x1a\n", "not UTF-8 in the header"),
        ("id,größe\n".encode("latin-1"), "not UTF-8 in the header"),
    ],
)
def test_a_header_that_cannot_be_used_is_an_error(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    with pytest.raises(FeedError, match=reason) as caught:
        _rows(tmp_path, content)
    assert "\n" not in str(caught.value)


def test_the_count_hint_does_not_count_the_header(tmp_path: Path) -> None:
    path = tmp_path / "feed.csv"
    path.write_bytes(b"id\n1\n\n2\n")
    assert open_feed(path).count_hint() == 2
