"""How photos become the garments that are compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from indexer.garment_choice import choose_garments, whole_box
from segmentation.garment import Box, Garment
from segmentation.photo import Photo
from segmentation.product_photo import choose_product_garment
from segmentation.segmenter import PhotoParser

# What of a found garment is embedded.
Crop = Callable[[Photo, Garment], Garment]


class GarmentFinder(Protocol):
    """How photos become garments: through the models, or not at all."""

    def of_product(self, photo: Photo, category: str | None) -> Garment: ...

    def of_query(
        self, photo: Photo, category: str | None, box: Box | None
    ) -> tuple[Garment, ...]: ...


class Segmented:
    """The garments that a photo parser finds, chosen as imports and searches choose them."""

    def __init__(self, photo_parser: PhotoParser) -> None:
        self._photo_parser = photo_parser

    def of_product(self, photo: Photo, category: str | None) -> Garment:
        parsed = self._photo_parser.parse(photo, expected=category)
        return choose_product_garment(parsed, category)[0]

    def of_query(self, photo: Photo, category: str | None, box: Box | None) -> tuple[Garment, ...]:
        parsed = self._photo_parser.parse(photo, expected=category, expected_box=box)
        return choose_garments(parsed, category=category, box=box)


class WholePhotos:
    """No segmentation: what the first stages are worth is the difference to this."""

    def of_product(self, photo: Photo, category: str | None) -> Garment:
        return Garment(category=None, score=None, box=whole_box(photo), mask=None)

    def of_query(self, photo: Photo, category: str | None, box: Box | None) -> tuple[Garment, ...]:
        return (self.of_product(photo, category),)


def as_found(photo: Photo, garment: Garment) -> Garment:
    """The garment's own pixels."""
    return garment


def box_crop(photo: Photo, garment: Garment) -> Garment:
    """All that lies in the garment's box."""
    return replace(garment, mask=None)


def whole_photo(photo: Photo, garment: Garment) -> Garment:
    """All of the photo, and no opinion on what it shows."""
    return Garment(category=None, score=None, box=whole_box(photo), mask=None)
