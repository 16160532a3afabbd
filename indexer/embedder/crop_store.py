"""Crops of garments in one file, cut once, so that an epoch reads memory instead of photos."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, astuple, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from indexer.embedder.items import (
    CROP_PX,
    FOREGROUND_PX,
    MARGIN,
    MIN_AREA_SHARE,
    Crop,
    Cut,
    FindGarments,
    Source,
    cut_source,
)
from segmentation.errors import AnnotationError, GarbError
from segmentation.garment import Garment
from segmentation.models import sha256_of
from segmentation.photo import Photo, Pixels

# Counts up when the same sources are cut otherwise.
_CUTTING = 3
_CROP_BYTES = CROP_PX * CROP_PX * 4

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """``load`` gives what finds garments, in each process anew; ``version``: of its models."""

    load: Callable[[], FindGarments]
    version: str


@dataclass(frozen=True, slots=True, eq=False)
class CropStore:
    """``pixels``: (n, CROP_PX, CROP_PX, 4) uint8 RGBA, uncut, alpha 255 = cloth."""

    crops: tuple[Crop, ...]
    pixels: Pixels
    fingerprint: str


def open_crops(
    sources: Sequence[Source],
    folder: Path,
    *,
    finding: Finding | None = None,
    workers: int = 0,
    on_progress: Progress | None = None,
) -> CropStore:
    """Read the store of these sources from ``folder``, cutting them first where it is not there.

    A cutting that was killed goes on where it was. With ``finding`` garments of labelled photos are
    there twice: as labelled, and as they are found.

    Raises:
        AnnotationError: no source gave a garment.
    """
    fingerprint = _fingerprint(sources, finding)
    listing, data = folder / f"{fingerprint}.json", folder / f"{fingerprint}.npy"
    if not listing.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        _cut_all(sources, listing, data, finding, workers=workers, on_progress=on_progress)
    crops = tuple(_crop_from(row) for row in json.loads(listing.read_text("utf-8")))
    return CropStore(crops, np.load(data, mmap_mode="r"), fingerprint)


def _crop_from(row: dict[str, Any]) -> Crop:
    return Crop(**{**row, "cut": Cut(row["cut"])})


def _cut_all(
    sources: Sequence[Source],
    listing: Path,
    data: Path,
    finding: Finding | None,
    *,
    workers: int,
    on_progress: Progress | None,
) -> None:
    raw, begun = data.with_suffix(".raw"), data.with_suffix(".begun.jsonl")
    crops, done = _cut_so_far(raw, begun)
    with raw.open("ab") as file, begun.open("a", encoding="utf-8") as lines:
        for cut in _cut_in_parallel(sources[done:], finding, workers):
            for crop, pixels in cut:
                crops.append(crop)
                file.write(pixels.tobytes())
            file.flush()
            # After its pixels: what is listed is there.
            lines.write(json.dumps([asdict(crop) for crop, _ in cut]) + "\n")
            lines.flush()
            done += 1
            if on_progress:
                on_progress(done, len(sources))
    if crops:
        shape = (len(crops), CROP_PX, CROP_PX, 4)
        store = np.lib.format.open_memmap(data, mode="w+", dtype=np.uint8, shape=shape)
        store[:] = np.memmap(raw, np.uint8, "r", shape=shape)
        store.flush()
        temporary = listing.with_suffix(".tmp")
        temporary.write_text(json.dumps([asdict(crop) for crop in crops]), "utf-8")
        temporary.replace(listing)
    raw.unlink()
    begun.unlink()
    if not crops:
        raise AnnotationError("no garment was found in the street photos or the catalog")


def _cut_so_far(raw: Path, begun: Path) -> tuple[list[Crop], int]:
    """What a cutting that was killed has listed, and of how many sources; the rest is dropped."""
    raw.touch()
    begun.touch()
    text = begun.read_text("utf-8")
    listed = text[: text.rfind("\n") + 1]
    rows = [json.loads(line) for line in listed.splitlines()]
    crops = [_crop_from(row) for of_source in rows for row in of_source]
    if len(crops) * _CROP_BYTES > raw.stat().st_size:
        # The machine went down, and the list was on the disk before the pixels.
        listed, rows, crops = "", [], []
    begun.write_text(listed, "utf-8")
    os.truncate(raw, len(crops) * _CROP_BYTES)
    return crops, len(rows)


def _cut_in_parallel(
    sources: Sequence[Source], finding: Finding | None, workers: int
) -> Iterator[list[tuple[Crop, Pixels]]]:
    count = workers or os.cpu_count() or 1
    if count == 1 or len(sources) < 64:
        find = _of_the_last_photo(finding.load()) if finding else None
        yield from (cut_source(source, find) for source in sources)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        count, mp_context=context, initializer=_start_worker, initargs=(finding,)
    ) as pool:
        yield from pool.map(_cut_in_worker, sources, chunksize=16)


class _Worker:
    find: FindGarments | None = None


def _start_worker(finding: Finding | None) -> None:
    cv2.setNumThreads(1)
    _Worker.find = _of_the_last_photo(finding.load()) if finding else None


def _cut_in_worker(source: Source) -> list[tuple[Crop, Pixels]]:
    return cut_source(source, _Worker.find)


def _of_the_last_photo(find: FindGarments) -> FindGarments:
    """Who wears what in one photo is asked for garment by garment, and looked for once."""
    last: tuple[bytes, Sequence[Garment]] = b"", ()

    def found(photo: Photo) -> Sequence[Garment]:
        nonlocal last
        digest = hashlib.sha256(photo.pixels.tobytes()).digest()
        if digest != last[0]:
            last = digest, find(photo)
        return last[1]

    return found


def _fingerprint(sources: Sequence[Source], finding: Finding | None) -> str:
    found_by = finding.version if finding else ""
    digest = hashlib.sha256(
        f"{_CUTTING} {CROP_PX} {MARGIN} {MIN_AREA_SHARE} {FOREGROUND_PX} {found_by}".encode()
    )
    # Sources share label files: all that is worn in a photo.
    labels_sha256 = cache(sha256_of)
    for source in sources:
        try:
            photo_bytes = Path(source.photo).stat().st_size
            labels = labels_sha256(Path(source.labels)) if source.labels else None
        except OSError as error:
            raise GarbError(f"{error.filename}: {error.strerror}") from error
        digest.update(f"{astuple(source)} {photo_bytes} {labels}\n".encode())
    return digest.hexdigest()[:16]
