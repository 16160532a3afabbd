"""What is wrong in an annotation file, all of it: file, region, reason."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segmentation.annotations.coco import find_photo, instance_mask, is_coco
from segmentation.annotations.via import is_via, region_outline, regions_of
from segmentation.errors import AnnotationError, PhotoError
from segmentation.photo import read_photo


@dataclass(frozen=True, slots=True)
class Finding:
    """``region``: its number in the photo, or the annotation's id; None for the photo or the file."""

    file: str
    region: str | None
    reason: str


def check_annotations(source: Path, photos: Sequence[Path]) -> Iterator[Finding]:
    """Everything that keeps a VIA or COCO file from being read."""
    try:
        document = json.loads(source.read_text("utf-8"))
    except (OSError, ValueError) as error:
        yield Finding(str(source), None, f"not a JSON file ({error})")
        return
    if is_coco(document):
        yield from _check_coco(document, source, photos)
    elif is_via(document):
        for entry in document.get("_via_img_metadata", document).values():
            yield from _check_via_photo(entry, photos)
    else:
        yield Finding(str(source), None, "neither a COCO nor a VGG Image Annotator file")


def _size(name: str, photos: Sequence[Path]) -> tuple[int, int]:
    photo = read_photo(find_photo(name, photos))
    return photo.height, photo.width


def _check_via_photo(entry: Mapping[str, Any], photos: Sequence[Path]) -> Iterator[Finding]:
    name = str(entry["filename"])
    height, width = 0, 0
    try:
        height, width = _size(name, photos)
    except (AnnotationError, PhotoError) as error:
        yield Finding(name, None, str(error))
    for number, region in regions_of(entry):
        try:
            _, points = region_outline(name, number, region)
        except AnnotationError as error:
            yield Finding(name, number, str(error))
            continue
        inside = all(0 <= x <= width and 0 <= y <= height for x, y in points)
        if height and not inside:
            yield Finding(name, number, f"a point is outside the photo of {width}×{height} px")


def _check_coco(
    document: Mapping[str, Any], source: Path, photos: Sequence[Path]
) -> Iterator[Finding]:
    try:
        images = {image["id"]: image for image in document["images"]}
        categories = {category["id"] for category in document["categories"]}
        for image in images.values():
            try:
                size = _size(str(image["file_name"]), photos)
            except (AnnotationError, PhotoError) as error:
                yield Finding(str(image["file_name"]), None, str(error))
                continue
            if size != (image["height"], image["width"]):
                reason = f"the upright photo has {size[1]}×{size[0]} px, not what the file says"
                yield Finding(str(image["file_name"]), None, reason)
        for annotation in document["annotations"]:
            image = images.get(annotation["image_id"])
            region = str(annotation.get("id"))
            if image is None or annotation["category_id"] not in categories:
                yield Finding(str(source), region, "unknown image or category")
                continue
            try:
                instance_mask(annotation, (int(image["height"]), int(image["width"])))
            except AnnotationError as error:
                yield Finding(str(image["file_name"]), region, str(error))
    except (KeyError, TypeError) as error:
        yield Finding(str(source), None, f"not a COCO file: {error!r}")
