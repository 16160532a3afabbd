"""Feeds as CSV with Garb's own columns; any other column is an attribute."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from indexer.feeds.record import (
    FIELDS,
    BadRow,
    FieldError,
    ProductRecord,
    parse_id,
    parse_price,
    split_list,
)
from indexer.feeds.table import Table, check_columns, named_fields

_IMAGE_COLUMN = re.compile(r"image_(\d+)")
_OWN_COLUMNS = frozenset((*FIELDS, "image", "images", "collections"))


class CsvFeed:
    """A CSV feed, opened: the header is read and good, the rows are read while iterating."""

    def __init__(self, path: Path) -> None:
        """Read the header.

        Raises:
            FeedError: empty, no ``id`` column, or a column that is there twice.
            OSError: the file cannot be read.
        """
        self.path = path
        self._table = Table(path)
        self._columns = tuple(_column_name(column) for column in self._table.columns)
        check_columns(path, self._columns, needed="id")

    def __iter__(self) -> Iterator[ProductRecord | BadRow]:
        """Every data row in order; blank lines are none."""
        for line, fields in self._table:
            yield fields if isinstance(fields, BadRow) else self._row(line, fields)

    def count_hint(self) -> int:
        """Lines that are not blank, less the header."""
        return self._table.count_hint()

    def _row(self, line: int, fields: list[str]) -> ProductRecord | BadRow:
        identifier = None
        try:
            identifier = parse_id(fields[self._columns.index("id")])
            values = named_fields(self._columns, fields)
            return _record(line, identifier, values)
        except FieldError as error:
            return BadRow(line, identifier, str(error))


def _record(line: int, identifier: str, values: dict[str, str]) -> ProductRecord:
    price, currency = parse_price(values.get("price", ""))
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


def _images(values: dict[str, str]) -> tuple[str, ...]:
    listed = split_list(values.get("image", "")) + split_list(values.get("images", ""))
    numbered = sorted(
        (int(match[1]), field)
        for name, field in values.items()
        if field and (match := _IMAGE_COLUMN.fullmatch(name))
    )
    return listed + tuple(field for _number, field in numbered)


def _column_name(column: str) -> str:
    known = column.lower()
    return known if known in _OWN_COLUMNS or _IMAGE_COLUMN.fullmatch(known) else column
