"""Feeds as Parquet, read a few rows at a time; ``line`` is the number of the row."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from indexer.errors import FeedError
from indexer.feeds.record import BadRow, ProductRecord
from indexer.feeds.values import row_from_values
from segmentation.errors import MissingDependency

# Small, because a compressed page may hold far more text than the file has bytes.
ROWS_A_BATCH = 128


class ParquetFeed:
    """A Parquet feed, opened: its columns are the fields and attributes, with their types."""

    def __init__(self, path: Path) -> None:
        """Read the schema.

        Raises:
            MissingDependency: pyarrow is not installed.
            FeedError: not Parquet, damaged, or no ``id`` column.
        """
        self.path = path
        with self._open() as file:
            names = list(file.schema_arrow.names)
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise FeedError(f"{path}: the column {twice[0]!r} is there twice")
        if "id" not in names:
            raise FeedError(f"{path}: no column 'id' (columns: {', '.join(names[:8]) or 'none'})")

    def __iter__(self) -> Iterator[ProductRecord | BadRow]:
        """Every row in order. What follows damaged bytes is one bad row: nothing can be read."""
        line = 0
        with self._open() as file:
            try:
                for batch in file.iter_batches(batch_size=ROWS_A_BATCH):
                    for values in _plain_rows(batch):
                        line += 1
                        yield row_from_values(values, line=line)
            except (OSError, ValueError) as error:
                reason = " ".join(str(error).split())
                yield BadRow(line + 1, None, f"nothing can be read from this row on: {reason}")

    def count_hint(self) -> int:
        """Rows, as the file's footer says."""
        with self._open() as file:
            return int(file.metadata.num_rows)

    def _open(self) -> Any:
        try:
            import pyarrow.parquet  # noqa: PLC0415 - an extra: other feeds need none
        except ImportError as error:
            raise MissingDependency(
                "Parquet feeds need pyarrow: pip install 'garb[parquet]'"
            ) from error
        try:
            return pyarrow.parquet.ParquetFile(self.path)
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise FeedError(
                f"{self.path}: not a Parquet file that can be read: {reason}"
            ) from error


def _plain_rows(batch: Any) -> Iterator[dict[str, Any]]:
    """Rows as JSON would hold them: decimals and times as text, what is not there left out."""
    columns = {
        name: _plain_column(column)
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    }
    for place in range(batch.num_rows):
        values = {name: column[place] for name, column in columns.items()}
        # What pandas writes for a number that is missing.
        yield {
            name: value
            for name, value in values.items()
            if value is not None and not (isinstance(value, float) and math.isnan(value))
        }


def _plain_column(column: Any) -> list[Any]:
    from pyarrow import string, types  # noqa: PLC0415 - see above

    if types.is_temporal(column.type) or types.is_decimal(column.type):
        column = column.cast(string())
    return list(column.to_pylist())
