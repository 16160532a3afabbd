"""One product or one photo at a time, as the API writes them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Collection, Sequence
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
)
from indexer.errors import ProductNotFound
from indexer.feeds.record import ProductRecord
from indexer.ingest.mapper import PhotoMapper
from segmentation.errors import PhotoError
from segmentation.garment import Box
from segmentation.labels import category_of

PHOTOS_A_ROUND = 100

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NewPhoto:
    """A photo that came with a request. ``source`` says from where, for the shop to read.

    ``region``: where on it the product is.
    """

    source: str
    data: bytes
    region: Box | None = None


def put_product(
    record: ProductRecord,
    photos: Sequence[NewPhoto] | None,
    *,
    catalog: Catalog,
    mapper: PhotoMapper,
) -> Product:
    """Store a product and, unless None, exactly these photos; stored means searchable.

    Photos that stay are cut out anew where the new category asks for another garment.

    Raises:
        PhotoError: a photo cannot be used; nothing is stored.
        ProductRefused: the database cannot store a value.
    """
    versions = mapper.versions
    state = catalog.import_states([record.id], embedder=versions.embedder).get(record.id)
    same_category = state is not None and state.garment_category == category_of(record.category)
    if photos is None:
        images = None if same_category else _cut_again(record, catalog, mapper)
    else:
        known = state.images if state and same_category else {}
        images = tuple(
            _write_of(position, photo, known.get(position), record.category, versions, mapper)
            for position, photo in enumerate(photos)
        )
    catalog.write_products([ProductWrite(record, images)])
    return catalog.existing_product(record.id)


def add_photo(
    product_id: str, photo: NewPhoto, *, catalog: Catalog, mapper: PhotoMapper
) -> ProductImage:
    """Append a photo to a product.

    Raises:
        ProductNotFound: no such product.
        PhotoError: the photo cannot be used.
    """
    product = catalog.existing_product(product_id)
    write = _write_of(0, photo, None, product.category, mapper.versions, mapper)
    position = catalog.add_image(product_id, write)
    image = None if position is None else catalog.image(product_id, position)
    if image is None:
        raise ProductNotFound(product_id)
    return image


def embed_again(
    *, catalog: Catalog, mapper: PhotoMapper, on_progress: Callable[[int], None] = lambda done: None
) -> list[ProductImage]:
    """Embed every stored photo whose vector comes from other versions; old vectors stay beside.

    Photos written meanwhile are embedded too. Returns those that these versions cannot use.

    Raises:
        ImageStoreError: a stored photo is gone.
    """
    failed: dict[int, ProductImage] = {}
    done = 0
    while images := _to_embed(catalog, mapper, failed):
        products = catalog.products(image.product_id for image in images)
        for image in images:
            assert image.sha256 is not None
            product = products.get(image.product_id)
            data = mapper.stored_photo(image.sha256)
            word = product.category if product else ""
            try:
                photo = mapper.map_photo(
                    data, category=word, region=image.region, stored_as=image.sha256
                )
            except PhotoError as error:
                _LOG.warning("%s, photo %d: %s", image.product_id, image.position, error)
                failed[image.id] = image
            else:
                done += catalog.store_embedding(image.id, photo)
        on_progress(done)
    return list(failed.values())


def _to_embed(catalog: Catalog, mapper: PhotoMapper, failed: Collection[int]) -> list[ProductImage]:
    # As many more as failed: those come first again and again.
    images = catalog.images_to_embed(mapper.versions, limit=PHOTOS_A_ROUND + len(failed))
    return [image for image in images if image.id not in failed]


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
