"""A folder of label PNGs as a listing: each photo with what its labels say, sound or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from segmentation.annotations.annotated_photo import AnnotatedPhoto, Instance
from segmentation.annotations.drawn import Examined, Listing
from segmentation.annotations.finding import FindingKind, Flaw
from segmentation.annotations.label_png import (
    MIN_PIECE_SHARE,
    PHOTO_SUFFIXES,
    label_files,
    label_instances,
    read_label_map,
)
from segmentation.annotations.photo_folders import PhotoFolders
from segmentation.annotations.spelling import nearest_name
from segmentation.errors import AnnotationError
from segmentation.labels import PERSON, InstanceClasses, instance_classes, known_names
from segmentation.photo import Photo


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """A photo and its label PNG. ``names``: by label number."""

    file_name: str
    path: Path | None
    label_path: Path
    names: tuple[str, ...]
    classes: InstanceClasses
    flaws: tuple[Flaw, ...] = ()

    @property
    def names_drawn(self) -> frozenset[str]:
        return self.classes.all

    def examine(self, photo: Photo) -> Examined:
        """Count the label numbers: each must have a name, and some must be more than background."""
        try:
            label_map = read_label_map(self.label_path)
        except AnnotationError as error:
            return Examined(None, (Flaw(FindingKind.UNREADABLE_LABELS, None, str(error)),), ())
        height, width = label_map.shape
        if (height, width) != (photo.height, photo.width):
            reason = (
                f"labels of {width}×{height} px, the upright photo {photo.width}×{photo.height}"
            )
            return Examined(None, (Flaw(FindingKind.SIZE_MISMATCH, None, reason),), ())
        counts: list[int] = np.bincount(label_map.ravel(), minlength=256).tolist()
        unnamed = self._unnamed(counts)
        if unnamed:
            return Examined(None, unnamed, ())
        least = MIN_PIECE_SHARE * label_map.size
        shown = [(n, self._category(name), counts[n]) for n, name in enumerate(self.names)]
        labelled = sum(count for _, category, count in shown if category)
        flaws = []
        if labelled < least:
            reason = f"nothing is labelled: {labelled} px"
            flaws.append(Flaw(FindingKind.EMPTY_PHOTO, None, reason))
        classes = tuple(
            (str(number), category)
            for number, category, count in shown
            if category and category != PERSON and count >= least
        )
        return Examined(self, tuple(flaws), classes)

    def _unnamed(self, counts: Sequence[int]) -> tuple[Flaw, ...]:
        numbers = [n for n, count in enumerate(counts) if count and not self._name(n)]
        return tuple(
            Flaw(
                FindingKind.UNNAMED_LABEL,
                str(number),
                f"label number {number} ({counts[number]} px) has no name",
            )
            for number in numbers
        )

    def _name(self, number: int) -> str:
        return self.names[number] if number < len(self.names) else ""

    def _category(self, name: str) -> str | None:
        person = PERSON if name in self.classes.person_names else None
        return self.classes.categories.get(name, person)

    def annotated(self, labelled: frozenset[str]) -> AnnotatedPhoto:
        assert self.path is not None, "flaws name a missing photo"
        read = partial(_instances, self.label_path, self.names, self.classes)
        return AnnotatedPhoto(self.path, read, labelled)


def list_label_folder(folder: Path, names: Sequence[str], folders: PhotoFolders) -> Listing:
    """Every label PNG of a folder with its photo, sorted by name.

    Raises:
        AnnotationError: the folder has no PNG.
    """
    classes = instance_classes(names)
    photos = []
    for label_path in label_files(folder):
        path, flaws = None, []
        try:
            path = folders.find_labelled(label_path, PHOTO_SUFFIXES)
            reason = "" if path else f"no photo of that name in {folders}"
        except AnnotationError as error:
            reason = str(error)
        if reason:
            flaws.append(Flaw(FindingKind.MISSING_PHOTO, None, reason))
        file_name = path.name if path else label_path.name
        photos.append(
            LabelledPhoto(file_name, path, label_path, tuple(names), classes, tuple(flaws))
        )
    if not photos:
        raise AnnotationError(f"{folder}: no label PNG in this folder")
    return Listing(folder, tuple(photos), classes.all, tuple(_misspelt(names)))


def _misspelt(names: Sequence[str]) -> list[Flaw]:
    """A known set with one wrong name is not recognised: then every name would be a class."""
    flaws = []
    for number, name in enumerate(names):
        near = nearest_name(name, known_names() - set(names))
        if near is not None and name not in known_names():
            reason = f"label name {name!r} is probably {near!r}"
            flaws.append(Flaw(FindingKind.MISSPELT_CLASS, str(number), reason))
    return flaws


def _instances(
    label_path: Path, names: Sequence[str], classes: InstanceClasses
) -> tuple[Instance, ...]:
    return label_instances(read_label_map(label_path), names, classes)
