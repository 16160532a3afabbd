"""Imports: every row has one outcome, the same again costs a look, failures are retried."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from indexer.catalog.jobs import MAX_STORED_ERRORS
from indexer.catalog.repository import Catalog
from indexer.catalog.rows import ImageStatus, ProductWrite
from indexer.errors import FeedError, ImportStopped
from indexer.feeds.open import open_feed
from indexer.feeds.record import ProductRecord
from indexer.images import ImageStore
from indexer.ingest.mapper import PhotoMapper, PreparedPhoto
from indexer.ingest.report import MOST_ERRORS_KEPT, ImportReport, Tally
from indexer.ingest.runner import import_feed
from segmentation.photo import decode_photo
from tests.fakes import FakeEmbedder, FakePhotoParser, fake_jpeg, fake_png
from tests.indexer.shortcuts import list_imports
from tests.patience import quickest

_RED, _GREEN = (200, 20, 20), (20, 180, 20)
_HEADER = "id,title,category,price,image\n"


def _shop(folder: Path, count: int) -> Path:
    """A feed of red dresses and green tops with a photo each."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    lines = [_HEADER]
    for number in range(count):
        colour, category = ((_RED, "dress"), (_GREEN, "t-shirt"))[number % 2]
        shade = (colour[0] - number % 20, colour[1] - number % 20, colour[2])
        (folder / "images" / f"{number}.jpg").write_bytes(fake_jpeg(shade))
        lines.append(f"p{number},Product {number},{category},{number}.5,images/{number}.jpg\n")
    feed = folder / "products.csv"
    feed.write_text("".join(lines), encoding="utf-8")
    return feed


def _run(
    feed: Path, catalog: Catalog, mapper: PhotoMapper, images: Path | None = None
) -> ImportReport:
    return import_feed(open_feed(feed), catalog=catalog, mapper=mapper, images_dir=images)


def _outcomes(report: ImportReport) -> tuple[int, int, int, int, int]:
    assert report.read == report.new + report.updated + report.unchanged + report.failed
    return report.read, report.new, report.updated, report.unchanged, report.failed


def test_products_are_indexed_and_the_same_again_is_unchanged(
    tmp_path: Path, catalog: Catalog, mapper: PhotoMapper, image_store: ImageStore
) -> None:
    feed = _shop(tmp_path, 40)
    report = _run(feed, catalog, mapper)
    assert _outcomes(report) == (40, 40, 0, 0, 0)
    assert (report.products, report.indexed) == (40, 40)
    assert catalog.latest_sequence() == 40
    (image,) = catalog.images("p0")
    assert (image.garment_source, image.garment_category) == ("category", "dress")
    assert (image.width, image.height) == (64, 80)
    assert image.sha256 is not None
    assert decode_photo(image_store.read(image.sha256)).width == 64
    again = _run(feed, catalog, mapper)
    assert _outcomes(again) == (40, 0, 0, 40, 0)
    assert catalog.latest_sequence() == 40


def test_every_bad_row_is_named_and_the_others_are_indexed(
    tmp_path: Path, catalog: Catalog, mapper: PhotoMapper
) -> None:
    feed = _shop(tmp_path, 4)
    images = tmp_path / "images"
    (images / "truncated.jpg").write_bytes(fake_jpeg(_RED)[:400])
    (images / "text.jpg").write_bytes(b"hello, I am no photo")
    (images / "empty.jpg").write_bytes(b"")
    (tmp_path.parent / "outside.jpg").write_bytes(fake_jpeg(_RED))
    with feed.open("a", encoding="utf-8") as file:
        file.write(
            "a,t,dress,1,images/truncated.jpg\n"
            "b,t,dress,1,images/text.jpg\n"
            "c,t,dress,1,images/empty.jpg\n"
            "d,t,dress,1,images/none.jpg\n"
            "e,t,dress,1,../outside.jpg\n"
            "f,t,dress,1,https://example.com/x.jpg\n"
            "g,t,dress,1,images\n"
            "h,t,dress,1,\n"
            "p0,again,dress,1,images/0.jpg\n"
            "i,t,dress,cheap,images/0.jpg\n"
            "j,t,dress\n"
            f"k,t,gizmo,1,{images / '0.jpg'}\n"
            "l,t,dress,1,images/0.jpg|images/none.jpg\n"
        )
    report = _run(feed, catalog, mapper)
    assert _outcomes(report) == (17, 5, 0, 0, 12)
    assert (report.products, report.indexed) == (14, 6)
    assert report.unmapped_categories == {"gizmo": 1}
    found = [(error.line, error.id, error.image) for error in report.errors]
    assert found == [
        (6, "a", "images/truncated.jpg"),
        (7, "b", "images/text.jpg"),
        (8, "c", "images/empty.jpg"),
        (9, "d", "images/none.jpg"),
        (10, "e", "../outside.jpg"),
        (11, "f", "https://example.com/x.jpg"),
        (12, "g", "images"),
        (13, "h", None),
        (14, "p0", None),
        (15, "i", None),
        (16, "j", None),
        (18, "l", "images/none.jpg"),
    ]
    reasons = [error.reason for error in report.errors]
    for reason, part in zip(
        reasons,
        ["decoded", "JPEG, PNG or WebP", "empty", "no such file", "outside", "not fetched here",
         "not a file", "no image", "line 2", "'cheap'", "3 fields", "no such file"],
        strict=True,
    ):  # fmt: skip
        assert part in reason
    assert catalog.images("d")[0].reason == "no such file"
    assert catalog.existing_product("p0").title == "Product 0"


