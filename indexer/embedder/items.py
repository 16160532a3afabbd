"""What the embedder learns from: garments of labelled street photos and photos of products.

Every garment is cut once into a square RGBA crop and kept in one file, so that an epoch reads
memory instead of decoding and segmenting photos again.
"""

from __future__ import annotations

import csv
import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.annotations.annotated_photo import Instance, is_validation
from segmentation.annotations.label_png import garment_instances, list_label_pairs, read_label_map
from segmentation.annotations.read import label_names
from segmentation.backdrop import foreground_of
from segmentation.errors import AnnotationError, GarbError, PhotoError
from segmentation.garment import Box, Garment, Mask, mask_iou
from segmentation.labels import PERSON, category_of
from segmentation.photo import Photo, Pixels, read_photo
from segmentation.product_photo import backdrop_foreground

CROP_PX = 160
MARGIN = 1.15
MIN_AREA_SHARE = 0.004
# GrabCut's time goes with the pixels, and views blur its edge anyway.
_FOREGROUND_PX = 128
# Counts up when the same sources are cut otherwise.
_CUTTING = 3
# A found garment is the labelled one if they overlap at least this much (IoU).
_SAME_GARMENT_IOU = 0.3
_GREY_BORDER = (128, 128, 128, 0)

Progress = Callable[[int, int], None]
# The garments of a street photo as serving finds them.
FindGarments = Callable[[Photo], Sequence[Garment]]


@dataclass(frozen=True, slots=True)
class Source:
    """A file to cut: a labelled street photo, one photo of a product, or of a product worn.

    ``box``: where in a street photo the product is, where several people wear the category.
    """

    item: str
    photo: str
    labels: str | None
    names: tuple[str, ...]
    category: str | None
    held_out: bool
    box: tuple[float, float, float, float] | None = None


class Cut(StrEnum):
    """How a garment came out of its photo."""

    BACKDROP = "backdrop"
    LABELS = "labels"
    SERVED = "served"


@dataclass(frozen=True, slots=True)
class Crop:
    """One crop of the store. Crops of the same ``item`` show the same garment."""

    item: str
    category: str
    area_share: float
    validation: bool
    cut: Cut


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


def street_sources(photos: Path, labels: Path | None = None) -> list[Source]:
    """Labelled photos of a folder; labels default to the folder ``labels`` beside it.

    Raises:
        AnnotationError: a folder is missing.
        LabelError: ``labels.json`` is missing.
    """
    folder = labels or photos.parent / "labels"
    names = label_names(folder, None)
    return [
        Source(
            f"street/{pair.stem}",
            str(pair.path),
            str(pair.label_path),
            names,
            category=None,
            held_out=is_validation(pair.stem),
        )
        for pair in list_label_pairs(photos, folder)
    ]


def worn_sources(queries: Path) -> list[Source]:
    """Products worn in labelled street photos: rows image, product, category and maybe box.

    The labels lie in the folder ``labels`` beside that of the photos. Products whose id ends in 7
    are held out.

    Raises:
        AnnotationError: not such a file.
        LabelError: ``labels.json`` is missing.
    """
    sources = []
    try:
        with queries.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                photo = queries.parent / row["image"]
                folder = photo.parent.parent / "labels"
                box = [float(side) for side in (row.get("box") or "").replace(",", " ").split()]
                sources.append(
                    Source(
                        f"catalog/{row['product']}",
                        str(photo),
                        str(folder / f"{photo.stem}.png"),
                        label_names(folder, None),
                        category=category_of(row["category"]),
                        held_out=is_validation(row["product"]),
                        box=(box[0], box[1], box[2], box[3]) if box else None,
                    )
                )
    except (OSError, KeyError, ValueError, IndexError, csv.Error) as error:
        raise AnnotationError(
            f"{queries}: not a CSV of image, product, category ({error})"
        ) from error
    return sources


