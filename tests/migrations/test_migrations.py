"""The tables that the migrations make are the models' tables, on either database."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from indexer.catalog.models import metadata
from indexer.catalog.repository import open_catalog
from indexer.catalog.session import alembic_config, create_engine, is_current, upgrade
from indexer.errors import CatalogError
from indexer.settings import Settings

ROWS = 1_000
FIRST = "0001"


def first_rows(number: int) -> dict[str, dict[str, Any]]:
    """A row of each of the first tables."""
    text = f"é'{number}"
    product = dict.fromkeys(("title", "category", "brand", "currency", "url", "updated"), text)
    return {
        "products": {
            **product, "id": str(number), "price": number / 7, "attributes": {"size": number},
            "collections": [text], "record_hash": "h", "deleted": number % 3 == 0,
            "sequence": number, "created": "now",
        },
        "product_attributes": {
            "product_id": str(number), "name": "size", "place": 0, "text": text, "number": number,
        },
        "product_images": {
            "id": number + 7, "product_id": str(number), "position": number % 5, "source": text,
            "source_sha256": "s", "status": "indexed", "box": [1.5, 2, 3, number], "colours": [],
            "deleted": number % 4 == 0, "sequence": number,
        },
        "embeddings": {
            "image_id": number + 7, "embedder": "e", "segmenter": "s", "parser": "p",
            "vector": number.to_bytes(32, "big"),
        },
        "active_models": {"kind": text, "version": text},
        "api_keys": {
            "id": number + 1, "name": text, "scope": "search", "key_hash": text, "prefix": "p",
            "created": "now",
        },
        "imports": {
            "id": str(number), "state": "done", "source": text, "counts": {"read": number},
            "errors": [{"line": number}], "created": "now", "updated": "now",
        },
    }  # fmt: skip


def stored_rows(connection: sa.Connection, columns: Mapping[str, list[str]]) -> dict[str, Any]:
    """Every row of these tables, the columns that are named."""
    found = {}
    for name, wanted in columns.items():
        table = sa.Table(name, sa.MetaData(), autoload_with=connection)
        query = sa.select(*(table.c[column] for column in wanted)).order_by(*table.primary_key)
        found[name] = connection.execute(query).all()
    return found


def test_models_are_the_migrated_tables(empty_database_url: str) -> None:
    upgrade(empty_database_url)
    engine = create_engine(empty_database_url)
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    engine.dispose()


@pytest.mark.parametrize(
    "environ", [{}, {"GARB_HOME": ""}, {"GARB_HOME": "home"}, {"GARB_DATABASE_URL": ""}]
)
def test_alembic_alone_works_on_the_database_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("GARB_HOME", "GARB_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    command.upgrade(alembic_config(), "head")
    assert (tmp_path / (environ.get("GARB_HOME") or "var") / "garb.db").is_file()
    engine = create_engine(Settings.from_env().database_url)
    assert is_current(engine)
    engine.dispose()


def test_every_revision_goes_up_down_and_up(empty_database_url: str) -> None:
    upgrade(empty_database_url)
    engine = create_engine(empty_database_url)
    with engine.connect() as connection:
        connection.execution_options(garb_writes=True)
        with connection.begin():
            config = alembic_config()
            config.attributes["connection"] = connection
            command.downgrade(config, "base")
        left = set(sa.inspect(connection).get_table_names()) - {"alembic_version"}
        assert not left
    upgrade(empty_database_url)
    assert is_current(engine)
    engine.dispose()


def test_each_revision_goes_up_down_and_up_and_loses_no_row(empty_database_url: str) -> None:
    engine = create_engine(empty_database_url)
    config = alembic_config()
    revisions = [one.revision for one in ScriptDirectory.from_config(config).walk_revisions()][::-1]
    assert revisions[0] == FIRST
    with engine.connect() as connection:
        connection.execution_options(garb_writes=True)
        config.attributes["connection"] = connection
        with connection.begin():
            command.upgrade(config, FIRST)
            tables = {
                name: sa.Table(name, sa.MetaData(), autoload_with=connection)
                for name in first_rows(0)
            }
            every_table = set(sa.inspect(connection).get_table_names())
            assert every_table == {*tables, "change_counter", "alembic_version"}
            for name, table in tables.items():
                rows = [first_rows(number)[name] for number in range(ROWS)]
                connection.execute(sa.insert(table), rows)
            columns = {name: list(table.c.keys()) for name, table in tables.items()}
            before = stored_rows(connection, columns)
        assert {name: len(rows) for name, rows in before.items()} == dict.fromkeys(tables, ROWS)
        for lower, revision in pairwise(revisions):
            for move, target in (
                (command.upgrade, revision),
                (command.downgrade, lower),
                (command.upgrade, revision),
            ):
                with connection.begin():
                    move(config, target)
                    assert stored_rows(connection, columns) == before, f"{lower} to {revision}"
    assert is_current(engine)
    engine.dispose()


def test_colours_of_photos_that_are_there_become_tags(empty_database_url: str) -> None:
    shares = {"navy": 0.6, "white": 0.3, "red": 0.1}
    colours = [{"name": name, "hex": "#123456", "share": share} for name, share in shares.items()]
    engine = create_engine(empty_database_url)
    config = alembic_config()
    with engine.connect() as connection:
        connection.execution_options(garb_writes=True)
        config.attributes["connection"] = connection
        with connection.begin():
            command.upgrade(config, "0002")
            rows = first_rows(1)
            rows["product_images"]["colours"] = colours
            for name in ("products", "product_images"):
                table = sa.Table(name, sa.MetaData(), autoload_with=connection)
                connection.execute(sa.insert(table), rows[name])
            command.upgrade(config, "head")
        tags = connection.execute(sa.text("SELECT * FROM photo_tags ORDER BY text")).all()
        pattern = connection.execute(sa.text("SELECT pattern FROM product_images")).scalar_one()
    assert [tuple(row) for row in tags] == [(8, "colour", "navy"), (8, "colour", "white")]
    assert pattern is None
    engine.dispose()


def test_upgrading_twice_is_no_change(empty_database_url: str) -> None:
    assert upgrade(empty_database_url) == upgrade(empty_database_url)


def test_sqlite_migrates_itself_even_when_many_open_it_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new' / 'garb.db'}"
    counts: list[int] = []

    def open_it() -> None:
        catalog = open_catalog(url)
        counts.append(catalog.product_count())
        catalog.close()

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [0] * 6


def test_sqlite_opens_a_file_that_another_one_is_just_making(tmp_path: Path) -> None:
    path = tmp_path / "garb.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    other.execute("CREATE TABLE busy (id INTEGER)")
    release = threading.Timer(0.3, lambda: other.execute("COMMIT"))
    release.start()
    catalog = open_catalog(f"sqlite:///{path}")
    assert catalog.product_count() == 0
    catalog.close()
    release.join()
    other.close()


def test_a_database_of_a_newer_version_is_told(empty_database_url: str) -> None:
    upgrade(empty_database_url)
    engine = create_engine(empty_database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    for use in (open_catalog, upgrade):
        with pytest.raises(CatalogError, match="a newer Garb"):
            use(empty_database_url)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:20_000],
        lambda data: bytes(4_000) + data[4_000:],
        lambda data: data.replace(b"tablealembic", b"table\xe4lembic").replace(
            b"CREATE", b"CRASHE"
        ),
    ],
)
def test_a_damaged_file_is_one_line(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    file = tmp_path / "catalog.db"
    upgrade(f"sqlite:///{file}")
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(CatalogError, match="damaged, restore a backup"):
        open_catalog(f"sqlite:///{file}")


@pytest.mark.parametrize("empty_database_url", ["postgres"], indirect=True)
def test_postgres_that_is_behind_names_the_command(empty_database_url: str) -> None:
    with pytest.raises(CatalogError, match="garb db upgrade"):
        open_catalog(empty_database_url)


def test_a_database_that_does_not_answer_is_one_line() -> None:
    with pytest.raises(CatalogError) as caught:
        open_catalog("postgresql://nobody:secret@127.0.0.1:1/none")
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:", "postgresql://u:p@host:port/x",
    ],
)  # fmt: skip
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(CatalogError):
        open_catalog(url)
