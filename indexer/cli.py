"""The indexer's commands: search, parse and index here; catalog and evaluate beside it."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from indexer import catalog_cli, evaluate_cli
from indexer.answer import GarmentAnswer
from indexer.bootstrap import (
    Services,
    Storage,
    open_index,
    open_services,
    open_storage,
)
from indexer.errors import ImageStoreError
from indexer.filters import parse_filter
from indexer.matching import COLOUR_WEIGHT, MAX_K, SearchRequest
from indexer.picture import draw_parse, draw_search, save_picture
from indexer.settings import Settings
from segmentation.errors import PhotoError
from segmentation.garment import Box, Garment
from segmentation.models import ModelKind
from segmentation.photo import Photo, decode_photo, read_photo


class Include(StrEnum):
    """What an answer holds only on request."""

    PERSON = "person"


JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
IncludeOption = Annotated[
    list[Include] | None,
    typer.Option("--include", help="person: the colours of skin and hair."),
]
SaveOption = Annotated[
    Path | None, typer.Option("--save", metavar="OUT.png", help="Draw the answer.")
]
PhotoArgument = Annotated[Path, typer.Argument(metavar="PHOTO", help="JPEG, PNG or WebP.")]

index_app = typer.Typer(no_args_is_help=True, help="The search index: a cache of the database.")


def register(app: typer.Typer) -> None:
    """Mount the indexer's commands on ``garb``."""
    catalog_cli.register(app)
    app.add_typer(index_app, name="index")
    evaluate_cli.register(app)
    app.command("search")(search)
    app.command("parse")(parse)


def search(
    photo: PhotoArgument,
    k: Annotated[int, typer.Option("--k", min=1, max=MAX_K, help="Matches a garment.")] = 10,
    category: Annotated[
        str | None, typer.Option("--category", help="Only this category's garments.")
    ] = None,
    box: Annotated[
        str | None, typer.Option("--box", metavar="x0,y0,x1,y1", help="Only what is in this box.")
    ] = None,
    filter_text: Annotated[
        str | None,
        typer.Option("--filter", metavar="EXPR", help='Such as: brand = "Acme" AND price < 100'),
    ] = None,
    colour: Annotated[
        str | None, typer.Option("--colour", metavar="HEX", help="Rank nearer to this colour.")
    ] = None,
    colour_weight: Annotated[
        float,
        typer.Option("--colour-weight", min=0, max=1, help="Of the colour beside likeness."),
    ] = COLOUR_WEIGHT,
    fold: Annotated[
        bool, typer.Option("--fold", help="One match for products that are near-identical.")
    ] = False,
    include: IncludeOption = None,
    as_json: JsonOption = False,
    save: SaveOption = None,
) -> None:
    """Find the products closest to each garment of a photo."""
    request = SearchRequest(
        k=k,
        category=category,
        box=None if box is None else _read_box(box),
        filter=None if filter_text is None else parse_filter(filter_text),
        colour=colour,
        colour_weight=colour_weight,
        fold=fold,
        include=frozenset(one.value for one in include or ()),
    )
    pixels, decode_ms = _decoded(photo)
    with open_services(Settings.from_env()) as services:
        answer = services.matcher.search(pixels, request, decode_ms=decode_ms)
        if save is not None:
            loader = _product_photos(services)
            save_picture(draw_search(pixels, answer.garments, loader), save)
    if as_json:
        print_json(answer.to_json())
    else:
        Console().print(_matches_table(answer.garments))


def parse(
    photo: PhotoArgument,
    include: IncludeOption = None,
    as_json: JsonOption = False,
    save: SaveOption = None,
) -> None:
    """Cut the garments out of a photo, without a search."""
    pixels, decode_ms = _decoded(photo)
    wanted = frozenset(one.value for one in include or ())
    with open_services(Settings.from_env()) as services:
        answer = services.matcher.parse(pixels, wanted, decode_ms=decode_ms)
    if save is not None:
        save_picture(draw_parse(pixels, answer.garments), save)
    if as_json:
        print_json(answer.to_json())
    else:
        Console().print(_garments_table(answer.garments))


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
    """Read every row of the database again and replace the snapshot."""
    with open_storage(Settings.from_env()) as storage:
        index = open_index(storage)
        started = time.perf_counter()
        index.rebuild()
        index.save_snapshot()
        document = {
            "products": index.product_count,
            "images": index.image_count,
            "sequence": index.sequence,
            "seconds": round(time.perf_counter() - started, 3),
        }
    _print_facts(document, as_json)


def print_json(document: dict[str, Any]) -> None:
    """One JSON document on stdout."""
    typer.echo(json.dumps(document, ensure_ascii=False))


def _decoded(path: Path) -> tuple[Photo, float]:
    started = time.perf_counter()
    photo = read_photo(path)
    return photo, (time.perf_counter() - started) * 1000


def _read_box(text: str) -> Box:
    try:
        x0, y0, x1, y1 = (float(part) for part in text.split(","))
    except ValueError as error:
        raise typer.BadParameter(f"--box is x0,y0,x1,y1, not {text!r}") from error
    if not all(map(math.isfinite, (x0, y0, x1, y1))):
        raise typer.BadParameter("--box: four finite numbers")
    if not (x0 < x1 and y0 < y1):
        raise typer.BadParameter("--box: x1 must be right of x0 and y1 below y0")
    return Box(x0, y0, x1, y1)


def _product_photos(services: Services) -> Callable[[str, int], Photo | None]:
    def load(product_id: str, position: int) -> Photo | None:
        image = services.catalog.image(product_id, position)
        if image is None or image.sha256 is None:
            return None
        try:
            return decode_photo(services.image_store.read(image.sha256))
        except (ImageStoreError, PhotoError) as error:
            # A lost product photo is no reason to withhold the picture.
            logging.getLogger(__name__).warning("%s, photo %d: %s", product_id, position, error)
            return None

    return load


def _matches_table(garments: tuple[GarmentAnswer, ...]) -> Table:
    table = Table(box=None, header_style="bold")
    for heading in ("garment", "score", "product", "title", "price"):
        table.add_column(heading, justify="right" if heading in ("score", "price") else "left")
    for answer in garments:
        table.add_row(_garment_words(answer.garment), style="bold")
        for match in answer.matches:
            product = match.product
            price = "" if product.price is None else f"{product.price:.2f} {product.currency or ''}"
            title = f"{product.title} (+{match.folded} alike)" if match.folded else product.title
            table.add_row("", f"{match.score:.3f}", product.id, title, price)
    return table


def _garments_table(garments: tuple[Garment, ...]) -> Table:
    table = Table(box=None, header_style="bold")
    for heading in ("garment", "box", "colours"):
        table.add_column(heading)
    for garment in garments:
        colours = ", ".join(f"{one.name} {one.hex} {one.share:.0%}" for one in garment.colours)
        table.add_row(_garment_words(garment), str(garment.box.as_list()), colours)
    return table


def _garment_words(garment: Garment) -> str:
    if garment.category is None:
        return "no garment found: matched whole"
    score = "" if garment.score is None else f" {garment.score:.2f}"
    names = list(dict.fromkeys(colour.name for colour in garment.colours[:2]))
    return " ".join((*names, garment.category)) + score


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
        table.add_row(name, json.dumps(value) if isinstance(value, dict) else str(value))
    Console().print(table)
