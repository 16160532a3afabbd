"""Any annotations → `AnnotatedPhoto`s: a VIA or COCO file told apart by content, or label PNGs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from segmentation.annotations.annotated_photo import AnnotatedPhoto
from segmentation.annotations.coco import is_coco, list_coco
from segmentation.annotations.drawn import Listing
from segmentation.annotations.finding import Finding, Flaw
from segmentation.annotations.label_photo import list_label_folder
from segmentation.annotations.photo_folders import PhotoFolders
from segmentation.annotations.via import is_via, list_via
from segmentation.errors import AnnotationError
from segmentation.labels import read_label_names


def read_annotations(
    source: Path, photos: Sequence[Path], *, names: Path | None = None
) -> list[AnnotatedPhoto]:
    """Read a VIA 1, VIA 2 or COCO file, or a folder of label PNGs. No photo is opened yet.

    ``names``: ``labels.json`` for label PNGs; by default looked for in the folder, then beside it.

    Raises:
        AnnotationError: unreadable, none of the formats, or the first region that cannot be read;
            the message names the file, the photo and the region.
        LabelError: label names are needed and missing.
    """
    listing = list_annotations(source, PhotoFolders(photos), names=names)
    broken = next((finding for finding in _findings(listing) if finding.broken), None)
    if broken is not None:
        raise AnnotationError(str(broken))
    labelled = listing.labelled
    if labelled is None:
        labelled = frozenset(name for photo in listing.photos for name in photo.names_drawn)
    return [photo.annotated(labelled) for photo in listing.photos]


def list_annotations(source: Path, folders: PhotoFolders, *, names: Path | None = None) -> Listing:
    """What a file or folder lists, with what is wrong in it. Raises as `read_annotations`, but only
    where the whole of it cannot be read.
    """
    if source.is_dir():
        return list_label_folder(source, label_names(source, names), folders)
    try:
        document = json.loads(source.read_text("utf-8-sig"))
    except OSError as error:
        raise AnnotationError(f"{source}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise AnnotationError(f"{source}: not JSON ({error})") from error
    try:
        if is_coco(document):
            return list_coco(document, source, folders)
        if is_via(document):
            return list_via(document, source, folders)
    except AnnotationError as error:
        raise AnnotationError(f"{source}: {error}") from error
    raise AnnotationError(f"{source}: neither a COCO nor a VGG Image Annotator file")


def label_names(folder: Path, names: Path | None) -> tuple[str, ...]:
    """The label names of a folder of label PNGs: given, in it, or beside it. Raises LabelError."""
    beside = [folder / "labels.json", folder.parent / "labels.json"]
    found = names or next((path for path in beside if path.is_file()), beside[0])
    return read_label_names(found)


def finding_of(source: Path, file: str, flaw: Flaw) -> Finding:
    """A flaw with its place."""
    return Finding(str(source), file, flaw.region, flaw.kind, flaw.reason)


def _findings(listing: Listing) -> Iterator[Finding]:
    for flaw in listing.flaws:
        yield finding_of(listing.source, str(listing.source), flaw)
    for photo in listing.photos:
        for flaw in photo.flaws:
            yield finding_of(listing.source, photo.file_name, flaw)
