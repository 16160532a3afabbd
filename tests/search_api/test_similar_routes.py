"""Products like a product."""

from __future__ import annotations

import jsonschema

from tests.search_api.answers import BLUE, RED, found_ids, schema_of
from tests.search_api.conftest import Server, assert_problem


def test_similar_takes_k_filter_and_fold(server: Server) -> None:
    server.put("red", RED)
    for number in range(4):
        server.put(f"near-{number}", (190 - number, 20, 20), price=number * 10)
    server.put("blue", BLUE)
    path = "/v1/products/red/similar"
    asked = {"filter": "price >= 10", "k": 2}
    assert found_ids(server.client.post(path, params=asked).json()) == ["near-1", "near-2"]
    answer = server.client.post(path, params={"fold": "true"}).json()
    jsonschema.validate(answer, schema_of(server, "SimilarOut"))
    assert [(one["product"]["id"], one["folded"]) for one in answer["matches"]] == [
        ("near-0", 3),
        ("blue", 0),
    ]


def test_similar_leaves_the_product_itself_out(server: Server) -> None:
    server.put("red", RED)
    server.put("reddish", (180, 30, 30))
    answer = server.client.post("/v1/products/red/similar").json()
    jsonschema.validate(answer, schema_of(server, "SimilarOut"))
    assert [match["product"]["id"] for match in answer["matches"]] == ["reddish"]
    assert_problem(server.client.post("/v1/products/nobody/similar"), 404)


def test_similar_in_another_colour_is_asked_with_the_photo_painted(server: Server) -> None:
    for name, colour in (("red", (200, 32, 44)), ("dark", (30, 30, 34)), ("blue", (35, 86, 184))):
        server.put(name, colour, category="")
    server.put("asked", (60, 120, 50), category="")

    def nearest(**fields: str) -> list[str]:
        answer = server.client.post("/v1/products/asked/similar", params=fields)
        assert answer.status_code == 200, answer.text
        return [match["product"]["id"] for match in answer.json()["matches"]]

    assert nearest()[0] == "dark"
    assert nearest(q="this, but red")[0] == "red"
    assert nearest(q="in blue", q_weight="0.1")[0] == "blue"
    assert nearest(q="the same, please") == nearest()
