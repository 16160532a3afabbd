"""One product or one photo at a time, as the API writes them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from indexer.catalog.repository import Catalog
from indexer.catalog.rows import (
    Fingerprint,
    ImageState,
    ImageStatus,
    ImageWrite,
    KeptPhoto,
    ModelVersions,
    PhotoOutcome,
    Product,
    ProductImage,
    ProductWrite,
    WriteResult,
)
from indexer.catalog.writing import Check
from indexer.errors import ProductNotFound
from indexer.feeds.record import ProductRecord
from indexer.ingest.mapper import PhotoMapper
from segmentation.garment import Box
from segmentation.labels import category_of

# Given the living product, or None without one, as often as it is asked.
Change = Callable[[Product | None], ProductRecord]


@dataclass(frozen=True, slots=True)
class NewPhoto:
    """A photo that came with a request. ``source`` says from where, for the shop to read.

    ``region``: where on it the product is.
    """

    source: str
    data: bytes
    region: Box | None = None


def change_product(
    product_id: str,
    change: Change,
    photos: Sequence[NewPhoto] | None,
    *,
    catalog: Catalog,
    mapper: PhotoMapper,
) -> WriteResult:
    """Store what ``change`` makes of a product and, unless None, exactly these photos.

    Stored means searchable. Photos that stay are cut out anew where the new category asks for
    another garment. What ``change`` raises goes through, and nothing is stored.

    Raises:
        PhotoError: a photo cannot be used; nothing is stored.
        ProductRefused: the database cannot store a value.
    """
    result = None
    while result is None:
        standing = catalog.product(product_id)
        result = _changed(standing, change, photos, catalog, mapper)
    return result


def add_photo(
    product_id: str, photo: NewPhoto, *, check: Check, catalog: Catalog, mapper: PhotoMapper
) -> ProductImage:
    """Append a photo to a product, cut out for the category that the product is of by then.

    What ``check`` raises of the product goes through, and nothing is stored.

    Raises:
        ProductNotFound: no such product.
        PhotoError: the photo cannot be used.
    """
    position = None
    while position is None:
        product = catalog.existing_product(product_id)
        check(product)
        write = _write_of(0, photo, None, product.category, mapper.versions, mapper)
        cut_for = product.garment_category
        position = catalog.add_image(product_id, write, cut_for=cut_for, check=check)
    image = catalog.image(product_id, position)
    if image is None:
        raise ProductNotFound(product_id)
    return image


def _changed(
    standing: Product | None,
    change: Change,
    photos: Sequence[NewPhoto] | None,
    catalog: Catalog,
    mapper: PhotoMapper,
) -> WriteResult | None:
    """None, and nothing is stored, where the photos were cut for another garment than is asked for.

    Cutting takes long, and others may write the product meanwhile: ``standing`` serves for cutting
    alone, and ``change`` is asked again under the lock.
    """
    expected = change(standing)
    images = _images_of(expected, photos, catalog, mapper)

    def write(locked: Product | None) -> ProductWrite | None:
        record = change(locked)
        if _garments(locked, record) != _garments(standing, expected):
            return None
        return ProductWrite(record, images, others_stay=photos is None)

    return catalog.change_product(expected.id, write)


def _garments(before: Product | None, after: ProductRecord) -> tuple[str | None, str | None]:
    return before.garment_category if before else None, category_of(after.category)


def _images_of(
    record: ProductRecord,
    photos: Sequence[NewPhoto] | None,
    catalog: Catalog,
    mapper: PhotoMapper,
) -> tuple[ImageWrite, ...] | None:
    """None where those that are stored stay as they are."""
    versions = mapper.versions
    state = catalog.import_states([record.id], embedder=versions.embedder).get(record.id)
    same_category = state is not None and state.garment_category == category_of(record.category)
    if photos is None:
        return None if same_category else _cut_again(record, catalog, mapper)
    known = state.images if state and same_category else {}
    return tuple(
        _write_of(position, photo, known.get(position), record.category, versions, mapper)
        for position, photo in enumerate(photos)
    )


def _write_of(
    position: int,
    photo: NewPhoto,
    state: ImageState | None,
    category: str,
    versions: ModelVersions,
    mapper: PhotoMapper,
) -> ImageWrite:
    sha256 = hashlib.sha256(photo.data).hexdigest()
    outcome: PhotoOutcome
    if (
        state is not None
        and state.status is ImageStatus.INDEXED
        and state.versions == versions
        and state.fingerprint.sha256 == sha256
        and state.region == photo.region
    ):
        outcome = KeptPhoto()
    else:
        outcome = mapper.map_photo(photo.data, category=category, region=photo.region)
    print_ = Fingerprint(len(photo.data), None, sha256)
    return ImageWrite(position, photo.source, print_, outcome, photo.region)


def _cut_again(
    record: ProductRecord, catalog: Catalog, mapper: PhotoMapper
) -> tuple[ImageWrite, ...] | None:
    writes = []
    for image in catalog.images(record.id):
        if image.sha256 is None:
            continue
        data = mapper.stored_photo(image.sha256)
        outcome = mapper.map_photo(
            data, category=record.category, region=image.region, stored_as=image.sha256
        )
        unknown = Fingerprint(None, None, None)
        writes.append(ImageWrite(image.position, image.source, unknown, outcome, image.region))
    return tuple(writes) or None
