"""Filters of any selectivity against brute force, through the database and the served index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import sqlalchemy as sa

from indexer.catalog.convert import vector_bytes
from indexer.catalog.models import embeddings, product_attributes, product_images, products
from indexer.catalog.repository import Catalog, open_catalog
from indexer.filters import parse_filter
from indexer.live_index import LiveIndex
from indexer.matching import Matcher, SearchRequest, SimilarRequest
from indexer.ranking import NAMED, SCORE_DIGITS, SEEN
from indexer.vectors.base import Vectors
from indexer.vectors.faiss_index import FaissIndex
from segmentation.cutout import Cutout
from tests.fakes import FakeEmbedder, FakePhotoParser, fake_photo
from tests.indexer.memory_catalog import unit

DIMENSION = 32
# Of a thousand products, how many pass `bucket < n`.
PER_MILLE = (1, 10, 100, 500, 1000)
CATEGORIES = ("dress", "top", "shoes", None)
RED = (200, 30, 40)


class QueryEmbedder(FakeEmbedder):
    """Sees the vector that a test gave it in any garment."""

    def __init__(self) -> None:
        super().__init__()
        self.dimension = DIMENSION
        self.vector = np.zeros(DIMENSION, np.float32)

    def embed(self, cutouts: Sequence[Cutout]) -> Vectors:
        return np.stack([self.vector for _ in cutouts])


@dataclass(frozen=True)
class Shop:
    """Products of one or two photos in an SQLite file, a matcher, and all of it as arrays."""

    catalog: Catalog
    matcher: Matcher
    embedder: QueryEmbedder
    vectors: npt.NDArray[np.float32]  # (photos, DIMENSION), as stored
    owners: npt.NDArray[np.int64]  # (photos,): the photo's product
    buckets: npt.NDArray[np.int64]  # (products,)

    def best(
        self,
        scores: npt.NDArray[np.float32],
        costs: Sequence[float],
        passing: npt.NDArray[np.bool_],
    ) -> list[tuple[str, float]]:
        """Every passing product by the best of its photos' scores, less its category's cost."""
        count = len(self.buckets)
        best = np.full(count, -np.inf)
        np.maximum.at(best, self.owners, scores)
        best -= np.asarray(costs)[np.arange(count) % len(CATEGORIES)]
        found = [(f"p{number}", float(best[number])) for number in np.flatnonzero(passing)]
        # Equal to so many decimals is equally good.
        return sorted(found, key=lambda one: (-round(one[1], SCORE_DIGITS), one[0]))


@pytest.fixture(
    scope="module", params=[pytest.param(2_000), pytest.param(50_000, marks=pytest.mark.slow)]
)
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    count = request.param
    rng = np.random.default_rng(8)
    owners = np.sort(np.concatenate([np.arange(count), np.arange(0, count, 10)]))
    vectors = unit(rng, len(owners), DIMENSION).astype(np.float16)
    buckets = rng.permutation(count) % 1000
    catalog = open_catalog(f"sqlite:///{tmp_path_factory.mktemp('shop') / Path('garb.db')}")
    store_rows(catalog, vectors, owners, buckets)
    embedder = QueryEmbedder()
    index = LiveIndex(
        catalog, embedder_version=embedder.version, dimension=DIMENSION, new_index=FaissIndex
    )
    index.open()
    matcher = Matcher(FakePhotoParser(), embedder, index, catalog)
    yield Shop(catalog, matcher, embedder, vectors.astype(np.float32), owners, buckets)
    catalog.close()


@pytest.mark.parametrize("per_mille", PER_MILLE)
def test_a_photo_finds_the_best_that_pass_as_many_as_there_are(shop: Shop, per_mille: int) -> None:
    tree = parse_filter(f"bucket < {per_mille}")
    passing = shop.buckets < per_mille
    assert passing.sum() == len(passing) * per_mille // 1000
    for query in unit(np.random.default_rng(per_mille), 3, DIMENSION):
        shop.embedder.vector = query
        wanted = shop.best(shop.vectors @ query, (0, SEEN.near, SEEN.other, 0), passing)
        for k in (1, 10, 100):
            answer = shop.matcher.search(fake_photo(RED), SearchRequest(k=k, filter=tree))
            _assert_found(answer.garments[0].matches, wanted[:k])


@pytest.mark.parametrize("per_mille", PER_MILLE)
def test_a_product_finds_the_best_that_pass_as_many_as_there_are(
    shop: Shop, per_mille: int
) -> None:
    tree = parse_filter(f"bucket < {per_mille}")
    for number in (0, 20, 44):  # dresses of two photos, two photos and one
        passing = shop.buckets < per_mille
        passing[number] = False
        own = shop.vectors[shop.owners == number]
        scores = (shop.vectors @ own.T).max(axis=1)
        wanted = shop.best(scores, (0, NAMED.near, NAMED.other, 0), passing)
        answer = shop.matcher.similar(f"p{number}", SimilarRequest(k=25, filter=tree))
        _assert_found(answer.matches, wanted[:25])


def _assert_found(matches: Sequence[Any], wanted: Sequence[tuple[str, float]]) -> None:
    assert [match.product.id for match in matches] == [name for name, _ in wanted]
    np.testing.assert_allclose(
        [match.score for match in matches], [score for _, score in wanted], atol=1e-5
    )


def store_rows(
    catalog: Catalog,
    vectors: npt.NDArray[np.float16],
    owners: npt.NDArray[np.int64],
    buckets: npt.NDArray[np.int64],
) -> None:
    """Straight into the tables: what is tested is how they are asked."""
    empty = {"title": "coat", "brand": "", "currency": "", "url": "", "record_hash": ""}
    stamp = {"created": "", "updated": "", "sequence": 0}
    bare: dict[str, Any] = {**empty, **stamp, "attributes": {}, "collections": []}
    with catalog.writing() as writing:
        rows = [
            {**bare, "id": f"p{number}", "category": category or "", "garment_category": category}
            for number in range(len(buckets))
            for category in [CATEGORIES[number % len(CATEGORIES)]]
        ]
        writing.connection.execute(sa.insert(products), rows)
        values = [
            {"product_id": f"p{number}", "name": "bucket", "place": 0, "text": str(bucket)}
            | {"number": float(bucket)}
            for number, bucket in enumerate(buckets.tolist())
        ]
        writing.connection.execute(sa.insert(product_attributes), values)
        photos = [
            {"id": number + 1, "product_id": f"p{owner}", "position": number, "source": ""}
            | {"status": "indexed", "colours": [], "sequence": writing.next_sequence()}
            for number, owner in enumerate(owners.tolist())
        ]
        writing.connection.execute(sa.insert(product_images), photos)
        versions = {"embedder": "fake-embedder", "segmenter": "s", "parser": "p"}
        stored = [
            {**versions, "image_id": number + 1, "vector": vector_bytes(vector)}
            for number, vector in enumerate(vectors)
        ]
        writing.connection.execute(sa.insert(embeddings), stored)
