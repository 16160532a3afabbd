"""Products by HTTP: JSON fields → the catalog's record, photos through the catalog's own stages.

Everything here blocks: call it on a thread. Each method returns once this process finds (or no
longer finds) what changed.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass

from indexer.bootstrap import Services
from indexer.catalog.rows import Product, ProductImage, WriteResult
from indexer.errors import PhotoNotFetched, ProductNotFound
from indexer.feeds.record import Attributes, FieldError, ProductRecord, parse_id
from indexer.feeds.values import attributes_of
from indexer.ingest.single import Change, NewPhoto, add_photo, change_product
from indexer.remote.photos import PhotoFetcher
from search_api.errors import NotFound, Overloaded, Unprocessable
from search_api.reach import Reach
from search_api.schemas.products import ImageIn, ProductFields
from search_api.serving import Serving
from segmentation.errors import PhotoTooLarge

SOURCE = "api"
PRODUCTS_FETCHED_AT_ONCE = 4
FETCHES_AT_ONCE = 4
MOST_PHOTO_BYTES = 100 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Saved:
    """What a PUT or PATCH left, and whether the product is new."""

    product: Product
    images: Sequence[ProductImage]
    created: bool


class ProductWriter:
    """Writes one product at a time and refreshes this process's index."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        # A slow photo server must take neither every thread nor the memory.
        self._may_fetch = threading.BoundedSemaphore(PRODUCTS_FETCHED_AT_ONCE)

    @property
    def _services(self) -> Services:
        return self._serving.current

    def photos_of(self, fields: ProductFields) -> list[NewPhoto] | None:
        """The photos of a request, decoded or fetched; None where ``images`` is left out.

        Raises:
            Unprocessable: an image that is not base64.
            PhotoNotFetched: a URL that is refused or gives no photo.
            PhotoTooLarge: the photos together.
            Overloaded: the photos of as many products as allowed are being fetched.
        """
        if fields.images is None:
            return None
        if all(image.url is None for image in fields.images):
            return [_decoded(image) for image in fields.images]
        if not self._may_fetch.acquire(blocking=False):
            raise Overloaded("the photos of other products are being fetched; try again shortly")
        try:
            with self._services.remote_photos() as remote:
                return _fetched(fields.images, remote)
        finally:
            self._may_fetch.release()

    def put(
        self,
        product_id: str,
        fields: ProductFields,
        photos: Sequence[NewPhoto] | None,
        reach: Reach,
    ) -> Saved:
        """Make the product what ``fields`` say; photos stay where they are None.

        Raises:
            Unprocessable: an id that cannot be used.
            Forbidden: the product was or would be beyond ``reach``.
            PhotoError: a photo that cannot be used; nothing is stored then.
        """
        record = ProductRecord(
            id=_usable_id(product_id),
            price=fields.price,
            collections=tuple(fields.collections or ()),
            attributes=attributes_of(fields.all_attributes()),
            title=_text(fields.title),
            category=_text(fields.category),
            brand=_text(fields.brand),
            currency=_text(fields.currency).upper(),
            url=_text(fields.url),
        )

        def change(old: Product | None) -> ProductRecord:
            if old is not None:
                reach.check_writable(old.collections)
            reach.check_writable(record.collections)
            return record

        return self._save(record.id, change, photos)

    def patch(
        self,
        product_id: str,
        fields: ProductFields,
        photos: Sequence[NewPhoto] | None,
        reach: Reach,
    ) -> Saved:
        """Change only the fields given; null clears one. Raises as `put`, and ProductNotFound."""

        def change(old: Product | None) -> ProductRecord:
            if old is None:
                raise ProductNotFound(product_id)
            reach.check(old)
            record = _patched(old, fields)
            reach.check_writable(record.collections)
            return record

        return self._save(product_id, change, photos)

    def remove(self, product_id: str, reach: Reach) -> None:
        """Raises ProductNotFound when there is none, and Forbidden."""
        if not self._services.catalog.remove_products([product_id], check=reach.check):
            raise ProductNotFound(product_id)
        self._services.index.refresh()

    def add_photo(self, product_id: str, data: bytes, reach: Reach) -> ProductImage:
        """Append a photo. Raises ProductNotFound, Forbidden and PhotoError."""
        catalog, mapper = self._services.catalog, self._services.mapper()
        photo = NewPhoto(SOURCE, data)
        image = add_photo(product_id, photo, check=reach.check, catalog=catalog, mapper=mapper)
        self._services.index.refresh()
        return image

    def remove_photo(self, product_id: str, position: int, reach: Reach) -> None:
        """Raises ProductNotFound, Forbidden, and NotFound when the product has no such photo."""
        catalog = self._services.catalog
        reach.check(catalog.existing_product(product_id))
        if not catalog.remove_image(product_id, position, check=reach.check):
            raise NotFound("this product has no such photo")
        self._services.index.refresh()

    def _save(self, product_id: str, change: Change, photos: Sequence[NewPhoto] | None) -> Saved:
        catalog, mapper = self._services.catalog, self._services.mapper()
        result = change_product(product_id, change, photos, catalog=catalog, mapper=mapper)
        self._services.index.refresh()
        product, images = catalog.existing_product(product_id), catalog.images(product_id)
        return Saved(product, images, result is WriteResult.NEW)


