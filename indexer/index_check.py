"""How the index differs from the database, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from indexer.catalog.rows import VectorRow
from indexer.generation import Generation, category_number
from indexer.vectors.base import Vectors

_AT_ONCE = 10_000


class DriftKind(StrEnum):
    """In which way they differ."""

    MISSING = "missing"  # in the database, not in the index
    EXTRA = "extra"  # in the index, not in the database
    STALE = "stale"  # in both, and different
    DAMAGED = "damaged"  # the snapshot cannot be used at all


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference; a damaged snapshot names no row."""

    kind: DriftKind
    product_id: str | None
    image_id: int | None
    reason: str

    def to_json(self) -> dict[str, str | int | None]:
        return {
            "kind": self.kind.value,
            "product": self.product_id,
            "image_id": self.image_id,
            "reason": self.reason,
        }


def differences(generation: Generation, rows: Sequence[VectorRow]) -> list[Drift]:
    """Compare a generation with every row of the database; by image id."""
    wanted = {row.image_id: row for row in rows if not row.deleted and row.vector is not None}
    held = {int(row["image_id"]): place for place, row in enumerate(generation.rows)}
    vectors = _in_turn(generation)
    drifts = []
    for image_id in sorted(wanted.keys() | held.keys()):
        if image_id not in held:
            product_id = wanted[image_id].product_id
            drifts.append(Drift(DriftKind.MISSING, product_id, image_id, "not in the index"))
            continue
        row, vector = generation.rows[held[image_id]], next(vectors)
        product_id = generation.product_ids[int(row["product"])]
        if image_id not in wanted:
            drifts.append(Drift(DriftKind.EXTRA, product_id, image_id, "not in the database"))
            continue
        reason = _why_stale(wanted[image_id], row, product_id, vector)
        if reason is not None:
            drifts.append(Drift(DriftKind.STALE, product_id, image_id, reason))
    return drifts


def _in_turn(generation: Generation) -> Iterator[Vectors]:
    """The vectors in the order of the rows, some of them at once: a million take a gigabyte."""
    ids = generation.rows["image_id"]
    for start in range(0, len(ids), _AT_ONCE):
        yield from generation.vectors.vectors(ids[start : start + _AT_ONCE])


def _why_stale(wanted: VectorRow, held: np.void, product_id: str, vector: Vectors) -> str | None:
    facts = {
        "product": (wanted.product_id, product_id),
        "position": (wanted.position, int(held["position"])),
        "category": (category_number(wanted.category), int(held["category"])),
        "sequence": (wanted.sequence, int(held["sequence"])),
    }
    for name, (right, wrong) in facts.items():
        if right != wrong:
            return f"{name} {wrong!r} in the index, {right!r} in the database"
    same = np.array_equal(vector, np.asarray(wanted.vector, np.float32))
    return None if same else "another vector"
