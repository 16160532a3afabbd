"""A file of rows under a header: comma, semicolon or tab; UTF-8 (with or without BOM) or UTF-16.

A careful reader: a line that is wrong is reported by its own number and changes nothing for the
lines after it, even a quote that is opened and never closed.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from indexer.errors import FeedError
from indexer.feeds.record import BadRow, FieldError, parse_id, unreadable, why_unreadable

# A record over more lines than this is a quote that somebody forgot to close.
_MAX_LINES_A_RECORD = 1000
_UTF_16 = "utf-16"


class Table:
    """A table, opened: the header is read and good, the rows are read while iterating."""

    def __init__(self, path: Path) -> None:
        """Read the header.

        Raises:
            FeedError: empty, or the header cannot be read.
            OSError: the file cannot be read.
        """
        self.path = path
        self._encoding = _encoding(path)
        with self._open() as rows:
            header = next((line for line in rows if line.strip("\r\n")), None)
        if header is None:
            raise FeedError(f"{path}: the feed is empty")
        self._delimiter = _delimiter(header)
        self.columns = self._read_header()

    def __iter__(self) -> Iterator[tuple[int, list[str] | BadRow]]:
        """Every data row with the physical line it starts on (1-based); blank lines are none."""
        with self._open() as file:
            rows = _Rows(file, delimiter=self._delimiter, width=len(self.columns))
            rows.skip_header()
            yield from rows

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
        if reason := why_unreadable("".join(fields), "the header"):
            raise FeedError(f"{self.path}: {reason}")
        return tuple(field.strip() for field in fields)


class NamedTable:
    """A table of products: every row as fields by the names that a feed gives its columns."""

    def __init__(self, path: Path, name_of: Callable[[str], str], *, id_column: str) -> None:
        """Read the header.

        Raises:
            FeedError: empty, no ``id_column``, or a column that is there twice.
            OSError: the file cannot be read.
        """
        self._table = Table(path)
        self._columns = tuple(map(name_of, self._table.columns))
        _check_columns(path, self._columns, self._table.columns, needed=id_column)
        self._id_place = self._columns.index(id_column)

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]] | BadRow]:
        """Every data row in order, with its line; its id is a good one. Blank lines are none."""
        for line, fields in self._table:
            yield fields if isinstance(fields, BadRow) else self._named(line, fields)

    def count_hint(self) -> int:
        """Lines that are not blank, less the header."""
        return self._table.count_hint()

    def _named(self, line: int, fields: list[str]) -> tuple[int, dict[str, str]] | BadRow:
        identifier = None
        try:
            identifier = parse_id(fields[self._id_place])
            return line, _named_fields(self._columns, fields)
        except FieldError as error:
            return BadRow(line, identifier, str(error))


def _named_fields(columns: tuple[str, ...], fields: list[str]) -> dict[str, str]:
    # Columns without a name are left out.
    named = {name: field.strip() for name, field in zip(columns, fields, strict=True) if name}
    for name, field in named.items():
        if reason := why_unreadable(field, repr(name)):
            raise FieldError(reason)
    return named


def _check_columns(
    path: Path, columns: tuple[str, ...], written: tuple[str, ...], *, needed: str
) -> None:
    named = [column for column in columns if column]
    twice = sorted({column for column in named if named.count(column) > 1})
    if twice:
        raise FeedError(f"{path}: the column {twice[0]!r} is there twice")
    if needed not in named:
        # As they stand in the file: a feed may know some by another name.
        seen = ", ".join([column for column in written if column][:8]) or "none"
        raise FeedError(f"{path}: no column {needed!r} in the header (columns: {seen})")


class _TextFile:
    """Physical lines of a file, line ends kept; bytes that are no text become lone surrogates."""

    def __init__(self, path: Path, encoding: str) -> None:
        errors = "surrogateescape"
        if encoding == _UTF_16:
            # What it escapes are single bytes, which no decoder of UTF-16 takes back.
            errors = "garb-half-a-character"
            codecs.register_error(errors, lambda error: ("\ud800", _end_of(error)))
        self._file = path.open(encoding=encoding, errors=errors, newline="")

    def __enter__(self) -> Iterator[str]:
        return iter(self._file)

    def __exit__(self, *_error: object) -> None:
        self._file.close()


def _end_of(error: UnicodeError) -> int:
    assert isinstance(error, UnicodeDecodeError)
    return error.end


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
    return found if found and not unreadable(found) and '"' not in found else None


def _delimiter(header: str) -> str:
    outside = re.sub(r'"[^"]*"', "", header)
    return max(",;\t", key=outside.count)


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(2)
    return _UTF_16 if start in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
