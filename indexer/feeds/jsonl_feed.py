"""Feeds as JSON lines: one object a line, the same fields as a CSV's columns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from indexer.feeds.record import BadRow, ProductRecord
from indexer.feeds.values import row_from_values

MAX_LINE_BYTES = 4 * 1024 * 1024


class JsonlFeed:
    """A JSON-lines feed, opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb"):
            pass  # A file that cannot be read says so here and not in the middle.

    def __iter__(self) -> Iterator[ProductRecord | BadRow]:
        """Every line in order; blank lines are none."""
        with self.path.open("rb") as file:
            for number, (line, size) in enumerate(_lines(file), start=1):
                line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                if size > MAX_LINE_BYTES:
                    reason = f"the line has {size:,} bytes; at most {MAX_LINE_BYTES:,}"
                    yield BadRow(number, None, reason)
                elif line.strip():
                    yield _row(number, line)

    def count_hint(self) -> int:
        """Lines that are not blank."""
        with self.path.open("rb") as file:
            return sum(1 for line, size in _lines(file) if size > MAX_LINE_BYTES or line.strip())


def _lines(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Every line's bytes and how many they are; of one that is too long, its start."""
    while line := file.readline(MAX_LINE_BYTES + 1):
        size, part = len(line), line
        while len(part) > MAX_LINE_BYTES and not part.endswith(b"\n"):
            part = file.readline(MAX_LINE_BYTES + 1)
            size += len(part)
        yield line, size


def _row(number: int, line: bytes) -> ProductRecord | BadRow:
    try:
        values = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return BadRow(number, None, "bytes that are not UTF-8")
    except (ValueError, RecursionError) as error:
        return BadRow(number, None, f"not JSON: {' '.join(str(error).split())}")
    if not isinstance(values, dict):
        return BadRow(number, None, "not a JSON object")
    return row_from_values(values, line=number)
