"""What the wardrobe writes is what the rest of Garb reads."""

import numpy as np
import pytest

from indexer.evaluation.dataset import read_products, read_queries
from indexer.feeds.open import open_feed
from indexer.feeds.record import ProductRecord
from segmentation.annotations.read import read_annotations
from segmentation.labels import (
    GARMENT_CATEGORIES,
    PERSON,
    category_of,
    garment_merges,
    street_59_names,
)
from wardrobe.assortment import KINDS
from wardrobe.draw import Drawn, draw_wardrobe
from wardrobe.scene import LABEL_NAMES, label_name
from wardrobe.shop import draw_items


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
    assert category_of(KINDS[kind].word) == KINDS[kind].garment


def test_item_is_labelled_with_a_word_of_its_category() -> None:
    merges = garment_merges()
    for item in draw_items(200, np.random.default_rng(1)):
        assert merges[label_name(item)] == item.garment, item.title


def test_label_names_are_those_of_the_street_photos() -> None:
    assert street_59_names() == LABEL_NAMES


def test_label_maps_are_read_as_the_same_garments(drawn: Drawn) -> None:
    folder = drawn.products.parent
    from_maps = read_annotations(folder / "labels", [folder / "street"])
    from_coco = read_annotations(drawn.annotations, [folder / "street"])
    assert [photo.path for photo in from_maps] == [photo.path for photo in from_coco]
    for of_map, of_coco in zip(from_maps, from_coco, strict=True):
        large = {one.category for one in of_coco.read_instances() if one.mask.area > 3000}
        assert large <= {one.category for one in of_map.read_instances()}


def test_annotations_are_read_with_every_category_known(drawn: Drawn) -> None:
    photos = read_annotations(drawn.annotations, [drawn.street_photos[0].parent])
    assert len(photos) == 2
    for photo in photos:
        categories = [instance.category for instance in photo.read_instances()]
        assert categories.count(PERSON) in (1, 2)
        assert set(categories) <= {*GARMENT_CATEGORIES, PERSON}


def test_retrieval_reads_products_and_queries(drawn: Drawn) -> None:
    gallery = {photo.product_id for photo in read_products(drawn.products)}
    queries = read_queries(drawn.queries)
    assert queries
    assert all(query.product_id in gallery and query.path.is_file() for query in queries)
    assert all(query.category in GARMENT_CATEGORIES for query in queries)


def test_drawn_photos_are_where_the_annotations_say(drawn: Drawn) -> None:
    photos = read_annotations(drawn.annotations, [drawn.street_photos[0].parent])
    assert {photo.path for photo in photos} == set(drawn.street_photos)
