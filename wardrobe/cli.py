"""``garb wardrobe``: draws a shop and street photos to try Garb on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from wardrobe.draw import draw_wardrobe

app = typer.Typer(
    help="Draw a shop and street photos with exact ground truth.", no_args_is_help=True
)


@app.callback()
def wardrobe() -> None:
    """Draw a shop and street photos with exact ground truth."""


@app.command()
def draw(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the files go.")],
    products: Annotated[int, typer.Option(min=1, help="How many products.")],
    photos: Annotated[int, typer.Option(min=0, help="How many street photos.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same pictures.")] = 0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; by default one a processor.")
    ] = None,
) -> None:
    """Write products.csv, queries.csv, images/, street/, coco.json and labels/ into DIR."""
    console = Console(stderr=True)
    columns = (TextColumn("Drawing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("", total=products + photos)
        drawn = draw_wardrobe(
            folder,
            products=products,
            photos=photos,
            seed=seed,
            workers=workers,
            on_progress=lambda done, total: progress.update(bar, completed=done, total=total),
        )
    console.print(
        f"{products} products and {photos} street photos in {folder}; import {drawn.products.name}"
    )
