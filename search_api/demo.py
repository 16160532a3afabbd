"""``garb demo``: draw a shop, index it, match street photos, and leave a report of how right it is."""

from __future__ import annotations

import csv
import json
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Annotated, Protocol

import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from indexer.bootstrap import Services, open_services
from indexer.feeds.open import open_feed
from indexer.html_report import save_page
from indexer.ingest.report import ImportReport, Tally
from indexer.ingest.runner import import_feed
from indexer.matching import SearchRequest
from indexer.settings import Settings
from search_api.demo_judging import Found, Judged, Worn, judge, tally, worn_in
from search_api.demo_report import PhotoOf, PhotoResult, Summary, report_html
from search_api.listening import free_port
from segmentation.photo import Photo, decode_photo, read_photo
from wardrobe.draw import Drawn, draw_wardrobe

# Two of these photos have two people in them.
PRODUCTS, PHOTOS, SEED = 120, 6, 4
MATCHES = 10
STAMP = "drawn.json"
STYLES = {Found.FIRST: "green", Found.LATER: "yellow", Found.AGAIN: "dim", Found.NOT_WORN: "dim"}


class Serve(Protocol):
    """What starts the server that the environment describes."""

    def __call__(self, *, port: int) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class DemoResult:
    """What the demo shows. ``report``: the HTML file."""

    summary: Summary
    photos: tuple[PhotoResult, ...]
    report: Path


def register(app: typer.Typer, *, serve: Serve) -> None:
    """Mount the command; ``serve`` starts the server that the environment describes."""

    @app.command("demo")
    def demo(
        keep_serving: Annotated[
            bool, typer.Option("--serve", help="Then start the server on the drawn shop.")
        ] = False,
        port: Annotated[int, typer.Option(min=1, max=65535, help="Of that server.")] = 8000,
    ) -> None:
        """Draw a shop, index it, match street photos, leave a report with pictures."""
        settings = demo_settings(Settings.from_env(os.environ))
        if keep_serving:
            free_port("127.0.0.1", port)
        out, progress = Console(), Console(stderr=True)
        drawn = draw_once(settings.home / "shop", progress=progress)
        with open_services(settings) as services:
            result = run_demo(services, drawn, progress=progress)
        out.print(table_of(result))
        _print_line(out, f"report  {result.report}")
        if keep_serving:
            os.environ.update(environment_of(settings))
            serve(port=port)
        else:
            _print_line(out, f"page    {_own_name()} demo --serve, then http://127.0.0.1:{port}")


