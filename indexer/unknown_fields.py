"""Fields that a request names and no product has: most likely misspelt, and so worth a word."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Protocol

from indexer.boosting import Boost
from indexer.filters import Comparison, Filter


class FieldSource(Protocol):
    """What is asked of the catalog."""

    def field_names(self) -> set[str]: ...

    def number_range(self, field: str) -> tuple[float, float] | None: ...


def words_on_unknown_fields(
    catalog: FieldSource,
    *,
    tree: Filter | None = None,
    facets: Iterable[str] = (),
    boost: Boost | None = None,
) -> list[str]:
    """A line for each field of a filter, facets or a boost that no product has."""
    named = list(dict.fromkeys([*fields_of(tree), *facets]))
    if not named and boost is None:
        return []
    known = catalog.field_names()
    lines = [
        f"no product has the field {name!r}{_near(name, known)}"
        for name in named
        if name not in known
    ]
    if boost is not None and catalog.number_range(boost.field) is None:
        near = _near(boost.field, known - {boost.field})
        lines.append(f"no product has a number as {boost.field!r}{near}")
    return lines


def fields_of(tree: Filter | None) -> Iterator[str]:
    """The fields that a filter compares, in its order."""
    if tree is None:
        return
    if isinstance(tree, Comparison):
        yield tree.field
        return
    for part in tree.parts:
        yield from fields_of(part)


def _near(name: str, known: set[str]) -> str:
    by_lower = {one.lower(): one for one in sorted(known)}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return f": is {by_lower[near[0]]!r} meant?" if near else ""