def catalog_sources(feed: Path, *, held_out: Collection[str] = ()) -> list[Source]:
    """Product photos of a CSV feed that lie on disk, relative to the feed; several by ``|``.

    ``held_out``: items (`worn_sources`) that are not trained on.

    Raises:
        AnnotationError: the feed cannot be read or has no id and image columns.
    """
    sources = []
    try:
        with feed.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                images = row["image"].split("|")
                paths = [feed.parent / image.strip() for image in images if image.strip()]
                item = f"catalog/{row['id']}"
                sources += [
                    Source(item, str(path), None, (), row.get("category"), item in held_out)
                    for path in paths
                    if path.is_file()
                ]
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        raise AnnotationError(f"{feed}: not a CSV feed with id and image ({error})") from error
    return sources


def open_crops(
    sources: Sequence[Source],
    folder: Path,
    *,
    finding: Finding | None = None,
    workers: int = 0,
    on_progress: Progress | None = None,
) -> CropStore:
    """Read the store of these sources from ``folder``, cutting them first where it is not there.

    With ``finding`` garments of labelled photos are there twice: as labelled, and as they are found.

    Raises:
        AnnotationError: no source gave a garment.
    """
    fingerprint = _fingerprint(sources, finding)
    listing, data = folder / f"{fingerprint}.json", folder / f"{fingerprint}.npy"
    if not listing.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        _cut_all(sources, listing, data, finding, workers=workers, on_progress=on_progress)
    crops = tuple(
        Crop(**{**row, "cut": Cut(row["cut"])}) for row in json.loads(listing.read_text("utf-8"))
    )
    return CropStore(crops, np.load(data, mmap_mode="r"), fingerprint)


def cut_source(source: Source, find: FindGarments | None = None) -> list[tuple[Crop, Pixels]]:
    """Every garment of one file; a photo that cannot be read gives none."""
    try:
        photo = read_photo(Path(source.photo))
    except PhotoError:
        return []
    if source.labels is None:
        mask = _product_mask(photo)
        category = category_of(source.category) or "other"
        crop = Crop(
            source.item, category, mask.area / mask.pixels.size, source.held_out, Cut.BACKDROP
        )
        return [(crop, square_crop(photo, mask))]
    label_map = read_label_map(Path(source.labels))
    if label_map.shape != photo.pixels.shape[:2]:
        return []
    if source.box:
        label_map = _within(label_map, source.box)
    found = find(photo) if find else ()
    cut = []
    for instance in garment_instances(label_map, source.names):
        share = instance.mask.area / label_map.size
        if instance.category == PERSON or share < MIN_AREA_SHARE:
            continue
        if source.category not in (None, instance.category):
            continue
        # Both shoes are one garment: each is a view of the other.
        item = source.item if source.category else f"{source.item}/{instance.category}"
        crop = Crop(item, instance.category, share, source.held_out, Cut.LABELS)
        cut.append((crop, square_crop(photo, instance.mask)))
        served = _best_of(found, instance)
        if served is not None:
            cut.append((replace(crop, cut=Cut.SERVED), square_crop(photo, served)))
    return cut


def _best_of(found: Sequence[Garment], instance: Instance) -> Mask | None:
    """The mask of the found garment that overlaps a labelled one best, None where it was missed."""
    masks = [one.mask for one in found if one.mask and one.category == instance.category]
    overlaps = [mask_iou(mask.pixels, instance.mask.pixels) for mask in masks]
    best = max(range(len(masks)), key=overlaps.__getitem__, default=None)
    return None if best is None or overlaps[best] < _SAME_GARMENT_IOU else masks[best]


def _within(
    label_map: npt.NDArray[np.uint8], box_xyxy: tuple[float, float, float, float]
) -> npt.NDArray[np.uint8]:
    x0, y0, x1, y1 = (round(side) for side in box_xyxy)
    kept = np.zeros_like(label_map)
    kept[y0:y1, x0:x1] = label_map[y0:y1, x0:x1]
    return kept