def demo_settings(settings: Settings) -> Settings:
    """The same models and threads; a home, a database and samples of its own."""
    home = settings.home / "demo"
    return replace(
        settings,
        home=home,
        database_url=f"sqlite:///{home / 'garb.db'}",
        images_url=str(home / "images"),
        samples_dir=home / "shop" / "street",
    )


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables that `Settings.from_env` reads these settings from."""
    return {
        "GARB_HOME": str(settings.home),
        "GARB_DATABASE_URL": settings.database_url,
        "GARB_MODELS": str(settings.models_dir),
        "GARB_IMAGES": settings.images_url,
        "GARB_THREADS": str(settings.threads),
        "GARB_SAMPLES": str(settings.samples_dir or ""),
    }


def draw_once(
    folder: Path,
    *,
    progress: Console,
    products: int = PRODUCTS,
    photos: int = PHOTOS,
    seed: int = SEED,
) -> Drawn:
    """The drawn shop: what lies there, unless another wardrobe or other numbers drew it."""
    stamp = {"products": products, "photos": photos, "seed": seed, "wardrobe": _wardrobe_version()}
    street = tuple(sorted((folder / "street").glob("*.jpg")))
    if _read_stamp(folder) == stamp and len(street) == photos:
        return Drawn(
            products=folder / "products.csv",
            queries=folder / "queries.csv",
            annotations=folder / "coco.json",
            street_photos=street,
        )
    # Photos of an earlier, larger shop would be offered as samples.
    shutil.rmtree(folder, ignore_errors=True)
    with _progress(progress, f"drawing {products} products and {photos} street photos") as bar:
        task = bar.add_task("drawing", total=products + photos)
        drawn = draw_wardrobe(
            folder,
            products=products,
            photos=photos,
            seed=seed,
            on_progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    # Last: a drawing that was cut off is drawn again.
    (folder / STAMP).write_text(json.dumps(stamp), encoding="utf-8")
    return drawn


def run_demo(services: Services, drawn: Drawn, *, progress: Console) -> DemoResult:
    """Import the drawn shop and match its street photos; leaves ``report.html`` in the home.

    Raises:
        FeedError: the drawn feed cannot be read.
        PhotoError: a drawn photo cannot be read.
    """
    drawn_ids = _product_ids(drawn)
    started = time.perf_counter()
    imported = _import(services, drawn, progress, total=len(drawn_ids))
    others = {one.id for one in services.catalog.all_products()} - drawn_ids
    if others:  # An earlier demo drew another shop.
        services.catalog.remove_products(others)
        imported = replace(
            imported,
            products=services.catalog.product_count(),
            indexed=services.catalog.indexed_count(),
        )
    services.index.refresh()
    summary = Summary(imported, time.perf_counter() - started, _versions(services))
    worn = worn_in(drawn)
    photos = _match(services, drawn.street_photos, worn, progress)
    named = services.catalog.products(
        product.product for products in worn.values() for product in products
    )
    html = report_html(
        summary,
        photos,
        photo_of=_photo_loader(services),
        titles={product.id: product.title for product in named.values()},
    )
    report = services.settings.home / "report.html"
    save_page(html, report)
    return DemoResult(summary, photos, report)


def table_of(result: DemoResult) -> Table:
    """Garment → closest product, score, and where the product worn came; 80 columns hold it."""
    counts = tally(one for photo in result.photos for one in photo.judged)
    table = Table(
        title=f"{result.summary.imported.indexed} products indexed\n"
        f"{counts[Found.FIRST]} of {sum(counts.values())} garments: the product worn comes first",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
    )
    for name in ("photo", "garment", "closest product", "score", "product worn", "came"):
        table.add_column(name, justify="right" if name == "score" else "left", overflow="fold")
    for photo in result.photos:
        for number, one in enumerate(photo.judged):
            table.add_row(Path(photo.name).stem if number == 0 else "", *_cells(one))
        table.add_section()
    return table


def _cells(one: Judged) -> tuple[str, str, str, str, str]:
    best = one.seen.matches[0] if one.seen and one.seen.matches else None
    style = STYLES.get(one.found, "red")
    return (
        one.category or "whole photo",
        best.product.id if best else "",
        f"{best.score:.2f}" if best else "",
        one.worn or "",
        f"[{style}]{one.verdict}[/]",
    )


def _match(
    services: Services,
    paths: Sequence[Path],
    worn: Mapping[str, tuple[Worn, ...]],
    console: Console,
) -> tuple[PhotoResult, ...]:
    results = []
    with _progress(console, "matching") as bar:
        for path in bar.track(paths, description="matching"):
            started = time.perf_counter()
            photo = read_photo(path)
            decode_ms = (time.perf_counter() - started) * 1000
            request = SearchRequest(k=MATCHES)
            answer = services.matcher.search(photo, request, decode_ms=decode_ms)
            judged = judge(answer.garments, worn.get(path.name, ()))
            results.append(PhotoResult(path.name, photo, answer, judged))
    return tuple(results)


def _import(services: Services, drawn: Drawn, console: Console, *, total: int) -> ImportReport:
    with _progress(console, "indexing") as bar:
        task = bar.add_task("indexing", total=total)

        def show(tally: Tally) -> None:
            bar.update(task, completed=tally.done)

        return import_feed(
            open_feed(drawn.products),
            catalog=services.catalog,
            mapper=services.mapper(),
            on_progress=show,
        )


def _progress(console: Console, what: str) -> Progress:
    """A bar that goes when it is done; a log gets a line instead."""
    if not console.is_terminal:
        console.print(what)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _product_ids(drawn: Drawn) -> set[str]:
    with drawn.products.open(encoding="utf-8", newline="") as file:
        return {row["id"] for row in csv.DictReader(file)}


def _photo_loader(services: Services) -> PhotoOf:
    def load(product_id: str, position: int) -> Photo | None:
        image = services.catalog.image(product_id, position)
        if image is None or image.sha256 is None:
            return None
        return decode_photo(services.image_store.read(image.sha256))

    return load


def _versions(services: Services) -> dict[str, str]:
    return {
        "segmenter": services.photo_parser.version,
        "parser": services.photo_parser.parser_version,
        "embedder": services.embedder.version,
    }


def _wardrobe_version() -> str:
    """Of its sources: another release may draw other pixels under the same seed."""
    folder = Path(str(resources.files("wardrobe")))
    sources = sorted([*folder.glob("*.py"), *folder.glob("*.toml")])
    return sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()


def _read_stamp(folder: Path) -> object:
    try:
        return json.loads((folder / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _print_line(console: Console, text: str) -> None:
    """A line to be copied: never wrapped, and a path's brackets are no markup."""
    console.print(text, soft_wrap=True, markup=False, highlight=False)


def _own_name() -> str:
    """The command as it was called, so that the line can be copied."""
    called = Path(sys.argv[0])
    return "garb" if called.name != "garb" or shutil.which("garb") else str(called)
