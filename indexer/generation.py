"""What the index holds: rows of the catalog turned into searchable generations."""

from __future__ import annotations

import logging
from collections.abc import Sequence, Set
from dataclasses import dataclass
from itertools import compress

import numpy as np
import numpy.typing as npt

from indexer.catalog.rows import VectorRow
from indexer.errors import VectorRefused
from indexer.vectors.base import Ids
from indexer.vectors.exact import positions_of
from indexer.vectors.merged import MergedPart
from indexer.vectors.snapshot import ROW_TYPE, Rows, Snapshot, in_merged
from indexer.vectors.two_parts import TwoPartIndex, TwoPartView
from segmentation.labels import GARMENT_CATEGORIES

UNMAPPED = -1
_NUMBERS = {category: number for number, category in enumerate(GARMENT_CATEGORIES)}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Generation:
    """What the index held at one moment; nothing a reader sees in it changes.

    ``rows``: `ROW_TYPE`, ascending by image id, one a vector of ``vectors`` in the same order.
    ``product_ids``: a row's ``product`` is a place in it; generations share it while it only grows,
    and of a renumbering the earlier ones keep theirs. ``product_count`` counts the products with a
    row. ``word``: what the database's history says at ``sequence``.
    """

    sequence: int
    word: str | None
    vectors: TwoPartView
    rows: Rows
    product_ids: Sequence[str]
    product_count: int

    def rows_of(self, image_ids: Ids) -> Rows:
        """The rows of these images, in their order."""
        return self.rows[positions_of(image_ids, self.vectors.ids())]

    def images_of(self, product_ids: Set[str]) -> Ids:
        """The image ids of these products, ascending."""
        known = list(self.product_ids)
        wanted = np.fromiter((one in product_ids for one in known), np.bool_, len(known))
        found: Ids = self.vectors.ids()[wanted[self.rows["product"]]]
        return found

    def images_in(self, categories: Set[str | None]) -> Ids:
        """The image ids whose product has one of Garb's categories (None: unmapped), ascending."""
        numbers = [category_number(category) for category in categories]
        found: Ids = self.vectors.ids()[np.isin(self.rows["category"], numbers)]
        return found

    def as_snapshot(self, embedder: str) -> Snapshot:
        """To be written to disk."""
        merged = self.vectors.merged
        recent = self.rows["image_id"][~in_merged(self.rows, merged)]
        vectors = self.vectors.vectors(recent).astype(np.float16)
        ids = tuple(self.product_ids)
        return Snapshot(embedder, self.sequence, self.rows, vectors, ids, merged, self.word or "")


class Shelf:
    """The writer's side: takes rows in, hands out generations. Used by one thread at a time."""

    def __init__(self, vectors: TwoPartIndex) -> None:
        self._vectors = vectors
        self._rows: Rows = np.empty(0, ROW_TYPE)
        self._product_ids: list[str] = []
        self._product_numbers: dict[str, int] = {}

    def load(self, snapshot: Snapshot) -> None:
        """Take over a snapshot; the shelf must be empty."""
        self._product_ids = list(snapshot.product_ids)
        self._product_numbers = {one: number for number, one in enumerate(snapshot.product_ids)}
        self._rows = snapshot.rows
        if snapshot.merged is not None:
            self.adopt(snapshot.merged)
        recent = snapshot.rows["image_id"][~in_merged(snapshot.rows, snapshot.merged)]
        # FAISS and the judge both take float16 and store it unrounded.
        self._vectors.add(recent, snapshot.vectors)

    def adopt(self, merged: MergedPart) -> None:
        """Take over a merged part: it answers for the rows that did not change since."""
        self._vectors.adopt(merged, self._rows["image_id"][in_merged(self._rows, merged)])

    def apply(self, changes: Sequence[VectorRow]) -> None:
        """Take over changed rows: a deleted row, or one without a vector, leaves the shelf."""
        latest = {change.image_id: change for change in changes}
        kept = [row for row in latest.values() if not row.deleted and row.vector is not None]
        kept = self._add_vectors(kept)
        touched = np.fromiter(latest, np.int64, len(latest))
        added = np.fromiter((row.image_id for row in kept), np.int64, len(kept))
        self._vectors.remove(np.setdiff1d(touched, added))
        fresh = np.array([self._row(change) for change in kept], ROW_TYPE)
        untouched = self._rows[~np.isin(self._rows["image_id"], touched)]
        rows = np.concatenate([untouched, fresh])
        # Two runs, the first of them ascending: a stable sort passes it once.
        self._rows = rows[np.argsort(rows["image_id"], kind="stable")]

    def generation(self, sequence: int, word: str | None = None) -> Generation:
        """What is on the shelf now."""
        has_row = np.bincount(self._rows["product"], minlength=len(self._product_ids)) > 0
        products = int(np.count_nonzero(has_row))
        # Every filtered search reads all names; half of them at once cost each that left one step.
        if len(self._product_ids) > 2 * products:
            self._renumber(has_row)
        view = self._vectors.view()
        return Generation(sequence, word, view, self._rows, self._product_ids, products)

    def _renumber(self, has_row: npt.NDArray[np.bool_]) -> None:
        """Forget the products without a row. List and rows are new: generations hold the old ones."""
        self._product_ids = list(compress(self._product_ids, has_row))
        self._product_numbers = {one: number for number, one in enumerate(self._product_ids)}
        self._rows = self._rows.copy()
        self._rows["product"] = (np.cumsum(has_row) - 1)[self._rows["product"]]

    def _add_vectors(self, rows: list[VectorRow]) -> list[VectorRow]:
        """Index the rows' vectors; returns the rows whose vectors were accepted."""
        if not rows:
            return []
        ids = np.fromiter((row.image_id for row in rows), np.int64, len(rows))
        try:
            self._vectors.add(ids, np.stack([row.vector for row in rows if row.vector is not None]))
        except (VectorRefused, ValueError) as error:
            # One bad row must not keep the others out: look for it one by one.
            if len(rows) > 1:
                return [row for one in rows for row in self._add_vectors([one])]
            log.error("image %d of product %r: %s", ids[0], rows[0].product_id, error)
            return []
        return rows

    def _row(self, change: VectorRow) -> tuple[int, int, int, int, int]:
        number = self._product_numbers.get(change.product_id)
        if number is None:
            number = len(self._product_ids)
            self._product_ids.append(change.product_id)
            self._product_numbers[change.product_id] = number
        category = category_number(change.category)
        return change.image_id, change.sequence, number, change.position, category


def category_number(category: str | None) -> int:
    """A category's place in `GARMENT_CATEGORIES`; `UNMAPPED` for None."""
    return UNMAPPED if category is None else _NUMBERS.get(category, UNMAPPED)
