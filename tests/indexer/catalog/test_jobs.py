"""Imports, as other processes see them."""

from __future__ import annotations

from indexer.catalog.repository import Catalog
from tests.indexer.shortcuts import list_imports


def test_a_job_hears_that_somebody_cancelled_it(catalog: Catalog) -> None:
    job = catalog.create_import("feed.csv", state="running")
    progress = {"state": "running", "counts": {"read": 3}, "errors": [{"line": 2}]}
    assert not catalog.update_import(job.id, **progress)  # type: ignore[arg-type]
    asked = catalog.cancel_import(job.id)
    assert asked is not None
    assert asked.cancel_requested
    assert catalog.update_import(job.id, **progress)  # type: ignore[arg-type]
    stored = catalog.get_import(job.id)
    assert stored is not None
    assert (stored.counts, stored.errors) == ({"read": 3}, ({"line": 2},))
    assert catalog.get_import("none") is None
    assert catalog.cancel_import("none") is None


def test_the_job_of_a_killed_import_is_closed_by_the_next(catalog: Catalog) -> None:
    job = catalog.create_import("feed.csv", state="running")
    other = catalog.create_import("other.csv", state="running")
    assert catalog.mark_interrupted_imports("feed.csv") == 1
    states = {one.id: one.state for one in list_imports(catalog)}
    assert states == {job.id: "interrupted", other.id: "running"}
