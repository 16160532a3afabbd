"""Google Merchant feeds as table and as XML give the same records; hostile XML is refused."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import pytest

from indexer.errors import FeedError
from indexer.feeds.open import open_feed
from indexer.feeds.record import BadRow, ProductRecord
from segmentation.labels import category_of

Rows = list[ProductRecord | BadRow]

_ITEM = """
    <item>
      <g:id>d-1</g:id>
      <title>Navy &amp; white dress</title>
      <description><![CDATA[Long <b>words</b>]]></description>
      <link>https://shop.example/d-1?a=1&amp;b=2</link>
      <g:image_link>https://cdn.example/d-1.jpg</g:image_link>
      <g:additional_image_link>https://cdn.example/d-1-back.jpg</g:additional_image_link>
      <g:additional_image_link>https://cdn.example/d-1-side.jpg</g:additional_image_link>
      <g:price>79.00 EUR</g:price>
      <g:sale_price>59.00 EUR</g:sale_price>
      <g:brand>Acme</g:brand>
      <g:google_product_category>2271</g:google_product_category>
      <g:product_type>Women &gt; Maxi dresses</g:product_type>
      <g:item_group_id>group-1</g:item_group_id>
      <g:shipping>
        <g:country>DE</g:country>
        <g:price>4.49 EUR</g:price>
      </g:shipping>
    </item>"""
_EXPECTED = ProductRecord(
    id="d-1",
    title="Navy & white dress",
    category="Women > Maxi dresses",
    brand="Acme",
    price=79.0,
    currency="EUR",
    url="https://shop.example/d-1?a=1&b=2",
    images=(
        "https://cdn.example/d-1.jpg",
        "https://cdn.example/d-1-back.jpg",
        "https://cdn.example/d-1-side.jpg",
    ),
    attributes={
        "sale_price": 59.0,
        "google_product_category": "2271",
        "item_group_id": "group-1",
        "shipping": "DE:4.49 EUR",
    },
    line=5,
)


def _rss(items: str) -> str:
    return (
        '<?xml version="1.0"?>\n<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0">\n'
        f"<channel><title>The shop</title><link>https://shop.example</link>\n{items}\n"
        "</channel></rss>\n"
    )


def _rows(folder: Path, content: str | bytes, name: str = "feed.xml") -> Rows:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(open_feed(path))


def test_rss_gives_every_field(tmp_path: Path) -> None:
    assert _rows(tmp_path, _rss(_ITEM)) == [_EXPECTED]
    assert open_feed(tmp_path / "feed.xml").count_hint() == 1


def test_atom_gives_the_same_and_its_link_is_an_attribute(tmp_path: Path) -> None:
    entry = _ITEM.replace("item>", "entry>").replace(
        "<link>https://shop.example/d-1?a=1&amp;b=2</link>",
        '<link rel="self" href="https://shop.example/feed"/>\n'
        '<link href="https://shop.example/d-1?a=1&amp;b=2"/><id>tag:shop.example,2026:d-1</id>',
    )
    feed = (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0">'
        f"<title>The shop</title><id>tag:shop.example</id>\n\n\n\n{entry[1:]}</feed>"
    )
    assert _rows(tmp_path, feed) == [_EXPECTED]


@pytest.mark.parametrize("prefix", ["", "g:"])
@pytest.mark.parametrize("gap", ["_", " "])
def test_a_table_gives_the_same(tmp_path: Path, prefix: str, gap: str) -> None:
    values = {
        "id": "d-1",
        "title": "Navy & white dress",
        "description": "Long words",
        "link": _EXPECTED.url,
        "image_link": _EXPECTED.images[0],
        "additional_image_link": ",".join(_EXPECTED.images[1:]),
        "price": "79.00 EUR",
        "sale_price": "59.00 EUR",
        "brand": "Acme",
        "google_product_category": "2271",
        "product_type": "Women > Maxi dresses",
        "item_group_id": "group-1",
        "shipping": "DE:4.49 EUR",
        "gtin": "",
    }
    header = "\t".join(prefix + name.replace("_", gap) for name in values)
    text = f"{header}\n" + "\t".join(values.values()) + "\n"
    (row,) = _rows(tmp_path, text, "feed.tsv")
    assert isinstance(row, ProductRecord)
    assert {**row.attributes} == {**_EXPECTED.attributes}
    assert (row.images, row.price, row.currency) == (_EXPECTED.images, 79.0, "EUR")
    assert (row.category, row.url, row.line) == (_EXPECTED.category, _EXPECTED.url, 2)


@pytest.mark.parametrize(
    ("google", "own", "category"),
    [
        ("2271", "", "dress"),
        ("Apparel & Accessories > Clothing > Skirts", "Sale", "skirt"),
        ("Apparel & Accessories > Shoes", "Jeans", "trousers"),
        ("5598", "New in", "outerwear"),
        ("4444444", "Gizmos", None),
    ],
)
def test_the_shops_word_counts_where_it_can_be_mapped_else_googles(
    tmp_path: Path, google: str, own: str, category: str | None
) -> None:
    text = f"id\timage_link\tgoogle_product_category\tproduct_type\n1\ta.jpg\t{google}\t{own}\n"
    (row,) = _rows(tmp_path, text, "feed.tsv")
    assert isinstance(row, ProductRecord)
    assert category_of(row.category) == category


@pytest.mark.parametrize("price", ["79.00 EUR", "79.00EUR", "79.00 eur", "79 EUR"])
def test_prices_are_read_as_shops_write_them(tmp_path: Path, price: str) -> None:
    (row,) = _rows(tmp_path, f"id\timage_link\tprice\n1\ta.jpg\t{price}\n", "feed.tsv")
    assert isinstance(row, ProductRecord)
    assert (row.price, row.currency) == (79.0, "EUR")


def test_a_bad_item_is_named_by_its_line_and_the_others_are_read(tmp_path: Path) -> None:
    items = (
        "<item><g:id>1</g:id><g:price>79.00 EUR</g:price></item>\n"
        "<item><g:id>2</g:id><g:price>cheap</g:price></item>\n"
        "<item><title>none</title></item>\n"
        f"<item><g:id>4</g:id><title>{'x' * 1_100_000}</title></item>\n"
        "<item><g:id>5</g:id><g:sale_price>-1</g:sale_price></item>\n"
        "<item><g:id>6</g:id></item>"
    )
    rows = _rows(tmp_path, _rss(items))
    assert [row.id for row in rows if isinstance(row, ProductRecord)] == ["1", "6"]
    bad = [row for row in rows if isinstance(row, BadRow)]
    assert [(row.line, row.id) for row in bad] == [(5, "2"), (6, None), (7, "4"), (8, "5")]
    for row, part in zip(bad, ["'cheap'", "no id", "characters", "'-1'"], strict=True):
        assert part in row.reason


def test_a_bad_row_of_a_table_is_named_with_its_id(tmp_path: Path) -> None:
    text = b"id\ttitle\timage_link\n1\tlatin \xe9\ta\n\tx\tb\n3\tx\tc\td\n4\tx\te\n"
    rows = _rows(tmp_path, text, "feed.tsv")
    assert [(row.line, row.id) for row in rows] == [(2, "1"), (3, None), (4, "3"), (5, "4")]
    assert isinstance(rows[0], BadRow)
    assert rows[0].reason == (
        "bytes that are not UTF-8 in 'title': save the file as UTF-8 (in Excel: CSV UTF-8)"
    )


def test_what_stands_before_broken_xml_is_kept_and_the_break_is_named(tmp_path: Path) -> None:
    good = "".join(f"<item><g:id>{number}</g:id></item>\n" for number in range(5000))
    for rest in ("<item><g:id>x</g:title></item>", "<item>&undefined;</item>", "<item>\0"):
        rows = _rows(tmp_path, _rss(good + rest))
        assert len(rows) == 5001
        last = rows[-1]
        assert isinstance(last, BadRow)
        assert last.line == 5004
        assert "nothing after it can be read" in last.reason
    assert len(_rows(tmp_path, _rss(good)[:-5])) == 5001


def test_words_are_whole_where_a_block_ends_inside_them(tmp_path: Path) -> None:
    titles = [f"A title of {number} words" for number in range(6000)]
    items = "".join(
        f"<item><g:id>{n}</g:id><title>{t}</title></item>" for n, t in enumerate(titles)
    )
    rows = _rows(tmp_path, _rss(items))
    assert [row.title for row in rows if isinstance(row, ProductRecord)] == titles


_BOMB = '<!DOCTYPE rss [<!ENTITY a "x">' + "".join(
    f'<!ENTITY a{n} "{f"&a{n - 1 or str()};" * 10}">' for n in range(1, 10)
) + "]>"  # fmt: skip


@pytest.mark.parametrize(
    "start",
    [
        _BOMB,
        '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE rss SYSTEM "http://127.0.0.1:1/rss.dtd">',
        '<!DOCTYPE rss [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
    ],
)
def test_a_document_type_definition_is_refused(tmp_path: Path, start: str) -> None:
    item = "<rss><channel><item><id>&x;&a9;</id></item></channel></rss>"
    started = time.process_time()
    with pytest.raises(FeedError, match="document type definition"):
        _rows(tmp_path, start + item)
    # Unfolded it would take minutes.
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html><body>Not found</body></html>", "<html>"),
        (b"<rss", "empty"),
        (b"<\xff\xfe", "not XML"),
        (b'<?xml version="1.0" encoding="nonsense"?><rss/>', "nonsense"),
        (b'<?xml version="1.0" encoding="shift_jis"?><rss/>', "multi-byte"),
    ],
)
def test_xml_that_is_no_feed_is_one_line(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(FeedError, match=reason) as caught:
        _rows(tmp_path, content)
    assert "\n" not in str(caught.value)


def test_elements_that_lie_too_deep_are_refused(tmp_path: Path) -> None:
    rows = _rows(tmp_path, _rss("<item>" + "<a>" * 100_000))
    assert [row.id for row in rows] == [None]


@pytest.mark.parametrize(
    ("endless", "reason"),
    [
        (f"<item x='{'a' * 8_000_000}'/>", "a tag or a comment has more than 1,048,576 bytes"),
        (f"<!--{'a' * 8_000_000}-->", "a tag or a comment has more than 1,048,576 bytes"),
        (f"<item>{'<a/>' * 2_000_000}</item>", "an item has more than 10,000 elements"),
    ],
    ids=["tag", "comment", "elements"],
)
def test_what_never_ends_is_refused_and_not_held(tmp_path: Path, endless: str, reason: str) -> None:
    path = tmp_path / "feed.xml"
    path.write_text(_rss("<item><g:id>1</g:id></item>" + endless))
    tracemalloc.start()
    try:
        rows = list(open_feed(path))
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()
    assert [row.id for row in rows if isinstance(row, ProductRecord)] == ["1"]
    assert isinstance(rows[-1], BadRow)
    assert rows[-1].reason == f"{reason}; nothing after it can be read"


def test_a_long_feed_is_never_held_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    item = f"<item><g:id>1</g:id><description>{'words ' * 1000}</description></item>"
    path.write_text(_rss(item * 2000))
    assert path.stat().st_size > 12_000_000
    tracemalloc.start()
    try:
        assert sum(1 for _ in open_feed(path)) == 2000
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()
