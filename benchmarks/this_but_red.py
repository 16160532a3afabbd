"""How often the same cut in red is found by a product, or by a photo of somebody in it, and "red".

Draws a shop that sells some cuts in several colours, imports it, and asks in several ways: with the
colour ranked nearer alone (``--colour`` of `garb search`), and with the word, at several weights.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.import_rate import import_products
from indexer.answer import Match
from indexer.bootstrap import Services, open_services
from indexer.matching import Matcher, SearchRequest
from indexer.settings import Settings
from indexer.wish import read_wish
from segmentation.colour_words import colours_in
from segmentation.garment import Box
from segmentation.photo import Photo, encode_jpeg
from wardrobe.scene import street_photo
from wardrobe.shop import Item, draw_items, in_colour, product_photo
from wardrobe.truth import coco_annotations, query_rows

COLOURS = ("red", "black", "white", "navy", "green", "mustard")
WEIGHTS = (0.1, 0.25, 0.5, 0.75)
BASICS = 120
# How many street photos are drawn until somebody in one is seen in the wanted product.
TRIES = 40


@dataclass(frozen=True, slots=True, eq=False)
class Worn:
    """A photo of somebody in a product, and where it is asked for."""

    photo: Photo
    category: str
    box: Box | None


def draw_shop(products: int, cuts: int, seed: int) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """The shop, and those of its products that it sells in all of `COLOURS`; none of these is red.

    No other product is of such a cut and cloth and red too.
    """
    items = draw_items(products, np.random.default_rng((seed, 0)))
    rng = np.random.default_rng((seed, 1))
    chosen = [item for item in items if item.colour not in ("red", "burgundy", "rust")][:cuts]
    looks = {_look(item) for item in chosen}
    shop = [item for item in items if item.colour != "red" or _look(item) not in looks]
    for item in chosen:
        shop += [in_colour(item, colour, rng) for colour in COLOURS if colour != item.colour]
    return tuple(shop), tuple(chosen)


def _look(item: Item) -> tuple[str, ...]:
    return item.garment, item.style, item.fabric.pattern, item.fabric.texture


def write_feed(folder: Path, shop: Sequence[Item], seed: int) -> Path:
    """The products' photos and ``products.csv``."""
    folder.mkdir(parents=True)
    rows = [["id", "title", "category", "image"]]
    for number, item in enumerate(shop):
        pixels = product_photo(item, np.random.default_rng((seed, 2, number)))
        (folder / f"{number}.jpg").write_bytes(encode_jpeg(Photo(pixels)))
        rows.append([item.id, item.title, item.category, f"{number}.jpg"])
    with (folder / "products.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return folder / "products.csv"


def draw_worn(item: Item, number: int, seed: int) -> Worn | None:
    """A street photo with the product well in sight; None where none was drawn."""
    basics = draw_items(BASICS, np.random.default_rng((seed, 3)))
    for attempt in range(TRIES):
        drawn = street_photo((item,), basics, np.random.default_rng((seed, 4, number, attempt)))
        for row in query_rows("", drawn, coco_annotations(drawn)):
            box = Box(*map(float, row["box"].split(","))) if row["box"] else None
            return Worn(Photo(drawn.pixels), row["category"], box)
    return None


def ways() -> dict[str, SearchRequest]:
    """Each way to ask for red."""
    ((_, red),) = colours_in("red").colours
    asked = {
        f"colour {weight}": SearchRequest(colour=red, colour_weight=weight)
        for weight in (0.5, 0.75)
    }
    for weight in WEIGHTS:
        asked[f"words {weight}"] = SearchRequest(
            wish=read_wish("this, but red"), words_weight=weight
        )
    return asked


def shares(places: Iterable[int | None]) -> dict[str, float | int]:
    """How often the wanted one was the first, among the first three and among the first ten."""
    told = list(places)
    found = {f"r@{k}": _share(told, k) for k in (1, 3, 10)}
    return {"queries": len(told), **found}


def _share(places: Sequence[int | None], k: int) -> float:
    return round(sum(place is not None and place < k for place in places) / max(1, len(places)), 3)


def place_of(wanted: str, matches: Sequence[Match], *, without: str = "") -> int | None:
    """Where a product stands among the matches, from 0, ``without`` not counted."""
    ids = [match.product.id for match in matches if match.product.id != without]
    return ids.index(wanted) if wanted in ids else None


def measure(services: Services, chosen: Sequence[Item], seed: int) -> None:
    """Print one line a way to ask."""
    matcher = services.matcher
    worn = [(item, draw_worn(item, number, seed)) for number, item in enumerate(chosen)]
    asked: list[tuple[str, Callable[[SearchRequest], list[int | None]]]] = [
        ("product", lambda request: [_by_product(matcher, item, request) for item in chosen]),
        (
            "photo",
            lambda request: [_by_photo(matcher, item, one, request) for item, one in worn if one],
        ),
    ]
    for name, run in asked:
        for way, request in ways().items():
            if name == "product" and request.wish is None:
                continue  # Similar products are asked for without a colour.
            line = {"case": name, "way": way, "products": services.catalog.product_count()}
            print(json.dumps({**line, **shares(run(request))}), flush=True)


def _by_product(matcher: Matcher, item: Item, request: SearchRequest) -> int | None:
    return place_of(f"{item.id}-red", matcher.similar(item.id, request).matches)


def _by_photo(matcher: Matcher, item: Item, worn: Worn, request: SearchRequest) -> int | None:
    asked = replace(request, category=worn.category, box=worn.box)
    (garment, *_) = matcher.search(worn.photo, asked).garments
    return place_of(f"{item.id}-red", garment.matches, without=item.id)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=200, help="beside the cuts in red")
    parser.add_argument("--queries", type=int, default=40, help="cuts that come in every colour")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    shop, chosen = draw_shop(arguments.products, arguments.queries, arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        feed = write_feed(Path(folder) / "shop", shop, arguments.seed)
        settings = Settings.from_env({"GARB_HOME": str(Path(folder) / "home")})
        import_products(feed, settings)
        with open_services(settings) as services:
            measure(services, chosen, arguments.seed)


if __name__ == "__main__":
    main()
