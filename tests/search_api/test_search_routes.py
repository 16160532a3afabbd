"""Photos in, answers out, over a real catalog."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from typing import Any

import jsonschema
import pytest

from tests.fakes import fake_jpeg, fake_png
from tests.search_api.answers import BLUE, GREEN, RED, found_ids, put_brands, schema_of
from tests.search_api.conftest import Server, assert_problem


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


def test_parse_takes_the_fields_of_a_search(server: Server) -> None:
    files = {"photo": ("a.png", fake_png(GREEN), "image/png")}
    fields = {
        "k": "3", "category": "coat", "box": "5,5,40,60", "filter": "price < 3", "colour": "ff0000",
        "include": "person",
    }  # fmt: skip
    answer = server.client.post("/v1/parse", files=files, data=fields).json()
    jsonschema.validate(answer, schema_of(server, "ParseOut"))
    searched = server.client.post("/v1/search", files=files, data=fields).json()
    assert answer["garments"][0]["box"] == searched["garments"][0]["box"]
    assert answer["person"] == searched["person"]
    assert answer["index"] == searched["index"]
    bad = server.client.post("/v1/parse", files=files, data={"filter": "price <"})
    assert_problem(bad, 422)


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
        {"min_score": "1.01"},
        {"boost": "popularity"},
        {"boost": "popularity:2"},
        {"min_score": "high"},
        {"facets": ",".join(f"f{number}" for number in range(21))},
        {"fold": "yes"},
        {"include": "shoes"},
        {"colour ": "#000000"},
        {"category": "a\x00b"},
        {"category": "a" * 1_001},
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


def test_matches_below_a_score_are_left_out_and_none_left_is_an_answer(server: Server) -> None:
    server.put("blue", BLUE)
    answer = server.search(RED, min_score="0.9").json()
    jsonschema.validate(answer, schema_of(server, "SearchOut"))
    assert [garment["matches"] for garment in answer["garments"]] == [[]]
    server.put("red", RED)
    assert found_ids(server.search(RED, min_score="0.9").json()["garments"][0]) == ["red"]
    path = "/v1/products/red/similar"
    assert found_ids(server.client.post(path, params={"min_score": 0.9}).json()) == []
    for wrong in ("nan", "-0.1", "1.1", "high"):
        assert_problem(server.client.post(path, params={"min_score": wrong}), 422)


def test_facets_count_the_products_answered_for_a_garment(server: Server) -> None:
    put_brands(server)
    answer = server.search(RED, k=4, facets="brand,price, size,nothing").json()
    jsonschema.validate(answer, schema_of(server, "SearchOut"))
    (garment,) = answer["garments"]
    assert garment["facets"] == {
        "brand": {
            "values": [{"value": "Acme", "count": 3}, {"value": "Zed", "count": 1}],
            "other": 0,
        },
        "price": {
            "ranges": [
                {"from": None, "to": 10.0, "count": 1},
                {"from": 10.0, "to": 20.0, "count": 1},
                {"from": 20.0, "to": 30.0, "count": 1},
                {"from": 30.0, "to": None, "count": 1},
            ]
        },
        "size": {"values": [{"value": "M", "count": 4}, {"value": "S", "count": 4}], "other": 0},
        "nothing": {"values": [], "other": 0},
    }
    assert "facets" not in server.search(RED).json()["garments"][0]


def test_a_boost_by_a_field_counts_in_the_score(server: Server) -> None:
    server.put("red", RED, popularity=10)
    server.put("reddish", (190, 20, 20), popularity=110)
    server.put("unknown", (185, 20, 20))
    boost = {"boost": "popularity:0.5"}
    answer = server.search(RED, **boost).json()
    jsonschema.validate(answer, schema_of(server, "SearchOut"))
    assert found_ids(answer["garments"][0]) == ["reddish", "red", "unknown"]
    assert answer["garments"][0]["matches"][0]["score"] == pytest.approx(1.5, abs=0.01)
    assert found_ids(server.search(RED).json()["garments"][0])[0] == "red"
    path = "/v1/products/unknown/similar"
    answer = server.client.post(path, params={"boost": "popularity:-1"}).json()
    assert found_ids(answer) == ["red", "reddish"]
    assert_problem(server.client.post(path, params={"boost": "popularity:x"}), 422)


@pytest.mark.parametrize(
    "fields", [{"q": "x" * 501}, {"q": "red\x00"}, {"q": "red", "q_weight": "1.5"}]
)
def test_words_that_cannot_be_used_are_refused(server: Server, fields: dict[str, str]) -> None:
    server.put("p", (200, 32, 44))
    answers = [
        server.client.post("/v1/products/p/similar", params=fields),
        server.client.post("/v1/search", files={"photo": fake_jpeg((200, 32, 44))}, data=fields),
    ]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert all("q" in answer.json()["detail"] for answer in answers)
