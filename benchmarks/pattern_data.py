"""Garments whose pattern is known: labelled by eye, drawn, or plain ones dressed in drawn cloth."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.pattern_cloth import dressed
from segmentation.annotations.annotated_photo import is_validation
from segmentation.annotations.label_png import garment_instances, list_label_pairs, read_label_map
from segmentation.cutout import cut_out
from segmentation.garment import Cutout, Garment, Mask
from segmentation.pattern import CLASSES
from segmentation.photo import Photo, read_photo
from wardrobe.shop import draw_items, product_photo

LABELS = Path(__file__).resolve().parents[1] / "tests" / "real_data" / "patterns.csv"
# Of Garb's categories, those with cloth enough to have a pattern.
CATEGORIES = frozenset({"top", "outerwear", "dress", "trousers", "shorts", "skirt"})
LEAST_SHARE = 0.012
# Among garments without a label by eye, those as smooth as this are taken for plain.
SMOOTH = 16.0
DRAWN_PATTERNS = {
    "plain": "plain", "stripes": "striped", "pinstripes": "striped", "checks": "checked",
    "tartan": "checked", "dots": "dotted", "floral": "floral",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A garment and the place of its pattern in `CLASSES`."""

    cutout: Cutout
    pattern: int


def read_labels(*, validation: bool) -> dict[tuple[str, str], str]:
    """(photo, category) → pattern, as labelled by eye; of the held-out photos, or of the others."""
    with LABELS.open(newline="", encoding="utf-8") as file:
        return {
            (row["photo"], row["category"]): row["pattern"]
            for row in csv.DictReader(file)
            if is_validation(Path(row["photo"]).stem) == validation
        }


def real_samples(data: Path) -> tuple[list[Sample], list[Sample]]:
    """The garments labelled by eye, and smooth ones without a label, which are plain."""
    labels = read_labels(validation=False)
    names = json.loads((data / "street" / "labels.json").read_text("utf-8"))
    labelled, smooth = [], []
    for pair in list_label_pairs(data / "street" / "photos", data / "street" / "labels"):
        if is_validation(pair.stem):
            continue
        photo, label_map = read_photo(pair.path), read_label_map(pair.label_path)
        for instance in garment_instances(label_map, names):
            share = instance.mask.pixels.mean()
            if instance.category not in CATEGORIES or share < LEAST_SHARE:
                continue
            cutout = _cut(photo, instance.category, instance.mask)
            pattern = labels.get((f"street/photos/{pair.path.name}", instance.category))
            if pattern is not None:
                labelled.append(Sample(cutout, CLASSES.index(pattern)))
            elif _roughness(cutout) < SMOOTH:
                smooth.append(Sample(cutout, CLASSES.index("plain")))
    return labelled, smooth


def drawn_samples(count: int, seed: int) -> list[Sample]:
    """Drawn products, cut from their backdrop."""
    samples = []
    for number, item in enumerate(draw_items(count, np.random.default_rng(seed))):
        if item.garment not in CATEGORIES:
            continue
        photo = Photo(product_photo(item, np.random.default_rng((seed, number))))
        backdrop = np.median(photo.pixels[:20, :20].reshape(-1, 3), axis=0)
        mask = Mask(np.asarray(np.abs(photo.pixels - backdrop).max(axis=2) > 18))
        pattern = DRAWN_PATTERNS[item.fabric.pattern]
        samples.append(Sample(_cut(photo, item.garment, mask), CLASSES.index(pattern)))
    return samples


def dressed_samples(bases: Sequence[Sample], count: int, seed: int) -> list[Sample]:
    """Plain garments in drawn cloth of every pattern but plain."""
    rng = np.random.default_rng(seed)
    patterns = [name for name in CLASSES if name != "plain"]
    samples = []
    for number in range(count):
        pattern = patterns[number % len(patterns)]
        base = bases[int(rng.integers(len(bases)))].cutout
        samples.append(Sample(dressed(base, pattern, rng), CLASSES.index(pattern)))
    return samples


def _cut(photo: Photo, category: str, mask: Mask) -> Cutout:
    return cut_out(photo, Garment(category, 1.0, mask.box(), mask))


def _roughness(cutout: Cutout) -> float:
    """The mean CIELAB distance (of 8 bits) of the cloth to itself blurred."""
    inside = cv2.erode((cutout.alpha > 200).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    lab = cv2.cvtColor(cutout.pixels, cv2.COLOR_RGB2LAB).astype(np.float32)
    apart = np.linalg.norm(lab - cv2.GaussianBlur(lab, (0, 0), 6), axis=2)
    return float(apart[inside].mean()) if inside.any() else np.inf
