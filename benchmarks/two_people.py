"""People who stand before others: the persons of a retrieval split's queries, put before other street photos.

Street photos of data sets show one person; a shopper's may show her before others. Each query's person
is cut out by the true labels and put before a street photo in which somebody else stands, who was never
trained on. What is asked for is what the one in front wears, by its category.

    python -m benchmarks.two_people SPLIT OUT --data GARB_DATA
    garb evaluate retrieval SPLIT/PRODUCTS.csv OUT/QUERIES.csv --json

SPLIT: as `benchmarks.retrieval_split` leaves it. ``by_view`` of the figures tells the places apart.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from benchmarks.small_people import write_queries
from segmentation.annotations.annotated_photo import is_validation
from segmentation.annotations.label_png import read_label_map
from segmentation.garment import BoolPixels
from segmentation.labels import BACKGROUND_NAMES, read_label_names
from segmentation.photo import Pixels, read_photo

SEED = 5
_EDGE_PX = 1.0


@dataclass(frozen=True, slots=True)
class Place:
    """How large the person is, of what they are in their own photo, and how far right of there, in widths."""

    scale: float
    right: float


PLACES = {
    "before somebody": Place(1.0, 0.0),
    "beside somebody": Place(0.9, 0.22),
    "before somebody larger": Place(0.75, 0.1),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("split", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder with street/")
    arguments = parser.parse_args()
    street = arguments.data / "street"
    behind = held_out_unlabelled(street)
    if len(behind) < len(PLACES):
        parser.error(f"{street}/photos needs {len(PLACES)} held-out photos without labels")
    scenes = partial(scenes_of, street=street, behind=behind)
    write_queries(arguments.split, arguments.out, view="street", scenes=scenes)


def held_out_unlabelled(street: Path) -> list[Path]:
    """Validation photos that have tags alone: nothing was learned from them, nothing is measured on them."""
    labelled = {path.stem for path in (street / "labels").glob("*.png")}
    photos = sorted((street / "photos").glob("*.jpg"))
    return [path for path in photos if is_validation(path.stem) and path.stem not in labelled]


def scenes_of(path: Path, *, street: Path, behind: Sequence[Path]) -> dict[str, Pixels]:
    """The person of a labelled photo before others, at each of `PLACES`."""
    names = read_label_names(street / "labels.json")
    is_person = np.array([name not in BACKGROUND_NAMES for name in names])
    labels = read_label_map(street / "labels" / f"{path.stem}.png")
    photo, person = read_photo(path).pixels, is_person[labels]
    generator = np.random.default_rng((SEED, *path.stem.encode()))
    others = generator.choice(len(behind), len(PLACES), replace=False)
    return {
        name: put_before(read_photo(behind[other]).pixels, photo, person, place)
        for (name, place), other in zip(PLACES.items(), others, strict=True)
    }


def put_before(behind: Pixels, photo: Pixels, person: BoolPixels, place: Place) -> Pixels:
    """HWC uint8 RGB, of the size of ``photo``: its person before another photo, standing on its lower edge.

    ``person``: HW bool, of the photo's size.
    """
    height, width = person.shape
    right = ((1 - place.scale) / 2 + place.right) * width
    down = (1 - place.scale) * height
    move = np.array([[place.scale, 0, right], [0, place.scale, down]])
    share = cv2.GaussianBlur(person.astype(np.float32), (0, 0), _EDGE_PX)
    there = cv2.warpAffine(share, move, (width, height))[..., None]
    moved = cv2.warpAffine(photo, move, (width, height), flags=cv2.INTER_LINEAR)
    backdrop = cv2.resize(behind, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(moved * there + backdrop * (1 - there), np.float32).round().astype(np.uint8)


if __name__ == "__main__":
    main()
