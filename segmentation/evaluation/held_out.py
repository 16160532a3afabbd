"""Which photos are held out, and how to know the same set of photos again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from segmentation.annotations.annotated_photo import AnnotatedPhoto, Instance, is_validation
from segmentation.errors import AnnotationError

# Counts up when the same model would get other figures on the same photos: those of cards written
# before are then no longer compared with new ones. 2: masks are drawn along the photo's edges.
_MEASURE = "2"
# Of photos annotated for different things. 3: what nobody looked for in a photo is not wrong there.
_MEASURE_OF_MIXED = "3"


@dataclass(frozen=True, slots=True)
class Survey:
    """What annotations hold.

    ``identity``: hex digest of the photos' names, all that is annotated, in any order, and of how
    it is measured.
    ``occurring``: the categories drawn in each photo, crowds left out; in the photos' order.
    """

    identity: str
    occurring: tuple[frozenset[str], ...]


class Named(Protocol):
    """What has a photo's path: annotated photos and label pairs."""

    @property
    def path(self) -> Path: ...


Item = TypeVar("Item", bound=Named)


def need_photos(photos: Sequence[Named]) -> None:
    """Figures of no photo would be zeros that a later version is compared with.

    Raises:
        AnnotationError: there is none.
    """
    if not photos:
        raise AnnotationError(
            "no photo to measure on: of fewer than five none is held out, unless its name ends in 7"
        )


def split(photos: Sequence[Item]) -> tuple[list[Item], list[Item]]:
    """(to train on, held out): names that end in 7 are held out; else every tenth by name."""
    held = [photo for photo in photos if is_validation(photo.path.stem)]
    if not held:
        held = sorted(photos, key=lambda photo: photo.path.name)[4::10]
    paths = {photo.path for photo in held}
    return [photo for photo in photos if photo.path not in paths], held


def survey(
    photos: Sequence[AnnotatedPhoto], *, on_photo: Callable[[int, int], None] = lambda done, n: None
) -> Survey:
    """Read every annotation once, in threads.

    Raises:
        AnnotationError: an annotation that cannot be read.
        PhotoError: a photo that its annotation needs cannot be read.
    """
    occurring: list[frozenset[str]] = []
    digests: list[str] = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for found, digest in pool.map(_look_at, photos):
            occurring.append(found)
            digests.append(digest)
            on_photo(len(digests), len(photos))
    mixed = len({photo.labelled for photo in photos}) > 1
    measure = _MEASURE_OF_MIXED if mixed else _MEASURE
    identity = hashlib.sha256("".join([measure, *sorted(digests)]).encode()).hexdigest()
    return Survey(identity, tuple(occurring))


def _look_at(photo: AnnotatedPhoto) -> tuple[frozenset[str], str]:
    instances = photo.read_instances()
    found = frozenset(one.category for one in instances if not one.iscrowd and one.mask.area)
    text = json.dumps([photo.path.name, sorted(photo.labelled), sorted(map(_words, instances))])
    return found, hashlib.sha256(text.encode()).hexdigest()


def _words(instance: Instance) -> list[str]:
    rle = instance.mask.rle()
    return [instance.category, str(instance.iscrowd), str(rle["size"]), str(rle["counts"])]
