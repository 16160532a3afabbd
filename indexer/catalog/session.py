"""Engines, transactions and migrations of the catalog's database."""

from __future__ import annotations

import importlib.util
import secrets
import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.engine import URL, Connection, Engine, make_url

from indexer.catalog.models import change_counter, history
from indexer.errors import CatalogError, CatalogFull

BUSY_TIMEOUT_SECONDS = 30
# SQLite allows 32,766 variables a statement; smaller lists also plan faster.
IDS_A_QUERY = 500
# An index that is further behind is rebuilt, which takes no longer than catching up.
HISTORY_KEPT = 1_000_000
UNICODE_LOWER = "garb_lower"
_WAL_RETRY_SECONDS = 0.005
_WRITES = {"garb_writes": True}
_POSTGRES_DISK_FULL = "53100"
_PRIMARY_CODE = 0xFF
_LEAST_FREE_BYTES = 1024 * 1024
_DAMAGED = "the catalog's database is damaged, restore a backup of it: {}"
_DAMAGES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_MIGRATION_LOCK = 0x67617262  # "garb": any number that no other user of the database takes.


def parse_url(url: str) -> URL:
    """SQLAlchemy's URL; ``postgres://`` and ``postgresql://`` mean psycopg 3.

    Raises:
        CatalogError: not a URL, or neither SQLite nor PostgreSQL.
    """
    try:
        parsed = make_url(url)
    except (sa.exc.ArgumentError, ValueError) as error:  # A port that is no number.
        raise CatalogError("the database URL cannot be read, e.g. sqlite:///var/garb.db") from error
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise CatalogError(f"unknown database {parsed.drivername!r}; use sqlite or postgresql")
    return parsed


def create_engine(url: str) -> Engine:
    """An engine with this project's settings; creates a SQLite file's folder.

    Raises:
        CatalogError: the URL is wrong or the folder cannot be made.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "postgresql":
        return sa.create_engine(parsed, pool_pre_ping=True, connect_args={"connect_timeout": 5})
    if not parsed.database or parsed.database == ":memory:":
        raise CatalogError("the catalog needs a database file, e.g. sqlite:///var/garb.db")
    try:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CatalogError(f"{parsed.database}: {error.strerror or error}") from error
    engine = sa.create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_SECONDS})
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # Python's own transaction handling begins too late and commits before DDL: it is switched off.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_SECONDS * 1000}")
    _switch_to_wal(cursor)
    # NORMAL can lose acknowledged commits on power loss in WAL mode.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()
    # SQLite's own folds ASCII alone, PostgreSQL's every letter.
    connection.create_function(UNICODE_LOWER, 1, str.lower, deterministic=True)


def _switch_to_wal(cursor: Any) -> None:
    # The switch needs the file to itself, and SQLite answers "locked" at once without waiting for
    # its busy timeout: several that open a new file together have to try again.
    give_up_at = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
        except UnicodeDecodeError as error:  # SQLite quotes what it found in the place of a name.
            raise CatalogError(_DAMAGED.format("its tables have no names")) from error
        time.sleep(_WAL_RETRY_SECONDS)


def _begin_sqlite(connection: Connection) -> None:
    # A writer that begins as a reader fails at once when another one wrote meanwhile.
    writes = connection.get_execution_options().get("garb_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@dataclass(slots=True)
class Writing:
    """A write transaction: its connection, and the numbers it hands out."""

    connection: Connection
    last_sequence: int

    def next_sequence(self) -> int:
        """The next number of the change counter."""
        self.last_sequence += 1
        return self.last_sequence


class Database:
    """An engine and its two kinds of transaction."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A read transaction: one snapshot on SQLite, a statement each on PostgreSQL."""
        with _one_line_errors(self.engine), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """A write transaction. Writers queue for the counter row; readers never wait."""
        with _one_line_errors(self.engine), self.engine.connect() as connection:
            connection.execution_options(**_WRITES)
            with connection.begin():
                counter = sa.select(change_counter.c.value).with_for_update()
                first = connection.execute(counter).scalar_one()
                writing = Writing(connection, first)
                yield writing
                if writing.last_sequence != first:
                    _note(connection, writing.last_sequence)

    def close(self) -> None:
        """Close pooled connections."""
        self.engine.dispose()


