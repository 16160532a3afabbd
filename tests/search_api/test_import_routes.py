"""Feeds by HTTP, as background jobs."""

from __future__ import annotations

import time
from typing import Any

import jsonschema
import pytest

from indexer.errors import CatalogError
from tests.fakes import fake_jpeg
from tests.search_api.conftest import Server, assert_problem
from tests.search_api.test_search_routes import BLUE, RED, schema_of

ENDED = ("done", "failed", "cancelled", "interrupted")


def send(server: Server, text: str, name: str = "feed.csv", **fields: str) -> Any:
    files = {"feed": (name, text.encode(), "text/csv")}
    return server.client.post("/v1/imports", files=files, data=fields)


def wait(server: Server, answer: Any) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    jsonschema.validate(answer.json(), schema_of(server, "ImportOut"))
    for _ in range(200):
        job = server.client.get(answer.headers["location"]).json()
        if job["state"] in ENDED:
            jsonschema.validate(job, schema_of(server, "ImportOut"))
            return dict(job)
        time.sleep(0.05)
    raise AssertionError("the import does not end")


def test_feed_becomes_products_and_errors_name_their_lines(server: Server) -> None:
    folder = server.services.settings.home / "feed-images"
    folder.mkdir()
    (folder / "red.jpg").write_bytes(fake_jpeg(RED))
    (folder / "broken.jpg").write_bytes(b"nothing")
    feed = "id,title,category,image\n1,Red,dress,red.jpg\n2,Broken,dress,broken.jpg\n,None,x,\n"
    job = wait(server, send(server, feed))
    assert job["state"] == "done"
    assert sorted(error["line"] for error in job["errors"]) == [3, 4]
    answer = server.search(RED).json()
    assert [match["product"]["id"] for match in answer["garments"][0]["matches"]] == ["1"]


def test_feed_that_cannot_be_queued_leaves_no_file(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise CatalogError("the database does not answer")

    monkeypatch.setattr(type(server.services.catalog), "create_import", away)
    assert send(server, "id\n1\n").status_code >= 500
    assert list((server.services.settings.home / "imports").iterdir()) == []


def test_feed_reads_no_file_outside_its_folder(server: Server) -> None:
    home = server.services.settings.home
    (home / "secret.jpg").write_bytes(fake_jpeg(BLUE))
    feed = f"id,title,image\n1,a,../secret.jpg\n2,b,{home / 'secret.jpg'}\n"
    job = wait(server, send(server, feed))
    assert len(job["errors"]) == 2
    assert server.search(BLUE).json()["garments"][0]["matches"] == []


def test_feed_that_cannot_be_read_fails_without_naming_the_servers_folders(server: Server) -> None:
    job = wait(server, send(server, "no,columns\n1,2\n"))
    assert job["state"] == "failed"
    assert str(server.services.settings.home) not in str(job)


def test_import_can_be_cancelled_and_unknown_ones_are_not_found(server: Server) -> None:
    job = server.services.catalog.create_import("waiting")
    cancelled = server.client.delete(f"/v1/imports/{job.id}")
    assert cancelled.status_code == 202
    stored = server.services.catalog.get_import(job.id)
    assert stored is not None
    assert stored.cancel_requested
    assert_problem(server.client.get("/v1/imports/none"), 404)
    assert_problem(server.client.delete("/v1/imports/none"), 404)


def test_form_without_a_feed_is_refused(server: Server) -> None:
    answer = server.client.post("/v1/imports", files={"photo": ("a", b"x")})
    assert_problem(answer, 422)
    assert_problem(send(server, "id\n1\n", format="word"), 422)
