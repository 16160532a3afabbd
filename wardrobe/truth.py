"""What is known exactly of a drawn street photo: queries, COCO annotations, label map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco_mask

from wardrobe.cut import Side
from wardrobe.scene import FIRST, HEIGHT, LABEL_NAMES, WIDTH, StreetPhoto

CATEGORIES = (
    "top",
    "outerwear",
    "dress",
    "trousers",
    "shorts",
    "skirt",
    "shoes",
    "bag",
    "hat",
    "person",
)
# Less of a garment than this share of the photo is annotated but not asked for: nobody can tell
# which shirt is under a coat from a strip at its collar.
MIN_QUERY_SHARE = 0.01
MIN_QUERY_SHARE_SMALL = 0.003
SMALL = ("shoes", "bag", "hat")


def label_map(photo: StreetPhoto) -> npt.NDArray[np.uint8]:
    """HW uint8, numbers of ``LABEL_NAMES``."""
    table = np.zeros(256, np.uint8)
    for number, thing in photo.things.items():
        table[number] = LABEL_NAMES.index(thing.name)
    return np.asarray(cv2.LUT(photo.owner, table), np.uint8)


def coco_annotations(photo: StreetPhoto) -> list[dict[str, Any]]:
    """COCO annotations without ids: every person, then every garment that shows."""
    # The run lengths go down the columns.
    owner = np.asfortranarray(photo.owner)
    found = [
        _annotation("person", owner // FIRST == number)
        for number in range(1, len(photo.people) + 1)
    ]
    for number, thing in photo.things.items():
        if thing.category is not None:
            sold = {} if thing.item is None else {"product": thing.item.id}
            found.append(_annotation(thing.category, owner == number) | sold)
    return [annotation for annotation in found if annotation["area"]]


def _annotation(category: str, mask: npt.NDArray[np.bool_]) -> dict[str, Any]:
    encoded = coco_mask.encode(mask.view(np.uint8))
    return {
        "iscrowd": 0,
        "category_id": CATEGORIES.index(category) + 1,
        "area": int(coco_mask.area(encoded)),
        "bbox": [float(side) for side in coco_mask.toBbox(encoded)],
        "segmentation": {"size": [HEIGHT, WIDTH], "counts": encoded["counts"].decode("ascii")},
    }


def coco_document(photos: Iterable[tuple[str, list[dict[str, Any]]]]) -> dict[str, Any]:
    """All photos' annotations, numbered; each photo is its file name and ``coco_annotations``."""
    images: list[dict[str, Any]] = []
    numbered: list[dict[str, Any]] = []
    for image, (name, found) in enumerate(photos, start=1):
        images.append(
            {"id": image, "file_name": f"street/{name}", "width": WIDTH, "height": HEIGHT}
        )
        for annotation in found:
            numbered.append({"id": len(numbered) + 1, "image_id": image, **annotation})
    categories = [{"id": i + 1, "name": name} for i, name in enumerate(CATEGORIES)]
    return {"images": images, "annotations": numbered, "categories": categories}


def query_rows(image: str, photo: StreetPhoto, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What can be asked of the photo, with a box where the category alone would not say which."""
    times = Counter(annotation["category_id"] for annotation in found)
    backs = {
        thing.item.id
        for thing in photo.things.values()
        if thing.item and photo.people[thing.person].side is Side.BACK
    }
    rows = []
    for annotation in found:
        category = CATEGORIES[annotation["category_id"] - 1]
        least = MIN_QUERY_SHARE_SMALL if category in SMALL else MIN_QUERY_SHARE
        if "product" not in annotation or annotation["area"] < least * WIDTH * HEIGHT:
            continue
        x, y, width, height = (int(side) for side in annotation["bbox"])
        several = times[annotation["category_id"]] > 1
        seen = "drawn street back" if annotation["product"] in backs else "drawn street"
        rows.append(
            {
                "image": image,
                "product": annotation["product"],
                "category": category,
                "box": f"{x},{y},{x + width},{y + height}" if several else "",
                "view": seen,
            }
        )
    return rows
