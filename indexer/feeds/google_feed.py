"""Google Merchant product feeds: tab-separated (or CSV), and XML as RSS 2.0 or Atom."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from indexer.feeds.google_fields import google_name, google_row
from indexer.feeds.record import BadRow, FieldError, ProductRecord, parse_id
from indexer.feeds.table import Table, check_columns, named_fields
from indexer.feeds.xml_items import XmlItems

# Lists are separated by commas; a comma inside an address is written %2C.
_LISTS = frozenset(("additional_image_link",))


class GoogleTableFeed:
    """A product feed as a table, one row a product."""

    def __init__(self, path: Path) -> None:
        """Read the header.

        Raises:
            FeedError: empty, no ``id`` column, or a column that is there twice.
            OSError: the file cannot be read.
        """
        self.path = path
        self._table = Table(path)
        self._columns = tuple(google_name(column) for column in self._table.columns)
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
            named = named_fields(self._columns, fields)
        except FieldError as error:
            return BadRow(line, identifier, str(error))
        values = {
            name: [part.strip() for part in field.split(",")] if name in _LISTS else [field]
            for name, field in named.items()
        }
        return google_row(values, line=line)


class GoogleXmlFeed:
    """A product feed as XML, one ``item`` or ``entry`` a product; never held as a whole."""

    def __init__(self, path: Path) -> None:
        """Read as far as the root element.

        Raises:
            FeedError: not XML, another root than a feed's, or a document type definition.
            OSError: the file cannot be read.
        """
        self.path = path
        self._items = XmlItems(path)

    def __iter__(self) -> Iterator[ProductRecord | BadRow]:
        """Every item in order, by the line it starts on."""
        for line, values in self._items:
            yield values if isinstance(values, BadRow) else google_row(values, line=line)

    def count_hint(self) -> int:
        """About how many items there are."""
        return self._items.count_hint()