def square_crop(photo: Photo, mask: Mask, *, size_px: int = CROP_PX) -> Pixels:
    """The square round a mask's box with a margin, HWC uint8 RGBA, grey beyond the photo."""
    box = mask.box() if mask.area else Box(0, 0, photo.width, photo.height)
    side = max(box.width, box.height) * MARGIN
    x0, y0 = (box.x0 + box.x1 - side) / 2, (box.y0 + box.y1 - side) / 2
    layers = np.dstack([photo.pixels, mask.pixels.astype(np.uint8) * 255])
    left, top = max(0, int(x0)), max(0, int(y0))
    layers = layers[top : int(y0 + side) + 1, left : int(x0 + side) + 1]
    scale = size_px / side
    if scale < 1:
        width, height = (max(1, round(length * scale)) for length in layers.shape[1::-1])
        shrunk = cv2.resize(layers, (width, height), interpolation=cv2.INTER_AREA)
        ratio_x, ratio_y = width / layers.shape[1], height / layers.shape[0]
    else:
        shrunk, ratio_x, ratio_y = layers, 1.0, 1.0
    matrix = np.array(
        [
            [scale / ratio_x, 0, (left - x0) * scale],
            [0, scale / ratio_y, (top - y0) * scale],
        ],
        np.float32,
    )
    square = cv2.warpAffine(
        shrunk, matrix, (size_px, size_px), flags=cv2.INTER_LINEAR, borderValue=_GREY_BORDER
    )
    return square.astype(np.uint8, copy=False)


def _product_mask(photo: Photo) -> Mask:
    """As serving cuts a lone product: what stands out of its plain backdrop."""
    foreground = foreground_of(photo)
    mask = foreground.mask(photo) if foreground else None
    if mask is not None:
        return mask
    scale = min(1.0, _FOREGROUND_PX / max(photo.width, photo.height))
    size = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    small = cv2.resize(photo.pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    mask = backdrop_foreground(Photo(small))
    if mask is None:
        return Mask(np.ones(photo.pixels.shape[:2], bool))
    soft = cv2.resize(mask.pixels.astype(np.float32), (photo.width, photo.height))
    return Mask(soft > 0.5)


def _cut_all(
    sources: Sequence[Source],
    listing: Path,
    data: Path,
    finding: Finding | None,
    *,
    workers: int,
    on_progress: Progress | None,
) -> None:
    crops: list[Crop] = []
    raw = data.with_suffix(".raw")
    with raw.open("wb") as file:
        for done, cut in enumerate(_cut_in_parallel(sources, finding, workers), start=1):
            for crop, pixels in cut:
                crops.append(crop)
                file.write(pixels.tobytes())
            if on_progress:
                on_progress(done, len(sources))
    if not crops:
        raw.unlink()
        raise AnnotationError("no garment was found in the street photos or the catalog")
    shape = (len(crops), CROP_PX, CROP_PX, 4)
    store = np.lib.format.open_memmap(data, mode="w+", dtype=np.uint8, shape=shape)
    store[:] = np.memmap(raw, np.uint8, "r", shape=shape)
    store.flush()
    raw.unlink()
    temporary = listing.with_suffix(".tmp")
    temporary.write_text(json.dumps([asdict(crop) for crop in crops]), "utf-8")
    temporary.replace(listing)


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
        f"{_CUTTING} {CROP_PX} {MARGIN} {MIN_AREA_SHARE} {_FOREGROUND_PX} {found_by}".encode()
    )
    for source in sources:
        try:
            stamp = Path(source.photo).stat().st_size
        except OSError as error:
            raise GarbError(f"{source.photo}: {error.strerror}") from error
        described = (source.item, source.photo, stamp, source.labels, source.held_out, source.box)
        digest.update(f"{described}\n".encode())
    return digest.hexdigest()[:16]
