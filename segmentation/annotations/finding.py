"""What can be wrong in annotations: what keeps a region from being learned, and what is doubtful."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from segmentation.errors import AnnotationError


class FindingKind(StrEnum):
    """What is wrong. Training refuses the first group; it only warns of the doubtful ones."""

    UNREADABLE_FILE = "unreadable_file"
    MISSING_PHOTO = "missing_photo"
    UNREADABLE_PHOTO = "unreadable_photo"
    SIZE_MISMATCH = "size_mismatch"
    UNNAMED_REGION = "unnamed_region"
    UNNAMED_LABEL = "unnamed_label"
    UNKNOWN_IMAGE = "unknown_image"
    UNKNOWN_SHAPE = "unknown_shape"
    TOO_FEW_POINTS = "too_few_points"
    NO_AREA = "no_area"
    NO_OUTLINE = "no_outline"
    OUTSIDE_PHOTO = "outside_photo"
    UNREADABLE_LABELS = "unreadable_labels"

    PARTLY_OUTSIDE = "partly_outside"
    MISSPELT_CLASS = "misspelt_class"
    DUPLICATE_PHOTO = "duplicate_photo"
    EMPTY_PHOTO = "empty_photo"


DOUBTFUL = frozenset(
    {
        FindingKind.PARTLY_OUTSIDE,
        FindingKind.MISSPELT_CLASS,
        FindingKind.DUPLICATE_PHOTO,
        FindingKind.EMPTY_PHOTO,
    }
)


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong in one photo. ``region``: its number or COCO id; None for the whole photo."""

    kind: FindingKind
    region: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A flaw and where it is. ``source``: the annotations; ``file``: the photo, else the source."""

    source: str
    file: str
    region: str | None
    kind: FindingKind
    reason: str

    @property
    def broken(self) -> bool:
        """Whether it keeps the region or the photo from being learned."""
        return self.kind not in DOUBTFUL

    def __str__(self) -> str:
        parts = [self.source, *([self.file] if self.file != self.source else [])]
        if self.region is not None:
            parts.append(f"region {self.region}")
        return ": ".join([*parts, self.reason])


class FlawError(AnnotationError):
    """A region that cannot be read; ``kind`` says what is wrong with it."""

    def __init__(self, kind: FindingKind, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
