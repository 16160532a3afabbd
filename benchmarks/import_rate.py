"""Product photos a second of an import, decoding to stored vectors, into a fresh catalog.

``cpu_s_a_product`` tells it of a machine that does other work too: cores ÷ it is the rate of an idle
one. ``resident_mb`` by products done, and ``mb_a_thousand_products``, the slope of its second half,
tell whether memory grows with the catalog.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from indexer.bootstrap import open_services
from indexer.feeds.open import open_feed
from indexer.ingest.report import ImportReport, Tally
from indexer.ingest.runner import import_feed
from indexer.settings import Settings
from wardrobe.draw import draw_wardrobe

MEMORY_MARKS = 5


@dataclass(frozen=True, slots=True)
class Imported:
    """``seconds``, ``cpu_seconds``: the import alone; models were loaded before.

    ``resident_mb``: by how many products were done.
    """

    report: ImportReport
    seconds: float
    cpu_seconds: float
    resident_mb: dict[int, int]


def import_products(feed: Path, settings: Settings) -> Imported:
    """Import a feed into the catalog that ``settings`` name."""
    resident: dict[int, int] = {}
    process = psutil.Process()

    def look(tally: Tally) -> None:
        resident[tally.done] = round(process.memory_info().rss / 1e6)

    with open_services(settings) as services:
        started, used = time.perf_counter(), time.process_time()
        mapper = services.mapper()
        report = import_feed(
            open_feed(feed), catalog=services.catalog, mapper=mapper, on_progress=look
        )
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - used
        return Imported(report, seconds, cpu_seconds, resident)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feed", type=Path, help="a feed; one is drawn without it")
    parser.add_argument("--products", type=int, default=110, help="how many products are drawn")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        feed = arguments.feed
        if feed is None:
            shop = Path(folder) / "shop"
            feed = draw_wardrobe(shop, products=arguments.products, photos=0, seed=1).products
        settings = Settings.from_env({"GARB_HOME": str(Path(folder) / "home")})
        done = import_products(feed, settings)
    document = {
        "case": "import",
        "products": done.report.read,
        "indexed": done.report.indexed,
        "seconds": round(done.seconds, 2),
        "products_per_second": round(done.report.read / done.seconds, 2),
        "cpu_s_a_product": round(done.cpu_seconds / done.report.read, 3),
        "threads": settings.threads,
        "resident_mb": _marks(done.resident_mb),
        "mb_a_thousand_products": _growth(done.resident_mb),
    }
    print(json.dumps(document))


def _marks(resident_mb: dict[int, int]) -> dict[int, int]:
    """A few of them, evenly spread, the last one among them."""
    counts = sorted(resident_mb)
    step = max(1, len(counts) // MEMORY_MARKS)
    return {count: resident_mb[count] for count in counts[::-step][MEMORY_MARKS - 1 :: -1]}


def _growth(resident_mb: dict[int, int]) -> float | None:
    """MB a thousand products, over the second half: in the first, buffers reach their sizes."""
    counts = sorted(resident_mb)
    counts = [count for count in counts if count >= counts[-1] / 2]
    if len(counts) < 2:
        return None
    slope, _ = np.polyfit(counts, [resident_mb[count] for count in counts], 1)
    return round(1000 * float(slope), 1)


if __name__ == "__main__":
    main()
