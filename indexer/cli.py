"""The indexer's commands: index here; catalog, search and evaluate beside it."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from indexer import catalog_cli, evaluate_cli, search_cli
from indexer.bootstrap import Storage, open_index, open_storage
from indexer.json_option import JsonOption, print_json
from indexer.settings import Settings
from segmentation.models import ModelKind

index_app = typer.Typer(no_args_is_help=True, help="The search index: a cache of the database.")


def register(app: typer.Typer) -> None:
    """Mount the indexer's commands on ``garb``."""
    catalog_cli.register(app)
    app.add_typer(index_app, name="index")
    evaluate_cli.register(app)
    search_cli.register(app)


@index_app.command("status")
def index_status(as_json: JsonOption = False) -> None:
    """How many products can be found, and how far the index has followed the database."""
    with open_storage(Settings.from_env()) as storage:
        index = open_index(storage)
        document = {
            "embedder": index.embedder_version,
            "dimension": index.dimension,
            "products": index.product_count,
            "images": index.image_count,
            "merged_images": index.merged_count,
            "sequence": index.sequence,
            "database": _database_figures(storage),
            "snapshot_damage": index.damage,
        }
    _print_facts(document, as_json)


@index_app.command("verify")
def index_verify(
    repair: Annotated[
        bool, typer.Option("--repair", help="Rebuild the index where it differs.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare index and database row by row; exit 1 while they differ."""
    with open_storage(Settings.from_env()) as storage:
        index = open_index(storage)
        found = index.verify()
        left = index.repair() if repair and found else found
        sequence = index.sequence
    document = {
        "clean": not left,
        "sequence": sequence,
        "repaired": len(found) - len(left),
        "drifts": [drift.to_json() for drift in (left or found)],
    }
    if as_json:
        print_json(document)
    else:
        for drift in left or found:
            where = "" if drift.image_id is None else f" {drift.product_id} #{drift.image_id}"
            typer.echo(f"{drift.kind}{where}: {drift.reason}")
        mended = f", {len(found) - len(left)} mended" if repair else ""
        typer.echo(f"{len(found)} differences{mended}, at {sequence}")
    if left:
        raise typer.Exit(1)


@index_app.command("rebuild")
def index_rebuild(as_json: JsonOption = False) -> None:
    """Read every row of the database again, merge what is many, and replace the snapshot."""
    with open_storage(Settings.from_env()) as storage:
        index = open_index(storage)
        started = time.perf_counter()
        index.rebuild()
        if not (index.is_merge_due and index.merge()):
            index.save_snapshot()
        document = {
            "products": index.product_count,
            "images": index.image_count,
            "merged_images": index.merged_count,
            "sequence": index.sequence,
            "seconds": round(time.perf_counter() - started, 3),
        }
    _print_facts(document, as_json)


def _database_figures(storage: Storage) -> dict[str, int | str]:
    return {
        "products": storage.catalog.product_count(),
        "indexed": storage.catalog.indexed_count(),
        "sequence": storage.catalog.latest_sequence(),
        "active_embedder": storage.catalog.active_model(ModelKind.EMBEDDER.value),
    }


def _print_facts(document: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(document)
        return
    table = Table(box=None, show_header=False)
    for name, value in document.items():
        for part, fact in value.items() if isinstance(value, dict) else (("", value),):
            table.add_row(f"{name} {part}".rstrip(), "" if fact is None else str(fact))
    Console().print(table)
