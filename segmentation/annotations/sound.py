"""What training learns from: annotations checked first, so that nothing broken is found midway."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from segmentation.annotations.annotated_photo import AnnotatedPhoto
from segmentation.annotations.check import Check, check_annotations
from segmentation.annotations.finding import Finding, FindingKind
from segmentation.errors import AnnotationError

OnPhoto = Callable[[int, int], None]
OnFinding = Callable[[Finding], None]


class Reader(Protocol):
    """`read_sound` or `without_broken`."""

    def __call__(
        self,
        sources: Sequence[Path],
        photos: Sequence[Path],
        *,
        names: Path | None,
        on_photo: OnPhoto,
        on_finding: OnFinding,
    ) -> list[AnnotatedPhoto]: ...


def read_sound(
    sources: Sequence[Path],
    photos: Sequence[Path],
    *,
    names: Path | None = None,
    on_photo: OnPhoto = lambda done, total: None,
    on_finding: OnFinding = lambda finding: None,
) -> list[AnnotatedPhoto]:
    """Every annotated photo. ``on_finding`` hears of what is doubtful and is learned all the same.

    Raises:
        AnnotationError: something is broken; the message names the first and counts the others.
        LabelError: label names are needed and missing.
    """
    check = check_annotations(sources, photos, names=names, on_photo=on_photo)
    broken = [finding for finding in check.findings if finding.broken]
    if broken:
        more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
        raise AnnotationError(
            f"{broken[0]}{more}: mend it (`garb annotations check` lists all) "
            "or leave it out with --skip-broken"
        )
    return _annotated(check, on_finding)


def without_broken(
    sources: Sequence[Path],
    photos: Sequence[Path],
    *,
    names: Path | None = None,
    on_photo: OnPhoto = lambda done, total: None,
    on_finding: OnFinding = lambda finding: None,
) -> list[AnnotatedPhoto]:
    """As `read_sound`, but broken regions and photos are left out, and ``on_finding`` hears of each.

    A photo whose regions are all broken is left out whole.

    Raises:
        AnnotationError: a whole file cannot be read, or a folder of photos is missing.
        LabelError: label names are needed and missing.
    """
    check = check_annotations(sources, photos, names=names, on_photo=on_photo)
    for finding in check.findings:
        if finding.kind is FindingKind.UNREADABLE_FILE:
            raise AnnotationError(str(finding))
    return _annotated(check, on_finding)


def _annotated(check: Check, on_finding: OnFinding) -> list[AnnotatedPhoto]:
    for finding in check.findings:
        on_finding(finding)
    return [
        photo.examined.sound.annotated(checked.labelled())
        for checked in check.listings
        for photo in checked.photos
        if photo.examined.sound is not None
    ]
