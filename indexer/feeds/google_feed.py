"""Google Merchant product feeds: tab-separated (or CSV), and XML as RSS 2.0 or Atom."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from indexer.feeds.google_fields import google_name, google_row
from indexer.feeds.record import BadRow, ProductRecord
from indexer.feeds.table import NamedTable
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
        self._rows = NamedTable(path, google_name, id_column="id")

    def __iter__(self) -> Iterator[ProductRecord | BadRow]:
        """Every data row in order; blank lines are none."""
        for row in self._rows:
            yield row if isinstance(row, BadRow) else _table_row(*row)

    def count_hint(self) -> int:
        """Lines that are not blank, less the header."""
        return self._rows.count_hint()


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


def _table_row(line: int, named: dict[str, str]) -> ProductRecord | BadRow:
    values = {
        name: [part.strip() for part in field.split(",")] if name in _LISTS else [field]
        for name, field in named.items()
    }
    return google_row(values, line=line)
