"""A catalog through other versions of the models."""

from __future__ import annotations

import pytest

from indexer.catalog.repository import Catalog
from indexer.feeds.record import ProductRecord
from indexer.images import ImageStore
from indexer.ingest import again
from indexer.ingest.again import embed_again
from indexer.ingest.mapper import PhotoMapper
from indexer.ingest.single import NewPhoto
from segmentation.errors import PhotoUnreadable
from segmentation.garment import Box, ParsedPhoto
from segmentation.photo import Photo
from tests.fakes import FakeEmbedder, FakePhotoParser, fake_jpeg
from tests.indexer.shortcuts import put_product

_PHOTO = NewPhoto("upload", fake_jpeg((200, 20, 20)))


def test_stored_photos_are_embedded_again_for_another_embedder(
    catalog: Catalog,
    mapper: PhotoMapper,
    image_store: ImageStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(again, "PHOTOS_A_ROUND", 4)
    monkeypatch.setattr(again, "PHOTOS_A_BATCH", 3)
    for number in range(5):
        put_product(ProductRecord(id=str(number)), [_PHOTO], catalog=catalog, mapper=mapper)
    new = PhotoMapper(
        photo_parser=FakePhotoParser(),
        embedder=FakeEmbedder(version="new"),
        image_store=image_store,
    )
    steps: list[int] = []
    assert embed_again(catalog=catalog, mapper=new, workers=2, on_progress=steps.append) == []
    assert steps == [3, 4, 5]
    assert all(row.vector is not None for row in catalog.changes_since(0, embedder="new"))


def test_photos_that_new_versions_cannot_use_are_named_and_the_others_embedded(
    catalog: Catalog,
    mapper: PhotoMapper,
    image_store: ImageStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(again, "PHOTOS_A_ROUND", 1)
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
