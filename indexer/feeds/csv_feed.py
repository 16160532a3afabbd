"""Feeds as CSV with Garb's own columns; any other column is an attribute."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from indexer.feeds.price import parse_price
from indexer.feeds.record import (
    BOX_NAME,
    FIELDS,
    NUMBERED,
    BadRow,
    FieldError,
    ProductRecord,
    boxes_of,
    is_meant_as_box,
    numbered_images,
    parse_box,
    split_list,
)
from indexer.feeds.table import NamedTable
from segmentation.garment import Box

_OWN_COLUMNS = frozenset((*FIELDS, "image", "images", "box", "collections"))


class CsvFeed:
    """A CSV feed, opened: the header is read and good, the rows are read while iterating."""

    def __init__(self, path: Path) -> None:
        """Read the header.

        Raises:
            FeedError: empty, no ``id`` column, or a column that is there twice.
            OSError: the file cannot be read.
        """
        self.path = path
        self._rows = NamedTable(path, _column_name, id_column="id")

    def __iter__(self) -> Iterator[ProductRecord | BadRow]:
        """Every data row in order; blank lines are none."""
        for row in self._rows:
            yield row if isinstance(row, BadRow) else _product(*row)

    def count_hint(self) -> int:
        """Lines that are not blank, less the header."""
        return self._rows.count_hint()


def _product(line: int, values: dict[str, str]) -> ProductRecord | BadRow:
    try:
        return _record(line, values)
    except FieldError as error:
        return BadRow(line, values["id"], str(error))


def _record(line: int, values: dict[str, str]) -> ProductRecord:
    price, currency = parse_price(values.get("price", ""))
    own = {name: field for name, field in values.items() if _is_own(name) and _is_used(name, field)}
    images, boxes = _images(own)
    return ProductRecord(
        id=values["id"],
        title=values.get("title", ""),
        category=values.get("category", ""),
        brand=values.get("brand", ""),
        price=price,
        currency=values.get("currency") or currency,
        url=values.get("url", ""),
        images=images,
        collections=split_list(values.get("collections", "")),
        attributes={name: field for name, field in values.items() if field and name not in own},
        line=line,
        boxes=boxes,
    )


def _images(values: dict[str, str]) -> tuple[tuple[str, ...], tuple[Box | None, ...]]:
    """The listed images with the boxes of ``box``, then the numbered ones each with its own."""
    listed = split_list(values.get("image", "")) + split_list(values.get("images", ""))
    given = [parse_box(text) for text in values.get("box", "").split("|")]
    of_listed = boxes_of(listed, given) or (None,) * len(listed)
    numbered = numbered_images(values, bool)
    images = (*listed, *(image for image, _ in numbered))
    return images, boxes_of(images, (*of_listed, *(parse_box(box or "") for _, box in numbered)))


def _is_own(name: str) -> bool:
    return name in _OWN_COLUMNS or NUMBERED.fullmatch(name) is not None


def _is_used(name: str, field: str) -> bool:
    return not BOX_NAME.fullmatch(name) or not field or is_meant_as_box(field)


def _column_name(column: str) -> str:
    known = column.lower()
    return known if _is_own(known) else column