def test_link_out_of_the_images_folder_is_called_one(
    tmp_path: Path, catalog: Catalog, mapper: PhotoMapper
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "red.jpg").write_bytes(fake_jpeg(_RED))
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "photos").symlink_to(tmp_path / "elsewhere")
    (shop / "red.jpg").symlink_to(tmp_path / "elsewhere" / "red.jpg")
    feed = shop / "products.csv"
    feed.write_text(f"{_HEADER}a,t,,1,photos/red.jpg\nb,t,,1,red.jpg\nc,t,,1,../x.jpg\n", "utf-8")
    linked, also, outside = (error.reason for error in _run(feed, catalog, mapper).errors)
    assert linked == also
    assert "a link that leads out of the images folder; " in linked
    assert "--images" in linked
    assert outside == "the image lies outside the images folder"
    # A folder that is one itself is the folder it leads to.
    feed.write_text(f"{_HEADER}a,t,,1,red.jpg\n", "utf-8")
    assert _outcomes(_run(feed, catalog, mapper, shop / "photos"))[4] == 0


def test_failed_rows_are_retried(tmp_path: Path, catalog: Catalog, mapper: PhotoMapper) -> None:
    feed = _shop(tmp_path, 3)
    photo = tmp_path / "images" / "1.jpg"
    good = photo.read_bytes()
    photo.write_bytes(good[:300])
    assert _outcomes(_run(feed, catalog, mapper)) == (3, 2, 0, 0, 1)
    assert _outcomes(_run(feed, catalog, mapper)) == (3, 0, 0, 2, 1)
    photo.write_bytes(good)
    report = _run(feed, catalog, mapper)
    assert _outcomes(report) == (3, 0, 1, 2, 0)
    assert report.indexed == 3
    assert catalog.images("p1")[0].status is ImageStatus.INDEXED


def test_what_was_indexed_stays_while_nothing_is_better(
    tmp_path: Path, catalog: Catalog, mapper: PhotoMapper
) -> None:
    feed = _shop(tmp_path, 4)
    good = feed.read_text(encoding="utf-8")
    _run(feed, catalog, mapper)
    sequence = catalog.latest_sequence()
    (tmp_path / "images" / "0.jpg").unlink()
    photo = tmp_path / "images" / "1.jpg"
    photo.write_bytes(photo.read_bytes()[:300])
    feed.write_text(good.replace("images/2.jpg", ""), encoding="utf-8")
    for _ in range(2):
        report = _run(feed, catalog, mapper)
        assert _outcomes(report) == (4, 0, 0, 1, 3)
        assert (report.indexed, catalog.latest_sequence()) == (4, sequence)
    reasons = [error.reason for error in report.errors]
    assert reasons[0] == "no such file; what was indexed before stays"
    assert "cannot be decoded" in reasons[1]
    assert reasons[2] == "no image given"
    feed.write_text(good.replace("images/0.jpg", "images/none.jpg"), encoding="utf-8")
    assert _run(feed, catalog, mapper).indexed == 3


