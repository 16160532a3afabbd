"""Feeds by HTTP, as background jobs."""

from __future__ import annotations

import fcntl
import os
from typing import Any

import jsonschema
import pytest

from indexer.bootstrap import Services
from indexer.errors import CatalogError
from search_api.routes.imports import import_json
from tests.fakes import fake_jpeg
from tests.patience import HANGS_SECONDS, wait_until
from tests.search_api.answers import BLUE, RED, schema_of
from tests.search_api.conftest import Server, assert_problem, serve

ROWS = 40
ENDED = ("done", "failed", "cancelled", "interrupted")


def send(server: Server, text: str, name: str = "feed.csv", **fields: str) -> Any:
    files = {"feed": (name, text.encode(), "text/csv")}
    return server.client.post("/v1/imports", files=files, data=fields)


def wait(server: Server, answer: Any) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    jsonschema.validate(answer.json(), schema_of(server, "ImportOut"))
    address = answer.headers["location"]
    wait_until(lambda: server.client.get(address).json()["state"] in ENDED)
    job = server.client.get(address).json()
    jsonschema.validate(job, schema_of(server, "ImportOut"))
    return dict(job)


def settle(server: Server) -> None:
    """Until what the start queued, and what that queued, is done: it is one thread's."""
    for _ in range(2):
        server.app.state.garb.imports._executor.submit(int).result(HANGS_SECONDS)


def test_feed_becomes_products_and_errors_name_their_lines(server: Server) -> None:
    folder = server.services.settings.home / "feed-images"
    folder.mkdir()
    (folder / "red.jpg").write_bytes(fake_jpeg(RED))
    (folder / "broken.jpg").write_bytes(b"nothing")
    feed = "id,title,category,image\n1,Red,dress,red.jpg\n2,Broken,dress,broken.jpg\n,None,x,\n"
    job = wait(server, send(server, feed))
    assert job["state"] == "done"
    assert [error["line"] for error in job["errors"]] == [3, 4]
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


def test_imports_cut_off_by_a_shutdown_go_on_when_the_server_starts_again(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = services.settings.home / "feed-images"
    folder.mkdir()
    for number in range(ROWS):
        (folder / f"{number}.jpg").write_bytes(fake_jpeg((200 - number, 20, 20)))
    rows = [f"{number},,{number}.jpg\n" for number in range(ROWS)]
    parse = services.photo_parser.parse

    def held_parse(*arguments: Any, **options: Any) -> Any:
        if services.photo_parser.photos_parsed >= 5:
            wait_until(lambda: imports._closing)
        return parse(*arguments, **options)

    monkeypatch.setattr(services.photo_parser, "parse", held_parse)
    for server in serve(services):
        imports = server.app.state.garb.imports
        feed = "id,title,image\n" + "".join(rows)
        running = send(server, feed)
        queued = [send(server, feed, format="csv"), send(server, "id\nx\n")]
        server.client.delete(queued[-1].headers["location"])
        wait_until(lambda: services.photo_parser.photos_parsed >= 5)
        assert server.client.get(queued[0].headers["location"]).json()["percent"] == 0
    jobs = [services.catalog.get_import(one.json()["id"]) for one in (running, *queued)]
    assert [job.state for job in jobs if job] == ["waiting"] * 3
    before = services.catalog.product_count()
    assert before < ROWS
    percents = [import_json(job)["percent"] for job in jobs if job]
    assert percents == [100 * before // ROWS, 0, 0]
    for server in serve(services):
        first, second, last = (wait(server, one) for one in (running, *queued))
        assert first["counts"]["unchanged"] == before
        assert first["counts"]["new"] == ROWS - before
        assert second["counts"]["unchanged"] == ROWS
        assert [one["state"] for one in (first, second, last)] == ["done", "done", "cancelled"]
        assert server.client.get("/v1/index").json()["products"] == ROWS
    assert list((services.settings.home / "imports").iterdir()) == []


def test_import_that_another_process_runs_is_left_to_it(services: Services) -> None:
    folder = services.settings.home / "imports"
    folder.mkdir()
    feed = folder / "a.csv"
    feed.write_text("id\n1\n")
    job = services.catalog.create_import(feed.name, state="running")
    with feed.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        for server in serve(services):
            settle(server)
    stored = services.catalog.get_import(job.id)
    assert stored is not None
    assert stored.state == "running"
    assert feed.exists()


def test_only_feeds_that_nobody_will_import_are_swept(services: Services) -> None:
    folder = services.settings.home / "imports"
    folder.mkdir()
    for name in ("uploading.csv", "abandoned.csv", "ended.csv"):
        (folder / name).write_text("id\n1\n")
    os.utime(folder / "abandoned.csv", (0, 0))
    services.catalog.create_import("ended.csv", state="done")
    for server in serve(services):
        settle(server)
    assert [path.name for path in folder.iterdir()] == ["uploading.csv"]
    assert services.catalog.product_count() == 0


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


def test_photo_that_is_not_there_is_told_with_the_folder_by_the_name_its_sender_knows(
    server: Server,
) -> None:
    job = wait(server, send(server, "id,image\n1,red.jpg\n2,../red.jpg\n"))
    assert [error["reason"] for error in job["errors"]] == [
        "no such file in feed-images",
        "the image lies outside feed-images",
    ]
    assert str(server.services.settings.home) not in str(job)


def test_body_that_is_no_form_is_told_the_name_of_the_part(server: Server) -> None:
    answer = server.client.post("/v1/imports", content=b"id\n1\n")
    body = assert_problem(answer, 415)
    assert "a part named 'feed'" in body["detail"]


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
