"""Which of the network's instances count as garments: by their scores, and by what somebody expects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from segmentation.garment import Box
from segmentation.labels import PERSON, category_of
from segmentation.mask_rcnn.predict import ScoredInstance

MIN_SCORE = 0.5
# Enough for the best garment of a category that is known to be there.
FAINT_SCORE = 0.1
# Of the best one's score, where a category was named and its best is uncertain: one that scores as
# much may be the garment that was meant, and what they match tells. The best is one of the most.
AS_LIKELY = 0.6
MOST_AS_LIKELY = 3
EXPECTED_BOX_IOU = 0.5
# Two categories on the same pixels are one garment seen twice: the better score stays. Of one
# category it is enough that one lies in the other: a pair of shoes, and each of its shoes.
SAME_GARMENT_IOU = 0.7
SAME_CATEGORY_OVERLAP = 0.7


def believed(
    instances: Sequence[ScoredInstance], *, expected: str | None, expected_box: Box | None = None
) -> list[ScoredInstance]:
    """The instances of at least `MIN_SCORE`; before them the expected one, where it scores less.

    A better one on the same pixels was that garment under another name, and gives its mask. Where a
    category alone is expected and the best of it is uncertain, those as likely follow it.
    """
    certain = [instance for instance in instances if instance.score >= MIN_SCORE]
    fitting = expected_among(instances, expected, expected_box)
    if not fitting:
        return certain
    best = fitting[0]
    twins = [i for i in certain if i.category not in (PERSON, best.category)]
    twins = [i for i in twins if i.score > best.score and _is_double(i, best)]
    if best in certain and not twins:
        return certain
    named = replace(best, box=twins[0].box, mask=twins[0].mask) if twins else best
    others = _as_likely(fitting, certain) if expected_box is None else []
    return [named, *others, *(i for i in certain if i is not best)]


def _as_likely(
    fitting: Sequence[ScoredInstance], certain: Sequence[ScoredInstance]
) -> list[ScoredInstance]:
    """Of the expected, best first, those as likely as an uncertain best; none that is certainly else."""
    best = fitting[0].score
    if not FAINT_SCORE <= best < MIN_SCORE:
        return []
    others = [one for one in fitting[1:] if one.score >= AS_LIKELY * best]
    garments = [one for one in certain if one.category != PERSON]
    free = [one for one in others if not any(_is_double(one, other) for other in garments)]
    return free[: MOST_AS_LIKELY - 1]


def expected_among(
    instances: Sequence[ScoredInstance], expected: str | None, expected_box: Box | None
) -> list[ScoredInstance]:
    """Those that somebody said are there: of the category, of the box, of both; best first."""
    if expected is None and expected_box is None:
        return []
    garments = [i for i in instances if i.category != PERSON]
    if expected is not None:
        garments = [i for i in garments if category_of(i.category) == expected]
    if expected_box is None:
        return garments
    outlined = [i for i in garments if i.box.iou(expected_box) >= EXPECTED_BOX_IOU]
    if outlined or expected is None:
        return outlined
    # A wide box with a name means what is named in it: the bag, not all that its strap spans.
    return [i for i in garments if i.box.lies_in(expected_box)]


def without_doubles(instances: Sequence[ScoredInstance]) -> list[ScoredInstance]:
    """Drop what a better instance has already: the same garment under another name, or a part."""
    kept: list[ScoredInstance] = []
    for instance in instances:
        if instance.category == PERSON or not any(
            _is_double(instance, other) for other in kept if other.category != PERSON
        ):
            kept.append(instance)
    return kept


def _is_double(a: ScoredInstance, b: ScoredInstance) -> bool:
    if a.box.iou(b.box) == 0.0:
        return False
    shared = int(np.count_nonzero(a.mask.pixels & b.mask.pixels))
    areas = a.mask.area, b.mask.area
    if a.category == b.category:
        return shared > SAME_CATEGORY_OVERLAP * min(areas)
    return shared > SAME_GARMENT_IOU * (sum(areas) - shared)
