"""What an import did: the document that ``garb catalog import --json`` prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from indexer.feeds.record import BadRow, ProductRecord

MOST_ERRORS_KEPT = 10_000
_MOST_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class RowError:
    """One thing that is wrong with a row: physical line, product, photo as the feed names it.

    ``file``: which of a folder of feeds, empty for a single one.
    """

    line: int
    id: str | None
    image: str | None
    reason: str
    file: str = ""

    def to_json(self) -> dict[str, Any]:
        """As the report prints it."""
        document = {"line": self.line, "id": self.id, "image": self.image, "reason": self.reason}
        return {"file": self.file, **document} if self.file else document


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Counts of rows (``read`` = new + updated + unchanged + failed) and of the catalog after it.

    ``errors``: the first 10,000; ``errors_left_out``: how many more there were.
    """

    read: int
    new: int
    updated: int
    unchanged: int
    failed: int
    products: int
    indexed: int
    unmapped_categories: Mapping[str, int]
    errors: tuple[RowError, ...]
    errors_left_out: int = 0

    def to_json(self) -> dict[str, Any]:
        """The contract's document; ``errors_left_out`` only where there are any."""
        document = {
            "read": self.read,
            "new": self.new,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "failed": self.failed,
            "products": self.products,
            "indexed": self.indexed,
            "unmapped_categories": dict(self.unmapped_categories),
            "errors": [error.to_json() for error in self.errors],
        }
        left_out = {"errors_left_out": self.errors_left_out} if self.errors_left_out else {}
        return document | left_out


@dataclass(slots=True)
class Tally:
    """Counts while an import runs. ``photos``: photos read and embedded so far.

    ``rows``: about how many the feed has.
    """

    new: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    photos: int = 0
    unmapped: Counter[str] = field(default_factory=Counter)
    errors: list[RowError] = field(default_factory=list)
    errors_left_out: int = 0
    rows: int = 0

    def note(self, row: ProductRecord | BadRow, reason: str, *, image: str | None = None) -> None:
        """Keep what is wrong with a row, shortened; of very many only how many they are."""
        if len(self.errors) >= MOST_ERRORS_KEPT:
            self.errors_left_out += 1
            return
        image = None if image is None else _shortened(image)
        self.errors.append(RowError(row.line, row.id, image, _shortened(reason), row.file))

    @property
    def done(self) -> int:
        """Rows finished."""
        return self.new + self.updated + self.unchanged + self.failed

    def first_errors(self, most: int = MOST_ERRORS_KEPT) -> list[RowError]:
        """The first of those kept, by line: rows are not judged in their order."""
        return sorted(self.errors, key=lambda error: (error.file, error.line))[:most]

    def counts(self, *, most_errors: int) -> dict[str, Any]:
        """The counts of an import's row in the database, which holds so many errors."""
        counts = {
            "rows": self.rows,
            "read": self.done,
            "new": self.new,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "failed": self.failed,
            "unmapped_categories": dict(self.unmapped),
        }
        left_out = max(0, len(self.errors) - most_errors) + self.errors_left_out
        return counts | ({"errors_left_out": left_out} if left_out else {})

    def report(self, *, products: int, indexed: int) -> ImportReport:
        """The finished report; errors by line."""
        return ImportReport(
            read=self.done,
            new=self.new,
            updated=self.updated,
            unchanged=self.unchanged,
            failed=self.failed,
            products=products,
            indexed=indexed,
            unmapped_categories=dict(self.unmapped.most_common()),
            errors=tuple(self.first_errors()),
            errors_left_out=self.errors_left_out,
        )


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"
