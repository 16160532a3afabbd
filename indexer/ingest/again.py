"""Stored photos through other versions of the models, while the vectors that serve stay."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from functools import partial

from indexer.catalog.repository import Catalog
from indexer.catalog.rows import FailedPhoto, ProductImage
from indexer.in_order import in_order
from indexer.ingest.mapper import PhotoMapper, PreparedPhoto
from indexer.ingest.writer import PHOTOS_A_BATCH
from segmentation.errors import PhotoError

PHOTOS_A_ROUND = 1_000

_LOG = logging.getLogger(__name__)

_Prepared = tuple[ProductImage, PreparedPhoto | FailedPhoto]


def embed_again(
    *,
    catalog: Catalog,
    mapper: PhotoMapper,
    workers: int = 1,
    on_progress: Callable[[int], None] = lambda done: None,
) -> list[ProductImage]:
    """Embed every stored photo whose vector comes from other versions; old vectors stay beside.

    Photos written meanwhile are embedded too. Returns those that these versions cannot use.
    ``workers``: photos cut out at once; ``on_progress``: told how many are embedded so far.

    Raises:
        ImageStoreError: a stored photo is gone.
    """
    failed: dict[int, ProductImage] = {}
    done = 0
    while images := _to_embed(catalog, mapper, failed):
        products = catalog.products(image.product_id for image in images)
        words = {name: product.category for name, product in products.items()}
        prepared = in_order(partial(_prepare, mapper, words), images, threads=workers)
        for batch in _batches(prepared):
            for image, reason in _store(batch, catalog, mapper):
                _LOG.warning("%s, photo %d: %s", image.product_id, image.position, reason)
                failed[image.id] = image
            done += len(batch)
            on_progress(done - len(failed))
    return list(failed.values())


def _to_embed(catalog: Catalog, mapper: PhotoMapper, failed: Collection[int]) -> list[ProductImage]:
    # As many more as failed: those come first again and again.
    images = catalog.images_to_embed(mapper.versions, limit=PHOTOS_A_ROUND + len(failed))
    return [image for image in images if image.id not in failed]


def _prepare(mapper: PhotoMapper, words: dict[str, str], image: ProductImage) -> _Prepared:
    assert image.sha256 is not None
    data = mapper.stored_photo(image.sha256)
    word = words.get(image.product_id, "")
    try:
        return image, mapper.prepare(
            data, category=word, region=image.region, stored_as=image.sha256
        )
    except PhotoError as error:
        return image, FailedPhoto(str(error))


def _batches(prepared: Iterable[_Prepared]) -> Iterable[list[_Prepared]]:
    batch: list[_Prepared] = []
    for one in prepared:
        batch.append(one)
        if len(batch) == PHOTOS_A_BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _store(
    batch: list[_Prepared], catalog: Catalog, mapper: PhotoMapper
) -> list[tuple[ProductImage, str]]:
    """Returns what could not be used, and why."""
    whole = [outcome for _, outcome in batch if isinstance(outcome, PreparedPhoto)]
    embedded = iter(mapper.embed(whole))
    failed = []
    for image, outcome in batch:
        result = outcome if isinstance(outcome, FailedPhoto) else next(embedded)
        if isinstance(result, FailedPhoto):
            failed.append((image, result.reason))
        else:
            catalog.store_embedding(image, result)
    return failed
