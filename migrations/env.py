"""Alembic's entry: runs on the connection it is handed, else on the settings' database."""

from __future__ import annotations

from alembic import context
from sqlalchemy.engine import Connection

from indexer.catalog.models import metadata
from indexer.catalog.session import create_engine
from indexer.settings import Settings


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        # SQLite's DDL is transactional once Python does not begin transactions by itself.
        transactional_ddl=True,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


def _main() -> None:
    given = context.config.attributes.get("connection")
    if given is not None:
        _migrate(given)
        return
    engine = create_engine(Settings.from_env().database_url)
    with engine.connect() as connection:
        connection.execution_options(garb_writes=True)
        with connection.begin():
            _migrate(connection)
    engine.dispose()


_main()
