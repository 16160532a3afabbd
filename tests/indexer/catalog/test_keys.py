"""API keys, and which models are active."""

from __future__ import annotations

import pytest

from indexer.catalog.repository import Catalog
from indexer.errors import KeyNotFound


def test_keys_are_found_by_hash_and_revoked_once(catalog: Catalog) -> None:
    assert not catalog.any_key_exists()
    key = catalog.create_key("shop", "search", "hash", "garb_ab")
    assert catalog.find_key("hash") == key
    assert catalog.find_key("other") is None
    revoked = catalog.revoke_key(key.id)
    assert revoked.revoked
    assert catalog.revoke_key(key.id).revoked == revoked.revoked
    assert catalog.list_keys() == [revoked]
    assert catalog.any_key_exists()
    with pytest.raises(KeyNotFound):
        catalog.revoke_key(99)


def test_the_bundled_model_is_active_until_another_is(catalog: Catalog) -> None:
    assert catalog.active_model("embedder") == "bundled"
    for version in ("v1", "v2"):
        catalog.set_active_model("embedder", version)
        assert catalog.active_model("embedder") == version
    assert catalog.active_model("parser") == "bundled"
