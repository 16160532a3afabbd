"""VGG Image Annotator exports: version 1 (regions a dict) and 2 (regions a list)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from segmentation.annotations.annotated_photo import AnnotatedPhoto, Instance
from segmentation.annotations.coco import find_photo
from segmentation.errors import AnnotationError
from segmentation.garment import Mask
from segmentation.photo import read_photo

_ELLIPSE_POINTS = 72


def is_via(document: object) -> bool:
    """Whether a JSON document is a VIA export or project, by its content."""
    if not isinstance(document, dict):
        return False
    entries = document.get("_via_img_metadata", document)
    return (
        isinstance(entries, dict)
        and bool(entries)
        and all(isinstance(e, dict) and {"filename", "regions"} <= set(e) for e in entries.values())
    )


def read_via(document: Mapping[str, Any], photos: Sequence[Path]) -> list[AnnotatedPhoto]:
    """One `AnnotatedPhoto` an entry; ``photos``: folders that hold the files.

    Raises:
        AnnotationError: a missing photo, a region without a name, an unknown shape.
    """
    entries = document.get("_via_img_metadata", document)
    read = [
        (str(entry["filename"]), [region_outline(entry["filename"], *r) for r in regions_of(entry)])
        for entry in entries.values()
    ]
    labelled = frozenset(name for _, regions in read for name, _ in regions)
    return [
        AnnotatedPhoto(
            path := find_photo(name, photos), partial(_instances, regions, path), labelled
        )
        for name, regions in read
    ]


def regions_of(entry: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """(number, region) of an entry: a dict in version 1, a list in version 2."""
    regions = entry["regions"]
    numbered = regions.items() if isinstance(regions, Mapping) else enumerate(regions)
    return [(str(number), region) for number, region in numbered]


def region_outline(
    file_name: str, number: str, region: Mapping[str, Any]
) -> tuple[str, list[tuple[float, float]]]:
    """(name, points) of a region. Raises AnnotationError, which names the region."""
    where = f"{file_name}: region {number}"
    try:
        points = _points(region["shape_attributes"])
    except (KeyError, TypeError, ValueError) as error:
        raise AnnotationError(f"{where}: {error}") from error
    if not all(math.isfinite(value) for point in points for value in point):
        raise AnnotationError(f"{where}: a point is not a number")
    if len(points) < 3:
        raise AnnotationError(f"{where}: a polygon needs 3 points")
    return _name(where, region.get("region_attributes")), points


def _name(where: str, attributes: object) -> str:
    """The region's class: the attribute called class, name, label, category or type, else the only one."""
    if isinstance(attributes, Mapping) and attributes:
        preferred = [
            key for key in ("class", "name", "label", "category", "type") if key in attributes
        ]
        value = attributes[preferred[0] if preferred else next(iter(attributes))]
        if isinstance(value, Mapping):  # A checkbox or a dropdown: {"coat": true}.
            value = next((key for key, chosen in value.items() if chosen), "")
        if isinstance(value, str) and value.strip():
            return value.strip()
    raise AnnotationError(f"{where}: has no name")


def _points(shape: Mapping[str, Any]) -> list[tuple[float, float]]:
    kind = shape["name"]
    if kind in ("polygon", "polyline"):
        xs, ys = ([float(v) for v in shape[f"all_points_{axis}"]] for axis in "xy")
        return list(zip(xs, ys, strict=True))
    if kind == "rect":
        x, y, width, height = (float(shape[key]) for key in ("x", "y", "width", "height"))
        return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    if kind in ("circle", "ellipse"):
        rx = float(shape["r"] if kind == "circle" else shape["rx"])
        ry = float(shape["r"] if kind == "circle" else shape["ry"])
        theta = float(shape.get("theta", 0.0))
        return _ellipse(float(shape["cx"]), float(shape["cy"]), rx, ry, theta)
    raise ValueError(f"unknown shape {kind!r}")


def _ellipse(cx: float, cy: float, rx: float, ry: float, theta: float) -> list[tuple[float, float]]:
    angles = (2 * math.pi * i / _ELLIPSE_POINTS for i in range(_ELLIPSE_POINTS))
    turned = [(rx * math.cos(a), ry * math.sin(a)) for a in angles]
    cos, sin = math.cos(theta), math.sin(theta)
    return [(cx + x * cos - y * sin, cy + x * sin + y * cos) for x, y in turned]


def _instances(
    regions: Sequence[tuple[str, list[tuple[float, float]]]], path: Path
) -> tuple[Instance, ...]:
    photo = read_photo(path)
    instances = []
    for name, points in regions:
        # VIA names pixels, and the outline is part of the thing: against the street photos' label
        # PNGs this has IoU 0.98 for shoes, COCO's half-open rasterising 0.93.
        pixels = np.zeros((photo.height, photo.width), np.uint8)
        cv2.fillPoly(pixels, [np.round(np.asarray(points, np.float32)).astype(np.int32)], 1)
        instances.append(Instance(name, Mask(pixels.astype(bool))))
    return tuple(instances)
