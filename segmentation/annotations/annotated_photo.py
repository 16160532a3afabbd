"""What every annotation reader returns: a photo and its labelled instances."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from segmentation.garment import Mask


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


def is_validation(stem: str) -> bool:
    """Street photos whose number ends in 7 are held out from every shipped model."""
    return stem.endswith("7")
