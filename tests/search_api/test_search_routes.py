"""Photos in, answers out, over a real catalog."""

from __future__ import annotations

import base64
import struct
import tracemalloc
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from indexer.bootstrap import Services
from indexer.embedder.base import Vectors
from segmentation.cutout import cut_out
from tests.fakes import FakeEmbedder, FakePhotoParser, fake_jpeg, fake_photo, fake_png
from tests.search_api.conftest import PROBLEM, Server, assert_problem, serve

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


def _found(answer: dict[str, Any]) -> list[str]:
    return [match["product"]["id"] for match in answer["matches"]]


def test_words_take_a_filter_whatever_finds_the_product(reading_server: Server) -> None:
    server = reading_server
    for brand in ("Acme", "Zed"):
        server.put(f"{brand}-word", BLUE, title="a gown", brand=brand)
        server.client.put(f"/v1/products/{brand}-bare", json={"title": "gown", "brand": brand})
        server.put(f"{brand}-look", RED, title="shirt", brand=brand)
    asked = {"q": "gown", "filter": "brand = Zed"}
    answer = server.client.get("/v1/search/text", params=asked).json()
    assert _found(answer) == ["Zed-word", "Zed-bare", "Zed-look"]


def test_similar_takes_k_filter_and_fold(server: Server) -> None:
    server.put("red", RED)
    for number in range(4):
        server.put(f"near-{number}", (190 - number, 20, 20), price=number * 10)
    server.put("blue", BLUE)
    path = "/v1/products/red/similar"
    asked = {"filter": "price >= 10", "k": 2}
    assert _found(server.client.post(path, params=asked).json()) == ["near-1", "near-2"]
    answer = server.client.post(path, params={"fold": "true"}).json()
    jsonschema.validate(answer, schema_of(server, "SimilarOut"))
    assert [(one["product"]["id"], one["folded"]) for one in answer["matches"]] == [
        ("near-0", 3),
        ("blue", 0),
    ]


def test_matches_below_a_score_are_left_out_and_none_left_is_an_answer(server: Server) -> None:
    server.put("blue", BLUE)
    answer = server.search(RED, min_score="0.9").json()
    jsonschema.validate(answer, schema_of(server, "SearchOut"))
    assert [garment["matches"] for garment in answer["garments"]] == [[]]
    server.put("red", RED)
    assert _found(server.search(RED, min_score="0.9").json()["garments"][0]) == ["red"]
    path = "/v1/products/red/similar"
    assert _found(server.client.post(path, params={"min_score": 0.9}).json()) == []
    for wrong in ("nan", "-0.1", "1.1", "high"):
        assert_problem(server.client.post(path, params={"min_score": wrong}), 422)


def _put_brands(server: Server) -> None:
    for number, brand in enumerate(("Acme", "Acme", "Acme", "Zed", "Zed", "Ünlü")):
        colour = (200 - 5 * number, 20, 20)
        server.put(
            f"p{number}", colour, title="gown", brand=brand, price=10.0 * number, size=["S", "M"]
        )


def test_facets_count_the_products_answered_for_a_garment(server: Server) -> None:
    _put_brands(server)
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


@pytest.mark.parametrize("path", ["/v1/search/text", "/v1/products"])
def test_facets_count_all_that_words_and_filter_let_through(server: Server, path: str) -> None:
    _put_brands(server)
    server.put("hat", BLUE, title="hat", brand="Acme", price=20)
    asked = {"q": "GOWN", "filter": "price >= 10", "facets": "brand", "k": 1, "limit": 1}
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


def test_a_boost_by_a_field_counts_in_the_score(server: Server) -> None:
    server.put("red", RED, popularity=10)
    server.put("reddish", (190, 20, 20), popularity=110)
    server.put("unknown", (185, 20, 20))
    boost = {"boost": "popularity:0.5"}
    answer = server.search(RED, **boost).json()
    jsonschema.validate(answer, schema_of(server, "SearchOut"))
    assert _found(answer["garments"][0]) == ["reddish", "red", "unknown"]
    assert answer["garments"][0]["matches"][0]["score"] == pytest.approx(1.5, abs=0.01)
    assert _found(server.search(RED).json()["garments"][0])[0] == "red"
    path = "/v1/products/unknown/similar"
    answer = server.client.post(path, params={"boost": "popularity:-1"}).json()
    assert _found(answer) == ["red", "reddish"]
    assert_problem(server.client.post(path, params={"boost": "popularity:x"}), 422)


