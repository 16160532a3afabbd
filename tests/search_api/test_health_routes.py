"""Health that does not lie, and metrics that do not grow."""

from __future__ import annotations

import jsonschema
import pytest

from indexer.errors import CatalogError
from tests.search_api.conftest import Server
from tests.search_api.test_search_routes import RED, schema_of


def test_ready_only_while_the_database_answers(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = server.client.get("/readyz")
    assert answer.status_code == 200
    jsonschema.validate(answer.json(), schema_of(server, "ReadyOut"))

    def gone() -> int:
        raise CatalogError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(server.services.catalog, "latest_sequence", gone)
        answer = server.client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["checks"]["database"] is False
        assert server.client.get("/livez").status_code == 200
    assert server.client.get("/readyz").status_code == 200


def test_index_says_what_it_holds_and_how_far_behind_it_is(server: Server) -> None:
    server.put("red", RED)
    answer = server.client.get("/v1/index").json()
    jsonschema.validate(answer, schema_of(server, "IndexOut"))
    assert answer["products"] == 1
    assert answer["behind"] == 0
    assert answer["versions"]["embedder"] == "fake-embedder"


def test_metrics_hold_few_series_whatever_is_asked(server: Server) -> None:
    server.put("red", RED)
    server.search(RED)
    for number in range(300):
        server.client.get(f"/v1/products/{number}")
        server.client.get(f"/nothing/{number}")
    server.client.request(f"METHOD{number}", "/livez")
    text = server.client.get("/metrics").text
    series = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert len(series) < 200
    assert 'garb_stage_seconds_count{stage="embed"} 1.0' in text
    assert 'route="unmatched"' in text
