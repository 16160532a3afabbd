"""What the tests of the routes put into a catalog, and how they read an answer."""

from __future__ import annotations

from typing import Any

from tests.search_api.conftest import Server

RED, GREEN, BLUE = (200, 20, 20), (20, 200, 20), (20, 20, 200)


def schema_of(server: Server, name: str) -> dict[str, Any]:
    document = server.client.get("/openapi.json").json()
    return {"$ref": f"#/components/schemas/{name}", "components": document["components"]}


def found_ids(answer: dict[str, Any]) -> list[str]:
    return [match["product"]["id"] for match in answer["matches"]]


def put_brands(server: Server) -> None:
    for number, brand in enumerate(("Acme", "Acme", "Acme", "Zed", "Zed", "Ünlü")):
        colour = (200 - 5 * number, 20, 20)
        server.put(
            f"p{number}", colour, title="gown", brand=brand, price=10.0 * number, size=["S", "M"]
        )
