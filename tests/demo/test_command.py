import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_demo_command_prints_matches_and_leaves_a_picture(tmp_path: Path) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("GARB_")
    } | {"COLUMNS": "160"}
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
    assert "44 products indexed" in finished.stdout
    picture = re.search(r"^picture: (.*)$", finished.stdout, re.MULTILINE)
    assert picture is not None
    with Image.open(picture[1]) as report:
        assert report.width > 1000
    # The drawn clothes are easier than any street: most of what is worn must come first.
    counted = re.search(r"(\d+) of (\d+) garments", " ".join(finished.stdout.split()))
    assert counted is not None
    assert int(counted[1]) >= int(counted[2]) / 2
