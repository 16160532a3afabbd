"""Products and photos as they are written, changed and taken away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from indexer.catalog.repository import Catalog
from indexer.catalog.rows import (
    FailedPhoto,
    Fingerprint,
    ImageStatus,
    ImageWrite,
    KeptPhoto,
    ModelVersions,
    Product,
    ProductWrite,
    WriteResult,
)
from indexer.errors import ProductNotFound, ProductRefused
from indexer.feeds.record import ProductRecord
from segmentation.garment import Box, NamedColour
from segmentation.models import ModelKind
from tests.indexer.catalog.written import (
    changes_of,
    image_writes,
    indexed_photo,
    product_write,
)


def test_what_is_written_is_read(catalog: Catalog) -> None:
    assert catalog.write_products([product_write("1", indexed_photo(), indexed_photo(0.25))]) == [
        WriteResult.NEW
    ]
    product = catalog.existing_product("1")
    assert (product.title, product.category, product.garment_category) == (
        "A title",
        "dress",
        "dress",
    )
    first, second = catalog.images("1")
    assert first.box == Box(1, 2, 30, 40)
    assert first.colours == (NamedColour("navy", "#000080", 0.6),)
    assert (first.status, second.position) == (ImageStatus.INDEXED, 1)
    assert catalog.image("1", 1) == second
    row = catalog.changes_since(0, embedder="embedder-1")[0]
    assert row.vector is not None
    assert row.vector.dtype == np.float16
    np.testing.assert_array_equal(row.vector, np.full(4, 0.5, dtype=np.float16))
    assert row.category == "dress"
    assert catalog.latest_sequence() == 2
    assert product.sequence == 2


def test_the_same_again_is_unchanged_and_takes_no_number(catalog: Catalog) -> None:
    catalog.write_products([product_write("1", indexed_photo())])
    assert catalog.write_products([product_write("1", KeptPhoto())]) == [WriteResult.UNCHANGED]
    assert catalog.latest_sequence() == 1


def test_a_new_title_is_an_update_that_the_index_need_not_hear_of(catalog: Catalog) -> None:
    catalog.write_products([product_write("1", indexed_photo())])
    again = catalog.write_products([product_write("1", KeptPhoto(), title="Another")])
    assert again == [WriteResult.UPDATED]
    assert catalog.latest_sequence() == 1
    assert catalog.existing_product("1").title == "Another"


def test_another_category_gives_the_photos_new_numbers(catalog: Catalog) -> None:
    catalog.write_products([product_write("1", indexed_photo())])
    catalog.write_products([product_write("1", KeptPhoto(), category="shirt")])
    rows = catalog.changes_since(1, embedder="embedder-1")
    assert [(row.sequence, row.category) for row in rows] == [(2, "top")]


def test_a_removed_product_is_a_mark_and_comes_alive_again(catalog: Catalog) -> None:
    catalog.write_products(
        [product_write("1", indexed_photo(), indexed_photo()), product_write("2", indexed_photo())]
    )
    assert catalog.remove_products(["1", "1", "none"]) == 1
    assert catalog.product("1") is None
    assert catalog.images("1") == []
    assert (catalog.product_count(), catalog.indexed_count()) == (1, 1)
    assert changes_of(catalog, 3) == [(4, "1", 0, True, False), (5, "1", 1, True, False)]
    assert catalog.remove_products(["1"]) == 0
    again = catalog.write_products([product_write("1", KeptPhoto(), KeptPhoto())])
    assert again == [WriteResult.NEW]
    assert changes_of(catalog, 5) == [(6, "1", 0, False, True), (7, "1", 1, False, True)]


def test_a_photo_that_goes_is_a_mark_and_its_place_stays_empty(catalog: Catalog) -> None:
    catalog.write_products([product_write("1", indexed_photo(), indexed_photo())])
    assert catalog.remove_image("1", 0)
    assert not catalog.remove_image("1", 0)
    assert changes_of(catalog, 2) == [(3, "1", 0, True, False)]
    (new,) = image_writes(indexed_photo(0.75))
    assert catalog.add_image("1", new, cut_for="hat") is None
    assert catalog.add_image("1", new, cut_for="dress") == 2
    assert [image.position for image in catalog.images("1")] == [1, 2]
    assert catalog.add_image("none", new, cut_for="dress") is None


def test_what_a_check_refuses_stays_as_it_is(catalog: Catalog) -> None:
    catalog.write_products([product_write(name, indexed_photo()) for name in ("1", "2")])
    before = changes_of(catalog)

    def refuse_the_second(product: Product) -> None:
        if product.id == "2":
            raise ProductNotFound(product.id)

    (new,) = image_writes(indexed_photo(0.75))
    with pytest.raises(ProductNotFound):
        catalog.remove_products(["1", "2"], check=refuse_the_second)
    with pytest.raises(ProductNotFound):
        catalog.add_image("2", new, cut_for="dress", check=refuse_the_second)
    with pytest.raises(ProductNotFound):
        catalog.remove_image("2", 0, check=refuse_the_second)
    assert changes_of(catalog) == before
    assert catalog.remove_image("1", 0, check=refuse_the_second)


def test_a_write_within_collections_touches_no_product_beyond_them(catalog: Catalog) -> None:
    theirs = ProductRecord(id="1", title="theirs", collections=("theirs",))
    catalog.write_products([ProductWrite(theirs, ())])
    mine = ProductWrite(ProductRecord(id="1", collections=("mine",)), (), within=("mine",))
    other = replace(mine, record=ProductRecord(id="2", collections=("mine",)))
    with pytest.raises(ProductRefused, match="these collections alone: mine"):
        catalog.write_products([other, mine])
    assert catalog.product("2") is None
    assert catalog.existing_product("1").title == "theirs"
    catalog.remove_products(["1"])
    assert catalog.write_products([mine, other]) == [WriteResult.NEW, WriteResult.NEW]


def test_fewer_photos_than_before_marks_the_others(catalog: Catalog) -> None:
    catalog.write_products([product_write("1", indexed_photo(), indexed_photo())])
    assert catalog.write_products([product_write("1", KeptPhoto())]) == [WriteResult.UPDATED]
    assert changes_of(catalog, 2) == [(3, "1", 1, True, False)]


def test_a_failed_photo_loses_its_vector_and_keeps_the_reason(catalog: Catalog) -> None:
    catalog.write_products([product_write("1", indexed_photo())])
    catalog.write_products([product_write("1", FailedPhoto("truncated"))])
    (image,) = catalog.images("1")
    assert (image.status, image.reason, image.sha256) == (ImageStatus.FAILED, "truncated", None)
    assert changes_of(catalog, 1) == [(2, "1", 0, False, False)]
    assert (catalog.product_count(), catalog.indexed_count()) == (1, 0)
    catalog.write_products([product_write("1", FailedPhoto("truncated"))])
    assert catalog.latest_sequence() == 2


def test_a_kept_photo_that_somebody_replaced_is_left_alone(catalog: Catalog) -> None:
    catalog.write_products([product_write("1", indexed_photo())])
    stale = ImageWrite(0, "other.jpg", Fingerprint(1, 2, "another"), KeptPhoto())
    catalog.write_products([ProductWrite(product_write("1").record, (stale,))])
    assert catalog.images("1")[0].source == "0.jpg"


def test_embedding_again_replaces_only_its_own_embedder(catalog: Catalog) -> None:
    catalog.write_products([product_write("1", indexed_photo())])
    new = ModelVersions("segmenter-1", "parser-1", "embedder-2")
    (waiting,) = catalog.images_to_embed(new)
    again = replace(indexed_photo(0.25, new), sha256=waiting.sha256)
    assert catalog.store_embedding(waiting, again)
    assert catalog.images_to_embed(new) == []
    for embedder, value in (("embedder-1", 0.5), ("embedder-2", 0.25)):
        (row,) = catalog.changes_since(0, embedder=embedder)
        assert row.vector is not None
        assert float(row.vector[0]) == value
    assert not catalog.store_embedding(waiting, again), "it was stored under another number"
    (standing,) = catalog.images("1")
    catalog.remove_image("1", 0)
    assert not catalog.store_embedding(standing, again)
    assert catalog.changes_since(0, embedder="embedder-2")[0].vector is None


def test_photos_are_counted_by_the_versions_that_embedded_them(catalog: Catalog) -> None:
    assert catalog.photos_by_version(ModelKind.EMBEDDER) == ({}, 0)
    catalog.write_products(
        [
            product_write("1", indexed_photo()),
            product_write("2", indexed_photo(), FailedPhoto("blurred")),
        ]
    )
    new = ModelVersions("segmenter-2", "parser-1", "embedder-2")
    first = catalog.images_to_embed(new)[0]
    catalog.store_embedding(first, replace(indexed_photo(0.25, new), sha256=first.sha256))
    assert catalog.photos_by_version(ModelKind.EMBEDDER) == ({"embedder-1": 2, "embedder-2": 1}, 2)
    assert catalog.photos_by_version(ModelKind.SEGMENTER)[0] == {"segmenter-1": 2, "segmenter-2": 1}
    assert catalog.photos_by_version(ModelKind.PARSER) == ({"parser-1": 2}, 2)
    catalog.remove_products([first.product_id])
    assert catalog.photos_by_version(ModelKind.EMBEDDER) == ({"embedder-1": 1}, 1)


@pytest.mark.parametrize("empty_database_url", ["postgres"], indirect=True)
def test_a_batch_that_is_refused_leaves_nothing(catalog: Catalog) -> None:
    # SQLite stores NUL characters; PostgreSQL does not.
    with pytest.raises(ProductRefused):
        catalog.write_products(
            [product_write("1", indexed_photo()), product_write("2", indexed_photo(), title="a\0b")]
        )
    assert (catalog.product_count(), catalog.latest_sequence()) == (0, 0)
