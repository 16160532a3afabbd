from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.many_vectors import QUERIES, grow
from benchmarks.report import BUSY, SECTIONS, Run, _page
from tests.benchmarks.test_benchmarks import lines_of
from tests.indexer.memory_catalog import unit

DIMENSION = 24


def _embedded(count: int) -> npt.NDArray[np.float32]:
    """Vectors on a surface of few dimensions, as an embedder's are."""
    rng = np.random.default_rng(2)
    near = unit(rng, 20, DIMENSION)[rng.integers(20, size=count)]
    near = near + 0.5 * rng.normal(size=(count, 4)) @ unit(rng, 4, DIMENSION)
    return np.asarray(near / np.linalg.norm(near, axis=1, keepdims=True), np.float32)


def test_grown_vectors_are_as_near_to_each_other_as_those_they_come_from() -> None:
    embedded = _embedded(QUERIES + 600)
    grown = grow(embedded, 5_000)
    assert grown.vectors.shape == (5_000, DIMENSION)
    np.testing.assert_allclose(
        np.linalg.norm(grown.vectors.astype(np.float32), axis=1), 1, atol=2e-3
    )
    assert grown.near_grown == pytest.approx(grown.near_own, abs=0.01)
    assert grown.spread_grown == pytest.approx(grown.spread_own, rel=0.5)


def test_nothing_is_grown_from_a_query() -> None:
    grown = grow(_embedded(QUERIES + 600), 5_000)
    copies = (grown.queries @ grown.vectors.astype(np.float32).T).max(axis=1) > 1 - 1e-4
    assert copies.mean() < 0.05


def test_the_page_names_every_command_and_how_busy_the_machine_was() -> None:
    lines = ({"case": "one", "ms": 1.5, "filters": {"1%": {"ms": 2}}},)
    runs = {s: Run(s.command, "2026-01-01 00:00 UTC", 60, 0.1, 1.7, lines) for s in SECTIONS}
    page = _page(runs)
    for section in SECTIONS:
        assert f"\n{section.command}\n" in page
    assert "| one | ms 1.5 · filters (1% (ms 2)) |" in page
    assert "load average 0.1 before and 1.7 after" in page
    assert BUSY not in page
    busy = {s: replace(run, load_before=1_000) for s, run in runs.items()}
    assert BUSY in _page(busy)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_vector_case_prints_a_line(tmp_path: Path) -> None:
    np.save(tmp_path / "seeds.npy", _embedded(QUERIES + 600))
    options = ("--count", "12000", "--seeds", str(tmp_path / "seeds.npy"))
    cases = "garb,garb_opened,ivf_flat_fp16,flat_fp16,numpy"
    made, *lines = lines_of("benchmarks.vectors", *options, "--cases", cases)
    assert made["count"] == 12_000
    assert [line["case"] for line in lines] == [f"vectors: {case}" for case in cases.split(",")]
    garb = lines[0]
    assert garb["recall_at_10"] >= 0.95
    assert garb["filters"]["1%"]["recall_at_10"] == 1
    assert garb["change_answers_while_merging_max_s"] < 5
    assert json.dumps(lines)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_serving_prints_its_cases() -> None:
    options = ("--products", "500", "--clients", "2", "--seconds", "5")
    lines = lines_of("benchmarks.serving", *options)
    names = ("start-up from rows", "start-up from a snapshot", "changes", "load")
    assert [line["case"] for line in lines] == [f"serving: {name}" for name in names]
    assert set(lines[-1]["answers"]) <= {"200", "503"}
    assert lines[-1]["requests_per_second"] > 0
