"""People who are small in the photo: the queries of a retrieval split, set into larger photos.

Street photos of data sets show one person from top to bottom; a shopper's may be taken from afar or
sideways. Each query's photo is set into one of another shape, which is filled with the same photo, blurred and
drawn out, as phones fill a screen. What is left is the same person, garment and product.

    python -m benchmarks.small_people SPLIT OUT [--view street]
    garb evaluate retrieval SPLIT/PRODUCTS.csv OUT/QUERIES.csv --json

SPLIT: as `benchmarks.retrieval_split` leaves it. ``by_view`` of the figures tells the shapes apart.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from segmentation.photo import Photo, Pixels, encode_jpeg, read_photo

QUERY_FIELDS = ("image", "product", "category", "view")
AS_IT_IS = "as it is"
_BLUR_PX = 25.0


@dataclass(frozen=True, slots=True)
class Scene:
    """Width and height of the larger photo, and how high the old one stands in it, in pixels."""

    width: int
    height: int
    shown_px: int


SCENES = {
    "4:3, full height": Scene(1200, 900, 900),
    "16:9, full height": Scene(1600, 900, 900),
    "3:4, half the height": Scene(900, 1200, 600),
    "4:3, half the height": Scene(1600, 1200, 600),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("split", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--view", default="street", help="of the split's queries")
    arguments = parser.parse_args()
    write_queries(arguments.split, arguments.out, view=arguments.view, scenes=scenes_of)


def write_queries(
    split: Path, out: Path, *, view: str, scenes: Callable[[Path], Mapping[str, Pixels]]
) -> Path:
    """OUT/QUERIES.csv: every query of the view as it is, and once in each of its photo's ``scenes``.

    ``scenes``: a photo's file → by name, HWC uint8 RGB.
    """
    out.mkdir(parents=True, exist_ok=True)
    with (split / "QUERIES.csv").open(newline="", encoding="utf-8") as file:
        queries = [row for row in csv.DictReader(file) if row["view"] == view]
    images = dict.fromkeys(query["image"] for query in queries)
    files = {image: {AS_IT_IS: str((split / image).resolve())} for image in images}
    for number, image in enumerate(images):
        for name, pixels in scenes(split / image).items():
            file_name = f"{number:03}-{len(files[image])}.jpg"
            (out / file_name).write_bytes(encode_jpeg(Photo(pixels), quality=95))
            files[image][name] = file_name
    written = out / "QUERIES.csv"
    with written.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, QUERY_FIELDS, extrasaction="ignore")
        table.writeheader()
        for query in queries:
            for name, path in files[query["image"]].items():
                table.writerow({**query, "image": path, "view": name})
    return written


def scenes_of(path: Path) -> dict[str, Pixels]:
    """A photo in each of `SCENES`."""
    photo = read_photo(path)
    return {name: set_into(photo.pixels, scene) for name, scene in SCENES.items()}


def set_into(photo: Pixels, scene: Scene) -> Pixels:
    """HWC uint8 RGB: the photo's middle on that of the lower edge, and the photo blurred around it."""
    shrunk = cv2.resize(
        photo,
        (round(photo.shape[1] * scene.shown_px / photo.shape[0]), scene.shown_px),
        interpolation=cv2.INTER_AREA,
    )
    around = cv2.resize(photo, (scene.width, scene.height), interpolation=cv2.INTER_LINEAR)
    filled = cv2.GaussianBlur(around, (0, 0), _BLUR_PX)
    width = min(shrunk.shape[1], scene.width)
    left, cut = (scene.width - width) // 2, (shrunk.shape[1] - width) // 2
    filled[-scene.shown_px :, left : left + width] = shrunk[:, cut : cut + width]
    return np.asarray(filled, np.uint8)


if __name__ == "__main__":
    main()
