"""Teaching a new class with photos that label nothing else: what is learned, and what is forgotten.

The photos are label PNGs of street photos. Those to learn from keep the new classes alone, as a shop's
own annotations do: the first by number that show one, with ``--as-often`` as many chosen for each. The
held-out ones (names that end in 7) keep all. One line a way:

- before: the version as it is; ``--ways ""`` measures that alone
- extend: `garb segmenter train --classes extend`
- replace: `--classes replace`: the new classes alone, the whole network trained

    python -m benchmarks.extend_classes --labels DIR --photos DIR [--new scarf,sunglasses] [--n 60]
        [--as-often] [--epochs N] [--held-out N] [--ways extend,replace] [--init bundled] [--out DIR]

``looked_at`` tells of a new class how many are in the held-out photos, of how many some detection's box
or mask overlaps half, and in how many of the photos without it something is taken for one (score 0.5).

``--write DIR`` trains nothing and leaves shop.json and held_out.json there, the photos as COCO files for
`garb segmenter train` and `evaluate`.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from indexer.bootstrap import open_models
from indexer.settings import Settings
from segmentation.annotations.annotated_photo import AnnotatedPhoto, Instance, is_validation
from segmentation.annotations.coco import write_coco
from segmentation.annotations.label_png import LabelPair, list_label_pairs, read_label_map
from segmentation.annotations.read import label_names, read_annotations
from segmentation.evaluation.metrics import SegmentationFigures, evaluate_instances
from segmentation.garment import Mask, mask_iou
from segmentation.mask_rcnn.predict import MaskRCNNPredictor, ScoredInstance
from segmentation.models import ModelKind, ModelStore, ModelVersion
from segmentation.photo import Photo
from segmentation.training.recipe import Recipe
from segmentation.training.segmenter import train_segmenter

WAYS = ("extend", "replace")
# A pair of sunglasses has a few hundred pixels of half a million.
_MIN_SHARE = 0.0002
# What the server answers with unless asked for less, and what counts as found.
_CLAIMED_SCORE = 0.5
_FOUND_IOU = 0.5


class _Looks:
    """What becomes of each new class, photo by photo."""

    def __init__(self, new: Sequence[str]) -> None:
        self.counts: dict[str, Counter[str]] = {name: Counter() for name in new}

    def __call__(
        self,
        annotated: AnnotatedPhoto,
        photo: Photo,
        instances: Sequence[Instance],
        predicted: Sequence[ScoredInstance],
    ) -> None:
        for name, counts in self.counts.items():
            shown = [one for one in instances if one.category == name]
            found = [one for one in predicted if one.category == name]
            claimed = any(one.score >= _CLAIMED_SCORE for one in found)
            counts["photos_without"] += not shown
            counts["claimed_in_photos_without"] += claimed and not shown
            for one in shown:
                box, mask = one.mask.box(), one.mask.pixels
                counts["shown"] += 1
                counts["box_found"] += any(box.iou(other.box) >= _FOUND_IOU for other in found)
                counts["mask_found"] += any(
                    mask_iou(mask, other.mask.pixels) >= _FOUND_IOU for other in found
                )


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    names = label_names(arguments.labels, None)
    new = tuple(arguments.new.split(","))
    pairs = list_label_pairs(arguments.photos, arguments.labels)
    shop, held_out = _shops_photos(pairs, names, new, arguments)
    if arguments.write:
        arguments.write.mkdir(parents=True, exist_ok=True)
        _write(shop, arguments.write / "shop.json")
        _write(held_out, arguments.write / "held_out.json")
        return
    start = open_models(Settings.from_env()).get(ModelKind.SEGMENTER, arguments.init)
    store = ModelStore(arguments.out, {})
    looks = _Looks(new)
    before = evaluate_instances(MaskRCNNPredictor(start), held_out, on_predicted=looks)
    _print(_line("before", before, before, looks, photos=0, seconds=0.0))
    for way in filter(None, arguments.ways.split(",")):
        started = time.perf_counter()
        version = _train(shop, start, store, way, arguments)
        seconds = time.perf_counter() - started
        looks = _Looks(new)
        after = evaluate_instances(MaskRCNNPredictor(version), held_out, on_predicted=looks)
        _print(_line(way, after, before, looks, photos=len(shop), seconds=seconds))


def _train(
    shop: Sequence[AnnotatedPhoto],
    start: ModelVersion,
    store: ModelStore,
    way: str,
    arguments: argparse.Namespace,
) -> ModelVersion:
    """Every tenth of the shop's photos is held out from the training, as the command does it."""
    height, width = start.card["preprocessing"]["size"]
    recipe = Recipe(
        height=arguments.height or height,
        width=arguments.height * 2 // 3 // 32 * 32 if arguments.height else width,
        epochs=arguments.epochs,
        batch=min(4, len(shop)),
    )
    held = shop[4::10] or shop[:1]
    trained = train_segmenter(
        [photo for photo in shop if photo not in held],
        held,
        recipe=recipe if way == "extend" else recipe.continued(),
        start=start,
        models=store,
        notes={"annotations": ["benchmark"], "licences": []},
        extend=way == "extend",
    )
    assert trained is not None  # One process.
    return trained.version


