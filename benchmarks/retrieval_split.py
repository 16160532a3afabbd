"""A shop that sells what the street wears: an evaluation split from labelled street photos.

No data set at hand pairs street photos with shop photos. So each garment of a validation photo is
cut out by its true label, altered as another photo of it would be, and placed on a plain backdrop:
that is its product. The shop's real products stand around it as distractors. Queries are the
untouched street photos, and once more each garment on a studio backdrop, altered otherwise, so that
what the street costs can be read off. The alterations are fixed by the seed; they are easier than a
true second photograph, so compare figures of this split only with each other.

    python -m benchmarks.retrieval_split OUT --data GARB_DATA [--gallery-limit N]
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from indexer.embedder.items import square_crop
from indexer.embedder.views import TRAINING, bend, relight
from segmentation.annotations.annotated_photo import is_validation
from segmentation.annotations.label_png import (
    LabelPair,
    garment_instances,
    list_label_pairs,
    read_label_map,
)
from segmentation.garment import Mask
from segmentation.labels import GARMENT_CATEGORIES, read_label_names
from segmentation.photo import Photo, Pixels, encode_jpeg, read_photo

SEED = 7
SIDE_PX = 400
MIN_AREA_SHARE = 0.01
PRODUCT_FIELDS = ("id", "image", "title", "category")
QUERY_FIELDS = ("image", "product", "category", "view")
# Bends and light are wider than in training, and nothing is hidden by rectangles: the crop below
# cuts one end off instead.
RECIPE = replace(TRAINING, warp=0.045, perspective=0.09, zoom=(0.85, 1.1), white_balance=0.08)
_CROPPED_SHARE = 0.4


@dataclass(frozen=True, slots=True, eq=False)
class StreetGarment:
    """A garment of a validation photo; both shoes are one."""

    id: str
    category: str
    photo_path: Path
    crop: Pixels


def street_garments(data: Path) -> Iterator[StreetGarment]:
    """Every garment of at least 1% of its validation photo, by its true label."""
    street = data / "street"
    names = read_label_names(street / "labels.json")
    for pair in list_label_pairs(street / "photos", street / "labels"):
        if is_validation(pair.stem):
            yield from _garments_of(pair, names)


def _garments_of(pair: LabelPair, names: tuple[str, ...]) -> Iterator[StreetGarment]:
    photo = read_photo(pair.path)
    instances = garment_instances(read_label_map(pair.label_path), names)
    for category in GARMENT_CATEGORIES:
        masks = [i.mask.pixels for i in instances if i.category == category]
        if category == "bag":
            masks = sorted(masks, key=np.count_nonzero)[-1:]
        if not masks:
            continue
        mask = Mask(np.logical_or.reduce(masks))
        if mask.area >= MIN_AREA_SHARE * mask.pixels.size:
            crop = square_crop(photo, mask, size_px=SIDE_PX)
            yield StreetGarment(f"street-{pair.stem}-{category}", category, pair.path, crop)


def studio_photo(crop: Pixels, *, generator: np.random.Generator) -> Photo:
    """Another photo of a garment: bent, relit, sometimes cut off, on a light plain backdrop.

    ``crop``: square HWC uint8 RGBA, alpha 255 = cloth.
    """
    # One blurred edge hides the street's pixels along the label's border.
    crop = crop.copy()
    crop[..., 3] = cv2.erode(crop[..., 3], np.ones((3, 3), np.uint8))
    moved = bend(crop, size_px=SIDE_PX, generator=generator, recipe=RECIPE)
    pixels = relight(np.ascontiguousarray(moved[..., :3]), generator=generator, recipe=RECIPE)
    share = cv2.GaussianBlur(moved[..., 3], (3, 3), 0)[..., None].astype(np.float32) / 255
    backdrop = _backdrop(generator)
    composed = pixels * share + backdrop * (1 - share)
    photo = np.round(composed).astype(np.uint8)
    if generator.random() < _CROPPED_SHARE:
        photo = _cut_end(photo, share[..., 0] > 0.5, generator)
    return Photo(np.ascontiguousarray(photo))


def _backdrop(generator: np.random.Generator) -> Pixels:
    tone = generator.uniform(205, 252) + generator.uniform(-4, 4, 3)
    fall = np.linspace(generator.uniform(-8, 0), generator.uniform(0, 8), SIDE_PX)[:, None, None]
    noise = generator.normal(0, 1.5, (SIDE_PX, SIDE_PX, 1))
    return np.clip(tone + fall + noise, 0, 255).astype(np.uint8)


def _cut_end(
    photo: Pixels,
    cloth: np.ndarray[tuple[int, int], np.dtype[np.bool_]],
    generator: np.random.Generator,
) -> Pixels:
    box = Mask(cloth).box()
    cut = generator.uniform(0.1, 0.3)
    side = int(generator.integers(4))
    height, width = round(cut * box.height), round(cut * box.width)
    if side == 0:
        return photo[int(box.y0) + height :]
    if side == 1:
        return photo[: int(box.y1) - height]
    if side == 2:
        return photo[:, int(box.x0) + width :]
    return photo[:, : int(box.x1) - width]


def write_split(out: Path, data: Path, *, gallery_limit: int | None = None) -> dict[str, int]:
    """Write PRODUCTS.csv, QUERIES.csv and the studio photos; returns the counts."""
    (out / "products").mkdir(parents=True, exist_ok=True)
    (out / "queries").mkdir(exist_ok=True)
    products, queries = [], []
    for number, garment in enumerate(street_garments(data)):
        images = {}
        for folder, stream in (("products", 0), ("queries", 1)):
            generator = np.random.default_rng((SEED, stream, number))
            photo = studio_photo(garment.crop, generator=generator)
            images[folder] = f"{folder}/{garment.id}.jpg"
            (out / images[folder]).write_bytes(encode_jpeg(photo))
        title = f"{garment.category} {garment.id}"
        products.append((garment.id, images["products"], title, garment.category))
        street = _relative(garment.photo_path, out)
        queries.append((street, garment.id, garment.category, "street"))
        queries.append((images["queries"], garment.id, garment.category, "studio"))
    counts = {"garments": len(products), "queries": len(queries)}
    products += _distractors(data, out, gallery_limit)
    _write_csv(out / "PRODUCTS.csv", PRODUCT_FIELDS, products)
    _write_csv(out / "QUERIES.csv", QUERY_FIELDS, queries)
    return {**counts, "products": len(products)}


def _distractors(data: Path, out: Path, limit: int | None) -> list[tuple[str, str, str, str]]:
    feed = data / "catalog" / "products.csv"
    with feed.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if limit is not None and limit < len(rows):
        # Feeds are sorted by category: the first rows would be one category.
        chosen = np.random.default_rng(SEED).permutation(len(rows))[:limit]
        rows = [rows[i] for i in sorted(chosen)]
    return [
        (row["id"], _relative(feed.parent / row["image"], out), row["title"], row["category"])
        for row in rows
    ]


def _relative(image: Path, out: Path) -> str:
    """Images are named relative to the CSV."""
    return os.path.relpath(image.resolve(), out.resolve())


def _write_csv(path: Path, fields: tuple[str, ...], rows: list[tuple[str, str, str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(fields)
        writer.writerows(rows)


def main(arguments: list[str]) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Write the retrieval evaluation split.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder with street/ and catalog/")
    parser.add_argument("--gallery-limit", type=int, default=None, metavar="N")
    options = parser.parse_args(arguments)
    counts = write_split(options.out, options.data, gallery_limit=options.gallery_limit)
    print(json.dumps({"case": "retrieval_split", **counts, "seed": SEED}))


if __name__ == "__main__":
    main(sys.argv[1:])
