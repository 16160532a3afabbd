"""A key that is bound to collections sees, finds, lists and writes only their products."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from starlette.testclient import TestClient

from search_api.auth import Scope, needs
from search_api.guarded import GuardedRoute
from tests.fakes import fake_jpeg
from tests.patience import wait_until
from tests.search_api.conftest import Server, assert_problem, stranger
from tests.search_api.test_auth import bearer, path_of

RED = (200, 20, 20)
COLLECTIONS = {"own": ["summer"], "shared": ["summer", "winter"], "other": ["winter"], "none": []}
SEEN = {"own", "shared"}
HIDDEN = {"other", "none"}


@pytest.fixture
def shop(server: Server) -> Server:
    """Four dresses that only their collections tell apart."""
    for name, collections in COLLECTIONS.items():
        fields = {"brand": "Acme", "price": 10.0, "collections": collections}
        assert server.put(name, RED, **fields).status_code == 201
    return server


@pytest.fixture
def tenant(shop: Server) -> TestClient:
    """A caller whose key may write, in the collection summer."""
    client = stranger(shop.app)
    client.headers = bearer(shop.key("write", collections=["summer"]))
    return client


def ids(matches: Any) -> set[str]:
    return {match["product"]["id"] for match in matches}


def test_searches_find_only_its_products(tenant: TestClient) -> None:
    photo = {"photo": ("a.jpg", fake_jpeg(RED), "image/jpeg")}
    asked = tenant.post("/v1/search", files=photo, data={"facets": "collections", "fold": "true"})
    (garment,) = asked.json()["garments"]
    assert ids(garment["matches"]) <= SEEN
    asked = tenant.post("/v1/search", files=photo, data={"filter": "price < 100 OR price > 0"})
    assert ids(asked.json()["garments"][0]["matches"]) == SEEN
    words = tenant.get("/v1/search/text", params={"q": "dress", "facets": "brand"}).json()
    assert ids(words["matches"]) == SEEN
    assert words["facets"]["brand"]["values"] == [{"value": "Acme", "count": 2}]
    listed = tenant.get("/v1/products", params={"filter": 'collection = "winter"'}).json()
    assert [product["id"] for product in listed["products"]] == ["shared"]
    listed = tenant.get("/v1/products", params={"limit": 1}).json()
    assert (listed["products"][0]["id"], listed["next"], listed["total"]) == ("own", "own", 2)
    similar = tenant.post("/v1/products/own/similar").json()
    assert ids(similar["matches"]) == {"shared"}


@pytest.mark.parametrize("product_id", sorted(HIDDEN))
def test_what_it_does_not_see_is_not_there(tenant: TestClient, product_id: str) -> None:
    path = f"/v1/products/{product_id}"
    known = assert_problem(tenant.get("/v1/products/nothing"), 404)
    told = assert_problem(tenant.get(path), 404)
    assert told["detail"].replace(product_id, "nothing") == known["detail"]
    assert_problem(tenant.post(f"{path}/similar"), 404)
    assert_problem(tenant.get(f"{path}/images/0"), 404)
    assert_problem(tenant.delete(f"{path}/images/0"), 404)
    assert_problem(tenant.post(f"{path}/images", files={"photo": fake_jpeg(RED)}), 404)
    assert_problem(tenant.patch(path, json={"title": "mine"}), 404)
    assert_problem(tenant.delete(path), 404)


def test_it_reads_and_writes_its_own(shop: Server, tenant: TestClient) -> None:
    assert tenant.get("/v1/products/own/images/0").status_code == 200
    image = base64.b64encode(fake_jpeg(RED)).decode()
    body = {"collections": ["summer"], "images": [{"base64": image}]}
    assert tenant.put("/v1/products/new", json=body).status_code == 201
    assert tenant.patch("/v1/products/new", json={"title": "mine"}).status_code == 200
    added = tenant.post("/v1/products/new/images", files={"photo": fake_jpeg(RED)})
    assert added.status_code == 201
    assert tenant.delete("/v1/products/new/images/1").status_code == 204
    assert tenant.delete("/v1/products/new").status_code == 204
    assert (
        shop.client.get("/v1/products/own", headers=bearer(shop.key("search"))).status_code == 200
    )


@pytest.mark.parametrize("collections", [None, [], ["winter"], ["summer", "winter"]])
def test_it_puts_nothing_beyond_its_collections(tenant: TestClient, collections: Any) -> None:
    body = {} if collections is None else {"collections": collections}
    told = assert_problem(tenant.put("/v1/products/new", json=body), 403)
    assert "summer" in told["detail"]
    assert_problem(tenant.get("/v1/products/new"), 404)
    if collections is not None:
        assert_problem(tenant.patch("/v1/products/own", json=body), 403)
        assert tenant.get("/v1/products/own").json()["collections"] == ["summer"]


def test_it_takes_no_product_of_others(shop: Server, tenant: TestClient) -> None:
    own = {"collections": ["summer"], "title": "mine"}
    for product_id in ("other", "none", "shared"):
        assert_problem(tenant.put(f"/v1/products/{product_id}", json=own), 403)
    assert_problem(tenant.patch("/v1/products/shared", json=own), 403)
    assert_problem(tenant.delete("/v1/products/shared"), 403)
    assert_problem(tenant.delete("/v1/products/shared/images/0"), 403)
    assert_problem(tenant.post("/v1/products/shared/images", files={"photo": fake_jpeg(RED)}), 403)
    kept = shop.services.catalog.existing_product("shared")
    assert (kept.title, kept.collections) == ("shared", ("summer", "winter"))


def test_an_attribute_that_is_named_like_the_field_opens_nothing(
    shop: Server, tenant: TestClient
) -> None:
    admin = bearer(shop.key("admin"))
    for name in ("collection", "collections"):
        body = {"attributes": {name: ["summer"]}, "title": "dress"}
        answer = shop.client.put(f"/v1/products/by-{name}", json=body, headers=admin)
        assert answer.status_code == 201
    listed = tenant.get("/v1/products").json()
    assert {product["id"] for product in listed["products"]} == SEEN


def test_bound_key_is_refused_wherever_nothing_keeps_it_to_its_collections(shop: Server) -> None:
    client = stranger(shop.app)
    client.headers = bearer(shop.key("write", collections=["summer"]))
    for route in shop.app.routes:
        if not isinstance(route, GuardedRoute) or route.need.scope is Scope.PUBLIC:
            continue
        (method,) = route.methods
        status = client.request(method, path_of(route)).status_code
        assert (status == 403) == (not route.need.within), route.path

    @needs(Scope.SEARCH)
    async def forgetful() -> None: ...

    shop.app.router.routes.insert(0, GuardedRoute("/v1/forgetful", forgetful))
    assert_problem(client.get("/v1/forgetful"), 403)


FEED = """id,title,category,image,collections
new,mine,dress,red.jpg,
named,mine,dress,red.jpg,summer
own,mine,dress,red.jpg,
shared,mine,dress,red.jpg,summer
other,mine,dress,red.jpg,
none,mine,dress,red.jpg,summer
beyond,mine,dress,red.jpg,summer|winter
theirs,mine,dress,../secret.jpg,
"""


def imported(client: TestClient, feed: str) -> dict[str, Any]:
    started = client.post("/v1/imports", files={"feed": ("feed.csv", feed.encode(), "text/csv")})
    assert started.status_code == 202, started.text
    address = started.headers["location"]
    wait_until(lambda: client.get(address).json()["state"] not in ("waiting", "running"))
    return dict(client.get(address).json())


def test_its_feed_comes_into_its_collections_and_touches_no_other_product(
    shop: Server, tenant: TestClient
) -> None:
    photos = shop.services.settings.home / "feed-images"
    (photos / "summer").mkdir(parents=True)
    (photos / "summer" / "red.jpg").write_bytes(fake_jpeg(RED))
    (photos / "secret.jpg").write_bytes(fake_jpeg(RED))
    job = imported(tenant, FEED)
    assert (job["state"], job["percent"]) == ("done", 100)
    assert {error["id"] for error in job["errors"]} == {
        "shared",
        "other",
        "none",
        "beyond",
        "theirs",
    }
    catalog = shop.services.catalog
    for product_id in ("new", "named", "own"):
        product = catalog.existing_product(product_id)
        assert (product.title, product.collections) == ("mine", ("summer",))
        assert catalog.images(product_id)[0].status == "indexed"
    for product_id, collections in COLLECTIONS.items():
        if product_id != "own":
            kept = catalog.existing_product(product_id)
            assert (kept.title, kept.collections) == (product_id, tuple(collections))
    assert catalog.product("beyond") is None
    assert catalog.images("theirs")[0].status == "failed"


def test_imports_of_others_are_not_there_for_it(shop: Server, tenant: TestClient) -> None:
    feed = {"feed": ("feed.csv", b"id\n1\n", "text/csv")}
    for bounds in ({}, {"collections": ["winter"]}, {"collections": ["summer", "winter"]}):
        client = stranger(shop.app)
        client.headers = bearer(shop.key("write", **bounds))
        where = client.post("/v1/imports", files=feed).headers["location"]
        assert_problem(tenant.get(where), 404)
        assert_problem(tenant.delete(where), 404)
        assert client.get(where).status_code == 200
    where = tenant.post("/v1/imports", files=feed).headers["location"]
    wider = stranger(shop.app)
    wider.headers = bearer(shop.key("write", collections=["summer", "winter"]))
    assert wider.get(where).status_code == 200
    assert tenant.delete(where).status_code == 202