def _note(connection: Connection, sequence: int) -> None:
    """Move the counter, and leave a word that no other history has at this number."""
    connection.execute(sa.update(change_counter).values(value=sequence))
    word = {"sequence": sequence, "word": secrets.token_hex(16)}
    connection.execute(sa.insert(history).values(word))
    connection.execute(sa.delete(history).where(history.c.sequence <= sequence - HISTORY_KEPT))


@contextmanager
def _one_line_errors(engine: Engine) -> Iterator[None]:
    try:
        yield
    except (sa.exc.OperationalError, sa.exc.InterfaceError) as error:
        reason = " ".join(str(error.orig).split())
        if _is_full(error.orig, engine.url):
            raise CatalogFull(f"the disk of the catalog's database is full: {reason}") from error
        raise CatalogError(f"the catalog's database does not answer: {reason}") from error
    except sa.exc.DatabaseError as error:
        if getattr(error.orig, "sqlite_errorcode", 0) & _PRIMARY_CODE not in _DAMAGES:
            raise
        raise CatalogError(_DAMAGED.format(error.orig)) from error


def _is_full(error: BaseException | None, url: URL) -> bool:
    code = getattr(error, "sqlite_errorcode", 0)
    # Opening a file on a full disk fails before anything is written.
    if code & _PRIMARY_CODE == sqlite3.SQLITE_IOERR:
        return _has_no_room(Path(url.database or ""))
    return code == sqlite3.SQLITE_FULL or getattr(error, "sqlstate", None) == _POSTGRES_DISK_FULL


def _has_no_room(file: Path) -> bool:
    try:
        return shutil.disk_usage(file.parent).free < _LEAST_FREE_BYTES
    except OSError:
        return False


def upgrade(url: str) -> str:
    """Bring the tables up to date, in one transaction; returns the revision.

    Raises:
        CatalogError: the database cannot be reached, or a newer version made it.
    """
    engine = create_engine(url)
    try:
        return upgrade_engine(engine)
    finally:
        engine.dispose()


def upgrade_engine(engine: Engine) -> str:
    """As `upgrade`, with an engine at hand."""
    config = alembic_config()
    with _one_line_errors(engine), engine.connect() as connection:
        connection.execution_options(**_WRITES)
        with connection.begin():
            if engine.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            _revision_of(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    return head_revision()


def is_current(engine: Engine) -> bool:
    """Whether the database has this version's tables.

    Raises:
        CatalogError: the database cannot be reached, or a newer version made it.
    """
    with _one_line_errors(engine), engine.connect() as connection:
        return _revision_of(connection) == head_revision()


def _revision_of(connection: Connection) -> str | None:
    """Raises CatalogError for one that this version does not know."""
    revision = MigrationContext.configure(connection).get_current_revision()
    try:
        if revision is not None:
            ScriptDirectory.from_config(alembic_config()).get_revision(revision)
    except CommandError as error:
        raise CatalogError(
            f"a newer Garb made the database (its revision is {revision}): install that one"
        ) from error
    return revision


def head_revision() -> str:
    """The newest revision this installation knows."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    assert head is not None
    return head


def alembic_config() -> Config:
    """Alembic's settings without alembic.ini, so that an installed package migrates too."""
    spec = importlib.util.find_spec("migrations")
    if spec is None or not spec.submodule_search_locations:
        raise CatalogError("the migrations are not installed; install garb again")
    config = Config()
    config.set_main_option("script_location", str(next(iter(spec.submodule_search_locations))))
    config.set_main_option("path_separator", "os")
    return config


def parts_of(ids: Iterable[str]) -> Iterator[list[str]]:
    """Each id once, in lists that a query can take."""
    distinct = list(dict.fromkeys(ids))
    for start in range(0, len(distinct), IDS_A_QUERY):
        yield distinct[start : start + IDS_A_QUERY]
