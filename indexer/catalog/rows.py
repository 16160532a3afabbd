"""What the catalog hands out and takes in: frozen dataclasses, no SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from indexer.feeds.record import Attributes, ProductRecord
from segmentation.garment import Box, NamedColour

Vector = npt.NDArray[np.float16]


class ImageStatus(StrEnum):
    """Where a photo stands."""

    WAITING = "waiting"
    INDEXED = "indexed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ModelVersions:
    """The versions that an embedding came from."""

    segmenter: str
    parser: str
    embedder: str


@dataclass(frozen=True, slots=True)
class Product:
    """A product. ``category`` is the shop's word, ``garment_category`` Garb's, None if unmapped."""

    id: str
    title: str
    category: str
    garment_category: str | None
    brand: str
    price: float | None
    currency: str
    url: str
    attributes: Attributes
    collections: tuple[str, ...]
    deleted: bool
    sequence: int
    created: str
    updated: str


@dataclass(frozen=True, slots=True)
class ProductImage:
    """A photo of a product. ``sha256`` names its file in the image store.

    ``region``: where the feed says that the product is; ``box``: what was cut out; ``pattern``: of
    its cloth, None where it is none of those that have a name; ``versions``: what its vectors come
    from, one for each embedder that has seen it.
    """

    id: int
    product_id: str
    position: int
    source: str
    sha256: str | None
    width: int | None
    height: int | None
    status: ImageStatus
    reason: str | None
    garment_source: str | None
    garment_category: str | None
    box: Box | None
    score: float | None
    colours: tuple[NamedColour, ...]
    sequence: int
    region: Box | None = None
    pattern: str | None = None
    versions: tuple[ModelVersions, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class VectorRow:
    """One photo's place in the index. ``vector``: (dimension,) float16, or None without one.

    ``category`` is Garb's category of the product; ``deleted`` is true when the photo or its
    product is gone.
    """

    sequence: int
    image_id: int
    product_id: str
    position: int
    category: str | None
    deleted: bool
    vector: Vector | None


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What tells that a source is still the same, cheapest first.

    ``validator``: what to ask a server with whether its photo changed.
    """

    size_bytes: int | None
    mtime_ns: int | None
    sha256: str | None
    validator: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class IndexedPhoto:
    """A photo that went through every stage. ``vector``: (dimension,) float32, unit length.

    ``shop_tags``: the shop's own words for what is on it.
    """

    sha256: str
    width: int
    height: int
    garment_source: str
    garment_category: str | None
    box: Box
    score: float | None
    colours: tuple[NamedColour, ...]
    versions: ModelVersions
    vector: npt.NDArray[np.float32]
    pattern: str | None = None
    shop_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FailedPhoto:
    """A photo that could not be used, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class KeptPhoto:
    """A photo whose stored result still holds; only its fingerprint may have changed.

    ``doubt``: why its source could not be asked, empty where it was.
    """

    doubt: str = ""


PhotoOutcome = IndexedPhoto | FailedPhoto | KeptPhoto


@dataclass(frozen=True, slots=True, eq=False)
class ImageWrite:
    """What to store for one photo of a product."""

    position: int
    source: str
    fingerprint: Fingerprint
    outcome: PhotoOutcome
    region: Box | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ProductWrite:
    """What to store for one product. ``images`` None leaves its photos as they are.

    ``others_stay``: photos at other positions stay too, else they are removed. ``within``: only over
    a product that lies in these collections alone, None over any.
    """

    record: ProductRecord
    images: tuple[ImageWrite, ...] | None
    others_stay: bool = False
    within: tuple[str, ...] | None = None


def why_not_within(collections: Collection[str], within: Collection[str]) -> str:
    """Why who may write ``within`` may not write a product in ``collections``; empty who may."""
    if collections and set(collections) <= set(within):
        return ""
    named = ", ".join(within)
    return f"the product with this id does not lie in these collections alone: {named}"


class WriteResult(StrEnum):
    """What a write did to a product."""

    NEW = "new"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class ImageState:
    """What an import compares a photo with. ``versions`` is None without an embedding.

    ``sha256``: of the JPEG in the image store.
    """

    position: int
    source: str
    fingerprint: Fingerprint
    status: ImageStatus
    versions: ModelVersions | None
    region: Box | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class ProductState:
    """What an import compares a row with."""

    record_hash: str
    garment_category: str | None
    deleted: bool
    images: Mapping[int, ImageState]
    collections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as stored: its keyed hash and visible prefix, never the key.

    ``collections``: the only ones whose products it sees, None for all products.
    ``per_minute``: the most requests it may send in any minute, None for any number.
    """

    id: int
    name: str
    scope: str
    key_hash: str
    prefix: str
    created: str
    revoked: str | None
    collections: tuple[str, ...] | None = None
    per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class ImportJob:
    """An import. ``state``: waiting, running, done, failed, cancelled or interrupted.

    ``collections``: the only ones that it may write to, None for any.
    """

    id: str
    state: str
    source: str
    counts: Mapping[str, Any]
    errors: tuple[Mapping[str, Any], ...]
    cancel_requested: bool
    created: str
    updated: str
    collections: tuple[str, ...] | None = None
