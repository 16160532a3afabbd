"""One product at a time, as the API writes them."""

from __future__ import annotations

import pytest

from indexer.catalog.repository import Catalog
from indexer.catalog.rows import FailedPhoto, Fingerprint, ImageWrite, Product, ProductWrite
from indexer.errors import ProductNotFound
from indexer.feeds.record import ProductRecord
from indexer.ingest.mapper import PhotoMapper
from indexer.ingest.single import NewPhoto, add_photo, change_product
from segmentation.errors import PhotoError
from tests.fakes import fake_jpeg
from tests.indexer.shortcuts import put_product

_PHOTO = NewPhoto("upload", fake_jpeg((200, 20, 20)))


def test_a_put_product_is_searchable_and_the_same_again_changes_nothing(
    catalog: Catalog, mapper: PhotoMapper
) -> None:
    record = ProductRecord(id="1", title="Dress", category="dress")
    product = put_product(record, [_PHOTO], catalog=catalog, mapper=mapper)
    assert (product.title, product.sequence) == ("Dress", 1)
    assert put_product(record, [_PHOTO], catalog=catalog, mapper=mapper).sequence == 1


def test_other_fields_leave_the_photos_and_another_category_cuts_them_again(
    catalog: Catalog, mapper: PhotoMapper
) -> None:
    put_product(ProductRecord(id="1", category="dress"), [_PHOTO], catalog=catalog, mapper=mapper)
    stored = catalog.images("1")[0]
    renamed = ProductRecord(id="1", title="New", category="dress")
    assert put_product(renamed, None, catalog=catalog, mapper=mapper).sequence == 1
    moved = ProductRecord(id="1", title="New", category="hat")
    put_product(moved, None, catalog=catalog, mapper=mapper)
    image = catalog.images("1")[0]
    assert (stored.garment_source, image.garment_source) == ("category", "largest")
    assert image.sha256 == stored.sha256


def test_photos_are_cut_for_the_garment_that_the_product_is_when_they_are_stored(
    catalog: Catalog, mapper: PhotoMapper
) -> None:
    dress = ProductRecord(id="1", category="dress")
    put_product(dress, [_PHOTO], catalog=catalog, mapper=mapper)
    asked: list[Product | None] = []

    def change(product: Product | None) -> ProductRecord:
        assert product is not None
        asked.append(product)
        if len(asked) == 1:
            moved = ProductRecord(id="1", category="hat")
            put_product(moved, None, catalog=catalog, mapper=mapper)
        return ProductRecord(id="1", title="New", category=product.category)

    change_product(
        "1", change, [NewPhoto("b", fake_jpeg((20, 20, 200)))], catalog=catalog, mapper=mapper
    )
    assert [product.category for product in asked if product] == ["dress", "hat", "hat", "hat"]
    product, (image,) = catalog.existing_product("1"), catalog.images("1")
    assert (product.title, product.category) == ("New", "hat")
    assert (image.source, image.garment_source) == ("b", "largest")


def test_another_category_leaves_the_photos_that_could_not_be_used(
    catalog: Catalog, mapper: PhotoMapper
) -> None:
    dress = ProductRecord(id="1", category="dress")
    put_product(dress, [_PHOTO], catalog=catalog, mapper=mapper)
    failed = ImageWrite(1, "b.jpg", Fingerprint(None, None, None), FailedPhoto("no such file"))
    catalog.write_products([ProductWrite(dress, (failed,), others_stay=True)])
    put_product(ProductRecord(id="1", category="hat"), None, catalog=catalog, mapper=mapper)
    assert [(one.position, one.reason) for one in catalog.images("1")] == [
        (0, None),
        (1, "no such file"),
    ]


def test_a_removed_product_comes_back_without_its_photos(
    catalog: Catalog, mapper: PhotoMapper
) -> None:
    theirs = ProductRecord(id="1", category="dress", collections=("theirs",))
    put_product(theirs, [_PHOTO], catalog=catalog, mapper=mapper)
    catalog.remove_products(["1"])
    mine = ProductRecord(id="1", category="hat", collections=("mine",))
    put_product(mine, None, catalog=catalog, mapper=mapper)
    assert catalog.images("1") == []
    assert all(row.vector is None for row in catalog.changes_since(0, embedder="fake-embedder"))


def test_a_photo_that_cannot_be_used_stores_nothing(catalog: Catalog, mapper: PhotoMapper) -> None:
    with pytest.raises(PhotoError):
        put_product(
            ProductRecord(id="1"), [_PHOTO, NewPhoto("x", b"x")], catalog=catalog, mapper=mapper
        )
    assert catalog.product("1") is None


def _allow(_: Product) -> None: ...


def test_a_photo_is_added_to_a_product_that_is_there(catalog: Catalog, mapper: PhotoMapper) -> None:
    put_product(ProductRecord(id="1"), [_PHOTO], catalog=catalog, mapper=mapper)
    assert add_photo("1", _PHOTO, check=_allow, catalog=catalog, mapper=mapper).position == 1
    with pytest.raises(ProductNotFound):
        add_photo("none", _PHOTO, check=_allow, catalog=catalog, mapper=mapper)


def test_an_added_photo_is_cut_for_the_garment_that_the_product_is_when_it_is_stored(
    catalog: Catalog, mapper: PhotoMapper
) -> None:
    put_product(ProductRecord(id="1", category="hat"), [], catalog=catalog, mapper=mapper)
    asked: list[str] = []

    def check(product: Product) -> None:
        asked.append(product.category)
        if len(asked) == 1:
            dress = ProductRecord(id="1", category="dress")
            put_product(dress, None, catalog=catalog, mapper=mapper)

    image = add_photo("1", _PHOTO, check=check, catalog=catalog, mapper=mapper)
    assert asked == ["hat", "dress", "dress", "dress"]
    assert image.garment_source == "category"
