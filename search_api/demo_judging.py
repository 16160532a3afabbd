"""Which product each seen garment of a drawn photo is, and where it came among the matches."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from indexer.answer import GarmentAnswer
from segmentation.garment import Box, Garment, Mask, mask_from_rle
from segmentation.labels import category_of
from wardrobe.draw import Drawn

# Where the smaller of the two shares less than this, a seen garment is somebody else's. The
# smaller, as one shoe of a pair is a small part of what is worn.
SAME_SHARE = 0.3
# Under another category's name it is the same thing only where their pixels have this IoU.
SAME_IOU = 0.5


class Found(StrEnum):
    """Where the product that is worn came among the matches of its garment."""

    FIRST = "first"
    LATER = "later"
    NOT_MATCHED = "not matched"
    NOT_SEEN = "not seen"
    # Seen, and none of the products asked for.
    AGAIN = "counted once"
    NOT_WORN = "not worn"


@dataclass(frozen=True, slots=True, eq=False)
class Worn:
    """A product that is worn in a photo. ``category``: Garb's own; ``mask``: its visible pixels."""

    product: str
    category: str
    mask: Mask


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One garment of one photo: seen, worn, or both.

    ``place``: of the product worn among the matches, from 1; None where it is not among them.
    """

    category: str | None
    found: Found
    seen: GarmentAnswer | None = None
    worn: str | None = None
    place: int | None = None

    @property
    def counts(self) -> bool:
        """Whether it stands for a product worn: each does once."""
        return self.found not in (Found.AGAIN, Found.NOT_WORN)

    @property
    def verdict(self) -> str:
        """In a word or two: ``first``, ``3rd``, ``not seen``."""
        return ordinal(self.place) if self.found is Found.LATER and self.place else self.found


def worn_in(drawn: Drawn) -> dict[str, tuple[Worn, ...]]:
    """Street photo's name → what ``queries.csv`` asks for there, with the pixels of ``coco.json``.

    A product of two pieces, or worn by two people, is one: its pixels are put together.
    """
    masks = _product_masks(drawn.annotations)
    worn: dict[str, dict[str, Worn]] = defaultdict(dict)
    with drawn.queries.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            photo, product = Path(row["image"]).name, row["product"]
            category = category_of(row["category"]) or row["category"]
            worn[photo][product] = Worn(product, category, masks[photo, product])
    return {photo: tuple(products.values()) for photo, products in worn.items()}


def judge(seen: Sequence[GarmentAnswer], worn: Sequence[Worn]) -> tuple[Judged, ...]:
    """What was seen, in its order, then what is worn and was not.

    Every worn product is judged by the seen garment of its category that overlaps it best, else by
    one that was seen in its place under another name: what a shopper sees there is its matches. No
    seen garment stands for two.
    """
    overlaps: dict[tuple[int, int], tuple[bool, float]] = {
        (i, j): overlap
        for i, answer in enumerate(seen)
        for j, product in enumerate(worn)
        if (overlap := _overlap(answer.garment, product))
    }
    pairs: dict[int, int] = {}
    for i, j in sorted(overlaps, key=lambda pair: overlaps[pair], reverse=True):
        if i not in pairs and j not in pairs.values():
            pairs[i] = j
    judged = [
        _judge_pair(answer, worn[pairs[i]])
        if i in pairs
        else _judge_rest(answer, [product for j, product in enumerate(worn) if (i, j) in overlaps])
        for i, answer in enumerate(seen)
    ]
    missed = [product for j, product in enumerate(worn) if j not in pairs.values()]
    return (
        *judged,
        *(Judged(one.category, Found.NOT_SEEN, worn=one.product) for one in missed),
    )


def tally(judged: Iterable[Judged]) -> dict[Found, int]:
    """How many of the products worn came first, later, and not at all."""
    counted = [one.found for one in judged if one.counts]
    kinds = (Found.FIRST, Found.LATER, Found.NOT_MATCHED, Found.NOT_SEEN)
    return {kind: counted.count(kind) for kind in kinds}


def ordinal(place: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{'th' if place % 100 in (11, 12, 13) else ending}"


def _judge_pair(answer: GarmentAnswer, worn: Worn) -> Judged:
    ids = [match.product.id for match in answer.matches]
    place = ids.index(worn.product) + 1 if worn.product in ids else None
    found = {None: Found.NOT_MATCHED, 1: Found.FIRST}.get(place, Found.LATER)
    return Judged(answer.garment.category, found, answer, worn.product, place)


def _judge_rest(answer: GarmentAnswer, overlapped: Sequence[Worn]) -> Judged:
    """A garment that stands for no product: the second of a pair, or nothing that is asked for."""
    category = answer.garment.category
    if overlapped:
        return Judged(category, Found.AGAIN, answer, overlapped[0].product)
    return Judged(category, Found.NOT_WORN, answer)


def _overlap(garment: Garment, worn: Worn) -> tuple[bool, float] | None:
    """Whether they have one category, and the IoU of their pixels; None where they are two things."""
    if garment.category is None:
        return None
    seen = garment.mask or _filled(garment.box, worn.mask)
    shared = np.count_nonzero(seen.pixels & worn.mask.pixels)
    if shared == 0:
        return None
    iou = float(shared / (seen.area + worn.mask.area - shared))
    if category_of(garment.category) == worn.category:
        return (True, iou) if shared >= SAME_SHARE * min(seen.area, worn.mask.area) else None
    return (False, iou) if iou >= SAME_IOU else None


def _filled(box: Box, like: Mask) -> Mask:
    """The box as a mask: a garment need not have one of its own."""
    pixels = np.zeros_like(like.pixels)
    pixels[round(box.y0) : round(box.y1), round(box.x0) : round(box.x1)] = True
    return Mask(pixels)


def _product_masks(annotations: Path) -> dict[tuple[str, str], Mask]:
    """Photo's name and product → its pixels."""
    document = json.loads(annotations.read_text(encoding="utf-8"))
    names = {image["id"]: Path(image["file_name"]).name for image in document["images"]}
    masks: dict[tuple[str, str], Mask] = {}
    for annotation in document["annotations"]:
        if "product" not in annotation:
            continue
        key = names[annotation["image_id"]], annotation["product"]
        mask = mask_from_rle(annotation["segmentation"])
        masks[key] = Mask(masks[key].pixels | mask.pixels) if key in masks else mask
    return masks
