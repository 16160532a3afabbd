"""Writes the drawn shop and street photos as the files a real shop would hand over."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from pycocotools import mask as coco_mask

from wardrobe.scene import HEIGHT, WIDTH, StreetPhoto, choose_outfit, street_photo
from wardrobe.shop import Item, draw_items, product_photo

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
# Less of a garment than this share of the photo is annotated but not asked for.
MIN_QUERY_SHARE = 0.003


@dataclass(frozen=True, slots=True)
class Drawn:
    """The files of one drawn shop."""

    products: Path
    queries: Path
    annotations: Path
    street_photos: tuple[Path, ...]


def draw_wardrobe(folder: Path, *, products: int, photos: int, seed: int = 0) -> Drawn:
    """Write ``products.csv``, ``queries.csv``, ``images/``, ``street/`` and ``coco.json``.

    The same seed and numbers give the same pixels. ``products.csv`` is a feed; ``queries.csv``
    names the product worn for each garment; ``coco.json`` has the exact visible pixels.
    """
    if products < 1 or photos < 0:
        raise ValueError("at least one product and no negative number of photos")
    for name in ("images", "street"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    # One stream a picture: drawing more photos changes none of the earlier ones.
    shop_rng, *_ = _streams(seed, 1)
    items = draw_items(products, shop_rng)
    for item, rng in zip(items, _streams(seed + 1_000_003, products), strict=True):
        _save(product_photo(item, rng), folder / "images" / f"{item.id}.jpg")
    _write_rows(folder / "products.csv", (_product_row(item) for item in items))
    queries: list[dict[str, Any]] = []
    coco = _CocoFile()
    paths = []
    for number, rng in enumerate(_streams(seed + 2_000_003, photos), start=1):
        photo = street_photo(choose_outfit(items, rng), rng)
        path = folder / "street" / f"{number:04d}.jpg"
        _save(photo.pixels, path)
        paths.append(path)
        coco.add(path.name, photo)
        queries += _query_rows(f"street/{path.name}", photo)
    _write_rows(folder / "queries.csv", queries, columns=("image", "product", "category", "view"))
    (folder / "coco.json").write_text(json.dumps(coco.document()), encoding="utf-8")
    return Drawn(
        folder / "products.csv", folder / "queries.csv", folder / "coco.json", tuple(paths)
    )


def _streams(seed: int, count: int) -> list[np.random.Generator]:
    return [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(count)]


def _save(pixels: npt.NDArray[np.uint8], path: Path) -> None:
    Image.fromarray(pixels).save(path, "JPEG", quality=92)


def _product_row(item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "title": item.title,
        "category": item.category,
        "brand": item.brand,
        "price": f"{item.price}.00",
        "currency": "EUR",
        "image": f"images/{item.id}.jpg",
        "colour": item.colour,
        "pattern": item.fabric.pattern,
    }


def _query_rows(image: str, photo: StreetPhoto) -> list[dict[str, Any]]:
    return [
        {"image": image, "product": item.id, "category": item.garment, "view": "drawn street"}
        for item, mask in photo.worn
        if mask.mean() >= MIN_QUERY_SHARE
    ]


def _write_rows(
    path: Path, rows: Iterable[Mapping[str, Any]], columns: tuple[str, ...] | None = None
) -> None:
    listed = list(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns or tuple(listed[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(listed)


class _CocoFile:
    """Collects images and annotations; masks as compressed run lengths."""

    def __init__(self) -> None:
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []

    def add(self, file_name: str, photo: StreetPhoto) -> None:
        number = len(self._images) + 1
        self._images.append(
            {"id": number, "file_name": file_name, "width": WIDTH, "height": HEIGHT}
        )
        self._annotate(number, "person", photo.person)
        for item, mask in photo.worn:
            if mask.any():
                self._annotate(number, item.garment, mask, product=item.id)

    def _annotate(
        self, image: int, category: str, mask: npt.NDArray[np.bool_], **extra: str
    ) -> None:
        encoded = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
        self._annotations.append(
            {
                "id": len(self._annotations) + 1,
                "image_id": image,
                "iscrowd": 0,
                "category_id": CATEGORIES.index(category) + 1,
                "area": int(mask.sum()),
                "bbox": [float(side) for side in coco_mask.toBbox(encoded)],
                "segmentation": {
                    "size": [HEIGHT, WIDTH],
                    "counts": encoded["counts"].decode("ascii"),
                },
                **extra,
            }
        )

    def document(self) -> dict[str, Any]:
        categories = [{"id": i + 1, "name": name} for i, name in enumerate(CATEGORIES)]
        return {"images": self._images, "annotations": self._annotations, "categories": categories}
