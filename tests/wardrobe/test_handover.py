"""What the wardrobe writes is what the rest of Garb reads."""

from pathlib import Path

import pytest

from indexer.evaluation import read_products, read_queries
from indexer.feeds.open import open_feed
from indexer.feeds.record import ProductRecord
from segmentation.annotations.read import read_annotations
from segmentation.labels import GARMENT_CATEGORIES, PERSON, category_of
from wardrobe.draw import Drawn, draw_wardrobe
from wardrobe.shop import KINDS


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    return draw_wardrobe(tmp_path_factory.mktemp("shop"), products=11, photos=2, seed=2)


def test_feed_is_read_whole_with_its_attributes(drawn: Drawn) -> None:
    rows = list(open_feed(drawn.products))
    assert len(rows) == 11
    for row in rows:
        assert isinstance(row, ProductRecord), row
        assert row.price is not None
        assert {"colour", "pattern"} <= row.attributes.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_shops_word_is_mapped_to_the_category_of_the_annotations(kind: str) -> None:
    garment, word, *_ = KINDS[kind]
    assert category_of(word) == garment


def test_annotations_are_read_with_every_category_known(drawn: Drawn) -> None:
    photos = read_annotations(drawn.annotations, [drawn.street_photos[0].parent])
    assert len(photos) == 2
    for photo in photos:
        categories = [instance.category for instance in photo.read_instances()]
        assert categories.count(PERSON) == 1
        assert set(categories) <= {*GARMENT_CATEGORIES, PERSON}


def test_retrieval_reads_products_and_queries(drawn: Drawn) -> None:
    gallery = {photo.product_id for photo in read_products(drawn.products)}
    queries = read_queries(drawn.queries)
    assert queries
    assert all(query.product_id in gallery and query.path.is_file() for query in queries)
    assert all(query.category in GARMENT_CATEGORIES for query in queries)


def test_drawn_photos_are_where_the_annotations_say(drawn: Drawn, tmp_path: Path) -> None:
    photos = read_annotations(drawn.annotations, [drawn.street_photos[0].parent])
    assert {photo.path for photo in photos} == set(drawn.street_photos)