def test_a_photo_that_is_away_is_cut_from_the_store_where_its_category_changed(
    tmp_path: Path, catalog: Catalog, mapper: PhotoMapper
) -> None:
    feed = _shop(tmp_path, 2)
    _run(feed, catalog, mapper)
    (before,) = catalog.images("p0")
    (tmp_path / "images" / "0.jpg").unlink()
    feed.write_text(feed.read_text("utf-8").replace("dress", "hat"), encoding="utf-8")
    assert _outcomes(_run(feed, catalog, mapper)) == (2, 0, 1, 1, 0)
    (image,) = catalog.images("p0")
    assert (before.garment_source, image.garment_source) == ("category", "largest")
    assert image.sha256 == before.sha256
    report = _run(feed, catalog, mapper)
    assert [error.reason for error in report.errors] == [
        "no such file; what was indexed before stays"
    ]
    assert report.indexed == 2


def test_a_removed_product_is_imported_again_without_photos_of_before(
    tmp_path: Path, catalog: Catalog, mapper: PhotoMapper
) -> None:
    feed = _shop(tmp_path, 2)
    _run(feed, catalog, mapper)
    catalog.remove_products(["p0", "p1"])
    (tmp_path / "images" / "0.jpg").unlink()
    assert _outcomes(_run(feed, catalog, mapper)) == (2, 1, 0, 0, 1)
    assert catalog.images("p0")[0].sha256 is None
    assert catalog.images("p1")[0].status is ImageStatus.INDEXED


def test_a_photo_is_read_again_only_when_it_changed(
    tmp_path: Path, catalog: Catalog, image_store: ImageStore
) -> None:
    parser, embedder = FakePhotoParser(), FakeEmbedder()
    mapper = PhotoMapper(photo_parser=parser, embedder=embedder, image_store=image_store)
    feed = _shop(tmp_path, 3)
    _run(feed, catalog, mapper)
    os.utime(tmp_path / "images" / "0.jpg", ns=(1, 1))
    assert _outcomes(_run(feed, catalog, mapper)) == (3, 0, 0, 3, 0)
    assert parser.photos_parsed == 3
    (tmp_path / "images" / "0.jpg").write_bytes(fake_png((190, 40, 40)))
    assert _outcomes(_run(feed, catalog, mapper)) == (3, 0, 1, 2, 0)
    assert parser.photos_parsed == 4
    feed.write_text(feed.read_text(encoding="utf-8").replace("Product 1", "New"), encoding="utf-8")
    assert _outcomes(_run(feed, catalog, mapper)) == (3, 0, 1, 2, 0)
    assert parser.photos_parsed == 4


def test_another_model_or_category_means_reading_again(
    tmp_path: Path, catalog: Catalog, image_store: ImageStore
) -> None:
    feed = _shop(tmp_path, 2)
    for version in ("v1", "v2"):
        mapper = PhotoMapper(
            photo_parser=FakePhotoParser(version=version),
            embedder=FakeEmbedder(),
            image_store=image_store,
        )
        report = _run(feed, catalog, mapper)
    assert _outcomes(report) == (2, 0, 2, 0, 0)
    feed.write_text(feed.read_text(encoding="utf-8").replace("t-shirt", "hat"), encoding="utf-8")
    assert _outcomes(_run(feed, catalog, mapper)) == (2, 0, 1, 1, 0)
    assert catalog.images("p1")[0].garment_source == "largest"


def test_a_removed_product_is_new_again(
    tmp_path: Path, catalog: Catalog, mapper: PhotoMapper
) -> None:
    feed = _shop(tmp_path, 3)
    _run(feed, catalog, mapper)
    catalog.remove_products(["p1"])
    report = _run(feed, catalog, mapper)
    assert _outcomes(report) == (3, 1, 0, 2, 0)
    assert report.indexed == 3


def test_images_may_lie_in_another_folder(
    tmp_path: Path, catalog: Catalog, mapper: PhotoMapper
) -> None:
    feed = _shop(tmp_path / "shop", 2)
    moved = feed.rename(tmp_path / "products.csv")
    assert _outcomes(_run(moved, catalog, mapper, tmp_path / "shop"))[1] == 2
    with pytest.raises(FeedError, match="images folder"):
        _run(moved, catalog, mapper, tmp_path / "none")


def test_thousands_unchanged_take_seconds(
    tmp_path: Path, catalog: Catalog, mapper: PhotoMapper
) -> None:
    (tmp_path / "x.png").write_bytes(fake_png(_RED, width=16, height=16))
    feed = tmp_path / "products.jsonl"
    feed.write_text("".join(f'{{"id": "{n}", "image": "x.png"}}\n' for n in range(200)))
    _run(feed, catalog, mapper)

    def again() -> float:
        started = time.process_time()
        assert _outcomes(_run(feed, catalog, mapper)) == (200, 0, 0, 200, 0)
        return time.process_time() - started

    assert quickest(again, below=5) < 5


