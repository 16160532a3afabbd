"""Masks of 28×28 cells drawn along the edges of the photo.

A cell of a standing person is 9 by 25 pixels, and the mask's edge runs somewhere within: the photo
tells where.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from segmentation.garment import Mask
from segmentation.guided_filter import Floats, GuidedFilter
from segmentation.labels import PERSON
from segmentation.photo import Pixels

if TYPE_CHECKING:
    from segmentation.mask_rcnn.predict import ScoredInstance

# Both chosen on photos that the segmenter was trained on: 0.7 to 3 cells, 1e-4 to 1e-2, 64 to 128 px.
RADIUS_CELLS = 2.0
EDGES = GuidedFilter(smoothness=3e-4, work_px=64)
# A garment of at least this score, more than half inside a person's box, is theirs.
WORN_SCORE = 0.5
WORN_SHARE = 0.5


def along_edges(mask: Floats, photo: Pixels, cell_px: tuple[float, float]) -> Floats:
    """A soft mask whose edges are the photo's.

    Args:
        mask: HW float32, 0–1, of all that ``photo`` shows, in fewer pixels or in as many.
        photo: HWC uint8 sRGB; the answer is of its size.
        cell_px: width and height of one cell of the network's mask, in pixels of the photo.
    """
    radius = (RADIUS_CELLS * cell_px[0], RADIUS_CELLS * cell_px[1])
    (drawn,) = EDGES.apply(mask[None], photo, radius_px=radius)
    return np.asarray(drawn)


def people_with_garments(instances: Sequence[ScoredInstance]) -> list[ScoredInstance]:
    """The instances, what people wear added to them: a garment's mask has the finer cells."""
    worn = [i for i in instances if i.category != PERSON and i.score >= WORN_SCORE]
    return [
        _dressed(instance, worn) if instance.category == PERSON else instance
        for instance in instances
    ]


def _dressed(person: ScoredInstance, garments: Sequence[ScoredInstance]) -> ScoredInstance:
    masks = [
        garment.mask.pixels
        for garment in garments
        if garment.box.shared(person.box) > WORN_SHARE * garment.box.area
    ]
    return replace(person, mask=Mask(np.logical_or.reduce([person.mask.pixels, *masks])))
