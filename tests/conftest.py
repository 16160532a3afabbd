"""What every test may use: the real photos where they are, and one thread a library."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Set before numpy is imported: timings and results should not hang on the number of cores.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")


def _data_folder() -> Path | None:
    value = os.environ.get("GARB_DATA")
    return Path(value) if value else None


@pytest.fixture(scope="session")
def garb_data() -> Path:
    """The folder of real photos named by GARB_DATA: ``street/`` and ``catalog/``."""
    folder = _data_folder()
    if folder is None:
        pytest.skip("GARB_DATA is not set")
    assert folder.is_dir(), f"GARB_DATA names no folder: {folder}"
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    without_data = pytest.mark.skip(reason="GARB_DATA is not set")
    for item in items:
        if item.get_closest_marker("real_data") and _data_folder() is None:
            item.add_marker(without_data)
        if "postgres" in item.name:
            item.add_marker(pytest.mark.postgres)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
    """Fail a skipped test whose marker GARB_REQUIRE names, so that CI cannot pass by skipping."""
    report = yield
    required = os.environ.get("GARB_REQUIRE", "").split(",")
    skipped = report.skipped and not hasattr(report, "wasxfail")
    if skipped and any(item.get_closest_marker(name) for name in required if name):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and GARB_REQUIRE forbids it: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[Any]:
    """Fail a module that skips itself whole (importorskip): which markers it has is not known."""
    report = yield
    if report.skipped and os.environ.get("GARB_REQUIRE"):
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped whole, and GARB_REQUIRE is set"
    return report
