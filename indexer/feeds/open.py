"""Which reader reads a feed."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from indexer.errors import FeedError
from indexer.feeds.csv_feed import CsvFeed
from indexer.feeds.jsonl_feed import JsonlFeed
from indexer.feeds.record import Feed


class FeedFormat(StrEnum):
    """The formats that have a name; those without a reader say so."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    GOOGLE = "google"
    SHOPIFY = "shopify"


_BY_SUFFIX = {
    ".csv": FeedFormat.CSV,
    ".tsv": FeedFormat.CSV,
    ".txt": FeedFormat.CSV,
    ".jsonl": FeedFormat.JSONL,
    ".ndjson": FeedFormat.JSONL,
    ".parquet": FeedFormat.PARQUET,
    ".xml": FeedFormat.GOOGLE,
}


def open_feed(path: Path, format: FeedFormat | None = None) -> Feed:
    """Open a feed; without a format its extension decides.

    Raises:
        FeedError: no such file, an unknown format, or a header that cannot be used.
    """
    if path.is_dir():
        raise FeedError(f"{path} is a folder; name the feed's file")
    if not path.is_file():
        raise FeedError(f"{path}: no such file")
    chosen = format or _BY_SUFFIX.get(path.suffix.lower())
    if chosen is None:
        names = ", ".join(FeedFormat)
        raise FeedError(f"{path}: unknown extension {path.suffix!r}; give --format ({names})")
    try:
        if chosen is FeedFormat.CSV:
            return CsvFeed(path)
        if chosen is FeedFormat.JSONL:
            return JsonlFeed(path)
    except OSError as error:
        raise FeedError(f"{path}: {error.strerror or error}") from error
    raise FeedError(f"{path}: {chosen} feeds are not supported yet; export CSV or JSON lines")
