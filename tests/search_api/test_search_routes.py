"""Photos in, answers out, over a real catalog."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from typing import Any

import jsonschema
import pytest

from tests.fakes import fake_jpeg, fake_png
from tests.search_api.conftest import Server, assert_problem

RED, GREEN, BLUE = (200, 20, 20), (20, 200, 20), (20, 20, 200)


def schema_of(server: Server, name: str) -> dict[str, Any]:
    document = server.client.get("/openapi.json").json()
    return {"$ref": f"#/components/schemas/{name}", "components": document["components"]}


def huge_png(side: int = 20_000) -> bytes:
    """A valid PNG of side × side white pixels in about 400 KB."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    packer = zlib.compressobj(9)
    row = b"\x00" + b"\xff" * side
    packed = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def test_closest_product_comes_first(server: Server) -> None:
    server.put("red", RED)
    server.put("dark-red", (120, 10, 10))
    answer = server.search(RED, k=2).json()
    (garment,) = answer["garments"]
    assert garment["category"] == "dress"
    assert [match["product"]["id"] for match in garment["matches"]] == ["red", "dark-red"]
    assert garment["matches"][0]["image"] == "/v1/products/red/images/0"


def test_answer_validates_against_published_schema(server: Server) -> None:
    server.put("red", RED, price=79.0, currency="EUR", material="silk")
    answer = server.search(RED, include="person").json()
    jsonschema.validate(answer, schema_of(server, "SearchOut"))
    assert answer["timings_ms"].keys() >= {"decode", "embed", "search", "total"}


def test_photo_without_garment_is_matched_whole(server: Server) -> None:
    server.put("red", RED)
    answer = server.search((255, 255, 255)).json()
    jsonschema.validate(answer, schema_of(server, "SearchOut"))
    (garment,) = answer["garments"]
    assert (garment["category"], garment["score"], garment["mask"]) == (None, None, None)
    assert garment["box"] == [0, 0, 64, 80]


def test_parse_answer_validates_and_has_no_matches(server: Server) -> None:
    files = {"photo": ("a.png", fake_png(GREEN), "image/png")}
    answer = server.client.post("/v1/parse", files=files).json()
    jsonschema.validate(answer, schema_of(server, "ParseOut"))
    assert answer["garments"][0]["category"] == "top"
    assert "matches" not in answer["garments"][0]
    assert answer["regions"]["clothes"]["size"] == [80, 64]


def test_filter_keeps_only_what_it_lets_through(server: Server) -> None:
    server.put("cheap", RED, price=10)
    server.put("dear", RED, price=1000)
    answer = server.search(RED, filter="price < 100").json()
    assert [match["product"]["id"] for match in answer["garments"][0]["matches"]] == ["cheap"]


def test_near_identical_products_are_folded_on_request(server: Server) -> None:
    server.put("red", RED)
    server.put("red again", (201, 20, 20))
    server.put("blue", BLUE)
    plain = server.search(RED).json()["garments"][0]["matches"]
    assert len(plain) == 3
    assert not any("folded" in match for match in plain)
    answer = server.search(RED, fold="true").json()
    jsonschema.validate(answer, schema_of(server, "SearchOut"))
    folded = answer["garments"][0]["matches"]
    assert [(match["product"]["id"], match["folded"]) for match in folded] == [
        ("red", 1),
        ("blue", 0),
    ]


def test_bad_filter_names_its_column(server: Server) -> None:
    body = assert_problem(server.search(RED, filter="price <"), 422)
    assert isinstance(body["column"], int)


@pytest.mark.parametrize(
    "fields",
    [
        {"k": "0"},
        {"k": "101"},
        {"k": "many"},
        {"k": ["1", "2"]},
        {"box": "1,2,3"},
        {"box": "nan,0,1,1"},
        {"box": "5,5,1,1"},
        {"colour": "blue"},
        {"colour_weight": "1.5"},
        {"colour_weight": "-0"},
        {"colour_weight": "nan"},
        {"fold": "yes"},
        {"include": "shoes"},
        {"colour ": "#000000"},
        {"category": "a\x00b"},
    ],
)
def test_field_that_cannot_be_used_is_named(server: Server, fields: dict[str, Any]) -> None:
    body = assert_problem(server.search(RED, **fields), 422)
    assert next(iter(fields)).strip() in body["detail"]


def test_unmapped_category_restricts_nothing(server: Server) -> None:
    server.put("red", RED)
    answer = server.search(RED, category="Flying carpets").json()
    assert answer["garments"][0]["matches"]


@pytest.mark.parametrize(
    ("name", "data", "status"),
    [
        ("text named .jpg", b"hello, I am a photo", 415),
        ("gif", b"GIF89a" + b"\x00" * 40, 415),
        ("empty", b"", 422),
        ("truncated", fake_jpeg(RED, width=640, height=800)[:3000], 422),
        ("only a header", b"\xff\xd8\xff\xe0", 422),
    ],
)
def test_photo_that_cannot_be_used_is_a_problem(
    server: Server, name: str, data: bytes, status: int
) -> None:
    for path in ("/v1/search", "/v1/parse"):
        answer = server.client.post(path, files={"photo": ("photo.jpg", data, "image/jpeg")})
        assert_problem(answer, status)


def test_huge_png_is_refused_and_memory_stays_flat(server: Server) -> None:
    data = huge_png()
    assert len(data) < 500_000
    server.client.get("/livez")
    tracemalloc.start()
    answer = server.client.post("/v1/search", files={"photo": ("a.png", data, "image/png")})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert_problem(answer, 413)
    assert peak < 20_000_000


def test_words_find_products(server: Server) -> None:
    server.put("p1", RED, title="Silk evening dress", brand="Acme")
    server.put("p2", RED, title="Wool coat", brand="Acme")
    answer = server.client.get("/v1/search/text", params={"q": "acme silk"}).json()
    jsonschema.validate(answer, schema_of(server, "TextSearchOut"))
    assert [match["product"]["id"] for match in answer["matches"]] == ["p1"]
    assert_problem(server.client.get("/v1/search/text"), 422)


def test_similar_leaves_the_product_itself_out(server: Server) -> None:
    server.put("red", RED)
    server.put("reddish", (180, 30, 30))
    answer = server.client.post("/v1/products/red/similar").json()
    jsonschema.validate(answer, schema_of(server, "SimilarOut"))
    assert [match["product"]["id"] for match in answer["matches"]] == ["reddish"]
    assert_problem(server.client.post("/v1/products/nobody/similar"), 404)
