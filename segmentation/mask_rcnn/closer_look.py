"""A closer look at people who are small in a photo.

The network sees every photo at one size. Of somebody who fills a corner of it, a shoe is a few pixels
then, much is not found at all, and the person's box is a guess.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING

from segmentation.garment import Box
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
# Somebody of fewer pixels, the longer way, is a blur from near too.
_LEAST_PX = 48
# Of the person's box, beyond it on each side: what is held in a hand, and what the box cuts off.
_MARGIN_X = 0.16
_MARGIN_Y = 0.12
_SAME_IOU = 0.5
# Of an instance's box: the closer look has seen it whole.
_WITHIN = 0.8
# Somebody in another's box of whom this is said is one of several whom that box holds: what they score
# at least, and of its width at most, and of its height at least, theirs.
_LEAST_OF_GROUP = 0.3
_WIDEST_OF_GROUP = 0.65
_LOWEST_OF_GROUP = 0.6


Look = Callable[[Photo], Sequence["ScoredInstance"]]


class Scene(Enum):
    """What a photo shows: people, somewhere in it, or one thing before a plain backdrop."""

    STREET = "street"
    BACKDROP = "backdrop"


@dataclass(frozen=True, slots=True)
class _Scores:
    """What somebody must score from afar to be looked at, and from near to be believed."""

    faint: float
    sure: float


# Before a plain backdrop a coat alone scores up to 0.98 as somebody in it.
_SCORES = {Scene.STREET: _Scores(0.1, 0.8), Scene.BACKDROP: _Scores(0.4, 0.99)}
FAINTEST_PERSON = min(scores.faint for scores in _SCORES.values())


@dataclass(frozen=True, slots=True, eq=False)
class _Sighting:
    """A person, what lies around them, and the scale at which the network has seen them."""

    person: ScoredInstance
    around: Region
    scale: float


def look_closer(
    photo: Photo,
    look: Look,
    *,
    size: tuple[int, int],
    look_for_people: Look | None = None,
    least_zoom: float = LEAST_ZOOM,
    scene: Scene = Scene.STREET,
) -> list[ScoredInstance]:
    """What a network sees of a photo, and of each small person in it when it sees them alone.

    Args:
        look: one pass of the network, down to `FAINTEST_PERSON` at least.
        look_for_people: as ``look``, where garments need not be drawn; ``look`` itself if None.
        size: height and width of what the network takes.
        least_zoom: how much larger somebody must be seen than before.

    Returns:
        Instances in pixels of the photo, best first.
    """
    search = _Search(photo, look, size, least_zoom, scene)
    if not search.shows_somebody_large():
        if scene is Scene.BACKDROP:
            search.keep_the_best()
        else:
            search.search_windows(look_for_people or look)
        for _ in range(MOST_LOOKS):
            if not search.look_at_next():
                break
        search.drop_groups()
    return sorted(search.seen, key=lambda instance: -instance.score)


class _Search:
    """What has been ``seen`` of a photo so far, and whom to look at closer."""

    def __init__(
        self, photo: Photo, look: Look, size: tuple[int, int], least_zoom: float, scene: Scene
    ) -> None:
        self._photo, self._look, self._size, self._least_zoom = photo, look, size, least_zoom
        self._scores = _SCORES[scene]
        self.seen = list(look(photo))
        whole = Region.whole(photo)
        people = [one for one in self.seen if _may_be_somebody(one, self._scores.faint)]
        self._unsettled = [self._sighting(person, seen_in=whole) for person in people]
        self._groups = [] if scene is Scene.BACKDROP else self._boxes_of_groups()

    def shows_somebody_large(self) -> bool:
        """Whether the photo is of somebody already seen large: smaller people pass by."""
        return any(
            _is_sure(one) and self._is_near_enough(one) and one.person not in self._groups
            for one in self._unsettled
        )

    def keep_the_best(self) -> None:
        """One thing before a backdrop is at most one person."""
        self._unsettled = self._unsettled[:1]

    def search_windows(self, look: Look) -> None:
        """Look for people in the parts of a wide photo."""
        wanted = partial(_may_be_somebody, least_score=self._scores.faint)
        whole = Region.whole(self._photo)
        for window in _windows(self._photo):
            for person in window.seen_by(look, wanted):
                if not window.cuts(person.box):
                    new = self._sighting(person, seen_in=whole)
                    self._unsettled = _with_sighting(self._unsettled, new)

    def look_at_next(self) -> bool:
        """Look closer at the most prominent person; False if there is nobody left to look at."""
        self._unsettled = [one for one in self._unsettled if not self._is_near_enough(one)]
        if not self._unsettled:
            return False
        one = max(self._unsettled, key=_prominence)
        self._unsettled.remove(one)
        near = one.around.seen_by(self._look, self._is_believed)
        people = _people_near(one, near)
        if people:
            garments = [instance for instance in near if instance.category != PERSON]
            self.seen = _replaced(self.seen, one, people, garments)
            others = [other for other in self._unsettled if not _is_any(other.person, people)]
            found = [self._sighting(person, seen_in=one.around) for person in people]
            self._unsettled = [*others, *found]
        return True

    def drop_groups(self) -> None:
        """One box around several people goes where two of them are known for certain."""
        sure = [one for one in self.seen if one.category == PERSON and self._is_believed(one)]

        def is_known(group: ScoredInstance) -> bool:
            return sum(one is not group and one.box.lies_in(group.box) for one in sure) >= 2

        known = [group for group in self._groups if is_known(group)]
        self.seen = [one for one in self.seen if one not in known]

    def _boxes_of_groups(self) -> list[ScoredInstance]:
        """Who is seen large, and is several people: one of them is seen in it, smaller."""
        large = [one.person for one in self._unsettled if self._is_near_enough(one)]
        small = [one.person for one in self._unsettled if not self._is_near_enough(one)]
        return [group for group in large if any(_is_one_of(person, group) for person in small)]

    def _sighting(self, person: ScoredInstance, *, seen_in: Region) -> _Sighting:
        around = Region.around(person.box, self._photo, margin_x=_MARGIN_X, margin_y=_MARGIN_Y)
        return _Sighting(person, around, seen_in.scale(self._size))

    def _is_near_enough(self, one: _Sighting) -> bool:
        return one.around.scale(self._size) < self._least_zoom * one.scale

    def _is_believed(self, instance: ScoredInstance) -> bool:
        return instance.category != PERSON or instance.score >= self._scores.sure


def _may_be_somebody(instance: ScoredInstance, least_score: float) -> bool:
    longer = max(instance.box.width, instance.box.height)
    likely = instance.category == PERSON and instance.score >= least_score
    return likely and _shorter_side(instance.box) >= 1 and longer >= _LEAST_PX


def _shorter_side(box: Box) -> float:
    return min(box.width, box.height)


def _is_sure(one: _Sighting) -> bool:
    """From afar; what a scene asks for from near is another thing."""
    return one.person.score >= _SCORES[Scene.STREET].sure


def _is_one_of(person: ScoredInstance, group: ScoredInstance) -> bool:
    return (
        person.score >= _LEAST_OF_GROUP
        and person.box.lies_in(group.box)
        and person.box.width <= _WIDEST_OF_GROUP * group.box.width
        and person.box.height >= _LOWEST_OF_GROUP * group.box.height
    )


def _prominence(one: _Sighting) -> tuple[bool, float]:
    return _is_sure(one), one.person.box.area


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
    people = [i for i in near if i.category == PERSON and _shorter_side(i.box) >= 1]
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
