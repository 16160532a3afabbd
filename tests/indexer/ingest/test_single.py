"""One product at a time, as the API writes them."""

from __future__ import annotations

import pytest

from indexer.catalog.repository import Catalog
from indexer.errors import ProductNotFound
from indexer.feeds.record import ProductRecord
from indexer.images import ImageStore
from indexer.ingest import single
from indexer.ingest.mapper import PhotoMapper
from indexer.ingest.single import NewPhoto, add_photo, embed_again, put_product
from segmentation.errors import PhotoError, PhotoUnreadable
from segmentation.garment import Box, ParsedPhoto
from segmentation.photo import Photo
from tests.fakes import FakeEmbedder, FakePhotoParser, fake_jpeg

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


def test_a_photo_that_cannot_be_used_stores_nothing(catalog: Catalog, mapper: PhotoMapper) -> None:
    with pytest.raises(PhotoError):
        put_product(
            ProductRecord(id="1"), [_PHOTO, NewPhoto("x", b"x")], catalog=catalog, mapper=mapper
        )
    assert catalog.product("1") is None


def test_a_photo_is_added_to_a_product_that_is_there(catalog: Catalog, mapper: PhotoMapper) -> None:
    put_product(ProductRecord(id="1"), [_PHOTO], catalog=catalog, mapper=mapper)
    assert add_photo("1", _PHOTO, catalog=catalog, mapper=mapper).position == 1
    with pytest.raises(ProductNotFound):
        add_photo("none", _PHOTO, catalog=catalog, mapper=mapper)


def test_stored_photos_are_embedded_again_for_another_embedder(
    catalog: Catalog,
    mapper: PhotoMapper,
    image_store: ImageStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(single, "PHOTOS_A_ROUND", 2)
    for number in range(3):
        put_product(ProductRecord(id=str(number)), [_PHOTO], catalog=catalog, mapper=mapper)
    new = PhotoMapper(
        photo_parser=FakePhotoParser(),
        embedder=FakeEmbedder(version="new"),
        image_store=image_store,
    )
    steps: list[int] = []
    assert embed_again(catalog=catalog, mapper=new, on_progress=steps.append) == []
    assert steps == [2, 3]
    assert all(row.vector is not None for row in catalog.changes_since(0, embedder="new"))


def test_photos_that_new_versions_cannot_use_are_named_and_the_others_embedded(
    catalog: Catalog,
    mapper: PhotoMapper,
    image_store: ImageStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(single, "PHOTOS_A_ROUND", 1)
    for number in range(3):
        put_product(ProductRecord(id=str(number)), [_PHOTO], catalog=catalog, mapper=mapper)

    class Choosy(FakePhotoParser):
        def parse(
            self,
            photo: Photo,
            *,
            include: frozenset[str] = frozenset(),
            expected: str | None = None,
            expected_box: Box | None = None,
        ) -> ParsedPhoto:
            if self.photos_parsed < 1:
                self.photos_parsed += 1
                raise PhotoUnreadable("not this one")
            return super().parse(photo, include=include)

    choosy = PhotoMapper(
        photo_parser=Choosy(), embedder=FakeEmbedder(version="new"), image_store=image_store
    )
    assert [one.product_id for one in embed_again(catalog=catalog, mapper=choosy)] == ["0"]
    found = [
        row.product_id for row in catalog.changes_since(0, embedder="new") if row.vector is not None
    ]
    assert found == ["1", "2"]