def test_words_are_answered_in_pages(server: Server) -> None:
    for name in ("c", "a", "b"):
        server.put(name, RED, title="gown")
    path, asked = "/v1/search/text", {"q": "gown", "k": 2}
    first = server.client.get(path, params=asked).json()
    jsonschema.validate(first, schema_of(server, "TextSearchOut"))
    server.client.delete("/v1/products/b")
    rest = server.client.get(path, params={**asked, "after": first["next"]}).json()
    assert (_found(first), _found(rest), rest["next"]) == (["a", "b"], ["c"], None)
    assert _found(server.client.get(path, params={**asked, "after": ""}).json()) == ["a", "c"]
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


def in_base64(colour: tuple[int, int, int]) -> str:
    return base64.b64encode(fake_jpeg(colour)).decode()


def test_a_photo_in_base64_is_answered_as_a_file(server: Server) -> None:
    for number in range(4):
        server.put(f"red {number}", (200 - number, 32, 44), price=10.0 * number, brand="Acme")
    server.put("blue", BLUE, price=99.0)
    asked: dict[str, Any] = {
        "k": 3, "category": "dress", "filter": "price < 50", "colour": "#C8202C",
        "colour_weight": 0.25, "min_score": 0.5, "boost": "price:0.1", "q": "red, by Acme",
        "q_weight": 0.1,
    }  # fmt: skip
    form = {**asked, "box": "10,10,50,60", "facets": "brand,price", "fold": "true"}
    lists = {"box": [10, 10, 50, 60], "facets": ["brand", "price"], "fold": True}
    body = {**asked, **lists, "photo": in_base64(RED), "include": ["person"]}
    by_file = server.search(RED, **form, include="person")
    answer = server.client.post("/v1/search", json=body)
    assert answer.status_code == 200, answer.text
    assert untimed(answer.json()) == untimed(by_file.json())
    assert answer.json()["garments"][0]["matches"]
    # As a page has it from a file or a canvas.
    url = {"photo": f"data:image/jpeg;base64,{in_base64(BLUE)}"}
    (garment,) = server.client.post("/v1/search", json=url).json()["garments"]
    assert garment["matches"][0]["product"]["id"] == "blue"


def test_a_photo_in_base64_is_parsed_as_a_file(server: Server) -> None:
    files = {"photo": fake_jpeg(RED)}
    by_file = server.client.post("/v1/parse", files=files, data={"include": "person"})
    body = {"photo": in_base64(RED), "include": ["person"]}
    answer = server.client.post("/v1/parse", json=body)
    assert answer.json()["person"] is not None
    assert untimed(answer.json()) == untimed(by_file.json())


def untimed(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "timings_ms"}


@pytest.mark.parametrize("path", ["/v1/search", "/v1/parse"])
@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        (b"{", 400, "JSON"),
        (b"[" * 100_000, 400, "JSON"),
        (b"[]", 422, "body"),
        (b"{}", 422, "photo"),
        (b'{"photo": 3}', 422, "photo"),
        (b'{"photo": null}', 422, "photo"),
        (b'{"photo": "###"}', 422, "base64"),
        (b'{"photo": ""}', 422, ""),
        (b'{"photo": "aGVsbG8="}', 415, "photo"),
        (b'{"photo": "", "include": ["cat"]}', 422, "include"),
        (b'{"photo": "", "fotos": 1}', 422, "fotos"),
        (b'{"photo": "", "q": "\\ud800"}', 400, "JSON"),
        (b'{"photo": "", "filter": "\\udc00"}', 400, "JSON"),
        (b'{"photo": "", "category": "\xed\xa0\x80"}', 400, "JSON"),
    ],
)
def test_json_that_cannot_be_used_is_refused(
    server: Server, path: str, body: bytes, status: int, word: str
) -> None:
    answer = server.client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    assert word in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/search", "/v1/parse"])
def test_who_sends_neither_form_nor_json_is_told_of_both(server: Server, path: str) -> None:
    answer = server.client.post(path, content=b"x", headers={"Content-Type": "image/jpeg"})
    assert answer.status_code == 415
    detail = answer.json()["detail"]
    assert "multipart/form-data" in detail
    assert "application/json" in detail


@pytest.mark.parametrize(
    "field",
    [
        {"k": 0}, {"k": 101}, {"k": "3"}, {"k": True}, {"box": [1, 2, 3]}, {"box": [9, 9, 1, 1]},
        {"colour": "red"}, {"colour_weight": 1.5}, {"q": "x" * 501}, {"filter": "price <"},
        {"q": "\x00"}, {"boost": "price"}, {"facets": "brand"}, {"facets": ["a"] * 21},
        {"fold": "true"}, {"min_score": -0.1}, {"category": "a" * 1_001}, {"category": "a\x00b"},
    ],
    ids=str,
)  # fmt: skip
def test_a_field_of_json_that_cannot_be_used_is_named(
    server: Server, field: dict[str, Any]
) -> None:
    answer = server.client.post("/v1/search", json={"photo": in_base64(RED), **field})
    assert answer.status_code == 422
    (name,) = field
    assert name in answer.text