def test_an_interrupted_import_keeps_what_is_done(
    tmp_path: Path, catalog: Catalog, mapper: PhotoMapper
) -> None:
    feed = _shop(tmp_path, 60)

    def interrupt(tally: Tally) -> None:
        if tally.done >= 32:
            raise KeyboardInterrupt

    with pytest.raises(ImportStopped, match="run it again"):
        import_feed(open_feed(feed), catalog=catalog, mapper=mapper, on_progress=interrupt)
    assert list_imports(catalog)[0].state == "interrupted"
    stored = catalog.indexed_count()
    assert stored >= 32
    assert _outcomes(_run(feed, catalog, mapper)) == (60, 60 - stored, 0, stored, 0)


def test_a_cancelled_job_stops(tmp_path: Path, catalog: Catalog, mapper: PhotoMapper) -> None:
    job = catalog.create_import("feed")
    catalog.cancel_import(job.id)
    with pytest.raises(ImportStopped, match="cancelled"):
        import_feed(
            open_feed(_shop(tmp_path, 20)), catalog=catalog, mapper=mapper, import_id=job.id
        )
    stored = catalog.get_import(job.id)
    assert stored is not None
    assert stored.state == "cancelled"


def test_of_very_many_bad_rows_the_first_are_kept_and_all_are_counted(
    tmp_path: Path, catalog: Catalog, mapper: PhotoMapper
) -> None:
    feed = tmp_path / "feed.jsonl"
    feed.write_text("[]\n" * (MOST_ERRORS_KEPT + 7))
    report = _run(feed, catalog, mapper)
    assert (report.failed, len(report.errors)) == (MOST_ERRORS_KEPT + 7, MOST_ERRORS_KEPT)
    assert report.to_json()["errors_left_out"] == 7
    job = catalog.import_of(str(feed))
    assert job is not None
    assert [error["line"] for error in job.errors] == list(range(1, MAX_STORED_ERRORS + 1))
    assert job.counts["errors_left_out"] == MOST_ERRORS_KEPT + 7 - MAX_STORED_ERRORS


def test_a_product_that_leaves_the_imports_collections_while_its_photo_is_cut_is_left_alone(
    tmp_path: Path, catalog: Catalog, mapper: PhotoMapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = _shop(tmp_path, 2)
    mine = [ProductRecord(id=f"p{n}", collections=("mine",)) for n in range(2)]
    catalog.write_products([ProductWrite(record, ()) for record in mine])
    prepare = mapper.prepare

    def moves_first(*arguments: Any, **options: Any) -> PreparedPhoto:
        theirs = replace(mine[1], title="Theirs", collections=("theirs",))
        catalog.write_products([ProductWrite(theirs, ())])
        return prepare(*arguments, **options)

    monkeypatch.setattr(mapper, "prepare", moves_first)
    report = import_feed(open_feed(feed), catalog=catalog, mapper=mapper, collections=("mine",))
    assert (report.updated, report.failed) == (1, 1)
    (error,) = report.errors
    assert (error.id, error.image) == ("p1", None)
    assert "these collections alone: mine" in error.reason
    assert catalog.existing_product("p1").title == "Theirs"
    assert catalog.images("p1") == []


def test_the_report_shortens_names_without_end(
    tmp_path: Path, catalog: Catalog, mapper: PhotoMapper
) -> None:
    feed = tmp_path / "feed.jsonl"
    name = "x" * 100_000
    feed.write_text(f'{{"id": "1", "image": "{name}"}}\n{{"id": "2", "{name}": [[]]}}\n')
    image, attribute = _run(feed, catalog, mapper).errors
    assert image.image == name[:499] + "…"
    assert len(attribute.reason) == 500


def test_the_report_has_the_contracts_keys(
    tmp_path: Path, catalog: Catalog, mapper: PhotoMapper
) -> None:
    feed = tmp_path / "products.csv"
    feed.write_text(_HEADER + "1,t,dress,x,a.jpg\n", encoding="utf-8")
    document = _run(feed, catalog, mapper).to_json()
    assert list(document) == [
        "read", "new", "updated", "unchanged", "failed", "products", "indexed",
        "unmapped_categories", "errors",
    ]  # fmt: skip
    assert list(document["errors"][0]) == ["line", "id", "image", "reason"]
    job = list_imports(catalog)[0]
    assert (job.state, job.counts["failed"], len(job.errors)) == ("done", 1, 1)
