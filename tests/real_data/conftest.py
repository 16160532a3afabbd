"""The bundled models on real photos, through the installed command."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PRODUCTS_A_CATEGORY = 5


@dataclass(frozen=True)
class Shop:
    """A home with an indexed part of the real catalog."""

    home: Path
    feed: Path
    images: Path
    products: int

    def garb(self, *arguments: str, expect: int = 0) -> Any:
        """Run a command with ``--json``; its document."""
        ran = run_garb(self.home, *arguments, "--json")
        assert ran.returncode == expect, ran.stderr
        return json.loads(ran.stdout)

    def run_import(self, feed: Path | None = None) -> Any:
        return self.garb("catalog", "import", str(feed or self.feed), "--images", str(self.images))


def run_garb(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`garb` as a user starts it."""
    return subprocess.run(
        [sys.executable, "-m", "search_api", *arguments],
        env={**os.environ, "GARB_HOME": str(home)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


def part_of_catalog(garb_data: Path, feed: Path, *, a_category: int) -> int:
    """Write a feed of the first products of each category; how many."""
    taken: Counter[str] = Counter()
    with (garb_data / "catalog" / "products.csv").open(newline="") as whole, feed.open("w") as part:
        reader = csv.DictReader(whole)
        writer = csv.DictWriter(part, reader.fieldnames or ())
        writer.writeheader()
        for row in reader:
            taken[row["category"]] += 1
            if taken[row["category"]] <= a_category:
                writer.writerow(row)
    return sum(min(count, a_category) for count in taken.values())


@pytest.fixture(scope="session")
def shop(garb_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    home = tmp_path_factory.mktemp("shop")
    feed = home / "products.csv"
    products = part_of_catalog(garb_data, feed, a_category=PRODUCTS_A_CATEGORY)
    shop = Shop(home, feed, garb_data / "catalog", products)
    report = shop.run_import()
    assert (report["read"], report["indexed"], report["failed"]) == (products, products, 0)
    return shop
