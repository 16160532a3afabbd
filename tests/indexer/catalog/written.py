"""What the tests of the catalog write, and what an index would hear of it."""

from __future__ import annotations

import numpy as np

from indexer.catalog.repository import Catalog
from indexer.catalog.rows import (
    Fingerprint,
    ImageWrite,
    IndexedPhoto,
    ModelVersions,
    PhotoOutcome,
    ProductWrite,
)
from indexer.feeds.record import ProductRecord
from segmentation.garment import Box, NamedColour

VERSIONS = ModelVersions("segmenter-1", "parser-1", "embedder-1")


def indexed_photo(value: float = 0.5, versions: ModelVersions = VERSIONS) -> IndexedPhoto:
    return IndexedPhoto(
        sha256=f"{int(value * 1000):064x}",
        width=60,
        height=80,
        garment_source="category",
        garment_category="dress",
        box=Box(1, 2, 30, 40),
        score=0.9,
        colours=(NamedColour("navy", "#000080", 0.6),),
        versions=versions,
        vector=np.full(4, value, dtype=np.float32),
    )


def product_write(
    product_id: str, *outcomes: PhotoOutcome, category: str = "dress", title: str = "A title"
) -> ProductWrite:
    record = ProductRecord(id=product_id, title=title, category=category)
    return ProductWrite(record, image_writes(*outcomes))


def image_writes(*outcomes: PhotoOutcome) -> tuple[ImageWrite, ...]:
    return tuple(
        ImageWrite(position, f"{position}.jpg", Fingerprint(10, 20, "sha"), outcome)
        for position, outcome in enumerate(outcomes)
    )


def changes_of(catalog: Catalog, since: int = 0) -> list[tuple[int, str, int, bool, bool]]:
    return [
        (row.sequence, row.product_id, row.position, row.deleted, row.vector is not None)
        for row in catalog.changes_since(since, embedder="embedder-1")
    ]
