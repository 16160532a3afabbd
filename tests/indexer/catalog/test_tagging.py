"""What photos show finds their products: by filter, facet and words, on either database."""

from __future__ import annotations

import numpy as np
import pytest

from indexer.catalog.repository import Catalog
from indexer.catalog.rows import (
    FailedPhoto,
    Fingerprint,
    ImageWrite,
    IndexedPhoto,
    ModelVersions,
    ProductWrite,
)
from indexer.facets import ValueFacet
from indexer.feeds.record import ProductRecord
from indexer.filters import parse_filter
from segmentation.garment import Box, NamedColour

VERSIONS = ModelVersions("s", "p", "e")


def seen(pattern: str | None, **colours: float) -> IndexedPhoto:
    shares = tuple(
        NamedColour(name.replace("_", " "), "#123456", share) for name, share in colours.items()
    )
    return IndexedPhoto(
        sha256="0" * 64, width=9, height=9, garment_source="category", garment_category="top",
        box=Box(0, 0, 9, 9), score=0.9, colours=shares, versions=VERSIONS,
        vector=np.ones(4, np.float32) / 2, pattern=pattern,
    )  # fmt: skip


def put(
    catalog: Catalog, name: str, *photos: IndexedPhoto | FailedPhoto, **attributes: str
) -> None:
    record = ProductRecord(id=name, title=f"item {name}", attributes=attributes)
    writes = [
        ImageWrite(place, f"{place}.jpg", Fingerprint(1, 1, f"{place}"), photo)
        for place, photo in enumerate(photos)
    ]
    catalog.write_products([ProductWrite(record, tuple(writes))])


@pytest.fixture
def shop(catalog: Catalog) -> Catalog:
    put(catalog, "a", seen("striped", navy=0.6, white=0.3, red=0.1))
    put(catalog, "b", seen("plain", dark_green=0.9), seen("floral", white=0.8))
    put(catalog, "c", seen(None, navy=0.5), pattern="striped", colour="marine")
    put(catalog, "d", FailedPhoto("no"))
    return catalog


def found(catalog: Catalog, text: str) -> str:
    return "".join(product.id for product in catalog.list_products(tree=parse_filter(text)))


def test_filters_look_at_the_shops_word_and_at_the_photos(shop: Catalog) -> None:
    assert found(shop, 'pattern = "striped"') == "ac"
    assert found(shop, 'pattern != "striped"') == "bd"
    assert found(shop, 'pattern IN ("plain", "floral")') == "b"
    assert found(shop, 'colour = "white"') == "ab"  # A tenth of red is no tag.
    assert found(shop, 'colour = "red"') == ""
    assert found(shop, 'colour = "marine" OR colour = "dark green"') == "bc"
    assert found(shop, "pattern = 3") == ""


def test_a_facet_counts_what_its_filter_finds(shop: Catalog) -> None:
    for name in ("pattern", "colour"):
        (facet,) = shop.facets([name])
        assert isinstance(facet, ValueFacet)
        assert facet.values
        for value, count in facet.values:
            assert len(found(shop, f'{name} = "{value}"')) == count, value
    (facet,) = shop.facets(["pattern"], ids=["a", "b"])
    assert facet.to_json()["values"] == [
        {"value": "floral", "count": 1},
        {"value": "plain", "count": 1},
        {"value": "striped", "count": 1},
    ]


def test_words_find_by_tag_and_by_what_a_pattern_is_called(shop: Catalog) -> None:
    def by(words: str) -> str:
        return "".join(product.id for product in shop.search_text(words))

    assert by("stripes") == "a"  # The shop's attribute is no text of its own.
    assert by("striped navy") == "a"
    assert by("green item") == "b"
    assert by("flowery white") == "b"
    assert by("dotted") == ""


def test_tags_go_with_their_photo(shop: Catalog) -> None:
    put(shop, "a", seen("plain", white=1.0))
    assert found(shop, 'pattern = "striped"') == "c"
    shop.remove_image("b", 1)
    assert found(shop, 'pattern = "floral"') == ""
    (image,) = shop.images("a")
    assert shop.store_embedding(image, seen("dotted", white=1.0))
    assert found(shop, 'pattern = "dotted"') == "a"
    assert shop.images("a")[0].pattern == "dotted"
    put(shop, "a", FailedPhoto("broken"))
    assert found(shop, 'pattern = "dotted"') == ""
