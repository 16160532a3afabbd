"""Stored products and photos as the API answers them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from indexer.answer import image_path
from indexer.catalog.rows import Product, ProductImage


def product_json(product: Product, images: Sequence[ProductImage]) -> dict[str, Any]:
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
        "images": [image_json(image) for image in images],
        "sequence": product.sequence,
    }


def image_json(image: ProductImage) -> dict[str, Any]:
    """A photo of a product and what was cut out of it."""
    return {
        "position": image.position,
        "image": image_path(image.product_id, image.position),
        "source": image.source,
        "status": image.status.value,
        "reason": image.reason,
        "garment_source": image.garment_source,
        "garment_category": image.garment_category,
        "box": None if image.box is None else image.box.as_list(),
        "region": None if image.region is None else image.region.as_list(),
        "pattern": image.pattern,
        "colours": [
            {"name": colour.name, "hex": colour.hex, "share": round(colour.share, 3)}
            for colour in image.colours
        ],
    }
