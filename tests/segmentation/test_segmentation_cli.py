"""The segmentation commands as a user meets them: exit codes and one-line reasons."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def garb(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "search_api", *arguments],
        env={**os.environ, "GARB_HOME": str(home)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_extending_classes_is_refused_in_one_line(tmp_path: Path) -> None:
    ran = garb(
        tmp_path, "segmenter", "train", "a.json", "--photos", str(tmp_path), "--classes", "extend"
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith("garb: --classes extend is not supported")
    assert ran.stderr.count("\n") == 1


def test_missing_annotations_exit_1_and_wrong_usage_2(tmp_path: Path) -> None:
    missing = garb(tmp_path, "segmenter", "evaluate", "none.json", "--photos", str(tmp_path))
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "none.json" in missing.stderr
    assert garb(tmp_path, "segmenter", "evaluate").returncode == 2


@pytest.mark.parametrize("kind", ["segmenter", "parser", "embedder"])
def test_bundled_version_is_listed_as_active(kind: str, tmp_path: Path) -> None:
    (only,) = json.loads(garb(tmp_path, kind, "list", "--json").stdout)
    assert only["active"]
    assert only["figures"]
