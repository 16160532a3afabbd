"""Imports as rows, so that every process sees how far one is and may cancel it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from indexer.catalog.convert import job_from, now
from indexer.catalog.models import imports
from indexer.catalog.rows import ImportJob
from indexer.catalog.session import Database
from indexer.errors import CatalogError

MAX_STORED_ERRORS = 1_000
SILENT_SECONDS = 120


class ImportRows(Database):
    """Import jobs."""

    def create_import(
        self,
        source: str,
        *,
        state: str = "waiting",
        collections: Sequence[str] | None = None,
    ) -> ImportJob:
        """A new job for a feed's path or name; ``collections``: the only ones that it may write to."""
        stamp = now()
        job = {
            "id": secrets.token_hex(8),
            "state": state,
            "source": source,
            "counts": {},
            "errors": [],
            "cancel_requested": False,
            "collections": None if collections is None else list(collections),
            "created": stamp,
            "updated": stamp,
        }
        with self.writing() as writing:
            row = writing.connection.execute(
                sa.insert(imports).values(job).returning(*imports.c)
            ).one()
        return job_from(row)

    def get_import(self, import_id: str) -> ImportJob | None:
        """A job, or None."""
        with self.reading() as connection:
            row = connection.execute(
                sa.select(imports).where(imports.c.id == import_id)
            ).one_or_none()
        return job_from(row) if row else None

    def import_of(self, source: str) -> ImportJob | None:
        """The newest job of a source, or None."""
        query = sa.select(imports).where(imports.c.source == source)
        with self.reading() as connection:
            row = connection.execute(query.order_by(imports.c.created.desc()).limit(1)).first()
        return job_from(row) if row else None

    def update_import(
        self,
        import_id: str,
        *,
        state: str,
        counts: Mapping[str, Any],
        errors: Sequence[Mapping[str, Any]],
    ) -> bool:
        """Store progress; returns whether somebody asked to cancel.

        The first `MAX_STORED_ERRORS` are kept.

        Raises:
            CatalogError: no such job.
        """
        change = (
            sa.update(imports)
            .where(imports.c.id == import_id)
            .values(
                state=state,
                counts=dict(counts),
                errors=[dict(error) for error in errors[:MAX_STORED_ERRORS]],
                updated=now(),
            )
            .returning(imports.c.cancel_requested)
        )
        with self.writing() as writing:
            cancel = writing.connection.execute(change).scalar_one_or_none()
        if cancel is None:
            raise CatalogError(f"no import {import_id}")
        return bool(cancel)

    def cancel_import(self, import_id: str) -> ImportJob | None:
        """Ask a job to stop after what it has in hand; None when there is no such job."""
        change = (
            sa.update(imports)
            .where(imports.c.id == import_id)
            .values(cancel_requested=True)
            .returning(*imports.c)
        )
        with self.writing() as writing:
            row = writing.connection.execute(change).one_or_none()
        return job_from(row) if row else None

    def mark_interrupted_imports(self, source: str) -> int:
        """Close the jobs of killed processes: those of this source, and those long silent.

        One that waits is not looked at: the server that holds its feed takes it up.
        """
        silent = datetime.now(UTC) - timedelta(seconds=SILENT_SECONDS)
        change = (
            sa.update(imports)
            .where(
                imports.c.state == "running",
                sa.or_(
                    imports.c.source == source,
                    imports.c.updated < silent.isoformat(timespec="milliseconds"),
                ),
            )
            .values(state="interrupted")
        )
        with self.writing() as writing:
            return writing.connection.execute(change).rowcount
