"""Products come, change and go, and the next search knows."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image

from indexer.bootstrap import Services
from indexer.catalog.rows import FailedPhoto, Fingerprint, ImageWrite, ProductWrite
from indexer.feeds.record import ProductRecord
from indexer.feeds.values import row_from_values
from indexer.live_index import LiveIndex
from search_api.schemas.products import MAX_IMAGES
from segmentation.letterbox import GREY
from tests.fakes import fake_jpeg
from tests.search_api.answers import BLUE, RED, schema_of
from tests.search_api.conftest import Server, assert_problem, serve


def found(server: Server, colour: tuple[int, int, int]) -> list[str]:
    garments = server.search(colour).json()["garments"]
    return [match["product"]["id"] for garment in garments for match in garment["matches"]]


def test_product_is_searchable_when_put_answers_and_gone_when_deleted(server: Server) -> None:
    answer = server.put("red", RED)
    assert answer.status_code == 201
    assert found(server, RED) == ["red"]
    assert server.put("red", RED, title="again").status_code == 200
    assert server.client.delete("/v1/products/red").status_code == 204
    assert found(server, RED) == []
    assert_problem(server.client.get("/v1/products/red"), 404)
    assert_problem(server.client.delete("/v1/products/red"), 404)


def test_stored_product_validates_and_keeps_the_feeds_fields(server: Server) -> None:
    fields = {"brand": "Acme", "price": 79.5, "currency": "eur", "url": "https://shop.example/1"}
    server.put("a", RED, **fields, collections=["new"], material="silk", attributes={"size": 38})
    body = server.client.get("/v1/products/a").json()
    jsonschema.validate(body, schema_of(server, "StoredProductOut"))
    assert (body["brand"], body["price"], body["currency"]) == ("Acme", 79.5, "EUR")
    assert body["attributes"] == {"material": "silk", "size": 38}
    assert body["collections"] == ["new"]
    assert body["images"][0]["status"] == "indexed"


FEED_FIELDS: tuple[dict[str, Any], ...] = (
    {"collections": [" summer ", "", "sale"]},
    {"collections": " summer | sale "},
    {"material": " silk ", "fit": "", "note": "  ", "cut": None},
    {" material ": "silk", "attributes": {"material": " wool "}},
    {"size": ["M", "", None, " L ", " "], "tags": [], "none": [" "]},
    {"size": 38, "new": True, "old": False, "sizes": [38, 39.5]},
    {"title": " a ", "brand": " Acme", "category": "dress ", "url": " https://shop.example/1"},
    {"price": 79},
    {"price": " 79.90 "},
    {"price": "79.90 eur"},
    {"price": "79.90 EUR", "currency": "CHF"},
    {"price": "79.90 EUR", "currency": ""},
    {"price": ""},
)


@pytest.mark.parametrize("fields", FEED_FIELDS)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_fields_are_read_as_a_feed_reads_them(
    server: Server, fields: dict[str, Any], method: str
) -> None:
    server.client.put("/v1/products/a", json={})
    answer = server.client.request(method, "/v1/products/a", json=fields)
    assert answer.status_code == 200, answer.text
    expected = row_from_values({"id": "a", **fields}, line=0)
    assert isinstance(expected, ProductRecord)
    stored = server.services.catalog.existing_product("a")
    for name in ("title", "brand", "category", "url", "price", "currency", "collections"):
        assert getattr(stored, name) == getattr(expected, name), name
    # Written out: 38 and 38.0 would be another content to the next import of the feed.
    assert repr(sorted(stored.attributes.items())) == repr(sorted(expected.attributes.items()))


def test_patch_with_an_empty_value_removes_an_attribute(server: Server) -> None:
    server.put("a", RED, material="silk", size=["M", "L"], fit="slim")
    empty = {" material": " ", "size": [], "fit": "slim"}
    assert server.client.patch("/v1/products/a", json=empty).json()["attributes"] == {"fit": "slim"}


def test_price_without_a_currency_keeps_the_stored_one(server: Server) -> None:
    server.put("a", RED, price="79.90 EUR")
    body = server.client.patch("/v1/products/a", json={"price": "69.90"}).json()
    assert (body["price"], body["currency"]) == (69.9, "EUR")
    body = server.client.patch("/v1/products/a", json={"price": "65 CHF"}).json()
    assert (body["price"], body["currency"]) == (65, "CHF")


def test_photos_may_be_named_as_in_a_feed(server: Server) -> None:
    photo = {"base64": base64.b64encode(fake_jpeg(RED)).decode()}
    for number, fields in enumerate(({"image": photo}, {"image": [photo]}, {"image_1": photo})):
        path = f"/v1/products/{number}"
        answer = server.client.put(path, json={"collections": "new | sale", **fields})
        assert answer.status_code == 201
        assert (answer.json()["attributes"], len(answer.json()["images"])) == ({}, 1)
        assert answer.json()["collections"] == ["new", "sale"]
        kept = server.client.patch(path, json={"title": "New", "image_1": None}).json()
        assert len(kept["images"]) == 1
    assert sorted(found(server, RED)) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"image": "images/a.jpg"}, "url: an address"),
        ({"image_2": {"file": "a.jpg"}}, "images"),
        ({"box": [1, 2, 30, 40]}, "box: in its image"),
        ({"box_1": "1,2,30,40"}, "no image_1"),
    ],
)
def test_photos_that_cannot_be_taken_are_named(
    server: Server, fields: dict[str, Any], reason: str
) -> None:
    problem = assert_problem(server.client.put("/v1/products/a", json=fields), 422)
    assert reason in json.dumps(problem, ensure_ascii=False)


def test_patch_changes_only_what_is_given(server: Server) -> None:
    server.put("a", RED, brand="Acme", price=10, material="silk")
    answer = server.client.patch("/v1/products/a", json={"price": None, "title": "New"})
    body = answer.json()
    assert (body["title"], body["brand"], body["price"]) == ("New", "Acme", None)
    assert body["attributes"] == {"material": "silk"}
    assert len(body["images"]) == 1
    body = server.client.patch("/v1/products/a", json={"material": None}).json()
    assert body["attributes"] == {}
    assert_problem(server.client.patch("/v1/products/b", json={"title": "x"}), 404)


@pytest.mark.parametrize("name", ["images", "image"])
def test_null_for_the_photos_removes_them_in_a_patch_alone(server: Server, name: str) -> None:
    # Who puts a whole product sends null for what it does not know.
    server.put("a", RED)
    assert len(server.client.put("/v1/products/a", json={name: None}).json()["images"]) == 1
    assert server.client.patch("/v1/products/a", json={name: None}).json()["images"] == []
    assert found(server, RED) == []


def test_null_for_the_attributes_removes_them_all(server: Server) -> None:
    server.put("a", RED, material="silk", fit="slim", collections=["new"])
    cleared = {"attributes": None, "collections": None, "size": 38}
    body = server.client.patch("/v1/products/a", json=cleared).json()
    assert (body["attributes"], body["collections"]) == ({"size": 38}, [])
    assert len(body["images"]) == 1


def test_put_without_images_keeps_them_and_an_empty_list_removes_them(server: Server) -> None:
    server.put("a", RED)
    body = server.client.put("/v1/products/a", json={"title": "a", "category": "dress"}).json()
    assert len(body["images"]) == 1
    assert found(server, RED) == ["a"]
    body = server.client.put("/v1/products/a", json={"category": "dress", "images": []}).json()
    assert body["images"] == []
    assert found(server, RED) == []


def test_photos_are_added_shown_and_removed(server: Server) -> None:
    server.client.put("/v1/products/a", json={"category": "dress"})
    photo = {"photo": ("x.jpg", fake_jpeg(BLUE), "image/jpeg")}
    added = server.client.post("/v1/products/a/images", files=photo)
    assert added.status_code == 201
    jsonschema.validate(added.json(), schema_of(server, "ImageOut"))
    assert found(server, BLUE) == ["a"]
    shown = server.client.get(added.json()["image"])
    assert shown.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(shown.content)).size == (64, 80)
    again = server.client.get(
        added.json()["image"], headers={"If-None-Match": shown.headers["etag"]}
    )
    assert again.status_code == 304
    assert server.client.delete(added.json()["image"]).status_code == 204
    assert found(server, BLUE) == []
    assert_problem(server.client.get(added.json()["image"]), 404)
    assert_problem(server.client.get("/v1/products/a/images/99999999999999999999"), 404)
    assert_problem(server.client.post("/v1/products/b/images", files=photo), 404)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("If-None-Match", "W/{}")], 304),
        ([("If-None-Match", '"other", W/{}')], 304),
        ([("If-None-Match", '"other"'), ("If-None-Match", "{}")], 304),
        ([("If-None-Match", " * ")], 304),
        ([("If-None-Match", '"other", W/"another"')], 200),
        ([("If-None-Match", "nonsense")], 200),
        ([], 200),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_photo_that_the_caller_holds_is_not_sent_again(
    server: Server, method: str, headers: list[tuple[str, str]], status: int
) -> None:
    server.put("a", RED)
    path = "/v1/products/a/images/0"
    etag = server.client.get(path).headers["etag"]
    asked = [(name, value.replace("{}", etag)) for name, value in headers]
    answer = server.client.request(method, path, headers=asked)
    assert (answer.status_code, answer.headers["etag"]) == (status, etag)


def test_photo_is_not_added_to_as_many_as_a_product_may_have(server: Server) -> None:
    photo = {"url": "https://shop.example/a.jpg"}
    many = server.client.put("/v1/products/a", json={"images": [photo] * (MAX_IMAGES + 1)})
    assert_problem(many, 422)
    print_ = Fingerprint(None, None, None)
    writes = tuple(
        ImageWrite(number, "a.jpg", print_, FailedPhoto("no such file"))
        for number in range(MAX_IMAGES)
    )
    server.services.catalog.write_products([ProductWrite(ProductRecord(id="a"), writes)])
    file = {"photo": ("x.jpg", fake_jpeg(BLUE), "image/jpeg")}
    told = assert_problem(server.client.post("/v1/products/a/images", files=file), 422)
    assert told["detail"] == "a product has 20 photos at most; remove one first"
    assert server.client.delete("/v1/products/a/images/3").status_code == 204
    assert server.client.post("/v1/products/a/images", files=file).status_code == 201


@pytest.mark.parametrize("position", ["9" * 5_000, "9" * 4_300, "2147483648"])
def test_photo_of_a_number_that_none_has_is_not_found(server: Server, position: str) -> None:
    server.put("a", RED)
    for method in ("GET", "DELETE"):
        answer = server.client.request(method, f"/v1/products/a/images/{position}")
        assert_problem(answer, 404)
    assert_problem(server.client.get(f"/v1/products/a/images/{position}/cutout"), 404)


def test_products_are_listed_by_page(server: Server) -> None:
    for name in ("a", "b", "c"):
        server.client.put(f"/v1/products/{name}", json={"title": name})
    first = server.client.get("/v1/products", params={"limit": 2}).json()
    jsonschema.validate(first, schema_of(server, "ProductListOut"))
    assert ([product["id"] for product in first["products"]], first["next"]) == (["a", "b"], "b")
    rest = server.client.get("/v1/products", params={"limit": 2, "after": "b"}).json()
    jsonschema.validate(rest, schema_of(server, "ProductListOut"))
    assert ([product["id"] for product in rest["products"]], rest["next"]) == (["c"], None)
    whole = server.client.get("/v1/products").json()
    assert [page["total"] for page in (first, rest, whole)] == [3, 3, 3]


def test_a_full_last_page_promises_no_other(server: Server) -> None:
    for name in ("a", "b"):
        server.client.put(f"/v1/products/{name}", json={"title": name})
    assert server.client.get("/v1/products", params={"limit": 2}).json()["next"] is None
    assert server.client.get("/v1/products", params={"limit": 1}).json()["next"] == "a"


def test_listing_can_be_narrowed_by_words(server: Server) -> None:
    for name, title in {"a": "Red dress", "b": "Blue dress", "c": "Red hat"}.items():
        server.client.put(f"/v1/products/{name}", json={"title": title, "brand": "Acme"})
    page = server.client.get("/v1/products", params={"q": "acme red", "limit": 1}).json()
    assert ([product["id"] for product in page["products"]], page["next"]) == (["a"], "a")
    assert page["total"] == 2
    page = server.client.get("/v1/products", params={"q": "acme red", "after": "a"}).json()
    assert ([product["id"] for product in page["products"]], page["total"]) == (["c"], 2)
    nothing = server.client.get("/v1/products", params={"q": "no\x00such"}).json()
    assert nothing == {"products": [], "next": None, "total": 0}
    assert_problem(server.client.get("/v1/products", params={"q": "x" * 501}), 422)


def test_listing_takes_a_filter(server: Server) -> None:
    for number in range(5):
        server.put(f"p{number}", RED, price=number * 10.0, title="gown" if number else "hat")
    asked: dict[str, Any] = {"filter": "price >= 10 AND price < 40", "q": "gown", "limit": 2}
    page = server.client.get("/v1/products", params=asked).json()
    assert ([one["id"] for one in page["products"]], page["next"]) == (["p1", "p2"], "p2")
    rest = server.client.get("/v1/products", params={**asked, "after": "p2"}).json()
    assert ([one["id"] for one in rest["products"]], rest["next"]) == (["p3"], None)
    assert (page["total"], rest["total"]) == (3, 3)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/products"),
        ("GET", "/v1/search/text"),
        ("POST", "/v1/products/p/similar"),
    ],
)
def test_bad_filter_names_its_column_in_an_address_too(
    server: Server, method: str, path: str
) -> None:
    server.put("p", RED)

    def answer(text: str) -> Any:
        return server.client.request(method, path, params={"q": "p", "filter": text})

    assert assert_problem(answer("price <"), 422)["column"] == 8
    assert_problem(answer("a = \x00"), 422)
    assert answer(" ").status_code == 200


def test_id_may_hold_a_slash(server: Server) -> None:
    assert server.client.put("/v1/products/A%2F1", json={"title": "x"}).status_code == 201
    assert server.client.get("/v1/products/A%2F1").json()["id"] == "A/1"


@pytest.mark.parametrize(
    "product_id", ["a/images/0", "a/images/x/y", "a/images", "a/similar", "%20a", "a%00b"]
)
def test_id_that_could_not_be_asked_for_is_refused(server: Server, product_id: str) -> None:
    answer = server.client.put(f"/v1/products/{product_id}", json={"title": "x"})
    assert answer.status_code in (404, 405, 422), answer.text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"images": [{"url": "http://127.0.0.1:1/a.jpg"}]}, "not public"),
        ({"images": [{"url": "a.jpg"}]}, "https"),
        ({"images": [{"url": "http://x.example/a", "base64": "aaaa"}]}, "base64"),
        ({"images": [{"base64": "aaaa", "box": [9, 9, 1, 1]}]}, "box"),
        ({"images": [{"base64": "###"}]}, "base64"),
        ({"images": [{}]}, "base64"),
        ({"price": -1}, "price"),
        ({"currency": "EURO"}, "currency"),
        ({"title": "a\x00b"}, "NUL"),
        ({"nested": {"a": 1}}, "nested"),
        ({"size": 1e300}, "size"),
        ({"size": 10**400}, "size"),
        ({"attributes": {"size": [1, -(10**400)]}}, "size"),
        ({"price": 10**400}, "price"),
        ({"price": 1e13}, "price"),
        ({"price": True}, "body.price"),
        ({"price": "cheap"}, "body.price"),
        ({"price": ["79.90"]}, "body.price"),
        ({"attributes": {"price": {"a": 1}}}, "price"),
    ],
)
def test_field_that_cannot_be_stored_is_refused(server: Server, body: object, said: str) -> None:
    problem = assert_problem(server.client.put("/v1/products/a", json=body), 422)
    assert said in problem["detail"]
    assert_problem(server.client.get("/v1/products/a"), 404)


def test_bad_photo_stores_nothing(server: Server) -> None:
    bad = base64.b64encode(b"not a photo").decode()
    answer = server.client.put("/v1/products/a", json={"images": [{"base64": bad}]})
    assert_problem(answer, 415)
    assert_problem(server.client.get("/v1/products/a"), 404)


@pytest.mark.parametrize(
    "content",
    [
        b'{"title": "\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"material": "\\ud800"}',
        b'{"collections": ["\\ud800"]}',
        b'{"currency": "\\ud800"}',
        b'{"images": [{"base64": "\\ud800"}]}',
        b'{"images": [{"url": "https://shop.example/\\ud800"}]}',
        b'{"images": [{"\\ud800": ""}]}',
    ],
)
def test_half_a_surrogate_pair_is_refused(server: Server, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    assert_problem(server.client.put("/v1/products/a", content=content, headers=headers), 422)


@pytest.mark.parametrize(
    "content", [b"{", b"[" * 100_000, b'"text"', b"\xff\xfe", b'{"price": NaN}']
)
def test_body_that_is_no_product_is_refused(server: Server, content: bytes) -> None:
    answer = server.client.put(
        "/v1/products/a", content=content, headers={"Content-Type": "application/json"}
    )
    assert_problem(answer, answer.status_code)
    assert answer.status_code in (400, 422)


def test_other_content_types_are_refused(server: Server) -> None:
    for path, method in (
        ("/v1/products/a", "PUT"),
        ("/v1/search", "POST"),
        ("/v1/imports", "POST"),
    ):
        answer = server.client.request(
            method, path, content=b"a=b", headers={"Content-Type": "text/plain"}
        )
        assert_problem(answer, 415)


def image_of(server: Server, product_id: str) -> dict[str, Any]:
    body = server.client.get(f"/v1/products/{product_id}").json()
    jsonschema.validate(body, schema_of(server, "StoredProductOut"))
    (image,) = body["images"]
    return dict(image)


def test_photo_tells_what_was_cut_out_of_it_and_by_which_models(server: Server) -> None:
    server.put("a/b", RED)
    image = image_of(server, "a/b")
    services = server.services
    assert image["versions"] == [
        {
            "segmenter": services.photo_parser.version,
            "parser": services.photo_parser.parser_version,
            "embedder": services.embedder.version,
        }
    ]
    assert (image["status"], image["garment_category"], image["score"]) == ("indexed", "dress", 0.9)
    assert image["box"] == [16, 20, 48, 60]
    answer = server.client.get(image["cutout"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    with Image.open(io.BytesIO(answer.content)) as cutout:
        # The garment in the middle, grey and not the photo's white around it.
        assert np.allclose(cutout.getpixel((112, 112)), RED, atol=12)
        assert np.allclose(cutout.getpixel((3, 112)), GREY, atol=12)
    assert_problem(server.client.get(image["cutout"].replace("/0/", "/1/")), 404)


def test_photo_that_failed_says_why_and_has_no_cutout(server: Server) -> None:
    print_ = Fingerprint(None, None, None)
    write = ImageWrite(0, "a.jpg", print_, FailedPhoto("no such file"))
    server.services.catalog.write_products([ProductWrite(ProductRecord(id="a"), (write,))])
    image = image_of(server, "a")
    assert (image["status"], image["reason"]) == ("failed", "no such file")
    assert (image["cutout"], image["versions"]) == (None, [])
    assert_problem(server.client.get("/v1/products/a/images/0/cutout"), 404)


def test_photo_waits_until_the_models_that_serve_here_find_it(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    for server in serve(services):
        server.put("a", RED)
        assert image_of(server, "a")["status"] == "indexed"
        # Written by a process whose embedder became active just now.
        monkeypatch.setattr(services.embedder, "version", "the-next")
        assert image_of(server, "a")["status"] == "waiting"
        monkeypatch.undo()
        # Written elsewhere, and not heard of here yet.
        monkeypatch.setattr(LiveIndex, "refresh", lambda self: 0)
        server.put("b", BLUE)
        assert image_of(server, "b")["status"] == "waiting"
        assert server.client.get("/v1/index").json()["behind"] > 0
        monkeypatch.undo()
        services.index.refresh()
        assert image_of(server, "b")["status"] == "indexed"
        assert server.client.get("/v1/index").json()["behind"] == 0
