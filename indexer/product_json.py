"""Stored products and photos as JSON: the command line and HTTP print the same document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from indexer.answer import image_path
from indexer.catalog.rows import ImageStatus, Product, ProductImage


@dataclass(frozen=True, slots=True)
class Finder:
    """What photos are found by: ``embedder``, None for any, and the last change that its index knows."""

    embedder: str | None
    sequence: int


def product_json(
    product: Product, images: Sequence[ProductImage], finder: Finder
) -> dict[str, Any]:
    """Everything stored about a product; empty texts are null."""
    return {
        "id": product.id,
        "title": product.title,
        "category": product.category or None,
        "garment_category": product.garment_category,
        "brand": product.brand or None,
        "price": product.price,
        "currency": product.currency or None,
        "url": product.url or None,
        "collections": list(product.collections),
        "attributes": dict(product.attributes),
        "images": [image_json(image, finder) for image in images],
        "sequence": product.sequence,
    }


def image_json(image: ProductImage, finder: Finder) -> dict[str, Any]:
    """A photo of a product, what was cut out of it, and whether it is found."""
    path = image_path(image.product_id, image.position)
    return {
        "position": image.position,
        "image": path,
        "cutout": None if image.sha256 is None else f"{path}/cutout",
        "source": image.source,
        "status": _status(image, finder).value,
        "reason": image.reason,
        "garment_source": image.garment_source,
        "garment_category": image.garment_category,
        "score": image.score,
        "box": None if image.box is None else image.box.as_list(),
        "region": None if image.region is None else image.region.as_list(),
        "pattern": image.pattern,
        "colours": [
            {"name": colour.name, "hex": colour.hex, "share": round(colour.share, 3)}
            for colour in image.colours
        ],
        "versions": [asdict(versions) for versions in image.versions],
    }


def _status(image: ProductImage, finder: Finder) -> ImageStatus:
    """Waiting: the embedder has not seen it, or its index not heard of it."""
    if image.status is not ImageStatus.INDEXED:
        return image.status
    seen_by = {versions.embedder for versions in image.versions}
    seen = finder.embedder is None or finder.embedder in seen_by
    found = seen and image.sequence <= finder.sequence
    return ImageStatus.INDEXED if found else ImageStatus.WAITING
