"""Words in, products out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from indexer.bootstrap import Services
from indexer.embedder.base import Vectors
from segmentation.cutout import cut_out
from tests.fakes import FakeEmbedder, FakePhotoParser, fake_photo
from tests.search_api.answers import BLUE, GREEN, RED, found_ids, put_brands, schema_of
from tests.search_api.conftest import Server, assert_problem, serve


def test_words_find_products(server: Server) -> None:
    server.put("p1", RED, title="Silk evening dress", brand="Acme")
    server.put("p2", RED, title="Wool coat", brand="Acme")
    answer = server.client.get("/v1/search/text", params={"q": "acme silk"}).json()
    jsonschema.validate(answer, schema_of(server, "TextSearchOut"))
    (match,) = answer["matches"]
    assert (match["product"]["id"], match["score"], match["found_by"]) == ("p1", None, "words")
    assert match["image"] == "/v1/products/p1/images/0"
    assert answer["index"]["embedder"] == "fake-embedder"
    assert_problem(server.client.get("/v1/search/text"), 422)


def test_every_word_counts_and_none_beyond_the_most(server: Server) -> None:
    words = [f"w{number}" for number in range(51)]
    server.client.put("/v1/products/all", json={"title": " ".join(words)})
    server.client.put("/v1/products/ten", json={"title": " ".join(words[:10])})
    for path in ("/v1/search/text", "/v1/products"):

        def answer(*words: str, path: str = path) -> Any:
            return server.client.get(path, params={"q": " ".join(words)})

        found = answer(*words[:50], *words[:50])
        assert found.json().get("matches", found.json().get("products")), found.text
        assert "ten" not in found.text
        told = assert_problem(answer(*words), 422)["detail"]
        assert told == "q: at most 50 different words, not 51"


@pytest.mark.parametrize("q", ["", " ", "\t\n", "\x00", "\u3000"])
def test_search_for_no_word_is_refused_and_lists_nothing(server: Server, q: str) -> None:
    server.client.put("/v1/products/a", json={"title": "gown"})
    told = assert_problem(server.client.get("/v1/search/text", params={"q": q}), 422)
    assert "q: " in told["detail"]


class ReadingEmbedder(FakeEmbedder):
    """Knows what a red garment looks like, whatever words it reads."""

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        photo = fake_photo(RED)
        (garment,) = FakePhotoParser().parse(photo).garments
        return self.embed([cut_out(photo, garment)] * len(texts))


@pytest.fixture
def reading_server(services: Services) -> Iterator[Server]:
    """A server whose embedder reads words."""
    yield from serve(replace(services, embedder=ReadingEmbedder()))


def test_words_find_what_only_a_photo_tells(reading_server: Server) -> None:
    server = reading_server
    server.put("by-word", BLUE, title="red in name alone")
    server.put("by-look", RED, title="gown")
    server.put("unlike", GREEN, title="shirt")
    answer = server.client.get("/v1/search/text", params={"q": "red", "k": 2}).json()
    jsonschema.validate(answer, schema_of(server, "TextSearchOut"))
    first, second = answer["matches"]
    assert (first["product"]["id"], first["found_by"]) == ("by-word", "words")
    assert (second["product"]["id"], second["found_by"]) == ("by-look", "photo")
    assert first["score"] < second["score"] == pytest.approx(1, abs=5e-3)


def test_words_put_the_products_that_carry_them_in_order(reading_server: Server) -> None:
    server = reading_server
    server.put("a", BLUE, title="a gown")
    server.put("b", RED, title="b gown")
    server.client.put("/v1/products/c", json={"title": "c gown"})
    server.put("d", RED, title="shirt")
    asked = {"q": "gown", "k": 4}
    matches = server.client.get("/v1/search/text", params=asked).json()["matches"]
    assert [match["product"]["id"] for match in matches] == ["b", "a", "c", "d"]
    assert (matches[2]["image"], matches[2]["score"]) == (None, None)
    assert [match["found_by"] for match in matches] == ["words"] * 3 + ["photo"]
    server.client.delete("/v1/products/b")
    matches = server.client.get("/v1/search/text", params=asked).json()["matches"]
    assert [match["product"]["id"] for match in matches] == ["a", "c", "d"]


def test_words_take_a_filter_whatever_finds_the_product(reading_server: Server) -> None:
    server = reading_server
    for brand in ("Acme", "Zed"):
        server.put(f"{brand}-word", BLUE, title="a gown", brand=brand)
        server.client.put(f"/v1/products/{brand}-bare", json={"title": "gown", "brand": brand})
        server.put(f"{brand}-look", RED, title="shirt", brand=brand)
    asked = {"q": "gown", "filter": "brand = Zed"}
    answer = server.client.get("/v1/search/text", params=asked).json()
    assert found_ids(answer) == ["Zed-word", "Zed-bare", "Zed-look"]


@pytest.mark.parametrize("path", ["/v1/search/text", "/v1/products"])
def test_facets_count_all_that_words_and_filter_let_through(server: Server, path: str) -> None:
    put_brands(server)
    server.put("hat", BLUE, title="hat", brand="Acme", price=20)
    most = "k" if "text" in path else "limit"
    asked = {"q": "GOWN", "filter": "price >= 10", "facets": "brand", most: 1}
    answer = server.client.get(path, params=asked).json()
    name = "TextSearchOut" if "text" in path else "ProductListOut"
    jsonschema.validate(answer, schema_of(server, name))
    assert answer["facets"]["brand"]["values"] == [
        {"value": "Acme", "count": 2},
        {"value": "Zed", "count": 2},
        {"value": "Ünlü", "count": 1},
    ]
    many = ",".join(map(str, range(21)))
    assert_problem(server.client.get(path, params={"q": "gown", "facets": many}), 422)


def test_words_are_answered_in_pages(server: Server) -> None:
    for name in ("c", "a", "b"):
        server.put(name, RED, title="gown")
    path, asked = "/v1/search/text", {"q": "gown", "k": 2}
    first = server.client.get(path, params=asked).json()
    jsonschema.validate(first, schema_of(server, "TextSearchOut"))
    server.client.delete("/v1/products/b")
    rest = server.client.get(path, params={**asked, "after": first["next"]}).json()
    assert (found_ids(first), found_ids(rest), rest["next"]) == (["a", "b"], ["c"], None)
    assert found_ids(server.client.get(path, params={**asked, "after": ""}).json()) == ["a", "c"]
    body = assert_problem(server.client.get(path, params={**asked, "after": "b"}), 422)
    assert "next" in body["detail"]


def test_page_after_another_models_is_a_problem(server: Server) -> None:
    for number in range(3):
        server.put(f"red {number}", RED)
    page = server.client.get("/v1/search/text", params={"q": "red", "k": 1}).json()
    server.services.embedder.version = "another"
    asked = {"q": "red", "k": 1, "after": page["next"]}
    told = assert_problem(server.client.get("/v1/search/text", params=asked), 422)
    assert "begin at the first" in told["detail"]


@pytest.mark.parametrize(
    ("method", "path", "wrong"),
    [
        ("GET", "/v1/products", "k=5"),
        ("GET", "/v1/search/text", "q=red&limit=5"),
        ("POST", "/v1/products/a/similar", "filtre=x"),
    ],
)
def test_unknown_name_in_the_address_is_refused_with_those_that_are_known(
    server: Server, method: str, path: str, wrong: str
) -> None:
    server.put("a", RED)
    detail = assert_problem(server.client.request(method, f"{path}?{wrong}"), 422)["detail"]
    name = wrong.rsplit("&", maxsplit=1)[-1].split("=", maxsplit=1)[0]
    assert f"unknown field {name!r}; known: " in detail
    route = path.replace("/a/", "/{product_id}/")
    asked = server.client.get("/openapi.json").json()["paths"][route][method.lower()]["parameters"]
    names = sorted(field["name"] for field in asked if field["in"] == "query")
    assert detail.endswith(", ".join(names))
    # As docs/match-photos.md lists them.
    page = (Path(__file__).parents[2] / "docs" / "match-photos.md").read_text("utf-8")
    (row,) = (
        line
        for line in page.splitlines()
        if line.startswith(f"| `{method} {path.replace('/a/', '/4711/')}`")
    )
    assert sorted(re.findall(r"`(\w+)`", row)) == names


def test_a_name_in_the_address_of_what_takes_none_is_passed_over(server: Server) -> None:
    assert server.client.get("/v1/index?probe=1").status_code == 200
