"""Products that are asked for by their ids."""

from __future__ import annotations

import pytest

from indexer.catalog.repository import Catalog
from indexer.errors import ProductNotFound
from tests.indexer.catalog.written import product_write


def test_many_ids_at_once(catalog: Catalog) -> None:
    ids = [str(number) for number in range(1200)]
    catalog.write_products([product_write(one) for one in ids[:600]])
    assert len(catalog.products(ids)) == 600
    assert len(catalog.import_states(ids, embedder="x")) == 600


def test_a_product_that_is_not_there_has_its_own_error(catalog: Catalog) -> None:
    with pytest.raises(ProductNotFound, match="'none'"):
        catalog.existing_product("none")
