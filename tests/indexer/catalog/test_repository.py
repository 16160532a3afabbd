"""The catalog's questions and changes, the same on both databases."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.catalog.repository import Catalog, open_catalog
from indexer.catalog.rows import (
    FailedPhoto,
    Fingerprint,
    ImageStatus,
    ImageWrite,
    IndexedPhoto,
    KeptPhoto,
    ModelVersions,
    PhotoOutcome,
    ProductWrite,
    WriteResult,
)
from indexer.errors import KeyNotFound, ProductNotFound, ProductRefused
from indexer.feeds.record import AttributeValue, ProductRecord
from indexer.filters import parse_filter
from indexer.live_index import LiveIndex
from segmentation.garment import Box, NamedColour
from segmentation.models import ModelKind

_VERSIONS = ModelVersions("segmenter-1", "parser-1", "embedder-1")


def _photo(value: float = 0.5, versions: ModelVersions = _VERSIONS) -> IndexedPhoto:
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


def _write(
    product_id: str, *outcomes: PhotoOutcome, category: str = "dress", title: str = "A title"
) -> ProductWrite:
    record = ProductRecord(id=product_id, title=title, category=category)
    return ProductWrite(record, _images(*outcomes))


def _images(*outcomes: PhotoOutcome) -> tuple[ImageWrite, ...]:
    return tuple(
        ImageWrite(position, f"{position}.jpg", Fingerprint(10, 20, "sha"), outcome)
        for position, outcome in enumerate(outcomes)
    )


def _changes(catalog: Catalog, since: int = 0) -> list[tuple[int, str, int, bool, bool]]:
    return [
        (row.sequence, row.product_id, row.position, row.deleted, row.vector is not None)
        for row in catalog.changes_since(since, embedder="embedder-1")
    ]


def test_what_is_written_is_read(catalog: Catalog) -> None:
    assert catalog.write_products([_write("1", _photo(), _photo(0.25))]) == [WriteResult.NEW]
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
    catalog.write_products([_write("1", _photo())])
    assert catalog.write_products([_write("1", KeptPhoto())]) == [WriteResult.UNCHANGED]
    assert catalog.latest_sequence() == 1


def test_a_new_title_is_an_update_that_the_index_need_not_hear_of(catalog: Catalog) -> None:
    catalog.write_products([_write("1", _photo())])
    again = catalog.write_products([_write("1", KeptPhoto(), title="Another")])
    assert again == [WriteResult.UPDATED]
    assert catalog.latest_sequence() == 1
    assert catalog.existing_product("1").title == "Another"


def test_another_category_gives_the_photos_new_numbers(catalog: Catalog) -> None:
    catalog.write_products([_write("1", _photo())])
    catalog.write_products([_write("1", KeptPhoto(), category="shirt")])
    rows = catalog.changes_since(1, embedder="embedder-1")
    assert [(row.sequence, row.category) for row in rows] == [(2, "top")]


def test_a_removed_product_is_a_mark_and_comes_alive_again(catalog: Catalog) -> None:
    catalog.write_products([_write("1", _photo(), _photo()), _write("2", _photo())])
    assert catalog.remove_products(["1", "1", "none"]) == 1
    assert catalog.product("1") is None
    assert catalog.images("1") == []
    assert (catalog.product_count(), catalog.indexed_count()) == (1, 1)
    assert _changes(catalog, 3) == [(4, "1", 0, True, False), (5, "1", 1, True, False)]
    assert catalog.remove_products(["1"]) == 0
    again = catalog.write_products([_write("1", KeptPhoto(), KeptPhoto())])
    assert again == [WriteResult.NEW]
    assert _changes(catalog, 5) == [(6, "1", 0, False, True), (7, "1", 1, False, True)]


def test_a_photo_that_goes_is_a_mark_and_its_place_stays_empty(catalog: Catalog) -> None:
    catalog.write_products([_write("1", _photo(), _photo())])
    assert catalog.remove_image("1", 0)
    assert not catalog.remove_image("1", 0)
    assert _changes(catalog, 2) == [(3, "1", 0, True, False)]
    added = catalog.add_image("1", _images(_photo(0.75))[0])
    assert added == 2
    assert [image.position for image in catalog.images("1")] == [1, 2]
    assert catalog.add_image("none", _images(_photo())[0]) is None


def test_fewer_photos_than_before_marks_the_others(catalog: Catalog) -> None:
    catalog.write_products([_write("1", _photo(), _photo())])
    assert catalog.write_products([_write("1", KeptPhoto())]) == [WriteResult.UPDATED]
    assert _changes(catalog, 2) == [(3, "1", 1, True, False)]


def test_a_failed_photo_loses_its_vector_and_keeps_the_reason(catalog: Catalog) -> None:
    catalog.write_products([_write("1", _photo())])
    catalog.write_products([_write("1", FailedPhoto("truncated"))])
    (image,) = catalog.images("1")
    assert (image.status, image.reason, image.sha256) == (ImageStatus.FAILED, "truncated", None)
    assert _changes(catalog, 1) == [(2, "1", 0, False, False)]
    assert (catalog.product_count(), catalog.indexed_count()) == (1, 0)
    catalog.write_products([_write("1", FailedPhoto("truncated"))])
    assert catalog.latest_sequence() == 2


def test_a_kept_photo_that_somebody_replaced_is_left_alone(catalog: Catalog) -> None:
    catalog.write_products([_write("1", _photo())])
    stale = ImageWrite(0, "other.jpg", Fingerprint(1, 2, "another"), KeptPhoto())
    catalog.write_products([ProductWrite(_write("1").record, (stale,))])
    assert catalog.images("1")[0].source == "0.jpg"


def test_embedding_again_replaces_only_its_own_embedder(catalog: Catalog) -> None:
    catalog.write_products([_write("1", _photo())])
    new = ModelVersions("segmenter-1", "parser-1", "embedder-2")
    (waiting,) = catalog.images_to_embed(new)
    again = replace(_photo(0.25, new), sha256=waiting.sha256)
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
    catalog.write_products([_write("1", _photo()), _write("2", _photo(), FailedPhoto("blurred"))])
    new = ModelVersions("segmenter-2", "parser-1", "embedder-2")
    first = catalog.images_to_embed(new)[0]
    catalog.store_embedding(first, replace(_photo(0.25, new), sha256=first.sha256))
    assert catalog.photos_by_version(ModelKind.EMBEDDER) == ({"embedder-1": 2, "embedder-2": 1}, 2)
    assert catalog.photos_by_version(ModelKind.SEGMENTER)[0] == {"segmenter-1": 2, "segmenter-2": 1}
    assert catalog.photos_by_version(ModelKind.PARSER) == ({"parser-1": 2}, 2)
    catalog.remove_products([first.product_id])
    assert catalog.photos_by_version(ModelKind.EMBEDDER) == ({"embedder-1": 1}, 1)


def test_changes_come_in_pages_without_gap_or_repeat(catalog: Catalog) -> None:
    catalog.write_products([_write(str(number), _photo()) for number in range(25)])
    seen: list[int] = []
    while page := catalog.changes_since(seen[-1] if seen else 0, embedder="embedder-1", limit=10):
        seen += [row.sequence for row in page]
    assert seen == list(range(1, 26))


@pytest.mark.parametrize("empty_database_url", ["postgres"], indirect=True)
def test_a_batch_that_is_refused_leaves_nothing(catalog: Catalog) -> None:
    # SQLite stores NUL characters; PostgreSQL does not.
    with pytest.raises(ProductRefused):
        catalog.write_products([_write("1", _photo()), _write("2", _photo(), title="a\0b")])
    assert (catalog.product_count(), catalog.latest_sequence()) == (0, 0)


def test_numbers_become_visible_in_order_under_many_writers(catalog: Catalog) -> None:
    stop = threading.Event()
    gaps: list[list[int]] = []

    def watch() -> None:
        seen = 0
        while not stop.wait(0.001):
            numbers = [row.sequence for row in catalog.changes_since(seen, embedder="x")]
            if numbers and numbers != list(range(seen + 1, seen + len(numbers) + 1)):
                gaps.append(numbers)
            seen = numbers[-1] if numbers else seen

    def write(writer: int) -> None:
        for number in range(8):
            catalog.write_products([_write(f"{writer}-{number}-{n}", _photo()) for n in range(3)])

    watcher = threading.Thread(target=watch)
    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in (watcher, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    watcher.join()
    assert gaps == []
    assert catalog.latest_sequence() == 4 * 8 * 3


def test_products_are_listed_by_code_point_in_pages(catalog: Catalog) -> None:
    ids = ["b", "A", "ä", "a", "B", "_", "10", "9"]
    catalog.write_products([_write(one) for one in ids])
    listed: list[str] = []
    while page := catalog.list_products(after=listed[-1] if listed else None, limit=3):
        listed += [product.id for product in page]
    assert listed == sorted(ids)
    assert [product.id for product in catalog.all_products()] == sorted(ids)


def test_words_are_found_in_any_case_and_wildcards_are_text(catalog: Catalog) -> None:
    catalog.write_products([_write("1", title="Red Dress"), _write("2", title="100% wool")])
    assert [product.id for product in catalog.search_text("dress RED")] == ["1"]
    assert [product.id for product in catalog.search_text("0%")] == ["2"]
    assert catalog.search_text("_%_ x") == []
    assert catalog.product_ids_carrying("RED") == {"1"}
    assert catalog.product_ids_carrying("wool kimono") == set()


def test_words_of_any_alphabet_are_found_in_any_case(catalog: Catalog) -> None:
    titles = {"a": "Robe d'ÉTÉ", "b": "robe d'été", "c": "ЮБКА", "d": "Größe", "e": "robe d'ete"}
    records = [ProductRecord(id=product_id, title=title) for product_id, title in titles.items()]
    catalog.write_products([ProductWrite(record, None) for record in records])
    for words, expected in {
        "été": ["a", "b"],
        "ROBE ÉTÉ": ["a", "b"],
        "юбка": ["c"],
        "GRÖSSE": [],
        "größe": ["d"],
        "robe": ["a", "b", "e"],
    }.items():
        assert [product.id for product in catalog.list_products(words=words)] == expected, words
        assert catalog.product_count(words=words) == len(expected)


def test_words_are_listed_in_pages_too(catalog: Catalog) -> None:
    titles = {"1": "Red gown", "2": "Blue gown", "3": "Red hat", "4": "Long red gown"}
    catalog.write_products([_write(one, title=title) for one, title in titles.items()])
    first = catalog.list_products(words="gown RED", limit=1)
    assert [product.id for product in first] == ["1"]
    rest = catalog.list_products(words="gown RED", limit=1, after="1")
    assert [product.id for product in rest] == ["4"]
    assert catalog.list_products(words="gown RED", limit=1, after="4") == []
    assert len(catalog.list_products(words="  ")) == 4
    counts = [catalog.product_count(words=words) for words in ("gown RED", "red", "kimono", "  ")]
    assert counts == [2, 3, 0, 4]
    catalog.remove_products(["1"])
    assert (catalog.product_count(words="gown RED"), catalog.product_count()) == (1, 3)


def test_a_listing_repeats_and_skips_nothing_while_products_come_and_go(catalog: Catalog) -> None:
    stayed = {f"{number:02}" for number in range(0, 40, 2)}
    catalog.write_products([_write(one) for one in stayed])
    listed: list[str] = []
    while page := catalog.list_products(after=listed[-1] if listed else None, limit=3):
        listed += [product.id for product in page]
        last = int(listed[-1])
        leaving = {f"{last:02}", f"{last + 4:02}", f"{last - 4:02}"}
        catalog.remove_products(leaving)
        stayed -= leaving
        catalog.write_products([_write(f"{last - 1:02}"), _write(f"{last + 1:02}")])
    assert listed == sorted(set(listed))
    assert stayed
    assert stayed <= set(listed)


def test_the_numbers_of_a_field_are_those_of_living_products(catalog: Catalog) -> None:
    fields: dict[str, tuple[float | None, AttributeValue]] = {
        "1": (10.0, 5),
        "2": (None, ("7.5", "no number", 2)),
        "3": (30.0, "plain"),
        "gone": (1000.0, 1000),
    }
    for one, (price, popularity) in fields.items():
        record = ProductRecord(id=one, price=price, attributes={"popularity": popularity})
        catalog.write_products([ProductWrite(record, None)])
    catalog.remove_products(["gone"])
    assert catalog.number_range("price") == (10, 30)
    assert catalog.number_range("popularity") == (5, 7.5)
    assert catalog.number_range("nothing") is None
    assert catalog.numbers_of("price", fields) == {"1": 10, "3": 30}
    assert catalog.numbers_of("popularity", ["2", "3", "gone"]) == {"2": 7.5}


def test_words_and_a_filter_narrow_the_same_products_everywhere(catalog: Catalog) -> None:
    for number in range(9):
        title = "red gown" if number % 2 else "red hat"
        record = ProductRecord(id=str(number), title=title, price=float(number))
        catalog.write_products([ProductWrite(record, None)])
    tree = parse_filter("price >= 3 AND price != 5")
    narrow: Any = {"words": "GOWN", "tree": tree}
    assert [one.id for one in catalog.list_products(**narrow)] == ["3", "7"]
    assert [one.id for one in catalog.list_products(after="3", **narrow)] == ["7"]
    assert catalog.product_count(**narrow) == 2
    assert catalog.product_count(tree=tree) == 5
    assert [one.id for one in catalog.search_text("gown", tree=tree)] == ["3", "7"]
    assert catalog.product_ids_carrying("gown", tree=tree) == {"3", "7"}


_FILTERED: tuple[tuple[str, str, float | None, Mapping[str, AttributeValue]], ...] = (
    ("1", "Acme", 5.0, {"size": "42", "sale": True, "weight": 1.5}),
    ("2", "Zed", 100.0, {"size": "9", "material": "wool"}),
    ("3", "", None, {"size": "XL", 'it\'s "odd" %': "y"}),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("price < 100", "1"),
        ("price <= 100", "12"),
        ("price != 5", "23"),
        ("price IN (5, 100)", "12"),
        ('price = "5"', "1"),
        ("price = cheap", ""),
        ("brand = Acme", "1"),
        ("brand = acme", ""),
        ("brand != Acme", "23"),
        ("brand IN (Acme, Zed)", "12"),
        ("(brand = Acme OR brand = Zed) AND price > 50", "2"),
        ("size < 10", "2"),
        ("size >= 9", "12"),
        ("size = 42", "1"),
        ('size = "42"', "1"),
        ("size = 42.0", "1"),
        ("size IN (9, XL)", "23"),
        ("size != 9", "13"),
        ("material != wool", "13"),
        ("sale = true", "1"),
        ("weight > 1 AND weight < 2", "1"),
        ("nothing = 1", ""),
        ("nothing != 1", "123"),
        ("category = t-shirt", "123"),
        ("category = top", "123"),
        ("category != top", ""),
        ("category = dress", ""),
        ('title > "T" AND id <= 2', "12"),
        ("collections = summer", "123"),
        ("collection = autumn", ""),
        ('"it\'s \\"odd\\" %" = y', "3"),
        ('brand = "x\' OR 1=1 --"', ""),
    ],
)
def test_filters(catalog: Catalog, text: str, expected: str) -> None:
    records = [
        ProductRecord(
            id=product_id,
            title="Title",
            category="t-shirt",
            brand=brand,
            price=price,
            collections=("summer", "sale"),
            attributes=attributes,
        )
        for product_id, brand, price, attributes in _FILTERED
    ]
    catalog.write_products([ProductWrite(record, ()) for record in records])
    assert catalog.product_ids_matching(parse_filter(text)) == set(expected)
    assert catalog.product_ids_matching(None) is None


def test_many_ids_at_once(catalog: Catalog) -> None:
    ids = [str(number) for number in range(1200)]
    catalog.write_products([_write(one) for one in ids[:600]])
    assert len(catalog.products(ids)) == 600
    assert len(catalog.import_states(ids, embedder="x")) == 600


def test_a_product_that_is_not_there_has_its_own_error(catalog: Catalog) -> None:
    with pytest.raises(ProductNotFound, match="'none'"):
        catalog.existing_product("none")


def test_keys_are_found_by_hash_and_revoked_once(catalog: Catalog) -> None:
    assert not catalog.any_key_exists()
    key = catalog.create_key("shop", "search", "hash", "garb_ab")
    assert catalog.find_key("hash") == key
    assert catalog.find_key("other") is None
    revoked = catalog.revoke_key(key.id)
    assert revoked.revoked
    assert catalog.revoke_key(key.id).revoked == revoked.revoked
    assert catalog.list_keys() == [revoked]
    assert catalog.any_key_exists()
    with pytest.raises(KeyNotFound):
        catalog.revoke_key(99)


def test_the_bundled_model_is_active_until_another_is(catalog: Catalog) -> None:
    assert catalog.active_model("embedder") == "bundled"
    for version in ("v1", "v2"):
        catalog.set_active_model("embedder", version)
        assert catalog.active_model("embedder") == version
    assert catalog.active_model("parser") == "bundled"


def test_a_job_hears_that_somebody_cancelled_it(catalog: Catalog) -> None:
    job = catalog.create_import("feed.csv", state="running")
    progress = {"state": "running", "counts": {"read": 3}, "errors": [{"line": 2}]}
    assert not catalog.update_import(job.id, **progress)  # type: ignore[arg-type]
    asked = catalog.cancel_import(job.id)
    assert asked is not None
    assert asked.cancel_requested
    assert catalog.update_import(job.id, **progress)  # type: ignore[arg-type]
    stored = catalog.get_import(job.id)
    assert stored is not None
    assert (stored.counts, stored.errors) == ({"read": 3}, ({"line": 2},))
    assert catalog.get_import("none") is None
    assert catalog.cancel_import("none") is None


def test_the_job_of_a_killed_import_is_closed_by_the_next(catalog: Catalog) -> None:
    job = catalog.create_import("feed.csv", state="running")
    other = catalog.create_import("other.csv", state="running")
    assert catalog.mark_interrupted_imports("feed.csv") == 1
    states = {one.id: one.state for one in catalog.list_imports()}
    assert states == {job.id: "interrupted", other.id: "running"}


def _index_of(catalog: Catalog, folder: Path) -> LiveIndex:
    index = LiveIndex(
        catalog, embedder_version=_VERSIONS.embedder, dimension=4, snapshot_dir=folder
    )
    index.open()
    return index


def test_snapshot_of_a_database_that_was_restored_and_written_to_is_not_used(
    tmp_path: Path,
) -> None:
    file, backup = tmp_path / "garb.db", tmp_path / "backup.db"
    url, folder = f"sqlite:///{file}", tmp_path / "index"
    catalog = open_catalog(url)
    catalog.write_products([_write("a", _photo(0.5))])
    catalog.close()
    shutil.copy(file, backup)
    catalog = open_catalog(url)
    catalog.write_products([_write("b", _photo(0.25))])
    catalog.write_products([_write("c", _photo(0.75))])
    _index_of(catalog, folder).save_snapshot()
    catalog.close()
    shutil.copy(backup, file)
    catalog = open_catalog(url)
    # The same products under the same numbers, and b with another photo.
    catalog.write_products([_write("b", replace(_photo(), vector=np.float32([0.1, 0.2, 0.3, 1])))])
    catalog.write_products([_write("c", _photo(0.75))])
    index = _index_of(catalog, folder)
    assert (index.sequence, index.verify()) == (3, [])
    index.save_snapshot()
    again = _index_of(catalog, folder)
    assert again.damage is None
    assert again.verify() == []
    catalog.close()


def test_words_of_history_are_the_transactions_own(catalog: Catalog) -> None:
    assert catalog.word_at(0) is not None
    catalog.write_products([_write("a", _photo()), _write("b", _photo())])
    words = [catalog.word_at(sequence) for sequence in range(4)]
    assert words[1] is words[3] is None
    assert words[2] not in (None, words[0])
