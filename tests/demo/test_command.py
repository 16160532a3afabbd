import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_demo_command_prints_matches_and_leaves_a_report(tmp_path: Path) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("GARB_")
    } | {"COLUMNS": "80"}
    root = Path(__file__).resolve().parents[2]
    finished = subprocess.run(
        [sys.executable, "-m", "search_api", "demo"],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert "120 products indexed" in finished.stdout
    report = re.search(r"^report  (.*)$", finished.stdout, re.MULTILINE)
    assert report is not None
    html = Path(report[1]).read_text("utf-8")
    assert html.count("<section") == 6
    assert len(html) < 5_000_000
    assert re.search(r"^page    .*demo --serve, then http://127.0.0.1:8000$", finished.stdout, re.M)
    for line in finished.stdout.splitlines():
        assert len(line) <= 80 or line.startswith("report")
    counted = re.search(r"(\d+) of (\d+) garments", finished.stdout)
    assert counted is not None
    assert int(counted[2]) >= 18
    # 19 of 21 with the bundled models; another processor's rounding may move one or two.
    assert int(counted[1]) >= 16
