"""What every annotation reader returns: a photo and its labelled instances."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from segmentation.errors import AnnotationError
from segmentation.garment import Mask
from segmentation.photo import Photo, read_photo


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """One labelled thing. ``mask``: the photo's size. A crowd is ignored, not learned."""

    category: str
    mask: Mask
    iscrowd: bool = False


@dataclass(frozen=True, slots=True)
class AnnotatedPhoto:
    """A photo file and its instances, read when asked for: masks of a data set do not fit memory.

    ``labelled``: the categories that the annotator looked for; others are unknown, not absent.
    """

    path: Path
    read_instances: Callable[[], tuple[Instance, ...]]
    labelled: frozenset[str]

    def read(self) -> tuple[Photo, tuple[Instance, ...]]:
        """The photo and its instances.

        Raises:
            PhotoError: the photo cannot be read.
            AnnotationError: the annotations cannot be read, or are of another size than the photo.
        """
        photo = read_photo(self.path)
        instances = self.read_instances()
        for instance in instances:
            if instance.mask.pixels.shape != photo.pixels.shape[:2]:
                height, width = instance.mask.pixels.shape
                raise AnnotationError(
                    f"{self.path}: annotated at {width}×{height} px, "
                    f"the upright photo has {photo.width}×{photo.height}"
                )
        return photo, instances


def is_validation(stem: str) -> bool:
    """Street photos whose number ends in 7 are held out from every shipped model."""
    return stem.endswith("7")
