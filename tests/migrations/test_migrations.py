"""The tables that the migrations make are the models' tables, on either database."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from indexer.catalog.models import metadata
from indexer.catalog.repository import open_catalog
from indexer.catalog.session import alembic_config, create_engine, is_current, upgrade
from indexer.errors import CatalogError

FIRST_PRODUCT = (
    "INSERT INTO products (id, title, category, brand, currency, url, attributes, collections,"
    " record_hash, sequence, created, updated)"
    " VALUES ('1', '', '', '', '', '', '{}', '[]', 'h', 1, 'now', 'now')"
)
FIRST_PHOTO = (
    "INSERT INTO product_images (id, product_id, position, source, source_sha256, status, colours,"
    " sequence) VALUES (7, '1', 0, 'a.jpg', 's', 'indexed', '[]', 1)"
)


def test_models_are_the_migrated_tables(empty_database_url: str) -> None:
    upgrade(empty_database_url)
    engine = create_engine(empty_database_url)
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
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


def test_photos_keep_what_they_have_from_the_first_tables_on(empty_database_url: str) -> None:
    engine = create_engine(empty_database_url)
    config = alembic_config()
    with engine.connect() as connection:
        connection.execution_options(garb_writes=True)
        config.attributes["connection"] = connection
        with connection.begin():
            command.upgrade(config, "0001")
            connection.execute(sa.text(FIRST_PRODUCT))
            connection.execute(sa.text(FIRST_PHOTO))
        for move, revision in (
            (command.upgrade, "head"),
            (command.downgrade, "0001"),
            (command.upgrade, "head"),
        ):
            with connection.begin():
                move(config, revision)
        row = connection.execute(sa.text("SELECT * FROM product_images")).mappings().one()
    assert (row["id"], row["source"], row["source_sha256"]) == (7, "a.jpg", "s")
    assert (row["region"], row["source_validator"]) == (None, None)
    engine.dispose()


def test_colours_of_photos_that_are_there_become_tags(empty_database_url: str) -> None:
    colours = [("navy", 0.6), ("white", 0.3), ("red", 0.1)]
    told = ", ".join(
        f'{{"name": "{name}", "hex": "#123456", "share": {share}}}' for name, share in colours
    )
    engine = create_engine(empty_database_url)
    config = alembic_config()
    with engine.connect() as connection:
        connection.execution_options(garb_writes=True)
        config.attributes["connection"] = connection
        with connection.begin():
            command.upgrade(config, "0002")
            connection.execute(sa.text(FIRST_PRODUCT))
            photo = FIRST_PHOTO.replace("'[]'", ":colours")
            connection.execute(sa.text(photo), {"colours": f"[{told}]"})
            command.upgrade(config, "head")
        tags = connection.execute(sa.text("SELECT * FROM photo_tags ORDER BY text")).all()
        pattern = connection.execute(sa.text("SELECT pattern FROM product_images")).scalar_one()
    assert [tuple(row) for row in tags] == [(7, "colour", "navy"), (7, "colour", "white")]
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


@pytest.mark.parametrize("empty_database_url", ["postgres"], indirect=True)
def test_postgres_that_is_behind_names_the_command(empty_database_url: str) -> None:
    with pytest.raises(CatalogError, match="garb db upgrade"):
        open_catalog(empty_database_url)


def test_a_database_that_does_not_answer_is_one_line() -> None:
    with pytest.raises(CatalogError) as caught:
        open_catalog("postgresql://nobody:secret@127.0.0.1:1/none")
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:"])
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(CatalogError):
        open_catalog(url)
