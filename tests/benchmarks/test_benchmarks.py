import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.stages import medians

ROOT = Path(__file__).resolve().parents[2]


def lines_of(module: str, *options: str) -> list[dict[str, Any]]:
    finished = subprocess.run(
        [sys.executable, "-m", module, *options],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    return [json.loads(line) for line in finished.stdout.splitlines()]


def test_median_leaves_out_the_first_run() -> None:
    times = iter((100.0, 3.0, 1.0, 2.0))
    assert medians(lambda: {"total": next(times)}, 3) == {"total": 2.0}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_import_rate_prints_one_line() -> None:
    (line,) = lines_of("benchmarks.import_rate", "--products", "11")
    assert line["products"] == line["indexed"] == 11
    assert line["products_per_second"] > 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_stages_print_garb_the_peer_and_their_ratio() -> None:
    garb, peer, ratio = lines_of("benchmarks.stages", "--n", "3")
    assert [line["case"] for line in (garb, peer, ratio)] == ["garb", "peer", "ratio"]
    assert {"decode", "segment", "parse", "embed", "search"} <= garb["stages_ms"].keys()
    assert ratio["peer_over_garb"] > 1
