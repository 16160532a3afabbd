"""COCO instance annotations: polygons, both run-length forms, crowds. Lin et al. 2014."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from segmentation.annotations.annotated_photo import Instance
from segmentation.annotations.drawn import (
    DrawnPhoto,
    Listing,
    Region,
    Ring,
    Size,
    class_name,
    clipped_far,
    number_of,
)
from segmentation.annotations.finding import FindingKind, Flaw, FlawError
from segmentation.annotations.photo_folders import PhotoFolders
from segmentation.errors import AnnotationError
from segmentation.garment import Mask, mask_from_rle
from segmentation.whole_file import written_whole


def is_coco(document: object) -> bool:
    """Whether a JSON document is a COCO file, by its content."""
    return isinstance(document, dict) and {"images", "annotations", "categories"} <= set(document)


def list_coco(document: Mapping[str, Any], source: Path, folders: PhotoFolders) -> Listing:
    """Every image of a COCO document; what is wrong in one is among its flaws.

    Ids are compared as text: some tools write "1" in one place and 1 in another.

    Raises:
        AnnotationError: an image or category has no id, or an image no file name; or two
            categories have the same id, or one a name that is none.
    """
    try:
        names = _category_names(document["categories"])
        by_image: dict[str, list[tuple[str, Mapping[str, Any]]]] = {
            str(image["id"]): [] for image in document["images"]
        }
        flaws = []
        for number, annotation in enumerate(document["annotations"]):
            region = str(annotation.get("id", f"number {number}"))
            image = str(annotation.get("image_id"))
            if image in by_image:
                by_image[image].append((region, annotation))
            else:
                reason = f"unknown image or category: no image has the id {image}"
                flaws.append(Flaw(FindingKind.UNKNOWN_IMAGE, region, reason))
        if len(by_image) < len(document["images"]):
            raise AnnotationError("not a COCO file: two images have the same id")
        photos = tuple(
            _photo(image, by_image[str(image["id"])], names, folders)
            for image in document["images"]
        )
    except KeyError as error:
        raise AnnotationError(f"not a COCO file: an image or category without {error}") from error
    except (TypeError, AttributeError) as error:
        reason = "images, annotations and categories are not lists of objects"
        raise AnnotationError(f"not a COCO file: {reason}") from error
    return Listing(source, photos, frozenset(names.values()) - {""}, tuple(flaws))


def write_coco(
    photos: Iterable[tuple[str, tuple[int, int], Sequence[Instance]]], file: Path
) -> None:
    """Write ``(file name, (width, height), instances)`` as a COCO file with run-length masks."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    categories: dict[str, int] = {}
    for number, (file_name, (width, height), instances) in enumerate(photos, 1):
        images.append({"id": number, "file_name": file_name, "width": width, "height": height})
        for instance in instances:
            category = categories.setdefault(instance.category, len(categories) + 1)
            annotations.append(
                coco_annotation(
                    instance, number=len(annotations) + 1, image=number, category=category
                )
            )
    document = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for name, number in categories.items()],
    }
    with written_whole(file) as temporary:
        temporary.write_text(json.dumps(document), "utf-8")


def coco_annotation(
    instance: Instance, *, number: int, image: int, category: int
) -> dict[str, Any]:
    """An instance as COCO has it, its mask as run lengths."""
    box = instance.mask.box()
    return {
        "id": number,
        "image_id": image,
        "category_id": category,
        "segmentation": instance.mask.rle(),
        "bbox": [box.x0, box.y0, box.width, box.height],
        "area": instance.mask.area,
        "iscrowd": int(instance.iscrowd),
    }


