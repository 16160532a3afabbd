"""Which reader reads a feed: a file, every file of a folder, or standard input."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copyfileobj
from typing import BinaryIO

from indexer.errors import FeedError
from indexer.feeds.csv_feed import CsvFeed
from indexer.feeds.formats import SUFFIXES, FeedFormat, is_xml, recognise
from indexer.feeds.google_feed import GoogleTableFeed, GoogleXmlFeed
from indexer.feeds.jsonl_feed import JsonlFeed
from indexer.feeds.parquet_feed import ParquetFeed
from indexer.feeds.record import BadRow, Feed, ProductRecord
from indexer.feeds.shopify_feed import ShopifyFeed

STANDARD_INPUT = Path("-")


def open_feed(path: Path, format: FeedFormat | None = None) -> Feed:
    """Open a feed, or every feed of a folder in the order of their names.

    Without a format the content decides where it can be told apart, else the extension.

    Raises:
        FeedError: no such file, an unknown format, or a header that cannot be used.
        MissingDependency: a Parquet feed without pyarrow.
    """
    if path.is_dir():
        return _open_folder(path, format)
    if not path.is_file():
        if path.exists():
            raise FeedError(f"{path}: not a regular file; use - for standard input")
        raise FeedError(f"{path}: no such file")
    try:
        return _open_file(path, format)
    except OSError as error:
        raise FeedError(f"{path}: {error.strerror or error}") from error


@contextmanager
def open_feed_or_input(path: Path, format: FeedFormat | None = None) -> Iterator[Feed]:
    """`open_feed`, or standard input for ``-``, kept in a temporary file until it is left."""
    if path != STANDARD_INPUT:
        yield open_feed(path, format)
        return
    with tempfile.TemporaryDirectory(prefix="garb-feed-") as folder:
        yield _open_stream(sys.stdin.buffer, Path(folder) / "standard-input", format)


@dataclass(frozen=True, slots=True)
class FolderFeed:
    """The feeds of a folder, one after another; every row tells its file."""

    path: Path
    feeds: Sequence[Feed]

    def __iter__(self) -> Iterator[ProductRecord | BadRow]:
        """Every row of every file."""
        for feed in self.feeds:
            for row in feed:
                yield replace(row, file=feed.path.name)

    def count_hint(self) -> int:
        """The files' hints together."""
        return sum(feed.count_hint() for feed in self.feeds)


@dataclass(frozen=True, slots=True)
class InputFeed:
    """A feed that came through a pipe: its image names are relative to the working folder."""

    feed: Feed
    path: Path = STANDARD_INPUT

    def __iter__(self) -> Iterator[ProductRecord | BadRow]:
        """Its rows."""
        yield from self.feed

    def count_hint(self) -> int:
        """The feed's hint."""
        return self.feed.count_hint()


def _open_file(path: Path, format: FeedFormat | None) -> Feed:
    chosen = format or recognise(path)
    match chosen:
        case FeedFormat.CSV:
            return CsvFeed(path)
        case FeedFormat.JSONL:
            return JsonlFeed(path)
        case FeedFormat.PARQUET:
            return ParquetFeed(path)
        case FeedFormat.GOOGLE:
            return GoogleXmlFeed(path) if is_xml(path) else GoogleTableFeed(path)
        case FeedFormat.SHOPIFY:
            return ShopifyFeed(path)
    raise FeedError(
        f"{path}: the format cannot be told from the file; give --format ({', '.join(FeedFormat)})"
    )


def _open_folder(folder: Path, format: FeedFormat | None) -> FolderFeed:
    try:
        files = sorted(
            path
            for path in folder.iterdir()
            if path.suffix.lower() in SUFFIXES and path.is_file() and path.name[0] != "."
        )
    except OSError as error:
        raise FeedError(f"{folder}: {error.strerror or error}") from error
    if not files:
        names = ", ".join(sorted(SUFFIXES))
        raise FeedError(f"{folder}: the folder has no feed (files that end in {names})")
    return FolderFeed(folder, [open_feed(path, format) for path in files])


def _open_stream(stream: BinaryIO, path: Path, format: FeedFormat | None) -> InputFeed:
    """Keep a stream in a file, because a feed is read twice and more."""
    with path.open("wb") as kept:
        copyfileobj(stream, kept)
    try:
        return InputFeed(open_feed(path, format))
    except FeedError as error:
        raise FeedError(str(error).replace(str(path), "standard input")) from error
