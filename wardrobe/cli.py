"""``garb wardrobe``: draws a shop and street photos to try Garb on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

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
    seed: Annotated[int, typer.Option(help="The same seed draws the same pictures.")] = 0,
) -> None:
    """Write products.csv, queries.csv, images/, street/ and coco.json into DIR."""
    drawn = draw_wardrobe(folder, products=products, photos=photos, seed=seed)
    Console(stderr=True).print(
        f"{products} products and {photos} street photos in {folder}; import {drawn.products.name}"
    )
