"""API keys and active models: small tables of settings."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from indexer.catalog.convert import key_from, now
from indexer.catalog.models import active_models, api_keys
from indexer.catalog.rows import ApiKey
from indexer.catalog.session import Database
from indexer.errors import KeyNotFound


class KeyRows(Database):
    """API keys. Only keyed hashes pass here, never a key."""

    def create_key(
        self,
        name: str,
        scope: str,
        key_hash: str,
        prefix: str,
        *,
        collections: Sequence[str] | None = None,
        per_minute: int | None = None,
    ) -> ApiKey:
        """Store a key's hash and visible prefix; `ApiKey` says what the rest means."""
        values = {
            "name": name,
            "scope": scope,
            "key_hash": key_hash,
            "prefix": prefix,
            "collections": None if collections is None else list(collections),
            "per_minute": per_minute,
        }
        insert = sa.insert(api_keys).values(**values, created=now()).returning(*api_keys.c)
        with self.writing() as writing:
            return key_from(writing.connection.execute(insert).one())

    def find_key(self, key_hash: str) -> ApiKey | None:
        """The key with this hash; the caller looks whether it is revoked."""
        with self.reading() as connection:
            row = connection.execute(
                sa.select(api_keys).where(api_keys.c.key_hash == key_hash)
            ).one_or_none()
        return key_from(row) if row else None

    def list_keys(self) -> list[ApiKey]:
        """All keys, oldest first, revoked ones too."""
        with self.reading() as connection:
            rows = connection.execute(sa.select(api_keys).order_by(api_keys.c.id)).all()
        return [key_from(row) for row in rows]

    def any_key_exists(self) -> bool:
        """Whether any key was ever made: a revoked last key must not open the server."""
        with self.reading() as connection:
            return connection.execute(sa.select(api_keys.c.id).limit(1)).first() is not None

    def revoke_key(self, key_id: int) -> ApiKey:
        """Mark a key revoked; again is no change.

        Raises:
            KeyNotFound: no such key.
        """
        change = (
            sa.update(api_keys)
            .where(api_keys.c.id == key_id)
            .values(revoked=sa.func.coalesce(api_keys.c.revoked, now()))
            .returning(*api_keys.c)
        )
        with self.writing() as writing:
            row = writing.connection.execute(change).one_or_none()
        if row is None:
            raise KeyNotFound(f"no key {key_id}; `garb key list` shows them")
        return key_from(row)


class ActiveModelRows(Database):
    """Which version of each kind of model serves."""

    def active_model(self, kind: str) -> str:
        """The active version's name; ``bundled`` while none was activated."""
        query = sa.select(active_models.c.version).where(active_models.c.kind == kind)
        with self.reading() as connection:
            return connection.execute(query).scalar_one_or_none() or "bundled"

    def set_active_model(self, kind: str, version: str) -> None:
        """Make a version the active one of its kind."""
        same = active_models.c.kind == kind
        with self.writing() as writing:
            changed = writing.connection.execute(
                sa.update(active_models).where(same).values(version=version)
            )
            if not changed.rowcount:
                writing.connection.execute(
                    sa.insert(active_models).values(kind=kind, version=version)
                )
