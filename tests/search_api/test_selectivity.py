"""Filters of any selectivity over HTTP: the answer of brute force, and pages that hold still."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from indexer.ranking import SEEN
from segmentation.cutout import cut_out
from segmentation.photo import decode_photo
from tests.fakes import FAKE_DIMENSION, FakePhotoParser, fake_jpeg
from tests.indexer.memory_catalog import unit
from tests.indexer.test_selectivity import CATEGORIES, PER_MILLE, store_rows
from tests.search_api.conftest import Server, build_services, serve

RED = (200, 30, 40)
# After so many pages products come and go.
CHANGES = 4


@dataclass(frozen=True)
class Filled:
    """A server and what it holds: products `p0` … of a photo each."""

    server: Server
    vectors: npt.NDArray[np.float32]
    buckets: npt.NDArray[np.int64]
    added: dict[str, int] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)

    def passing(self, per_mille: int) -> list[str]:
        """What is there and passes ``bucket < per_mille``."""
        drawn = [f"p{number}" for number in np.flatnonzero(self.buckets < per_mille)]
        added = [name for name, bucket in self.added.items() if bucket < per_mille]
        return [name for name in [*drawn, *added] if name not in self.removed]

    def with_category(self, names: list[str]) -> int:
        """How many of these have one: those that were added, and three of four that were not."""
        return sum(name in self.added or int(name[1:]) % len(CATEGORIES) != 3 for name in names)

    def add(self, name: str, per_mille: int) -> str:
        """A product that passes, with a photo."""
        name = f"{name}-{len(self.added)}"
        answer = self.server.put(name, RED, title="coat", bucket=per_mille - 1)
        assert answer.status_code == 201
        self.added[name] = per_mille - 1
        return name

    def remove(self, *names: str) -> None:
        for name in names:
            assert self.server.client.delete(f"/v1/products/{name}").status_code == 204
        self.removed.update(names)

    def get(self, path: str, **asked: Any) -> dict[str, Any]:
        answer = self.server.client.get(path, params=asked)
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(2_000),
        pytest.param(50_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)]),
    ],
)
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Filled]:
    count = request.param
    rng = np.random.default_rng(9)
    vectors = unit(rng, count, FAKE_DIMENSION).astype(np.float16)
    buckets = rng.permutation(count) % 1000
    services = build_services(Path(tmp_path_factory.mktemp("filled")))
    store_rows(services.catalog, vectors, np.arange(count), buckets)
    services.index.refresh()
    with contextmanager(serve)(services) as server:
        yield Filled(server, vectors.astype(np.float32), buckets)
    services.catalog.close()


@pytest.mark.parametrize("per_mille", PER_MILLE)
def test_a_photo_finds_what_brute_force_finds(filled: Filled, per_mille: int) -> None:
    photo = decode_photo(fake_jpeg(RED))
    (garment,) = FakePhotoParser().parse(photo).garments
    (query,) = filled.server.services.embedder.embed([cut_out(photo, garment)])
    costs = np.asarray([0, SEEN.near, SEEN.other, 0])
    scores = filled.vectors @ query - costs[np.arange(len(filled.vectors)) % len(CATEGORIES)]
    passing = np.flatnonzero(filled.buckets < per_mille)
    best = passing[np.argsort(-scores[passing], kind="stable")]
    for k in (10, 100):
        answer = filled.server.search(RED, filter=f"bucket < {per_mille}", k=k, facets="category")
        (found,) = answer.json()["garments"]
        names = [match["product"]["id"] for match in found["matches"]]
        assert names == [f"p{number}" for number in best[:k]]
        counted = sum(one["count"] for one in found["facets"]["category"]["values"])
        assert counted == sum(number % len(CATEGORIES) != 3 for number in best[:k])


@pytest.mark.parametrize("per_mille", PER_MILLE)
@pytest.mark.parametrize("path", ["/v1/products", "/v1/search/text"])
def test_pages_repeat_and_skip_nothing_while_products_come_and_go(
    filled: Filled, path: str, per_mille: int
) -> None:
    if path == "/v1/search/text" and len(filled.buckets) * per_mille > 10_000 * 1000:
        pytest.skip("a hundred pages show it")
    asked: dict[str, Any] = {"q": "coat", "filter": f"bucket < {per_mille}", "facets": "category"}
    asked |= {"limit": 500} if path == "/v1/products" else {"k": 100}
    whole = filled.passing(per_mille)
    shown: list[str] = []
    unseen: set[str] = set()  # Gone before their page came.
    behind: list[str] = []
    after: str | None = None
    for number in range(len(whole) + CHANGES):
        page = filled.get(path, **asked, **({} if after is None else {"after": after}))
        if number == 0:
            values = page["facets"]["category"]["values"]
            assert sum(one["count"] for one in values) == filled.with_category(whole)
        key = "products" if path == "/v1/products" else "matches"
        names = [one.get("product", one)["id"] for one in page[key]]
        assert not unseen & set(names)
        shown += names
        after = page["next"]
        if after is None:
            break
        if number < CHANGES:
            left = sorted(set(whole) - set(shown) - unseen)
            unseen.add(left[len(left) // 2])
            filled.remove(shown[-1], left[len(left) // 2])
            filled.add(f"a{number}", per_mille)
            behind.append(filled.add(f"z{number}", per_mille))
    assert len(shown) == len(set(shown))
    assert set(whole) - unseen <= set(shown) <= {*whole, *behind}
    assert set(behind) <= set(shown)
