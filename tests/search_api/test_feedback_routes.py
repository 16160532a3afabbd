"""Feedback over HTTP. That it needs a key is in test_auth."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from indexer.catalog.models import feedback
from tests.search_api.conftest import Server, assert_problem

CLICK = {"search": "req-1", "kind": "clicked", "garment": 0, "product": "p 1", "rank": 2}


def tell(server: Server, **changed: Any) -> Any:
    body = {name: value for name, value in {**CLICK, **changed}.items() if value is not None}
    return server.client.post("/v1/feedback", json=body)


def test_a_search_its_click_and_what_is_kept(server: Server) -> None:
    server.put("p 1", (200, 30, 40))
    search = server.search((200, 30, 40)).headers["x-request-id"]
    assert tell(server, search=search, kind="shown", product=None, rank=1).status_code == 204
    for _ in range(2):
        assert tell(server, search=search, rank=1).status_code == 204
    (first,) = server.services.catalog.clicks().to_json()["by_rank"]
    assert (first["shown"], first["clicked"], first["click_through"]) == (1, 1, 1.0)
    with server.services.catalog.reading() as connection:
        rows = connection.execute(sa.select(feedback)).mappings().all()
    kept = {"id", "search", "garment", "kind", "product_id", "rank", "created"}
    assert all(set(row) == kept for row in rows)


def test_a_product_that_is_gone_can_still_have_been_bought(server: Server) -> None:
    assert tell(server, kind="bought", garment=None, product="gone").status_code == 204
    assert server.services.catalog.clicks().to_json()["bought"] == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "seen"},
        {"rank": 0},
        {"rank": 101},
        {"garment": -1},
        {"search": "two words"},
        {"search": "x" * 65},
        {"product": "nul\x00"},
        {"product": None},
        {"kind": "shown"},
        {"photo": "aGVsbG8="},
    ],
)
def test_what_cannot_be_used_is_named_and_not_kept(server: Server, changed: dict[str, Any]) -> None:
    assert_problem(tell(server, **changed), 422)
    assert server.services.catalog.clicks().searches == 0
