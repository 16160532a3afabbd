"""Two callers change one product at the same moment: nothing of either is lost."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from indexer.bootstrap import Services
from indexer.catalog.repository import Catalog
from indexer.catalog.rows import Product
from indexer.errors import ProductNotFound
from indexer.ingest.single import NewPhoto
from search_api.product_writer import ProductWriter
from search_api.reach import EVERYTHING, Reach
from search_api.schemas.products import ProductFields
from search_api.serving import Serving
from tests.fakes import fake_jpeg
from tests.patience import HANGS_SECONDS
from tests.search_api.conftest import build_services


@pytest.fixture
def services(tmp_path: Path, catalog_url: str) -> Iterator[Services]:
    built = build_services(tmp_path, database_url=catalog_url)
    yield built
    built.catalog.close()


@pytest.fixture
def writer(services: Services) -> ProductWriter:
    writer = ProductWriter(Serving(services))
    fields = ProductFields(title="Old", category="dress", price=10, material="silk")
    writer.put("a", fields, None, EVERYTHING)
    return writer


def read_together(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither of two threads goes on before both have read the product."""
    both_have_read = threading.Barrier(2)
    read, reads = catalog.product, itertools.count()

    def product(product_id: str) -> Product | None:
        found = read(product_id)
        if next(reads) < 2:
            both_have_read.wait(HANGS_SECONDS)
        return found

    monkeypatch.setattr(catalog, "product", product)


@pytest.mark.parametrize(
    "changes",
    [
        ({"title": "New"}, {"price": 20}),
        ({"category": "hat"}, {"collections": ["sale"]}),
        ({"size": 38}, {"material": None}),
    ],
)
def test_concurrent_patches_of_different_fields_are_both_kept(
    services: Services,
    writer: ProductWriter,
    monkeypatch: pytest.MonkeyPatch,
    changes: tuple[dict[str, Any], ...],
) -> None:
    read_together(services.catalog, monkeypatch)

    def patch(change: dict[str, Any]) -> None:
        writer.patch("a", ProductFields.model_validate(change), None, EVERYTHING)

    with ThreadPoolExecutor(2) as callers:
        list(callers.map(patch, changes))
    product = services.catalog.existing_product("a")
    stored = {name: getattr(product, name) for name in ("title", "category", "price")}
    stored |= {"collections": list(product.collections), "material": None, **product.attributes}
    old = {"title": "Old", "category": "dress", "price": 10, "collections": [], "material": "silk"}
    assert stored == {**old, **changes[0], **changes[1]}


def test_a_product_that_goes_beyond_reach_while_it_is_patched_is_left_alone(
    services: Services, writer: ProductWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = ProductFields(title="Mine", collections=["mine"])
    writer.put("a", mine, None, EVERYTHING)
    read, moved = services.catalog.product, ProductFields(collections=["theirs"])

    def product(product_id: str) -> Product | None:
        found = read(product_id)
        monkeypatch.undo()
        writer.patch("a", moved, None, EVERYTHING)
        return found

    monkeypatch.setattr(services.catalog, "product", product)
    with pytest.raises(ProductNotFound, match="no product 'a'"):
        writer.patch("a", ProductFields(title="Stolen"), None, Reach(("mine",)))
    assert services.catalog.existing_product("a").title == "Mine"


def test_a_product_that_goes_beyond_reach_while_it_is_removed_is_left_alone(
    services: Services, writer: ProductWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = NewPhoto("a.jpg", fake_jpeg((200, 20, 20)))
    writer.put("a", ProductFields(collections=["mine"]), [photo], EVERYTHING)
    reach, moved = Reach(("mine",)), ProductFields(collections=["theirs"])
    roads: list[Callable[[], object]] = [
        lambda: writer.remove("a", reach),
        lambda: writer.remove_photo("a", 0, reach),
        lambda: writer.add_photo("a", photo.data, reach),
    ]
    for road in roads:
        writer.patch("a", ProductFields(collections=["mine"]), None, EVERYTHING)
        with monkeypatch.context() as patched:
            writing = services.catalog.writing

            def moves_first(patched: pytest.MonkeyPatch = patched, writing: Any = writing) -> Any:
                patched.undo()
                writer.patch("a", moved, None, EVERYTHING)
                return writing()

            patched.setattr(services.catalog, "writing", moves_first)
            with pytest.raises(ProductNotFound, match="no product 'a'"):
                road()
        assert [image.position for image in services.catalog.images("a")] == [0]
