"""Street photos against a catalog that holds none of their garments: are the first ten of their kind?

Held-out photos (number ends in 7) with label PNGs: of each photo and category the largest labelled
garment. The catalog is imported into ``--out`` (again where that was cut short). One line a case, over all garments:

- asked by photo: the photo alone; the answer's garment that overlaps the labelled one best counts, and
  a garment that was not found has no matches
- asked by photo and category: the category of the labelled garment is named
- most: what the best ten products of this catalog would give
- chance: what ten products picked blindly would give

``category``: the share of the first ten that are of the garment's labelled category. ``colour``: that
have its labelled main colour, ΔE00 (CIEDE2000) under 15 between the main colours of both. ``both``.

    python -m benchmarks.street_to_catalog --catalog FEED.csv --photos DIR --labels DIR --out DIR [--pictures N]

``--pictures`` draws the answers of so many photos into ``OUT/pictures``.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.import_rate import import_products
from indexer.answer import GarmentAnswer, Match, SearchAnswer
from indexer.bootstrap import Services, open_services
from indexer.colour_match import lab_of
from indexer.matching import SearchRequest
from indexer.picture import draw_search, save_picture
from indexer.settings import Settings
from segmentation.annotations.annotated_photo import Instance, is_validation
from segmentation.annotations.label_png import garment_instances, list_label_pairs, read_label_map
from segmentation.annotations.read import label_names
from segmentation.ciede2000 import ciede2000
from segmentation.colour import dominant_colours
from segmentation.garment import mask_iou
from segmentation.labels import PERSON, category_of
from segmentation.photo import Photo, read_photo

FIRST = 10
SAME_COLOUR = 15.0
_SAME_GARMENT_IOU = 0.3
_KINDS = ("category", "colour", "both")

Shares = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Shop:
    """``categories`` and ``lab``, (n, 3): of each product, in the order of ``ids``."""

    ids: tuple[str, ...]
    categories: npt.NDArray[np.str_]
    lab: npt.NDArray[np.float32]

    def fitting(self, instance: Instance, lab: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """(3, n): which products share the category, the colour, both."""
        category = self.categories == instance.category
        colour = ciede2000(self.lab, lab[None]) < SAME_COLOUR
        return np.stack([category, colour, category & colour])


def main() -> None:
    arguments = _arguments()
    settings = replace(
        Settings.from_env(os.environ),
        home=arguments.out,
        database_url=f"sqlite:///{arguments.out / 'garb.db'}",
        images_url=str(arguments.out / "images"),
    )
    arguments.out.mkdir(parents=True, exist_ok=True)
    import_products(arguments.catalog, settings)
    names = label_names(arguments.labels, None)
    pairs = [
        pair
        for pair in list_label_pairs(arguments.photos, arguments.labels)
        if is_validation(pair.stem)
    ]
    pictured = set(np.linspace(0, len(pairs) - 1, arguments.pictures).astype(int).tolist())
    sums: dict[str, list[Shares]] = {}
    with open_services(settings) as services:
        shop = _shop(arguments.catalog, services)
        for number, pair in enumerate(pairs):
            photo = read_photo(pair.path)
            answer = services.matcher.search(photo, SearchRequest(k=FIRST))
            if number in pictured:
                _draw(photo, answer, arguments.catalog, arguments.out / f"pictures/{pair.stem}.png")
            for instance in _largest(garment_instances(read_label_map(pair.label_path), names)):
                for case, shares in _shares(services, shop, photo, answer, instance):
                    sums.setdefault(case, []).append(shares)
    for case, shares_of_garments in sums.items():
        mean = np.mean(shares_of_garments, axis=0).round(3).tolist()
        of = {"garments": len(shares_of_garments), "products": len(shop.ids)}
        print(json.dumps({"case": case, **of, **dict(zip(_KINDS, mean, strict=True))}))


def _shop(feed: Path, services: Services) -> Shop:
    """The products whose photo has a colour, with the feed's category and that photo's main colour."""
    with feed.open(encoding="utf-8-sig", newline="") as file:
        rows = {row["id"]: category_of(row["category"]) or "" for row in csv.DictReader(file)}
    images = services.catalog.images_of(rows)
    ids = tuple(id_ for id_ in rows if any(image.colours for image in images.get(id_, ())))
    colours = [next(i.colours[0].hex for i in images[id_] if i.colours) for id_ in ids]
    return Shop(ids, np.array([rows[id_] for id_ in ids]), lab_of(colours))


def _largest(instances: Sequence[Instance]) -> list[Instance]:
    largest: dict[str, Instance] = {}
    for instance in sorted(instances, key=lambda one: one.mask.area):
        largest[instance.category] = instance
    return [instance for name, instance in largest.items() if name != PERSON]


def _shares(
    services: Services, shop: Shop, photo: Photo, answer: SearchAnswer, instance: Instance
) -> Iterator[tuple[str, Shares]]:
    (colour,) = dominant_colours(instance.mask.pixels_of(photo), most=1)
    fitting = shop.fitting(instance, lab_of([colour.hex])[0])
    named = services.matcher.search(photo, SearchRequest(k=FIRST, category=instance.category))
    yield "asked by photo", _of_the_first(_found(answer, instance), shop, fitting)
    yield "asked by photo and category", _of_the_first(named.garments[0].matches, shop, fitting)
    yield "most", np.minimum(fitting.sum(axis=1), FIRST) / FIRST
    yield "chance", fitting.mean(axis=1)


def _found(answer: SearchAnswer, instance: Instance) -> Sequence[Match]:
    def overlap(one: GarmentAnswer) -> float:
        mask = one.garment.mask
        return mask_iou(mask.pixels, instance.mask.pixels) if mask else 0.0

    best = max(answer.garments, key=overlap)
    return best.matches if overlap(best) >= _SAME_GARMENT_IOU else ()


def _of_the_first(matches: Sequence[Match], shop: Shop, fitting: npt.NDArray[np.bool_]) -> Shares:
    places = [shop.ids.index(match.product.id) for match in matches if match.product.id in shop.ids]
    shares: Shares = fitting[:, places].sum(axis=1) / FIRST
    return shares


def _draw(photo: Photo, answer: SearchAnswer, feed: Path, path: Path) -> None:
    with feed.open(encoding="utf-8-sig", newline="") as file:
        images = {row["id"]: row["image"].split("|") for row in csv.DictReader(file)}

    def load(product_id: str, position: int) -> Photo:
        return read_photo(feed.parent / images[product_id][position])

    path.parent.mkdir(exist_ok=True)
    save_picture(draw_search(photo, answer.garments, load), path)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--catalog", type=Path, required=True, help="CSV of id, category, image")
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
