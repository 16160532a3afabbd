"""Product photos a second of an import, decoding to stored vectors, into a fresh catalog."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from indexer.bootstrap import open_services
from indexer.feeds.open import open_feed
from indexer.ingest.report import ImportReport
from indexer.ingest.runner import import_feed
from indexer.settings import Settings
from wardrobe.draw import draw_wardrobe


@dataclass(frozen=True, slots=True)
class Imported:
    """``seconds``: the import alone; models were loaded before."""

    report: ImportReport
    seconds: float


def import_products(feed: Path, settings: Settings) -> Imported:
    """Import a feed into the catalog that ``settings`` name."""
    with open_services(settings) as services:
        started = time.perf_counter()
        mapper = services.mapper()
        report = import_feed(open_feed(feed), catalog=services.catalog, mapper=mapper)
        return Imported(report, time.perf_counter() - started)


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
        "threads": settings.threads,
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
