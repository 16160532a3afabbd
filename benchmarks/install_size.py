"""How much disk a server takes: a fresh virtual environment with `garb[cpu]`, without the trainer."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
LARGEST = 6


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        started = time.perf_counter()
        pip = [f"{folder}/bin/python", "-m", "pip", "--disable-pip-version-check", "--quiet"]
        subprocess.run([*pip, "install", f"{REPOSITORY}[cpu]"], check=True)
        seconds = time.perf_counter() - started
        (packages,) = Path(folder).glob("lib/python*/site-packages")
        sizes = {path.name: _bytes_of(path) for path in packages.iterdir()}
        largest = sorted(sizes, key=lambda name: -sizes[name])[:LARGEST]
        document = {
            "case": "server install",
            "mb": round(_bytes_of(Path(folder)) / 1e6),
            "install_s": round(seconds),
            "largest_mb": {name: round(sizes[name] / 1e6) for name in largest},
            "torch": any(name.startswith("torch") for name in sizes),
        }
    print(json.dumps(document))


def _bytes_of(path: Path) -> int:
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file() and not file.is_symlink())


if __name__ == "__main__":
    main()
