"""``garb demo``: draw a shop, index it, match street photos, and say whether the worn product was found."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from indexer.answer import GarmentAnswer, SearchAnswer
from indexer.bootstrap import Services, open_services
from indexer.feeds.open import open_feed
from indexer.ingest.report import ImportReport, Tally
from indexer.ingest.runner import import_feed
from indexer.matching import SearchRequest
from indexer.picture import draw_search, save_picture
from indexer.settings import Settings
from segmentation.labels import category_of
from segmentation.photo import Photo, read_photo
from wardrobe.draw import Drawn, draw_wardrobe

PRODUCTS, PHOTOS, SEED = 44, 3, 7
MATCHES = 10


class Found(StrEnum):
    """Where the product that is worn came among the matches of its garment."""

    FIRST = "first"
    LATER = "among the first ten"
    NOT = "not among the first ten"
    NO_GARMENT = "garment not seen"
    NOT_WORN = "nothing of the kind is worn"


@dataclass(frozen=True, slots=True)
class DemoRow:
    """One garment of one photo: seen, worn, or both."""

    photo: str
    garment: str
    match: str
    score: float | None
    worn: str
    found: Found


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo shows. ``report``: the picture."""

    imported: ImportReport
    rows: tuple[DemoRow, ...]
    report: Path


def register(app: typer.Typer, *, serve: Callable[[], None]) -> None:
    """Mount the command; ``serve`` starts the server that the environment describes."""

    @app.command("demo")
    def demo(
        keep_serving: Annotated[
            bool, typer.Option("--serve", help="Then start the server on the drawn shop.")
        ] = False,
    ) -> None:
        """Draw a shop, index it, match a street photo, leave a picture report."""
        settings = demo_settings(Settings.from_env(os.environ))
        out, progress = Console(), Console(stderr=True)
        progress.print(f"drawing {PRODUCTS} products and {PHOTOS} street photos")
        drawn = draw_wardrobe(settings.home / "shop", products=PRODUCTS, photos=PHOTOS, seed=SEED)
        with open_services(settings) as services:
            result = run_demo(services, drawn, progress=progress)
        out.print(table_of(result))
        out.print(f"picture: {result.report}", soft_wrap=True)
        if keep_serving:
            os.environ["GARB_HOME"] = str(settings.home)
            os.environ["GARB_DATABASE_URL"] = settings.database_url
            os.environ["GARB_IMAGES"] = settings.images_url
            serve()


def demo_settings(settings: Settings) -> Settings:
    """The same models and threads, with a home and a database of its own."""
    home = settings.home / "demo"
    return replace(
        settings,
        home=home,
        database_url=f"sqlite:///{home / 'garb.db'}",
        images_url=str(home / "images"),
    )


def run_demo(services: Services, drawn: Drawn, *, progress: Console) -> DemoResult:
    """Import the drawn shop and match its street photos; leaves ``report.png`` in the home.

    Raises:
        FeedError: the drawn feed cannot be read.
        PhotoError: a drawn photo cannot be read.
    """
    imported = _import(services, drawn, progress)
    services.index.refresh()
    rows: list[DemoRow] = []
    pictures: list[Image.Image] = []
    worn_in, load_photo = _worn_in(drawn), _photo_loader(drawn)
    for path in drawn.street_photos:
        photo = read_photo(path)
        answer = services.matcher.search(photo, SearchRequest(k=MATCHES))
        rows += rows_of(path.name, answer, worn_in[path.name])
        pictures.append(draw_search(photo, answer.garments, load_photo))
    report = services.settings.home / "report.png"
    save_picture(_stacked(pictures), report)
    return DemoResult(imported, tuple(rows), report)


def rows_of(photo: str, answer: SearchAnswer, worn: dict[str, str]) -> list[DemoRow]:
    """Rows for what was seen, then for what is worn and was not. ``worn``: category → product."""
    rows = [_row(photo, garment, worn) for garment in answer.garments]
    seen = {garment.garment.category for garment in answer.garments}
    return rows + [
        DemoRow(photo, category, "", None, product, Found.NO_GARMENT)
        for category, product in worn.items()
        if category not in seen
    ]


def table_of(result: DemoResult) -> Table:
    """Garment → closest product, score, and whether the product worn came first."""
    judged = [row for row in result.rows if row.found is not Found.NOT_WORN]
    first = sum(row.found is Found.FIRST for row in judged)
    table = Table(
        title=f"{result.imported.indexed} products indexed · {first} of {len(judged)} garments: "
        "the product worn comes first",
    )
    for name in ("photo", "garment", "closest product", "score", "product worn", "came"):
        table.add_column(name, justify="right" if name == "score" else "left")
    last = None
    for row in result.rows:
        if last not in (None, row.photo):
            table.add_section()
        last = row.photo
        style = {Found.FIRST: "green", Found.LATER: "yellow"}.get(row.found, "red")
        score = "" if row.score is None else f"{row.score:.2f}"
        came = f"[{style}]{row.found}[/]"
        table.add_row(row.photo, row.garment, row.match, score, row.worn, came)
    return table


def _row(photo: str, garment: GarmentAnswer, worn: dict[str, str]) -> DemoRow:
    category = garment.garment.category
    product = worn.get(category or "", "")
    ids = [match.product.id for match in garment.matches]
    if not product:
        found = Found.NOT_WORN
    elif product not in ids:
        found = Found.NOT
    else:
        found = Found.FIRST if ids[0] == product else Found.LATER
    best = garment.matches[0] if garment.matches else None
    return DemoRow(
        photo=photo,
        garment=category or "whole photo",
        match=best.product.id if best else "",
        score=best.score if best else None,
        worn=product,
        found=found,
    )


def _worn_in(drawn: Drawn) -> dict[str, dict[str, str]]:
    """Street photo's name → Garb's category → the product worn."""
    worn: dict[str, dict[str, str]] = defaultdict(dict)
    with drawn.queries.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            category = category_of(row["category"]) or row["category"]
            worn[Path(row["image"]).name][category] = row["product"]
    return worn


def _import(services: Services, drawn: Drawn, console: Console) -> ImportReport:
    columns = (TextColumn("indexing"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("indexing", total=PRODUCTS)

        def show(tally: Tally) -> None:
            bar.update(task, completed=tally.done)

        return import_feed(
            open_feed(drawn.products),
            catalog=services.catalog,
            mapper=services.mapper(),
            on_progress=show,
        )


def _photo_loader(drawn: Drawn) -> Callable[[str, int], Photo | None]:
    with drawn.products.open(encoding="utf-8", newline="") as file:
        paths = {row["id"]: drawn.products.parent / row["image"] for row in csv.DictReader(file)}
    return lambda product_id, position: read_photo(paths[product_id])


def _stacked(pictures: Sequence[Image.Image]) -> Image.Image:
    """One under the other, left-aligned on white."""
    width = max(picture.width for picture in pictures)
    sheet = Image.new("RGB", (width, sum(picture.height for picture in pictures)), "white")
    top = 0
    for picture in pictures:
        sheet.paste(picture, (0, top))
        top += picture.height
    return sheet