def _patched(old: Product, fields: ProductFields) -> ProductRecord:
    given = fields.model_fields_set
    return ProductRecord(
        id=old.id,
        title=_text(fields.title) if "title" in given else old.title,
        category=_text(fields.category) if "category" in given else old.category,
        brand=_text(fields.brand) if "brand" in given else old.brand,
        price=fields.price if "price" in given else old.price,
        currency=_text(fields.currency).upper() if "currency" in given else old.currency,
        url=_text(fields.url) if "url" in given else old.url,
        collections=(
            tuple(fields.collections or ()) if "collections" in given else old.collections
        ),
        attributes=_patched_attributes(old, fields),
    )


def _patched_attributes(old: Product, fields: ProductFields) -> Attributes:
    """Those that stay and those given; null, or what a feed calls empty, removes one or all."""
    given = fields.all_attributes()
    if "attributes" in fields.model_fields_set and fields.attributes is None:
        return attributes_of(given)
    named = {name.strip() for name in given}
    stay = {name: value for name, value in old.attributes.items() if name not in named}
    return {**stay, **attributes_of(given)}


def _usable_id(product_id: str) -> str:
    try:
        usable = parse_id(product_id)
    except FieldError as error:
        raise Unprocessable(f"id: {error}") from error
    if usable != product_id:
        raise Unprocessable("id: no spaces at its ends")
    return usable


def _text(value: str | None) -> str:
    return "" if value is None else value.strip()


def _fetched(images: Sequence[ImageIn], remote: PhotoFetcher) -> list[NewPhoto]:
    """The photos in their order, a few at a time; none is begun after they are too many bytes."""
    lock, total = threading.Lock(), 0

    def fetch(image: ImageIn) -> NewPhoto:
        nonlocal total
        photo = _photo_of(image, remote)
        with lock:
            total += len(photo.data)
            if total > MOST_PHOTO_BYTES:
                raise PhotoTooLarge(f"the photos together: over {MOST_PHOTO_BYTES:,} bytes")
        return photo

    with ThreadPoolExecutor(FETCHES_AT_ONCE, thread_name_prefix="fetch") as pool:
        fetching = [pool.submit(fetch, image) for image in images]
        done, _ = wait(fetching, return_when=FIRST_EXCEPTION)
        pool.shutdown(wait=False, cancel_futures=True)
        for future in done:
            future.result()
        return [future.result() for future in fetching]


def _decoded(image: ImageIn) -> NewPhoto:
    try:
        return NewPhoto(SOURCE, image.decoded(), image.region)
    except ValueError as error:
        raise Unprocessable(f"images: {error}") from error


def _photo_of(image: ImageIn, remote: PhotoFetcher) -> NewPhoto:
    if image.url is None:
        return _decoded(image)
    try:
        fetched = remote.fetch(image.url)
    except PhotoNotFetched as error:
        raise PhotoNotFetched(f"{image.url}: {error}") from error
    assert fetched is not None, "nothing was asked to be the same"
    return NewPhoto(image.url, fetched.data, image.region)
