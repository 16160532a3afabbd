"""A file is recognised by what it holds; folders and standard input are feeds too."""

from __future__ import annotations

import io
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from indexer.errors import FeedError
from indexer.feeds.formats import FeedFormat, recognise
from indexer.feeds.open import open_feed, open_feed_or_input
from indexer.feeds.record import BadRow, ProductRecord

_RSS = b'<?xml version="1.0"?><rss version="2.0"><channel></channel></rss>'


@pytest.mark.parametrize(
    ("name", "content", "format"),
    [
        ("feed.csv", b"id,title,image\n", FeedFormat.CSV),
        ("feed", b"\xef\xbb\xbfid;title\n", FeedFormat.CSV),
        ("feed", b'\n {"id": "1"}\n', FeedFormat.JSONL),
        ("feed.jsonl", b"nonsense\n", FeedFormat.JSONL),
        ("feed.dat", b"PAR1\0\0", FeedFormat.PARQUET),
        ("feed.txt", b"id\ttitle\timage link\tprice\n", FeedFormat.GOOGLE),
        ("feed.csv", b"id,title,image_link,price\n", FeedFormat.GOOGLE),
        ("feed.csv", b"id,title,image,image_link\n", FeedFormat.CSV),
        ("feed.txt", _RSS, FeedFormat.GOOGLE),
        ("feed", _RSS.decode().encode("utf-16"), FeedFormat.GOOGLE),
        ("products.csv", b"Handle,Title,Vendor,Image Src\n", FeedFormat.SHOPIFY),
        ("products.csv", b"Title,URL handle,Vendor,SKU\n", FeedFormat.SHOPIFY),
        ("words.csv", b"title,handle\n", FeedFormat.CSV),
        ("words.docx", b"title,handle\n", None),
        ("feed.docx", b"x", None),
        ("feed", b"", None),
    ],
)
def test_a_format_is_told_from_the_content_then_from_the_extension(
    tmp_path: Path, name: str, content: bytes, format: FeedFormat | None
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert recognise(path) is format


def test_files_that_are_no_feed(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="no such file"):
        open_feed(tmp_path / "none.csv")
    with pytest.raises(FeedError, match="has no feed"):
        open_feed(tmp_path)
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(FeedError, match="not a regular file; use - for standard input"):
        open_feed(tmp_path / "pipe.csv")
    (tmp_path / "feed.docx").write_bytes(b"x")
    with pytest.raises(FeedError, match="--format"):
        open_feed(tmp_path / "feed.docx")


def test_a_given_format_is_not_doubted(tmp_path: Path) -> None:
    path = tmp_path / "feed.csv"
    path.write_bytes(b"id,Title,Price\n1,a,2\n")
    with pytest.raises(FeedError, match=r"no column 'handle' .*\(columns: id, Title, Price\)"):
        open_feed(path, FeedFormat.SHOPIFY)
    with pytest.raises(FeedError, match="not a Parquet file"):
        open_feed(path, FeedFormat.PARQUET)


def test_a_folder_is_every_feed_in_it_by_name(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_bytes(b'{"id": "2"}\n{\n')
    (tmp_path / "a.csv").write_bytes(b"id\n1\n")
    (tmp_path / "photo.jpg").write_bytes(b"no feed")
    (tmp_path / ".c.csv").write_bytes(b"id\n3\n")
    feed = open_feed(tmp_path)
    assert [(row.file, row.line, row.id) for row in feed] == [
        ("a.csv", 2, "1"),
        ("b.jsonl", 1, "2"),
        ("b.jsonl", 2, None),
    ]
    assert feed.count_hint() == 3
    assert feed.path == tmp_path


def test_one_file_that_cannot_be_read_is_named_before_anything_is_imported(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id\n1\n")
    (tmp_path / "b.csv").write_bytes(b"")
    with pytest.raises(FeedError, match=r"b\.csv: the feed is empty"):
        open_feed(tmp_path)


def test_standard_input_is_read_and_its_names_are_relative_to_the_working_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    piped = SimpleNamespace(buffer=io.BytesIO(b'{"id": "1"}\n{\n'))
    monkeypatch.setattr("sys.stdin", piped)
    with open_feed_or_input(Path("-")) as feed:
        good, bad = list(feed)
        assert feed.count_hint() == 2
        assert feed.path.parent == Path()
    assert isinstance(good, ProductRecord)
    assert isinstance(bad, BadRow)


def test_standard_input_that_tells_nothing_asks_for_a_format(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"hello\n")))
    with (
        pytest.raises(FeedError, match=r"^standard input: .*--format"),
        open_feed_or_input(Path("-")),
    ):
        pass


@pytest.mark.parametrize("product_id", ["a/similar", "a/images", "a/images/0", "a/images/x", ".."])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("feed.csv", "id,title\n{id},T\n"),
        ("feed.jsonl", '{{"id": "{id}"}}\n'),
        ("feed.tsv", "id\timage_link\n{id}\thttps://a.example/1.jpg\n"),
        ("products.csv", "Handle,Title,Published,Variant Price\n{id},T,true,1\n"),
    ],
)
def test_an_id_that_no_address_could_name_is_refused_in_every_format(
    tmp_path: Path, name: str, text: str, product_id: str
) -> None:
    (tmp_path / name).write_text(text.format(id=product_id))
    (row,) = open_feed(tmp_path / name)
    assert isinstance(row, BadRow)
    assert "an id may not" in row.reason
    (tmp_path / name).write_text(text.format(id="images/similar-a"))
    (row,) = open_feed(tmp_path / name)
    assert isinstance(row, ProductRecord)
