"""Feeds as CSV: comma, semicolon or tab; UTF-8 (with or without BOM) or UTF-16 with BOM.

A careful reader: a line that is wrong is reported by its own number and changes nothing for the
lines after it, even a quote that is opened and never closed.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from indexer.errors import FeedError
from indexer.feeds.record import (
    FIELDS,
    BadRow,
    FieldError,
    ProductRecord,
    parse_id,
    parse_price,
    split_list,
)

_IMAGE_COLUMN = re.compile(r"image_(\d+)")
_OWN_COLUMNS = frozenset((*FIELDS, "image", "images", "collections"))
# A record over more lines than this is a quote that somebody forgot to close.
_MAX_LINES_A_RECORD = 200


class CsvFeed:
    """A CSV feed, opened: the header is read and good, the rows are read while iterating."""

    def __init__(self, path: Path) -> None:
        """Read the header.

        Raises:
            FeedError: empty, no ``id`` column, or a column that is there twice.
            OSError: the file cannot be read.
        """
        self.path = path
        self._encoding = _encoding(path)
        with self._open() as rows:
            header = next((line for line in rows if line.strip("\r\n")), None)
        if header is None:
            raise FeedError(f"{path}: the feed is empty")
        self._delimiter = _delimiter(header)
        self._columns = self._read_header()

    def __iter__(self) -> Iterator[ProductRecord | BadRow]:
        """Every data row in order; blank lines are none."""
        with self._open() as file:
            rows = _Rows(file, delimiter=self._delimiter, width=len(self._columns))
            rows.skip_header()
            for line, fields in rows:
                yield fields if isinstance(fields, BadRow) else self._record(line, fields)

    def count_hint(self) -> int:
        """Lines that are not blank, less the header."""
        with self.path.open("rb") as file:
            return max(0, sum(1 for line in file if line.strip()) - 1)

    def _open(self) -> _TextFile:
        return _TextFile(self.path, self._encoding)

    def _read_header(self) -> tuple[str, ...]:
        with self._open() as file:
            rows = _Rows(file, delimiter=self._delimiter, width=None)
            fields = rows.skip_header()
        if isinstance(fields, BadRow):
            raise FeedError(f"{self.path}: line {fields.line}: {fields.reason}")
        columns = tuple(_column_name(field) for field in fields)
        named = [column for column in columns if column]
        twice = sorted({column for column in named if named.count(column) > 1})
        if twice:
            raise FeedError(f"{self.path}: the column {twice[0]!r} is there twice")
        if "id" not in named:
            seen = ", ".join(named[:8]) or "none"
            raise FeedError(f"{self.path}: no column 'id' in the header (columns: {seen})")
        return columns

    def _record(self, line: int, fields: list[str]) -> ProductRecord | BadRow:
        values = {
            name: field.strip() for name, field in zip(self._columns, fields, strict=True) if name
        }
        try:
            wrong = [name for name, field in values.items() if _unreadable(field)]
            identifier = None if "id" in wrong else parse_id(values["id"])
            if wrong:
                return BadRow(line, identifier, _unreadable(values[wrong[0]]) + f" in {wrong[0]!r}")
        except FieldError as error:
            return BadRow(line, None, str(error))
        assert identifier is not None
        try:
            price, currency = parse_price(values.get("price", ""))
        except FieldError as error:
            return BadRow(line, identifier, str(error))
        return ProductRecord(
            id=identifier,
            title=values.get("title", ""),
            category=values.get("category", ""),
            brand=values.get("brand", ""),
            price=price,
            currency=values.get("currency") or currency,
            url=values.get("url", ""),
            images=_images(values),
            collections=split_list(values.get("collections", "")),
            attributes={
                name: field
                for name, field in values.items()
                if field and name not in _OWN_COLUMNS and not _IMAGE_COLUMN.fullmatch(name)
            },
            line=line,
        )


class _TextFile:
    """Physical lines of a file, line ends kept; bytes that are no text become lone surrogates."""

    def __init__(self, path: Path, encoding: str) -> None:
        self._file = path.open(encoding=encoding, errors="surrogateescape", newline="")

    def __enter__(self) -> Iterator[str]:
        return iter(self._file)

    def __exit__(self, *_error: object) -> None:
        self._file.close()


class _Rows:
    """Records of a CSV file with the physical line each starts on (1-based)."""

    def __init__(self, lines: Iterator[str], *, delimiter: str, width: int | None) -> None:
        self._source = lines
        self._ahead: deque[str] = deque()
        self._delimiter = delimiter
        self._width = width
        self._line = 0

    def skip_header(self) -> list[str] | BadRow:
        """The first record, whatever its width."""
        width, self._width = self._width, None
        _line, fields = next(self, (0, []))
        self._width = width
        return fields

    def __iter__(self) -> _Rows:
        return self

    def __next__(self) -> tuple[int, list[str] | BadRow]:
        while True:
            if not self._fill(1):
                raise StopIteration
            if self._ahead[0].strip("\r\n"):
                break
            self._drop(1)
        line = self._line + 1
        taken, fields = self._parse()
        self._drop(taken)
        return line, fields

    def _parse(self) -> tuple[int, list[str] | BadRow]:
        """How many physical lines the next record takes, and the record."""
        line = self._line + 1
        reader = csv.reader(self._from_here(), delimiter=self._delimiter, strict=True)
        try:
            fields = next(reader)
        except csv.Error as error:
            if reader.line_num > 1 or "unexpected end" in str(error):
                return 1, BadRow(line, self._id_of_first_line(), "a quote is never closed")
            return 1, BadRow(line, self._id_of_first_line(), f"not CSV: {error}")
        taken = reader.line_num
        if self._width is None or len(fields) == self._width:
            return taken, fields
        if taken > 1 and any(self._stands_alone(place) for place in range(1, taken)):
            return 1, BadRow(line, self._id_of_first_line(), "a quote is never closed")
        reason = f"{len(fields)} fields where the header has {self._width}"
        return taken, BadRow(line, _plain_id(fields), reason)

    def _from_here(self) -> Iterator[str]:
        place = 0
        while place < _MAX_LINES_A_RECORD and self._fill(place + 1):
            yield self._ahead[place]
            place += 1

    def _stands_alone(self, place: int) -> bool:
        try:
            fields = next(csv.reader([self._ahead[place]], delimiter=self._delimiter, strict=True))
        except (csv.Error, StopIteration):
            return False
        return len(fields) == self._width

    def _id_of_first_line(self) -> str | None:
        return _plain_id(self._ahead[0].split(self._delimiter))

    def _fill(self, count: int) -> bool:
        while len(self._ahead) < count:
            line = next(self._source, None)
            if line is None:
                return False
            self._ahead.append(line)
        return True

    def _drop(self, count: int) -> None:
        for _ in range(count):
            self._ahead.popleft()
        self._line += count


def _plain_id(fields: list[str]) -> str | None:
    # For a message only: by convention the id comes first.
    try:
        found = parse_id(fields[0]) if fields else None
    except FieldError:
        return None
    return found if found and not _unreadable(found) and '"' not in found else None


def _unreadable(text: str) -> str:
    """Why a text cannot be stored, empty if it can."""
    if "\0" in text:
        return "a NUL byte"
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "bytes that are not UTF-8"
    return ""


def _images(values: dict[str, str]) -> tuple[str, ...]:
    listed = split_list(values.get("image", "")) + split_list(values.get("images", ""))
    numbered = sorted(
        (int(match[1]), field)
        for name, field in values.items()
        if field and (match := _IMAGE_COLUMN.fullmatch(name))
    )
    return listed + tuple(field for _number, field in numbered)


def _column_name(field: str) -> str:
    name = field.strip()
    known = name.lower()
    return known if known in _OWN_COLUMNS or _IMAGE_COLUMN.fullmatch(known) else name


def _delimiter(header: str) -> str:
    outside = re.sub(r'"[^"]*"', "", header)
    return max(",;\t", key=outside.count)


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(2)
    return "utf-16" if start in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