def _category_names(categories: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Name by id; "" where a category has none. Raises AnnotationError."""
    names: dict[str, str] = {}
    for category in categories:
        number, said = str(category["id"]), category.get("name")
        if not isinstance(said, str | int | None) or isinstance(said, bool):
            reason = f"the name of category {number} is {json.dumps(said)[:40]}, not a text"
            raise AnnotationError(f"not a COCO file: {reason}")
        name = "" if said is None else str(said).strip()
        if names.setdefault(number, name) != name:
            both = f"{names[number]!a} and {name!a}"
            raise AnnotationError(f"two categories have the id {number}: {both}")
    return names


def _photo(
    image: Mapping[str, Any],
    annotations: Sequence[tuple[str, Mapping[str, Any]]],
    names: Mapping[str, str],
    folders: PhotoFolders,
) -> DrawnPhoto:
    name = str(image["file_name"])
    path, flaws, regions = None, [], []
    size = _size_of(image)
    try:
        path = folders.find(name)
    except AnnotationError as error:
        flaws.append(Flaw(FindingKind.MISSING_PHOTO, None, str(error)))
    for number, annotation in annotations:
        try:
            regions.append(_region(number, annotation, names))
        except FlawError as error:
            flaws.append(Flaw(error.kind, number, str(error)))
    return DrawnPhoto(name, path, tuple(regions), tuple(flaws), size)


def _size_of(image: Mapping[str, Any]) -> Size | None:
    """The (height, width) that an image is said to have; left out or 0 says nothing."""
    try:
        height, width = int(image.get("height") or 0), int(image.get("width") or 0)
    except (TypeError, ValueError, OverflowError):
        return None
    return (height, width) if height and width else None


def _region(number: str, annotation: Mapping[str, Any], names: Mapping[str, str]) -> Region:
    category = names.get(str(annotation.get("category_id")))
    if category is None:
        reason = (
            f"unknown image or category: no category has the id {annotation.get('category_id')}"
        )
        raise FlawError(FindingKind.UNNAMED_REGION, reason)
    if not category:
        raise FlawError(FindingKind.UNNAMED_REGION, "has no name: its category's is empty")
    category = class_name(category)
    iscrowd = _is_crowd(annotation.get("iscrowd"))
    segmentation = annotation.get("segmentation")
    if not segmentation or segmentation == [[]]:
        reason = "has no outline, only a box" if annotation.get("bbox") else "has no outline"
        raise FlawError(FindingKind.NO_OUTLINE, f"{reason}: segmentation is missing or empty")
    if isinstance(segmentation, Mapping):
        return Region(number, category, partial(_draw_runs, segmentation), (), iscrowd)
    rings = _rings(segmentation)
    return Region(number, category, partial(_draw_rings, rings), rings, iscrowd)


def _is_crowd(said: object) -> bool:
    """Some tools write it as text, where "0" would be true."""
    return said.strip().lower() in ("1", "true") if isinstance(said, str) else bool(said)


def _rings(segmentation: Any) -> tuple[Ring, ...]:
    if not isinstance(segmentation, list) or not all(isinstance(r, list) for r in segmentation):
        reason = "unknown shape: not a segmentation, a list of polygons that are lists of numbers"
        raise FlawError(FindingKind.UNKNOWN_SHAPE, reason)
    rings = [[number_of(value, what="a coordinate") for value in ring] for ring in segmentation]
    if any(len(ring) < 6 for ring in rings):
        few = min(len(ring) for ring in rings) // 2
        reason = f"a polygon needs 3 points, one has {few}"
        raise FlawError(FindingKind.TOO_FEW_POINTS, reason)
    if any(len(ring) % 2 for ring in rings):
        reason = "unknown shape: a polygon needs pairs of x and y"
        raise FlawError(FindingKind.UNKNOWN_SHAPE, reason)
    pairs = tuple(np.asarray(ring, np.float64).reshape(-1, 2) for ring in rings)
    if not all(np.isfinite(ring).all() for ring in pairs):
        raise FlawError(FindingKind.UNKNOWN_SHAPE, "unknown shape: a point is not a number")
    return pairs


def _draw_rings(rings: Sequence[Ring], size: Size) -> Mask:
    """The union of the rings, rasterised as COCO's own tools do."""
    points = [clipped_far(ring, size).ravel().tolist() for ring in rings]
    encoded = coco_mask.merge(coco_mask.frPyObjects(points, *size))
    return Mask(coco_mask.decode(encoded).astype(bool))


def _draw_runs(segmentation: Mapping[str, Any], size: Size) -> Mask:
    try:
        height, width = (int(side) for side in segmentation["size"])
        counts = segmentation["counts"]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        reason = "unknown shape: not run lengths (a size, [height, width], and counts)"
        raise FlawError(FindingKind.UNKNOWN_SHAPE, reason) from error
    if (height, width) != size:
        reason = f"its mask has {width}×{height} px, the photo {size[1]}×{size[0]}"
        raise FlawError(FindingKind.SIZE_MISMATCH, reason)
    try:
        return mask_from_rle({"size": size, "counts": counts})
    except ValueError as error:
        reason = f"unknown shape: not run lengths ({error})"
        raise FlawError(FindingKind.UNKNOWN_SHAPE, reason) from error