def _shops_photos(
    pairs: Sequence[LabelPair],
    names: Sequence[str],
    new: Sequence[str],
    arguments: argparse.Namespace,
) -> tuple[list[AnnotatedPhoto], list[AnnotatedPhoto]]:
    """(photos that show a new class and label the new ones alone, held-out photos with all labels)."""
    numbers = {name: names.index(name) for name in new}
    shop = [
        AnnotatedPhoto(pair.path, partial(_new_instances, pair, numbers), frozenset(new))
        for pair in _showing_new(pairs, numbers, arguments)
    ]
    labelled = read_annotations(arguments.labels, [arguments.photos])
    by_stem = {pair.stem: pair for pair in pairs}
    held_out = [
        AnnotatedPhoto(
            photo.path,
            partial(_all_instances, photo, by_stem[photo.path.stem], numbers),
            photo.labelled | frozenset(new),
        )
        for photo in labelled
        if is_validation(photo.path.stem)
    ]
    return shop, held_out[: arguments.held_out]


def _showing_new(
    pairs: Sequence[LabelPair], numbers: dict[str, int], arguments: argparse.Namespace
) -> list[LabelPair]:
    """Those to learn from: the rarest class chooses first, what it lacks goes to the others."""
    n: int = arguments.n
    showing: dict[str, list[LabelPair]] = {name: [] for name in numbers}
    for pair in pairs:
        if not is_validation(pair.stem):
            for instance in _new_instances(pair, numbers):
                showing[instance.category].append(pair)
    if not arguments.as_often:
        shown = {pair.stem: pair for found in showing.values() for pair in found}
        return [shown[stem] for stem in sorted(shown)][:n]
    chosen: dict[str, LabelPair] = {}
    rarest_first = sorted(showing, key=lambda name: len(showing[name]))
    for left, name in zip(range(len(showing), 0, -1), rarest_first, strict=True):
        others = [pair for pair in showing[name] if pair.stem not in chosen]
        chosen |= {pair.stem: pair for pair in others[: (n - len(chosen)) // left]}
    return [chosen[stem] for stem in sorted(chosen)]


def _write(photos: Sequence[AnnotatedPhoto], file: Path) -> None:
    read = ((photo.path.name, photo.read()) for photo in photos)
    write_coco(
        ((name, (photo.width, photo.height), instances) for name, (photo, instances) in read), file
    )


def _all_instances(
    photo: AnnotatedPhoto, pair: LabelPair, numbers: dict[str, int]
) -> tuple[Instance, ...]:
    return (*photo.read_instances(), *_new_instances(pair, numbers))


def _new_instances(pair: LabelPair, numbers: dict[str, int]) -> tuple[Instance, ...]:
    """One instance a photo and name: glasses and scarves lie in pieces."""
    label_map = read_label_map(pair.label_path)
    smallest = _MIN_SHARE * label_map.size
    masks = ((name, label_map == number) for name, number in numbers.items())
    return tuple(
        Instance(name, Mask(np.asarray(mask)))
        for name, mask in masks
        if cv2.countNonZero(mask.view(np.uint8)) >= smallest
    )


def _line(
    case: str,
    after: SegmentationFigures,
    before: SegmentationFigures,
    looks: _Looks,
    *,
    photos: int,
    seconds: float,
) -> dict[str, Any]:
    def mean(figures: SegmentationFigures, names: Sequence[str]) -> float:
        found = [figures.per_category[name].mask_ap50 for name in names]
        return round(sum(found) / len(found), 4) if found else 0.0

    new = list(looks.counts)
    known = [name for name in after.per_category if name not in new]
    return {
        "case": case,
        "photos": photos,
        "held_out": after.photos,
        "old_ap50": mean(after, known),
        "old_ap50_lost": round(mean(before, known) - mean(after, known), 4),
        "new_ap50": {
            name: after.per_category[name].mask_ap50 for name in new if name in after.per_category
        },
        "looked_at": looks.counts,
        "per_category": {name: one.mask_ap50 for name, one in after.per_category.items()},
        "seconds": round(seconds, 1),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--labels", type=Path, required=True, metavar="DIR")
    parser.add_argument("--photos", type=Path, required=True, metavar="DIR")
    parser.add_argument("--new", default="scarf,sunglasses", help="names of labels.json")
    parser.add_argument("--n", type=int, default=60, help="photos to learn from")
    parser.add_argument("--as-often", action="store_true", help="as many photos of each new class")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--held-out", type=int, default=None, help="default: all")
    parser.add_argument("--height", type=int, default=0, help="canvas, px; default: the version's")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--init", default="bundled")
    parser.add_argument("--out", type=Path, default=Path("var/extend"))
    parser.add_argument("--write", type=Path, default=None, metavar="DIR")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    return parser.parse_args()


def _print(document: dict[str, Any]) -> None:
    print(json.dumps(document), flush=True)


if __name__ == "__main__":
    main()
