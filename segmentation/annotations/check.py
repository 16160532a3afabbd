"""What is wrong in annotations, all of it: file, region, reason. Every photo is opened once."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from segmentation.annotations.drawn import Examined, ListedPhoto, Listing
from segmentation.annotations.finding import Finding, FindingKind, Flaw
from segmentation.annotations.photo_folders import PhotoFolders
from segmentation.annotations.read import finding_of, list_annotations
from segmentation.annotations.spelling import probably_misspelt
from segmentation.errors import AnnotationError, PhotoError
from segmentation.photo import read_photo


@dataclass(frozen=True, slots=True)
class CheckedPhoto:
    """A listed photo after a look at it; ``examined`` holds what is sound and all flaws."""

    listed: ListedPhoto
    examined: Examined
    sha256: str | None


@dataclass(frozen=True, slots=True)
class CheckedListing:
    """One file or folder with all its photos checked."""

    listing: Listing
    photos: tuple[CheckedPhoto, ...]

    def labelled(self) -> frozenset[str]:
        """The categories that the annotator looked for."""
        if self.listing.labelled is not None:
            return self.listing.labelled
        return frozenset(name for photo in self.photos for _, name in photo.examined.classes)


@dataclass(frozen=True, slots=True)
class Check:
    """The whole of a check. ``classes``: sound regions by category (label PNGs: photos)."""

    listings: tuple[CheckedListing, ...]
    findings: tuple[Finding, ...]
    classes: Counter[str] = field(default_factory=Counter)

    @property
    def photos(self) -> int:
        return sum(len(listing.photos) for listing in self.listings)


def check_annotations(
    sources: Sequence[Path],
    photos: Sequence[Path],
    *,
    names: Path | None = None,
    on_photo: Callable[[int, int], None] = lambda done, total: None,
) -> Check:
    """Check VIA and COCO files and folders of label PNGs, together: what they share counts too.

    ``on_photo``: called with (photos done, of how many).

    Raises:
        AnnotationError: a folder of photos is missing.
        LabelError: label names are needed and missing.
    """
    folders = PhotoFolders(photos)
    findings: list[Finding] = []
    listings: list[Listing] = []
    for source in sources:
        try:
            listings.append(list_annotations(source, folders, names=names))
        except AnnotationError as error:
            reason = str(error).removeprefix(f"{source}: ")
            kind = FindingKind.UNREADABLE_FILE
            findings.append(Finding(str(source), str(source), None, kind, reason))
    checked = _look_at_all(listings, on_photo)
    classes = Counter(
        name for one in checked for photo in one.photos for _, name in photo.examined.classes
    )
    meant = probably_misspelt(classes)
    seen: dict[str, str] = {}
    for one in checked:
        findings += _findings(one, classes, meant, seen)
    return Check(tuple(checked), tuple(findings), classes)


def _look_at_all(
    listings: Sequence[Listing], on_photo: Callable[[int, int], None]
) -> list[CheckedListing]:
    listed = [photo for listing in listings for photo in listing.photos]
    looked: list[CheckedPhoto] = []
    # Decoding and rasterising let go of the interpreter's lock.
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        for one in threads.map(_look_at, listed):
            looked.append(one)
            on_photo(len(looked), len(listed))
    results = iter(looked)
    return [
        CheckedListing(listing, tuple(next(results) for _ in listing.photos))
        for listing in listings
    ]


def _look_at(listed: ListedPhoto) -> CheckedPhoto:
    if listed.path is None:
        return CheckedPhoto(listed, Examined(None, listed.flaws, ()), None)
    try:
        photo = read_photo(listed.path)
        sha256 = hashlib.sha256(listed.path.read_bytes()).hexdigest()
    except (PhotoError, OSError) as error:
        flaw = Flaw(FindingKind.UNREADABLE_PHOTO, None, str(error))
        return CheckedPhoto(listed, Examined(None, (*listed.flaws, flaw), ()), None)
    return CheckedPhoto(listed, listed.examine(photo), sha256)


def _findings(
    checked: CheckedListing, classes: Counter[str], meant: dict[str, str], seen: dict[str, str]
) -> Iterator[Finding]:
    source = checked.listing.source
    for flaw in checked.listing.flaws:
        yield finding_of(source, str(source), flaw)
    for photo in checked.photos:
        flaws = list(photo.examined.flaws)
        flaws += _misspelt(photo.examined, classes, meant)
        flaws += _duplicates(photo, source, seen)
        for flaw in sorted(flaws, key=_place):
            yield finding_of(source, photo.listed.file_name, flaw)


def _misspelt(examined: Examined, classes: Counter[str], meant: dict[str, str]) -> Iterator[Flaw]:
    for number, name in examined.classes:
        if name in meant:
            other = meant[name]
            reason = f"class {name!r} ({classes[name]}) is probably {other!r} ({classes[other]})"
            yield Flaw(FindingKind.MISSPELT_CLASS, number, reason)


def _duplicates(photo: CheckedPhoto, source: Path, seen: dict[str, str]) -> Iterator[Flaw]:
    """``seen``: where each path and each content was first; this photo is added to it."""
    if photo.sha256 is None or photo.listed.path is None:
        return
    path = str(photo.listed.path.resolve())
    here = f"{photo.listed.file_name} in {source}"
    if path in seen:
        reason = f"this photo is annotated before, as {seen[path]}"
        yield Flaw(FindingKind.DUPLICATE_PHOTO, None, reason)
    elif photo.sha256 in seen:
        reason = f"the same photo under another name, {seen[photo.sha256]}"
        yield Flaw(FindingKind.DUPLICATE_PHOTO, None, reason)
    seen.setdefault(path, here)
    seen.setdefault(photo.sha256, here)


def _place(flaw: Flaw) -> tuple[bool, int, str]:
    """The photo first, then its regions by number."""
    region = flaw.region or ""
    return flaw.region is not None, int(region) if region.isdecimal() else -1, region
