"""The feeds' formats by name, and which one a file is in, told from how it begins."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

from indexer.errors import FeedError
from indexer.feeds.google_fields import google_name
from indexer.feeds.shopify_feed import shopify_name
from indexer.feeds.table import Table


class FeedFormat(StrEnum):
    """What ``--format`` takes."""

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
SUFFIXES = frozenset(_BY_SUFFIX)
_START_BYTES = 4096
_GARBS_IMAGE = re.compile(r"images?|image_\d+")
_SHOPIFYS = frozenset(("image src", "variant price", "variant sku", "vendor"))


def recognise(path: Path) -> FeedFormat | None:
    """The format of a file: by its first bytes or its columns, else by its extension; None for none.

    Raises:
        OSError: the file cannot be read.
    """
    return _from_content(path) or _BY_SUFFIX.get(path.suffix.lower())


def is_xml(path: Path) -> bool:
    """Whether a file begins like XML. Raises OSError."""
    return _start(path).startswith("<")


def _from_content(path: Path) -> FeedFormat | None:
    start = _start(path)
    if start.startswith("PAR1"):
        return FeedFormat.PARQUET
    if start.startswith("{"):
        return FeedFormat.JSONL
    if start.startswith("<"):
        return FeedFormat.GOOGLE
    return _from_columns(path)


def _from_columns(path: Path) -> FeedFormat | None:
    try:
        columns = Table(path).columns
    except FeedError:
        return None
    names = {shopify_name(column) for column in columns}
    if "handle" in names and names & _SHOPIFYS:
        return FeedFormat.SHOPIFY
    names = {google_name(column) for column in columns}
    if "id" not in names:
        return None
    is_googles = "image_link" in names and not any(map(_GARBS_IMAGE.fullmatch, names))
    return FeedFormat.GOOGLE if is_googles else FeedFormat.CSV


def _start(path: Path) -> str:
    """The first characters of a file, without byte order mark and white space."""
    with path.open("rb") as file:
        data = file.read(_START_BYTES)
    is_utf_16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = data.decode("utf-16" if is_utf_16 else "utf-8-sig", errors="replace")
    return text.lstrip()
