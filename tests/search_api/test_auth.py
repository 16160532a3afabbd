"""Who may enter. The matrix is built from the routes themselves."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from search_api.app import ROUTES
from search_api.auth import KeyHasher, KeyScope, Scope, new_token, open_hasher
from search_api.guarded import GuardedRoute
from tests.search_api.conftest import LOCAL, Server, assert_problem, stranger

CLOSED = [
    (method, route)
    for route in ROUTES
    if route.need.scope is not Scope.PUBLIC
    for method in sorted(route.methods)
]
NARROWER = {Scope.WRITE: "search", Scope.ADMIN: "write"}


def name_of(case: object) -> str:
    if isinstance(case, GuardedRoute):
        return case.path
    return str(case)


def path_of(route: APIRoute) -> str:
    return (
        route.path.replace("{product_id:path}", "none")
        .replace("{position:int}", "0")
        .replace("{import_id}", "none")
        .replace("{name}", "none")
    )


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_every_route_is_guarded(server: Server) -> None:
    unguarded = [route for route in server.app.routes if not isinstance(route, GuardedRoute)]
    assert [route.path for route in unguarded] == ["/openapi.json"]
    assert len(CLOSED) >= 18


@pytest.mark.parametrize(("method", "route"), CLOSED, ids=name_of)
def test_route_refuses_no_wrong_revoked_and_narrow_keys(
    server: Server, method: str, route: GuardedRoute
) -> None:
    server.key("admin")
    revoked = server.key("admin")
    newest = server.services.catalog.list_keys()[-1]
    server.services.catalog.revoke_key(newest.id)
    client = stranger(server.app)
    path = path_of(route)
    for headers in ({}, bearer(new_token()), bearer(revoked), {"Authorization": "Basic eDp5"}):
        answer = client.request(method, path, headers=headers)
        assert_problem(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")
    if route.need.scope in NARROWER:
        narrow = server.key(NARROWER[route.need.scope])
        assert_problem(client.request(method, path, headers=bearer(narrow)), 403)
    enough = server.key(
        "search" if route.need.scope <= Scope.SEARCH else route.need.scope.name.lower()
    )
    answer = client.request(method, path, headers=bearer(enough))
    assert answer.status_code not in (401, 403), answer.text


@pytest.mark.parametrize(("method", "route"), CLOSED, ids=name_of)
def test_without_keys_only_this_machine_is_answered(
    server: Server, method: str, route: GuardedRoute
) -> None:
    body = assert_problem(stranger(server.app).request(method, path_of(route)), 403)
    assert "garb key create" in body["detail"]
    assert server.client.request(method, path_of(route)).status_code not in (401, 403)


def test_public_routes_need_nothing(server: Server) -> None:
    server.key("admin")
    client = stranger(server.app)
    for path in ("/livez", "/readyz", "/", "/docs", "/openapi.json", "/static/app.js"):
        assert client.get(path).status_code == 200


def test_metrics_are_open_on_this_machine_and_to_any_key(server: Server) -> None:
    token = server.key("search")
    assert server.client.get("/metrics").status_code == 200
    assert_problem(stranger(server.app).get("/metrics"), 401)
    assert stranger(server.app).get("/metrics", headers=bearer(token)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
        {"Host": "rebound.example"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Host": "["},
        {"Origin": "["},
        {"Origin": "http://["},
    ],
)
def test_caller_through_a_proxy_or_another_site_is_no_local_one(
    server: Server, headers: dict[str, str]
) -> None:
    assert_problem(server.client.get("/v1/index", headers=headers), 403)


def test_own_page_and_ipv6_are_local(server: Server) -> None:
    own = {"Origin": "http://127.0.0.1:8000"}
    assert server.client.get("/v1/index", headers=own).status_code == 200
    six = TestClient(server.app, base_url="http://[::1]:8000", client=("::1", 1))
    assert six.get("/v1/index").status_code == 200


def test_revoking_the_last_key_does_not_open_the_server(server: Server) -> None:
    server.key("search")
    server.services.catalog.revoke_key(server.services.catalog.list_keys()[0].id)
    assert_problem(server.client.get("/v1/index"), 401)


def test_key_is_stored_only_as_a_keyed_hash(server: Server) -> None:
    token = server.key("search")
    (row,) = server.services.catalog.list_keys()
    assert token not in str(row)
    assert KeyHasher(b"another secret").hash(token) != row.key_hash
    assert len(token) > 40


def test_every_scope_of_a_key_is_one_that_an_address_may_need() -> None:
    named = [Scope.named(scope.value) for scope in KeyScope]
    assert named == [scope for scope in Scope if scope >= Scope.SEARCH]


def test_secret_is_readable_by_its_owner_only_and_stays(tmp_path: Path) -> None:
    first = open_hasher(tmp_path / "home").hash("x")
    (secret,) = (tmp_path / "home").iterdir()
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert open_hasher(tmp_path / "home").hash("x") == first


def test_draft_of_a_secret_that_a_crash_left_does_not_keep_the_server_from_starting(
    tmp_path: Path,
) -> None:
    (tmp_path / f"key-secret.{os.getpid()}").write_bytes(b"half")
    first = open_hasher(tmp_path).hash("x")
    assert open_hasher(tmp_path).hash("x") == first


def test_key_is_asked_for_before_the_body_is_read(server: Server) -> None:
    server.key("admin")
    client = TestClient(server.app, client=LOCAL, raise_server_exceptions=False)
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert_problem(client.post("/v1/search", content=b"nonsense", headers=headers), 401)
    headers = {"Content-Type": "application/json"}
    assert_problem(client.put("/v1/products/a", content=b"nonsense", headers=headers), 401)
