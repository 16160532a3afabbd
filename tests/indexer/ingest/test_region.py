"""A box on a photo: it says which garment is the product, stays through export and import."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from indexer.catalog.repository import Catalog
from indexer.catalog_cli import catalog_records
from indexer.feeds.export import write_feed
from indexer.feeds.open import open_feed
from indexer.feeds.record import ProductRecord, record_hash
from indexer.images import ImageStore
from indexer.ingest.again import embed_again
from indexer.ingest.mapper import PhotoMapper
from indexer.ingest.report import ImportReport
from indexer.ingest.runner import import_feed
from indexer.ingest.single import NewPhoto
from segmentation.colour import dominant_colours
from segmentation.garment import Box, Garment, Mask, ParsedPhoto
from segmentation.photo import Photo
from tests.fakes import FakeEmbedder, FakePhotoParser, fake_jpeg
from tests.indexer.shortcuts import put_product

RED = (200, 20, 20)
LEFT, RIGHT, CORNER = Box(0, 0, 30, 80), Box(30, 0, 64, 80), Box(0, 0, 20, 20)


class TwoDresses(FakePhotoParser):
    """Sees a dress on the left and a better one on the right of every photo."""

    def parse(
        self,
        photo: Photo,
        *,
        include: frozenset[str] = frozenset(),
        expected: str | None = None,
        expected_box: Box | None = None,
    ) -> ParsedPhoto:
        self.photos_parsed += 1
        places = (Box(4, 10, 28, 70), 0.7), (Box(34, 10, 60, 70), 0.9)
        return ParsedPhoto(photo, tuple(_dress(photo, box, score) for box, score in places))


def _dress(photo: Photo, box: Box, score: float) -> Garment:
    pixels = np.zeros((photo.height, photo.width), dtype=bool)
    pixels[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = True
    return Garment("dress", score, box, Mask(pixels), dominant_colours(photo.pixels[pixels]))


@pytest.fixture
def mapper(image_store: ImageStore) -> PhotoMapper:
    return PhotoMapper(photo_parser=TwoDresses(), embedder=FakeEmbedder(), image_store=image_store)


def _run(path: Path, catalog: Catalog, mapper: PhotoMapper) -> ImportReport:
    return import_feed(open_feed(path), catalog=catalog, mapper=mapper)


def _feed(folder: Path, box: str, name: str = "feed.csv") -> Path:
    (folder / "a.jpg").write_bytes(fake_jpeg(RED))
    path = folder / name
    path.write_text(f'id,category,image,box\n1,dress,a.jpg,"{box}"\n')
    return path


@pytest.mark.parametrize(
    ("box", "left", "source"),
    [("", 34, "category"), ("0,0,30,80", 4, "category"), ("30,0,64,80", 34, "category"),
     ("0,0,20,20", 0, "region"), ("50,0,900,900", 50, "region")],
)  # fmt: skip
def test_the_garment_is_taken_from_the_box(
    tmp_path: Path, catalog: Catalog, mapper: PhotoMapper, box: str, left: int, source: str
) -> None:
    report = _run(_feed(tmp_path, box), catalog, mapper)
    assert report.new == 1
    (image,) = catalog.images("1")
    assert image.box is not None
    assert (image.box.x0, image.garment_source) == (left, source)


def test_a_box_outside_the_photo_is_named(
    tmp_path: Path, catalog: Catalog, mapper: PhotoMapper
) -> None:
    (error,) = _run(_feed(tmp_path, "100,100,200,200"), catalog, mapper).errors
    assert (error.line, error.id, error.image) == (2, "1", "a.jpg")
    assert "covers nothing of the 64×80 photo" in error.reason


def test_another_box_cuts_the_photo_again_and_the_same_one_does_not(
    tmp_path: Path, catalog: Catalog, mapper: PhotoMapper
) -> None:
    _run(_feed(tmp_path, "0,0,30,80"), catalog, mapper)
    assert _run(_feed(tmp_path, "0,0,30,80"), catalog, mapper).unchanged == 1
    assert _run(_feed(tmp_path, "30,0,64,80"), catalog, mapper).updated == 1
    assert catalog.images("1")[0].region == RIGHT
    assert _run(_feed(tmp_path, ""), catalog, mapper).updated == 1
    assert catalog.images("1")[0].region is None


def test_the_hash_of_a_record_stays_as_every_catalog_has_it_stored() -> None:
    # Else every product is written again; boxes are compared photo by photo.
    assert record_hash(ProductRecord(id="1", images=("a.jpg",))).startswith("f3bd0497d8e7")


def test_other_words_of_a_product_leave_its_box(
    tmp_path: Path, catalog: Catalog, mapper: PhotoMapper
) -> None:
    feed = _feed(tmp_path, "0,0,30,80")
    _run(feed, catalog, mapper)
    # As a PATCH does: the words alone, the photos as they are.
    record = ProductRecord(id="1", category="dress", title="New")
    put_product(record, None, catalog=catalog, mapper=mapper)
    feed.write_text('id,category,image,box,title\n1,dress,a.jpg,"0,0,30,80",New\n')
    assert _run(feed, catalog, mapper).unchanged == 1


def test_words_in_a_column_box_are_told_once_and_fail_nothing(
    tmp_path: Path, catalog: Catalog, mapper: PhotoMapper
) -> None:
    feed = _feed(tmp_path, "gift box")
    feed.write_text(feed.read_text() + "2,dress,a.jpg,hat box\n")
    report = _run(feed, catalog, mapper)
    assert (report.new, report.failed) == (2, 0)
    (told,) = report.errors
    assert (told.line, told.id) == (2, "1")
    assert "kept as an attribute" in told.reason
    assert catalog.existing_product("2").attributes == {"box": "hat box"}


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
def test_boxes_are_exported_and_imported_back(
    tmp_path: Path, catalog: Catalog, mapper: PhotoMapper, name: str
) -> None:
    feed = tmp_path / "feed.csv"
    for photo in ("a", "b", "c"):
        (tmp_path / f"{photo}.jpg").write_bytes(fake_jpeg(RED))
    feed.write_text(
        "id,category,image_1,image_2,box_2,image_3\n"
        '1,dress,a.jpg,b.jpg,"0.5,0,30,80",c.jpg\n'
        "2,dress,a.jpg,,,\n"
    )
    _run(feed, catalog, mapper)
    sequence = catalog.latest_sequence()
    write_feed(lambda: catalog_records(catalog, copied=False), tmp_path / name)
    assert _run(tmp_path / name, catalog, mapper).unchanged == 2
    assert catalog.latest_sequence() == sequence
    regions = [image.region for image in catalog.images("1")]
    assert regions == [None, Box(0.5, 0, 30, 80), None]


def test_new_models_and_other_categories_look_into_the_same_box(
    tmp_path: Path, catalog: Catalog, mapper: PhotoMapper, image_store: ImageStore
) -> None:
    photo = NewPhoto("api", fake_jpeg(RED), LEFT)
    put_product(ProductRecord(id="1", category="dress"), [photo], catalog=catalog, mapper=mapper)
    put_product(ProductRecord(id="1", category="hat"), None, catalog=catalog, mapper=mapper)
    (image,) = catalog.images("1")
    assert image.box is not None
    assert (image.region, image.box.x0, image.garment_source) == (LEFT, 4, "largest")
    other = PhotoMapper(
        photo_parser=TwoDresses(), embedder=FakeEmbedder(version="new"), image_store=image_store
    )
    assert embed_again(catalog=catalog, mapper=other) == []
    assert catalog.images("1")[0].box == image.box
    moved = NewPhoto("api", photo.data, CORNER)
    put_product(ProductRecord(id="1", category="hat"), [moved], catalog=catalog, mapper=mapper)
    assert catalog.images("1")[0].box == CORNER
