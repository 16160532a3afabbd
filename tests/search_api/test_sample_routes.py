"""Photos to try: those of the folder, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from indexer.bootstrap import Services
from tests.fakes import fake_jpeg
from tests.search_api.answers import RED, schema_of
from tests.search_api.conftest import Server, assert_problem, serve


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photos, and what is none of the samples."""
    folder = tmp_path / "samples"
    (folder / "inner.jpg").mkdir(parents=True)
    (folder / "b.jpg").write_bytes(fake_jpeg(RED))
    (folder / "a sum of 50%, é#1.JPEG").write_bytes(fake_jpeg(RED))
    (folder / "notes.txt").write_text("no photo")
    (folder / ".hidden.jpg").write_bytes(fake_jpeg(RED))
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    return folder


@pytest.fixture
def offering(services: Services, folder: Path) -> Iterator[Server]:
    settings = replace(services.settings, samples_dir=folder)
    yield from serve(replace(services, settings=settings))


def test_samples_are_listed_by_name_and_answered_as_jpeg(offering: Server) -> None:
    answer = offering.client.get("/v1/samples")
    assert answer.status_code == 200
    jsonschema.validate(answer.json(), schema_of(offering, "SamplesOut"))
    samples = answer.json()["samples"]
    assert [sample["name"] for sample in samples] == ["a sum of 50%, é#1.JPEG", "b.jpg"]
    assert samples[1]["image"] == "/v1/samples/b.jpg"
    for sample in samples:
        photo = offering.client.get(sample["image"])
        assert photo.status_code == 200
        assert photo.headers["content-type"] == "image/jpeg"
        assert photo.content == fake_jpeg(RED)
        assert "private" in photo.headers["cache-control"]


@pytest.mark.parametrize(
    "name",
    [
        "c.jpg",
        "inner.jpg",
        "notes.txt",
        ".hidden.jpg",
        "..%2Fsecret.jpg",
        "%2E%2E%2Fsecret.jpg",
        "..%5Csecret.jpg",
        "b.jpg%00",
        "b.jpg%2F",
        "%ED%A0%80.jpg",
    ],
)
def test_nothing_but_the_samples_is_answered(offering: Server, name: str) -> None:
    assert_problem(offering.client.get(f"/v1/samples/{name}"), 404)


def test_there_are_no_samples_where_no_folder_is_named(server: Server) -> None:
    assert server.client.get("/v1/samples").json() == {"samples": []}
    assert_problem(server.client.get("/v1/samples/b.jpg"), 404)


def test_folder_that_is_gone_offers_nothing(offering: Server, folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))
    assert offering.client.get("/v1/samples").json() == {"samples": []}
    assert_problem(offering.client.get("/v1/samples/b.jpg"), 404)


def test_name_that_is_no_text_is_left_out(offering: Server, folder: Path) -> None:
    (folder / "bad\udcff.jpg").write_bytes(fake_jpeg(RED))
    names = [one["name"] for one in offering.client.get("/v1/samples").json()["samples"]]
    assert "b.jpg" in names
    assert len(names) == 2
