"""A closer look at people who are small in a photo.

The network sees every photo at one size. Of somebody who fills a corner of it, a shoe is a few pixels
then, much is not found at all, and the person's box is a guess.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from segmentation.labels import PERSON
from segmentation.mask_rcnn.region import Region
from segmentation.photo import Photo

if TYPE_CHECKING:
    from segmentation.mask_rcnn.predict import ScoredInstance

# How much larger a closer look must show somebody: less is not worth its time, or not in a hurry.
LEAST_ZOOM = 1.1
FAST_LEAST_ZOOM = 1.4
# Of a photo, so that a crowd does not take for ever.
MOST_LOOKS = 6
# Width for height of a photo beyond which people at its full height may be too small to be seen. Cameras
# make photos of 1.5.
_WIDE = 1.55
_MOST_WINDOWS = 7
# Of a person from afar, and from near.
FAINT_SCORE = 0.1
_SURE_SCORE = 0.8
# The same before a plain backdrop, where a coat alone scores up to 0.98 as somebody in it.
_LONE_FAINT_SCORE = 0.4
_LONE_SURE_SCORE = 0.99
# Somebody of fewer pixels, the longer way, is a blur from near too.
_LEAST_PX = 48
# Of the person's box, beyond it on each side: what is held in a hand, and what the box cuts off.
_MARGIN_X = 0.16
_MARGIN_Y = 0.12
_SAME_IOU = 0.5
# Of an instance's box: the closer look has seen it whole.
_WITHIN = 0.8


Look = Callable[[Photo], Sequence["ScoredInstance"]]


@dataclass(frozen=True, slots=True, eq=False)
class _Sighting:
    """A person, what lies around them, and the scale at which the network has seen them."""

    person: ScoredInstance
    around: Region
    scale: float

    @staticmethod
    def of(person: ScoredInstance, photo: Photo, scale: float) -> _Sighting:
        around = Region.around(person.box, photo, margin_x=_MARGIN_X, margin_y=_MARGIN_Y)
        return _Sighting(person, around, scale)


def look_closer(
    photo: Photo,
    look: Look,
    *,
    size: tuple[int, int],
    least_zoom: float = LEAST_ZOOM,
    lone: bool = False,
) -> list[ScoredInstance]:
    """What a network sees of a photo, and of each small person in it when it sees them alone.

    Args:
        look: one pass of the network, down to `FAINT_SCORE` at least.
        size: height and width of what the network takes.
        least_zoom: how much larger somebody must be seen than before.
        lone: one thing before a plain backdrop, more likely a garment than somebody.

    Returns:
        Instances in pixels of the photo, best first.
    """
    seen = list(look(photo))
    whole = Region.whole(photo).scale(size)
    faint_score = _LONE_FAINT_SCORE if lone else FAINT_SCORE
    people = [one for one in seen if _may_be_somebody(one, faint_score)]
    unsettled = [_Sighting.of(person, photo, whole) for person in people]
    near_enough = partial(_is_near_enough, size=size, least_zoom=least_zoom)
    if any(one.person.score >= _SURE_SCORE and near_enough(one) for one in unsettled):
        # The photo is of this one, and smaller people pass by.
        return seen
    if lone:
        unsettled = unsettled[:1]
    else:
        for person in _seen_in_windows(photo, look):
            unsettled = _with_sighting(unsettled, _Sighting.of(person, photo, whole))
    sure_score = _LONE_SURE_SCORE if lone else _SURE_SCORE
    for _ in range(MOST_LOOKS):
        unsettled = [one for one in unsettled if not near_enough(one)]
        if not unsettled:
            break
        one = max(unsettled, key=_prominence)
        unsettled.remove(one)
        near = one.around.seen_by(look, partial(_is_believed, sure_score=sure_score))
        people = _people_near(one, near)
        if people:
            garments = [instance for instance in near if instance.category != PERSON]
            seen = _replaced(seen, one, people, garments)
            unsettled = [one for one in unsettled if not _is_any(one.person, people)]
            scale = one.around.scale(size)
            unsettled += [_Sighting.of(person, photo, scale) for person in people]
    return sorted(seen, key=lambda instance: -instance.score)


def _may_be_somebody(instance: ScoredInstance, least_score: float) -> bool:
    shorter, longer = sorted((instance.box.width, instance.box.height))
    likely = instance.category == PERSON and instance.score >= least_score
    return likely and shorter >= 1 and longer >= _LEAST_PX


def _is_believed(instance: ScoredInstance, *, sure_score: float) -> bool:
    return instance.category != PERSON or instance.score >= sure_score


def _is_near_enough(one: _Sighting, *, size: tuple[int, int], least_zoom: float) -> bool:
    return one.around.scale(size) < least_zoom * one.scale


def _prominence(one: _Sighting) -> tuple[bool, float]:
    return one.person.score >= _SURE_SCORE, one.person.box.area


def _seen_in_windows(photo: Photo, look: Look) -> Iterator[ScoredInstance]:
    """Whom the parts of a wide photo may show, and none of their edges cuts."""
    for window in _windows(photo):
        for person in window.seen_by(look, partial(_may_be_somebody, least_score=FAINT_SCORE)):
            if not window.cuts(person.box):
                yield person


def _windows(photo: Photo) -> Iterator[Region]:
    """A wide photo in at most seven parts as high as it, each half over the next."""
    if photo.width <= _WIDE * photo.height:
        return
    windows = min(_MOST_WINDOWS, math.ceil(2 * photo.width / photo.height) - 1)
    step = photo.width / (windows + 1)
    for i in range(windows):
        yield Region(photo, round(i * step), 0, round((i + 2) * step), photo.height)


def _with_sighting(unsettled: list[_Sighting], new: _Sighting) -> list[_Sighting]:
    """One more, unless they are there already: the surer of the two stays."""
    twins = [one for one in unsettled if _is_same(one.person, new.person)]
    if any(one.person.score >= new.person.score for one in twins):
        return unsettled
    return [*(one for one in unsettled if one not in twins), new]


def _people_near(one: _Sighting, near: Sequence[ScoredInstance]) -> list[ScoredInstance]:
    """The same person in the closer look, and whoever else it shows whole; nobody if not them.

    From afar a box is too large as often as not, and may hold two.
    """
    people = [instance for instance in near if instance.category == PERSON]
    shared = {id(person): person.box.shared(one.person.box) for person in people}
    inside = [person for person in people if shared[id(person)] >= _WITHIN * person.box.area]
    again = max(inside, key=lambda person: shared[id(person)], default=None)
    if again is None:
        return []
    return [again, *(i for i in people if i is not again and not one.around.cuts(i.box))]


def _replaced(
    seen: Sequence[ScoredInstance],
    one: _Sighting,
    people: Sequence[ScoredInstance],
    garments: Sequence[ScoredInstance],
) -> list[ScoredInstance]:
    """People and garments of the closer look instead of the same from afar, and of garments there.

    What the region cuts, a neighbour's dress or a bag that swings out of it, stays what was seen whole.
    """
    region = one.around.box
    beyond = [i for i in seen if i.category != PERSON and i.box.shared(region) < i.box.area]

    def is_part(garment: ScoredInstance) -> bool:
        return one.around.cuts(garment.box) and any(garment.box.lies_in(i.box) for i in beyond)

    new = [*people, *(garment for garment in garments if not is_part(garment))]

    def stays(instance: ScoredInstance) -> bool:
        if instance is one.person or _is_any(instance, new):
            return False
        if instance.category == PERSON:
            return True
        if instance in beyond and any(g.box.lies_in(instance.box) for g in garments if is_part(g)):
            return True
        return instance.box.shared(region) <= _WITHIN * instance.box.area

    return [*filter(stays, seen), *new]


def _is_any(one: ScoredInstance, others: Sequence[ScoredInstance]) -> bool:
    return any(_is_same(one, other) for other in others)


def _is_same(one: ScoredInstance, other: ScoredInstance) -> bool:
    return one.category == other.category and one.box.iou(other.box) >= _SAME_IOU
