"""Product photos a second of an import, decoding to stored vectors, into a fresh catalog.

``cpu_s_a_product`` tells it of a machine that does other work too: cores ÷ it is the rate of an idle
one. ``resident_mb`` by products done, and ``mb_a_thousand_products``, the slope of its second half,
tell whether memory grows with the catalog. ``--pictures`` lets many products share few pictures, so
that a long import needs little drawing: everything else is done for each of them.
"""

from __future__ import annotations

import argparse
import csv
import itertools
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
from segmentation.execution import Profile
from wardrobe.draw import draw_wardrobe

MEMORY_MARKS = 5
MARKED_AT_LEAST = 1000


@dataclass(frozen=True, slots=True)
class Imported:
    """``seconds``, ``cpu_seconds``: the import alone; models were loaded before.

    ``resident_mb``: of this process by how many products were done; ``children_mb``: of all that it
    started, at most.
    """

    report: ImportReport
    seconds: float
    cpu_seconds: float
    resident_mb: dict[int, float]
    children_mb: float


def import_products(feed: Path, settings: Settings) -> Imported:
    """Import a feed into the catalog that ``settings`` name."""
    resident: dict[int, float] = {}
    of_children = [0.0]
    process = psutil.Process()

    def look(tally: Tally) -> None:
        if tally.done in resident:
            return
        resident[tally.done] = process.memory_info().rss / 1e6
        of_children.append(sum(child.memory_info().rss for child in process.children()) / 1e6)

    with open_services(settings) as services:
        started, used = time.perf_counter(), time.process_time()
        mapper = services.mapper()
        report = import_feed(
            open_feed(feed), catalog=services.catalog, mapper=mapper, on_progress=look
        )
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - used
        return Imported(report, seconds, cpu_seconds, resident, max(of_children))


def shared_out(feed: Path, products: int) -> Path:
    """A feed of so many products, which show the pictures of ``feed``'s in turn."""
    with feed.open(encoding="utf-8", newline="") as file:
        drawn = list(csv.DictReader(file))
    path = feed.with_name("shared_out.csv")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, drawn[0].keys())
        writer.writeheader()
        for number, row in enumerate(itertools.islice(itertools.cycle(drawn), products)):
            writer.writerow({**row, "id": f"{row['id']}-{number}"})
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feed", type=Path, help="a feed; one is drawn without it")
    parser.add_argument("--products", type=int, default=110, help="how many are imported")
    parser.add_argument("--pictures", type=int, help="products drawn; default: all of them")
    parser.add_argument("--profile", type=Profile, choices=list(Profile), default=Profile.DEFAULT)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        feed = arguments.feed
        if feed is None:
            shop = Path(folder) / "shop"
            drawn = arguments.pictures or arguments.products
            feed = draw_wardrobe(shop, products=drawn, photos=0, seed=1).products
            if drawn < arguments.products:
                feed = shared_out(feed, arguments.products)
        settings = Settings.from_env(
            {"GARB_HOME": str(Path(folder) / "home"), "GARB_PROFILE": arguments.profile}
        ).for_many_photos()
        done = import_products(feed, settings)
    document = {
        "case": "import",
        "products": done.report.read,
        "indexed": done.report.indexed,
        "seconds": round(done.seconds, 2),
        "products_per_second": round(done.report.read / done.seconds, 2),
        "cpu_s_a_product": round(done.cpu_seconds / done.report.read, 3),
        "profile": settings.profile,
        "threads": settings.threads,
        "resident_mb": _marks(done.resident_mb),
        "children_mb": round(done.children_mb),
        "mb_a_thousand_products": growth(done.resident_mb),
    }
    print(json.dumps(document))


def _marks(resident_mb: dict[int, float]) -> dict[int, int]:
    """A few of them or one a thousand products, evenly spread, the last one among them."""
    last = max(resident_mb)
    step = min(MARKED_AT_LEAST, last / MEMORY_MARKS)
    wanted = (last - step * number for number in range(int(last / step)))
    chosen = {min(resident_mb, key=lambda count: abs(count - at)) for at in wanted}
    return {count: round(resident_mb[count]) for count in sorted(chosen)}


def growth(resident_mb: dict[int, float]) -> dict[str, float] | None:
    """MB a thousand products over the second half, with its standard error.

    In the first half buffers reach their sizes. None of fewer than four figures.
    """
    counts = [count for count in sorted(resident_mb) if count >= max(resident_mb) / 2]
    if len(counts) < 4:
        return None
    line = np.polynomial.Polynomial.fit(counts, [resident_mb[c] for c in counts], 1).convert()
    slope = line.coef[1] if len(line.coef) > 1 else 0.0
    beside = np.array([resident_mb[count] - line(count) for count in counts])
    spread = np.sqrt((beside @ beside) / (len(counts) - 2))
    error = spread / (np.std(counts) * np.sqrt(len(counts)))
    return {"slope": round(1000 * float(slope), 2), "error": round(1000 * float(error), 2)}


if __name__ == "__main__":
    main()
