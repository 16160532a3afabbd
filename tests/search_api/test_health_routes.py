"""Health that does not lie, and metrics that do not grow."""

from __future__ import annotations

import json
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import jsonschema
import pytest

from indexer.bootstrap import Services, open_services, open_storage
from indexer.settings import Settings
from segmentation.errors import ModelDamaged
from segmentation.models import ModelKind
from tests.patience import HANGS_SECONDS, quickest
from tests.search_api.answers import RED, schema_of
from tests.search_api.conftest import Server, serve

# As many as starlette works with at once.
REQUEST_THREADS = 40


def seconds_until(server: Server, status: int) -> float:
    """How long /readyz takes to answer with this status."""
    started = time.monotonic()
    while server.client.get("/readyz").status_code != status:
        assert time.monotonic() - started < HANGS_SECONDS
        assert server.client.get("/livez").status_code == 200
        time.sleep(0.05)
    return time.monotonic() - started


def test_probes_wait_for_no_thread_that_requests_hold(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, held = threading.Event(), threading.Semaphore(0)

    def stuck(*_: object) -> None:
        held.release()
        opened.wait(2 * HANGS_SECONDS)

    monkeypatch.setattr(type(server.services.catalog), "find_key", stuck)
    with ThreadPoolExecutor(REQUEST_THREADS + 7) as callers:
        ask = partial(server.client.get, "/v1/index", headers={"Authorization": "Bearer garb_x"})
        waiting = [callers.submit(ask) for _ in range(REQUEST_THREADS + 5)]
        for _ in range(REQUEST_THREADS):
            assert held.acquire(timeout=HANGS_SECONDS)
        asking = [callers.submit(server.client.get, probe) for probe in ("/livez", "/readyz")]
        try:
            assert [asked.result(HANGS_SECONDS).status_code for asked in asking] == [200, 200]
        finally:
            opened.set()
        assert {asked.result().status_code for asked in waiting} == {401}


def test_not_ready_while_the_databases_file_is_gone(server: Server) -> None:
    answer = server.client.get("/readyz")
    assert answer.status_code == 200
    jsonschema.validate(answer.json(), schema_of(server, "ReadyOut"))
    file = server.services.settings.home / "garb.db"
    away = file.with_suffix(".away")

    def gone() -> float:
        if away.exists():
            back()
        file.rename(away)
        return seconds_until(server, 503)

    def back() -> float:
        if file.exists():
            gone()
        away.rename(file)
        return seconds_until(server, 200)

    assert quickest(gone, below=2) < 2
    answer = server.client.get("/readyz")
    jsonschema.validate(answer.json(), schema_of(server, "ReadyOut"))
    assert answer.json()["checks"]["database"] is False
    assert not file.exists()
    assert quickest(back, below=5) < 5


def test_not_ready_while_the_index_cannot_follow_a_database_that_answers(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: object, **__: object) -> int:
        raise ValueError("no number")

    assert server.client.get("/readyz").json() == {
        "ready": True,
        "checks": {"index": True, "database": True},
    }
    with monkeypatch.context() as patched:
        patched.setattr(server.services.catalog, "latest_sequence", unreadable)
        seconds_until(server, 503)
        assert server.client.get("/readyz").json()["checks"] == {"index": False, "database": True}
    seconds_until(server, 200)


def test_not_ready_while_the_database_is_frozen_and_probes_do_not_wait_for_it(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    thawed = threading.Event()
    thawed.set()
    monkeypatch.setattr(type(services.catalog), "ping", lambda self: thawed.wait(60))
    with contextmanager(serve)(services) as server:
        assert server.client.get("/readyz").status_code == 200

        def frozen() -> float:
            thawed.set()
            seconds_until(server, 200)
            thawed.clear()
            return seconds_until(server, 503)

        def back() -> float:
            thawed.clear()
            seconds_until(server, 503)
            thawed.set()
            return seconds_until(server, 200)

        assert quickest(frozen, below=2) < 2
        threads = threading.active_count()
        for _ in range(50):
            assert server.client.get("/readyz").status_code == 503
        assert threading.active_count() <= threads + 1
        assert quickest(back, below=5) < 5


def test_server_with_a_damaged_model_never_listens(tmp_path: Path) -> None:
    settings = Settings.from_env({"GARB_HOME": str(tmp_path)})
    with open_storage(settings) as storage:
        bundled = storage.models.get(ModelKind.SEGMENTER)
        copied = settings.models_dir / "segmenter" / "mine"
        shutil.copytree(bundled.folder, copied)
        card = json.loads((copied / "card.json").read_text())
        (copied / "card.json").write_text(json.dumps(card | {"version": "mine"}))
        with (copied / "model.onnx").open("r+b") as graph:
            graph.write(b"\x00")
        storage.catalog.set_active_model("segmenter", "mine")
    with pytest.raises(ModelDamaged, match="differs from its card"), open_services(settings):
        pass


def test_index_says_what_it_holds_and_how_far_behind_it_is(server: Server) -> None:
    server.put("red", RED)
    answer = server.client.get("/v1/index").json()
    jsonschema.validate(answer, schema_of(server, "IndexOut"))
    assert answer["products"] == 1
    assert answer["behind"] == 0
    assert answer["versions"]["embedder"] == "fake-embedder"


def ask_of_many_products(server: Server, requests: int) -> list[str]:
    """Requests of every method over a tenth as many ids; the series of /metrics then."""
    server.put("red", RED)
    server.search(RED)
    methods = ("GET", "DELETE", "PATCH", "PUT", "POST", "OPTIONS", "TRACE", "BREW")
    paths = ("/v1/products/{}", "/v1/products/{}/images/0", "/v1/imports/{}", "/nothing/{}")
    for number in range(requests):
        path = paths[number % len(paths)].format(number % (requests // 10))
        server.client.request(methods[number // len(paths) % len(methods)], path)
    text = server.client.get("/metrics").text
    assert 'garb_stage_seconds_count{stage="embed"} 1.0' in text
    assert 'route="unmatched"' in text
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_metrics_hold_few_series_whatever_is_asked(server: Server) -> None:
    assert len(ask_of_many_products(server, 300)) < 200


@pytest.mark.slow
def test_10000_requests_over_1000_products_leave_few_series(server: Server) -> None:
    assert len(ask_of_many_products(server, 10_000)) < 200
