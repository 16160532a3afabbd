"""Pages of a search by words, while products come and go."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from indexer.catalog.repository import Catalog
from indexer.catalog.rows import (
    Fingerprint,
    ImageWrite,
    IndexedPhoto,
    ModelVersions,
    ProductWrite,
)
from indexer.embedder.base import Embedder
from indexer.feeds.record import ProductRecord
from indexer.filters import parse_filter
from indexer.live_index import LiveIndex
from indexer.text_cursor import CursorError, read_cursor
from indexer.text_search import TextAnswer, TextRequest, search_by_words
from indexer.vectors.base import Vectors
from segmentation.garment import Box
from tests.fakes import FAKE_DIMENSION, FakeEmbedder
from tests.indexer.memory_catalog import unit

VERSIONS = ModelVersions("fake-segmenter", "fake-parser", "fake-embedder")


class ReadingEmbedder(FakeEmbedder):
    """Reads one and the same vector into any words."""

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        return unit(np.random.default_rng(0), 1, FAKE_DIMENSION).repeat(len(texts), axis=0)


class Shop:
    """Products that carry the word or not, seen or not, some of them near or quite alike."""

    def __init__(self, catalog: Catalog, embedder: Embedder) -> None:
        self.catalog = catalog
        self.embedder = embedder
        self.rng = np.random.default_rng(4)
        self.index = LiveIndex(
            catalog, embedder_version="fake-embedder", dimension=FAKE_DIMENSION, snapshot_dir=None
        )
        self.put([f"{number:03}" for number in range(60)])
        self.index.open()

    def put(self, ids: Sequence[str]) -> None:
        """By the last digit: 0–3 carry the word, 3–9 are seen, 2 and 4 look like all other such."""
        self.catalog.write_products([self._write(one, int(one[-1])) for one in ids])

    def _write(self, product_id: str, kind: int) -> ProductWrite:
        title = f"gown {'x' * 250 if kind == 1 else kind}" if kind < 6 else "hat"
        record = ProductRecord(id=product_id, title=title, price=float(kind))
        if kind in (0, 1):
            return ProductWrite(record, None)
        seed = np.random.default_rng(kind) if kind in (2, 4, 8) else self.rng
        vectors = unit(seed, 2 if kind == 5 else 1, FAKE_DIMENSION)
        return ProductWrite(record, tuple(map(_image, range(len(vectors)), vectors)))

    def page(self, request: TextRequest) -> TextAnswer:
        return search_by_words(
            request, catalog=self.catalog, embedder=self.embedder, live_index=self.index
        )

    def pages(
        self, k: int, between: Callable[[str], None], filter: str = "price >= 0"
    ) -> list[str]:
        """The ids of all pages; ``between`` is told the last one after each."""
        found: list[str] = []
        after = None
        while True:
            request = TextRequest(words="GOWN", k=k, filter=parse_filter(filter), after=after)
            answer = self.page(request)
            found += [match.product.id for match in answer.matches]
            if answer.next is None:
                return found
            assert len(answer.matches) == k, "a page that promises another is full"
            after = read_cursor(answer.next)
            between(found[-1])


def _image(position: int, vector: Vectors) -> ImageWrite:
    photo = IndexedPhoto(
        sha256=f"{position:064x}",
        width=60,
        height=80,
        garment_source="category",
        garment_category="dress",
        box=Box(1, 2, 30, 40),
        score=0.9,
        colours=(),
        versions=VERSIONS,
        vector=vector,
    )
    return ImageWrite(position, f"{position}.jpg", Fingerprint(1, 2, "sha"), photo)


@pytest.fixture(params=[FakeEmbedder, ReadingEmbedder])
def shop(request: pytest.FixtureRequest, catalog: Catalog) -> Shop:
    return Shop(catalog, request.param())


def test_page_after_another_embedders_is_refused(shop: Shop) -> None:
    first = shop.page(TextRequest(words="gown", k=3))
    assert first.next is not None
    shop.embedder.version = "another"
    with pytest.raises(CursorError, match="begin at the first"):
        shop.page(TextRequest(words="gown", k=3, after=read_cursor(first.next)))


def test_pages_are_the_whole_answer_cut(shop: Shop) -> None:
    whole = shop.pages(100, lambda _: None)
    carrying = shop.catalog.product_ids_carrying("gown")
    assert set(whole[: len(carrying)]) == carrying
    assert (
        len(whole) == len(set(whole)) == (60 if isinstance(shop.embedder, ReadingEmbedder) else 36)
    )
    for k in (1, 7, 36):
        assert shop.pages(k, lambda _: None) == whole
    passing = [one for one in whole if int(one[-1]) > 2]
    assert shop.pages(5, lambda _: None, filter="price > 2") == passing


@pytest.mark.parametrize("k", [3, 10])
def test_pages_repeat_and_skip_nothing_while_products_come_and_go(shop: Shop, k: int) -> None:
    whole = shop.pages(100, lambda _: None)
    gone: set[str] = set()
    come: list[str] = []
    rng = np.random.default_rng(k)

    def between(last: str) -> None:
        leaving = [last, *map(str, rng.choice(whole, 2))]
        gone.update(leaving)
        shop.catalog.remove_products(leaving)
        coming = [f"new-{len(come) + number}{int(rng.integers(10))}" for number in range(3)]
        come.extend(coming)
        shop.put(coming)
        shop.index.refresh()

    found = shop.pages(k, between)
    assert len(found) == len(set(found))
    stayed = [one for one in whole if one not in gone]
    assert [one for one in found if one in set(stayed)] == stayed
    assert set(found) <= {*whole, *come}


def test_a_page_is_full_though_the_index_still_holds_what_was_deleted(shop: Shop) -> None:
    before = shop.pages(100, lambda _: None)
    shop.catalog.remove_products(before[:3])
    answer = shop.page(TextRequest(words="gown", k=5))
    assert [match.product.id for match in answer.matches] == before[3:8]
