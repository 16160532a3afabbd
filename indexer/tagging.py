"""Garments → the same with the pattern of their cloth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from segmentation.garment import Cutout, Garment
from segmentation.labels import category_of
from segmentation.pattern import PatternTagger

# The categories of cloth: of shoes, bags and hats no pattern is told.
OF_CLOTH = frozenset({"top", "outerwear", "dress", "trousers", "shorts", "skirt"})


def with_patterns(
    garments: Sequence[Garment], cutouts: Sequence[Cutout], tagger: PatternTagger | None
) -> tuple[Garment, ...]:
    """The garments in their order, each with the pattern seen on its cut-out."""
    if tagger is None:
        return tuple(garments)
    asked = [place for place, one in enumerate(garments) if category_of(one.category) in OF_CLOTH]
    found = dict(zip(asked, tagger.patterns_of([cutouts[place] for place in asked]), strict=True))
    return tuple(replace(one, pattern=found.get(place)) for place, one in enumerate(garments))
