"""COCO instance annotations: polygons, both run-length forms, crowds. Lin et al. 2014."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pycocotools import mask as coco_mask

from segmentation.annotations.annotated_photo import AnnotatedPhoto, Instance
from segmentation.errors import AnnotationError
from segmentation.garment import Mask, mask_from_rle


def is_coco(document: object) -> bool:
    """Whether a JSON document is a COCO file, by its content."""
    return isinstance(document, dict) and {"images", "annotations", "categories"} <= set(document)


def read_coco(document: Mapping[str, Any], photos: Sequence[Path]) -> list[AnnotatedPhoto]:
    """One `AnnotatedPhoto` an image; ``photos``: folders that hold the files.

    Raises:
        AnnotationError: a key is missing or an annotation names no known category or image.
    """
    try:
        names = {category["id"]: str(category["name"]) for category in document["categories"]}
        by_image: dict[Any, list[Mapping[str, Any]]] = {
            image["id"]: [] for image in document["images"]
        }
        for annotation in document["annotations"]:
            if annotation["category_id"] not in names or annotation["image_id"] not in by_image:
                raise AnnotationError(
                    f"annotation {annotation.get('id')}: unknown image or category"
                )
            by_image[annotation["image_id"]].append(annotation)
        return [
            AnnotatedPhoto(
                find_photo(str(image["file_name"]), photos),
                partial(_instances, by_image[image["id"]], names, image),
                frozenset(names.values()),
            )
            for image in document["images"]
        ]
    except (KeyError, TypeError) as error:
        raise AnnotationError(f"not a COCO file: {error!r}") from error


def find_photo(file_name: str, photos: Sequence[Path]) -> Path:
    """The photo in the first folder that has it.

    Raises:
        AnnotationError: in none of them, or the name leads out of the folder.
    """
    for folder in photos:
        path = folder / file_name
        if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
            return path
    raise AnnotationError(f"{file_name}: no such photo in {', '.join(map(str, photos))}")


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
            box = instance.mask.box()
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": categories.setdefault(instance.category, len(categories) + 1),
                    "segmentation": instance.mask.rle(),
                    "bbox": [box.x0, box.y0, box.width, box.height],
                    "area": instance.mask.area,
                    "iscrowd": int(instance.iscrowd),
                }
            )
    document = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for name, number in categories.items()],
    }
    temporary = file.with_name(file.name + ".tmp")
    temporary.write_text(json.dumps(document), "utf-8")
    temporary.replace(file)


def _instances(
    annotations: Sequence[Mapping[str, Any]], names: Mapping[int, str], image: Mapping[str, Any]
) -> tuple[Instance, ...]:
    size = (int(image["height"]), int(image["width"]))
    return tuple(
        Instance(
            names[annotation["category_id"]],
            instance_mask(annotation, size),
            bool(annotation.get("iscrowd", 0)),
        )
        for annotation in annotations
    )


def instance_mask(annotation: Mapping[str, Any], size: tuple[int, int]) -> Mask:
    """The mask of an annotation in a picture of (height, width). Raises AnnotationError."""
    segmentation = annotation.get("segmentation")
    where = f"annotation {annotation.get('id')}"
    try:
        if isinstance(segmentation, Mapping):
            mask = mask_from_rle(segmentation)
        else:
            mask = _polygon_mask(segmentation or [], size)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise AnnotationError(f"{where}: not a segmentation ({error})") from error
    if mask.pixels.shape != size:
        raise AnnotationError(f"{where}: the mask is not the photo's size")
    return mask


def _polygon_mask(rings: Sequence[Sequence[float]], size: tuple[int, int]) -> Mask:
    """The union of the rings, rasterised as COCO's own tools do."""
    points = [[float(value) for value in ring] for ring in rings]
    if not points or any(len(ring) < 6 or len(ring) % 2 for ring in points):
        raise ValueError("a polygon needs 3 points x, y")
    if not all(math.isfinite(value) for ring in points for value in ring):
        raise ValueError("a point is not a number")
    encoded = coco_mask.merge(coco_mask.frPyObjects(points, *size))
    return Mask(coco_mask.decode(encoded).astype(bool))
