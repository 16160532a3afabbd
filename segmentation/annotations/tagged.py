"""Labels of photos that have tags only: the models' own, kept where the tags agree.

Tags say which garments are there and not where. A model that must only choose among those is right
far more often than one that chooses freely, and where it fails the photo is left out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from segmentation.annotations.annotated_photo import is_validation
from segmentation.annotations.label_png import LabelMap
from segmentation.believed import FAINT_SCORE, MIN_SCORE, without_doubles
from segmentation.errors import AnnotationError, PhotoError
from segmentation.garment import Regions
from segmentation.labels import PERSON, PIECEWISE_CATEGORIES, garment_merges, street_59_names
from segmentation.mask_rcnn.predict import MaskRCNNPredictor, ScoredInstance
from segmentation.photo import Photo, read_photo
from segmentation.pix2pix.predict import PersonParser
from segmentation.segmenter import union_of

# A garment that the tags vouch for needs less certainty than one that nobody has seen.
_LEAST_SCORE = 0.25
_OTHER_CLOTHES = "accessories"


def label_tagged_photos(
    photos: Path,
    tags: Path,
    out: Path,
    *,
    mask_rcnn: MaskRCNNPredictor,
    parser: PersonParser,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Counter[str]:
    """Write label PNGs of the 59 names, and ``labels.json``, of the photos where tags and models agree.

    ``tags``: JSON, photo file name → names of the 59 that are in the photo. Photos whose number ends in
    7 are left out. Returns how many were "labelled", "held out", "unreadable", and how many lacked
    each category.

    Raises:
        AnnotationError: the tags cannot be read.
    """
    names = street_59_names()
    merges = garment_merges()
    out.mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    tagged = _read_tags(tags)
    for done, (file, words) in enumerate(sorted(tagged.items()), 1):
        if is_validation(Path(file).stem):
            counts["held out"] += 1
        else:
            name_of = {merges[word]: word for word in reversed(words) if word in merges}
            try:
                labels = _label(read_photo(photos / file), name_of, mask_rcnn, parser, counts)
            except PhotoError:
                counts["unreadable"] += 1
                labels = None
            label_path = out / f"{Path(file).stem}.png"
            if labels is None:
                label_path.unlink(missing_ok=True)  # Of an earlier version, or other tags.
            else:
                Image.fromarray(labels).save(label_path, optimize=True)
                counts["labelled"] += 1
        on_progress(done, len(tagged))
    (out / "labels.json").write_text(json.dumps(names), "utf-8")
    return counts


def agreed(
    seen: Sequence[ScoredInstance], categories: Collection[str]
) -> tuple[list[ScoredInstance], frozenset[str]]:
    """The instances of these categories, and the categories that none was found of.

    ``seen``: best first. Of shoes and bags every certain piece is kept, else the best one; of the
    others the best one.
    """
    fitting = without_doubles([i for i in seen if i.category in categories])
    kept: list[ScoredInstance] = []
    for instance in fitting:
        first = all(instance.category != other.category for other in kept)
        another = instance.category in PIECEWISE_CATEGORIES and instance.score >= MIN_SCORE
        if another or (first and instance.score >= _LEAST_SCORE):
            kept.append(instance)
    return kept, frozenset(categories) - {instance.category for instance in kept}


def painted(
    garments: Sequence[ScoredInstance], regions: Regions, name_of: Mapping[str, str]
) -> LabelMap:
    """HW uint8 numbers of the 59 names: the smaller garment over the larger, skin and hair over both.

    ``name_of``: category → its name among the 59. What else the person wears is accessories.
    """
    numbers = {name: number for number, name in enumerate(street_59_names())}
    labels = np.where(regions.clothes.pixels, np.uint8(numbers[_OTHER_CLOTHES]), np.uint8(0))
    for garment in sorted(garments, key=lambda one: -one.mask.area):
        labels[garment.mask.pixels] = numbers[name_of[garment.category]]
    labels[regions.skin.pixels] = numbers["skin"]
    labels[regions.hair.pixels] = numbers["hair"]
    return labels


def _label(
    photo: Photo,
    name_of: Mapping[str, str],
    mask_rcnn: MaskRCNNPredictor,
    parser: PersonParser,
    counts: Counter[str],
) -> LabelMap | None:
    seen = mask_rcnn.predict(photo, min_score=FAINT_SCORE)
    person = union_of(i.mask for i in seen if i.category == PERSON and i.score >= MIN_SCORE)
    garments, absent = agreed(seen, name_of.keys())
    if person is None:
        absent |= {PERSON}
    counts.update(f"no {category}" for category in absent)
    if person is None or absent or not garments:
        return None
    return painted(garments, parser.parse(photo, person), name_of)


def _read_tags(path: Path) -> dict[str, list[str]]:
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise AnnotationError(f"{path}: {error}") from error
    if not isinstance(document, dict) or not all(map(_are_tags, document.values())):
        raise AnnotationError(f"{path}: expected photo file names with a list of tags each")
    return document


def _are_tags(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(tag, str) for tag in value)
