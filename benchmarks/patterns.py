"""How often the pattern of a garment is told right, as it is served, with the confusion matrix.

Real garments of photos that nothing learned from (their names end in 7), labelled by eye: of street
photos and of product photos; and drawn products. ``confusion``: {truth: {told: how many}}.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks.pattern_data import drawn_samples, read_labels
from indexer.bootstrap import load_models, open_storage
from indexer.garment_choice import choose_garments
from indexer.settings import Settings
from segmentation.cutout import cut_out
from segmentation.execution import Execution
from segmentation.garment import Cutout
from segmentation.labels import category_of
from segmentation.pattern import CLASSES, OTHER, PatternTagger
from segmentation.photo import read_photo
from segmentation.product_photo import choose_product_garment
from segmentation.segmenter import PhotoParser

Truth = tuple[Cutout, str]


def street_garments(parser: PhotoParser, data: Path) -> Iterator[Truth]:
    """Labelled garments of street photos, as far as the segmenter finds them."""
    by_photo: dict[str, dict[str, str]] = {}
    for (name, category), pattern in read_labels(validation=True).items():
        if name.startswith("street/"):
            by_photo.setdefault(name, {})[category] = pattern
    for name, patterns in by_photo.items():
        photo = read_photo(data / name)
        parsed = parser.parse(photo)
        for category, pattern in patterns.items():
            garment = choose_garments(parsed, category=category, box=None)[0]
            if category_of(garment.category) == category:
                yield cut_out(photo, garment), pattern


def product_garments(parser: PhotoParser, data: Path) -> Iterator[Truth]:
    """Labelled product photos, cut as an import cuts them."""
    for (name, category), pattern in read_labels(validation=True).items():
        if name.startswith("catalog/"):
            photo = read_photo(data / name)
            garment, _ = choose_product_garment(parser.parse(photo, expected=category), category)
            yield cut_out(photo, garment), pattern


def drawn_garments(count: int, seed: int) -> Iterator[Truth]:
    """Drawn products of another seed than those that were learned from."""
    for sample in drawn_samples(count, seed):
        yield sample.cutout, CLASSES[sample.pattern]


def measure(tagger: PatternTagger, garments: Iterable[Truth]) -> dict[str, object]:
    """Accuracy, recall and precision of each pattern, and the confusion matrix."""
    pairs: Counter[tuple[str, str]] = Counter()
    seconds = 0.0
    for cutout, pattern in garments:
        started = time.perf_counter()
        told = tagger.patterns_of([cutout])[0] or OTHER
        seconds += time.perf_counter() - started
        pairs[pattern, told] += 1
    total = sum(pairs.values())
    right = sum(count for (truth, told), count in pairs.items() if truth == told)
    # Of two kinds alone: is anything on the cloth?
    any_right = sum(
        count for (truth, told), count in pairs.items() if (truth == "plain") == (told == "plain")
    )
    return {
        "garments": total,
        "accuracy": round(right / max(1, total), 3),
        "plain_or_not": round(any_right / max(1, total), 3),
        "ms": round(seconds / max(1, total) * 1000, 1),
        "confusion": _confusion(pairs, CLASSES),
    }


def _confusion(pairs: Counter[tuple[str, str]], names: Sequence[str]) -> dict[str, dict[str, int]]:
    rows = {
        truth: {told: pairs[truth, told] for told in names if pairs[truth, told]} for truth in names
    }
    return {truth: row for truth, row in rows.items() if row}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("GARB_DATA"))
    parser.add_argument("--model", type=Path, help="a folder of `benchmarks.train_patterns`")
    parser.add_argument("--drawn", type=int, default=200)
    parser.add_argument("--seed", type=int, default=77)
    arguments = parser.parse_args()
    tagger = PatternTagger(Execution(threads=1), folder=arguments.model)
    cases = {"drawn": drawn_garments(arguments.drawn, arguments.seed)}
    with tempfile.TemporaryDirectory() as home:
        if arguments.data is not None:
            with open_storage(Settings.from_env({"GARB_HOME": home})) as storage:
                photo_parser, _ = load_models(storage)
            cases["street"] = street_garments(photo_parser, arguments.data)
            cases["products"] = product_garments(photo_parser, arguments.data)
        for name, garments in cases.items():
            print(json.dumps({"case": name, **measure(tagger, garments)}), flush=True)


if __name__ == "__main__":
    main()
