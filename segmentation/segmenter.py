"""Photo → garments: the order of the stages, readable top to bottom."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import numpy as np

from segmentation.backdrop import foreground_of
from segmentation.believed import FAINT_SCORE, MIN_SCORE, believed, expected_among, without_doubles
from segmentation.colour import dominant_colours
from segmentation.execution import ALL_CORES, Execution, Profile
from segmentation.garment import (
    Box,
    Garment,
    Mask,
    NamedColour,
    ParsedPhoto,
    Person,
    Regions,
)
from segmentation.labels import OVER_HAIR_CATEGORIES, PERSON
from segmentation.lone_thing import (
    surely_worn,
    with_cloth_of_the_backdrops_colour,
    without_rivals,
)
from segmentation.mask_rcnn.closer_look import Scene
from segmentation.mask_rcnn.predict import MaskRCNNPredictor, ScoredInstance
from segmentation.models import ModelVersion
from segmentation.photo import Photo
from segmentation.pix2pix.predict import PersonParser
from segmentation.sharpen import sharpened

INCLUDE_PERSON = "person"
# Of the named category, where somebody wears none that is even faint: a guess, and better than the
# whole photo. A photo without a person may be all one garment, seen close.
GUESS_SCORE = 0.02
# Of a photo, so that a crowd does not take for ever.
MOST_PARSED = 6
_MIN_MASK_PX = 64


class PhotoParser(Protocol):
    """Anything that cuts a photo into garments; `Segmenter` is the real one."""

    version: str
    parser_version: str

    def parse(
        self,
        photo: Photo,
        *,
        include: frozenset[str] = frozenset(),
        expected: str | None = None,
        expected_box: Box | None = None,
    ) -> ParsedPhoto:
        """The garments of a photo, best first; what is expected and not certain before others.

        ``include={"person"}`` adds skin and hair colour. ``expected``, ``expected_box``: a category of
        Garb's and a place where there is a garment, as somebody says who knows.
        """
        ...


class Segmenter:
    """Mask R-CNN says which garment and where, the parser which pixels are skin and hair.

    Without a parser the garments keep what skin and hair their masks cover.
    """

    def __init__(
        self,
        mask_rcnn: MaskRCNNPredictor,
        parser: PersonParser | None,
        profile: Profile = Profile.DEFAULT,
    ) -> None:
        self._mask_rcnn = mask_rcnn
        self._parser = parser
        self._always_parses = profile is not Profile.FAST
        self.version = mask_rcnn.version
        self.parser_version = parser.version if parser else ""

    def parse(
        self,
        photo: Photo,
        *,
        include: frozenset[str] = frozenset(),
        expected: str | None = None,
        expected_box: Box | None = None,
    ) -> ParsedPhoto:
        timings: dict[str, float] = {}
        with _timed(timings, "segment"):
            foreground = foreground_of(photo)
            lone = foreground.mask(photo) if foreground else None
            known = expected is not None or expected_box is not None
            least = FAINT_SCORE if known or lone is not None else MIN_SCORE
            scene = Scene.STREET if lone is None else Scene.BACKDROP
            seen = self._mask_rcnn.predict(photo, min_score=least, scene=scene)
            worn = surely_worn(seen)
            if expected and worn and not expected_among(seen, expected, expected_box):
                seen = self._mask_rcnn.predict(photo, min_score=GUESS_SCORE, scene=scene)
            if lone is not None and not worn:
                lone = with_cloth_of_the_backdrops_colour(lone, seen)
                # The thing itself stands out better than a faint instance of it.
                seen = [i for i in seen if i.score >= MIN_SCORE and i.category != PERSON]
                seen = without_rivals(seen, lone, expected)
            found = without_doubles(believed(seen, expected=expected, expected_box=expected_box))
            people = [i.mask for i in found if i.category == PERSON]
            person_mask = union_of(people)
        with _timed(timings, "parse"):
            regions = None
            wanted = self._always_parses or INCLUDE_PERSON in include
            if self._parser is not None and people and wanted:
                regions = parse_each(self._parser, photo, people)
            garments = tuple(
                garment
                for instance in sharpened(photo, found, regions, foreground)
                if instance.category != PERSON
                and (garment := garment_of(photo, instance, regions)) is not None
            )
            person = None
            if INCLUDE_PERSON in include and person_mask is not None and regions is not None:
                person = describe_person(photo, person_mask, regions)
        return ParsedPhoto(photo, garments, person_mask, regions, person, lone, timings)

    def try_networks(self, photo: Photo) -> None:
        """Run each network, whatever the photo shows: raises what a photo of a person would."""
        self._mask_rcnn.predict(photo, min_score=0)
        if self._parser is not None:
            self._parser.parse(photo, Mask(np.ones((photo.height, photo.width), bool)))


def load_segmenter(
    segmenter: ModelVersion,
    parser: ModelVersion | None,
    execution: Execution = ALL_CORES,
) -> Segmenter:
    """Verify and load the models. Raises ModelDamaged, MissingDependency."""
    return Segmenter(
        MaskRCNNPredictor(segmenter, execution),
        PersonParser(parser, execution) if parser else None,
        execution.profile,
    )


def parse_each(parser: PersonParser, photo: Photo, people: Sequence[Mask]) -> Regions:
    """The regions of the largest people, each seen alone: side by side they are small to the parser.

    Where two overlap, those of the larger.
    """
    largest = sorted(people, key=lambda person: -person.area)[:MOST_PARSED]
    first, *others = (parser.parse(photo, person) for person in largest)
    for regions in others:
        first = first.and_beside(regions)
    return first


def union_of(masks: Iterable[Mask]) -> Mask | None:
    """All masks as one, None if there is none."""
    pixels = [mask.pixels for mask in masks]
    return Mask(np.logical_or.reduce(pixels)) if pixels else None


def garment_of(photo: Photo, instance: ScoredInstance, regions: Regions | None) -> Garment | None:
    """The instance without skin and hair, its colours measured; None when nothing is left."""
    mask = without_body(instance, regions) if regions is not None else instance.mask
    if mask.area < _MIN_MASK_PX:
        return None
    colours = dominant_colours(mask.pixels_of(photo))
    return Garment(instance.category, instance.score, mask.box(), mask, colours)


def without_body(instance: ScoredInstance, regions: Regions) -> Mask:
    """The garment's pixels that are neither skin nor, but for what is worn over it, hair."""
    # In its box: of the whole photo it takes several times as long.
    window = instance.mask.window()
    cloth = instance.mask.pixels[window] & ~regions.skin.pixels[window]
    if instance.category not in OVER_HAIR_CATEGORIES:
        cloth &= ~regions.hair.pixels[window]
    pixels = np.zeros(instance.mask.pixels.shape, bool)
    pixels[window] = cloth
    return Mask(pixels)


def describe_person(photo: Photo, person: Mask, regions: Regions) -> Person:
    """Where the person is, and the one dominant colour of skin and of hair."""
    return Person(
        person.box(), _main_colour(photo, regions.skin), _main_colour(photo, regions.hair)
    )


def _main_colour(photo: Photo, region: Mask) -> NamedColour | None:
    if region.area < _MIN_MASK_PX:
        return None
    return dominant_colours(region.pixels_of(photo), most=1)[0]


@contextmanager
def _timed(timings: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    timings[name] = (time.perf_counter() - start) * 1000
