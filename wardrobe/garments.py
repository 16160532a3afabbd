"""Every garment from its cut, as panels on a body: the same panels lie flat and are worn."""

from __future__ import annotations

from wardrobe.bags import bag_panels
from wardrobe.bottoms import skirt_marks, skirt_panels, trouser_marks, trouser_panels
from wardrobe.canvas import Canvas, Colour, Fabric, Panel
from wardrobe.cut import (
    ON_TABLE,
    Cut,
    Joints,
    Mark,
    Pose,
    Side,
    angle_of,
    mirrored,
    moved,
    symmetric,
    tube,
)
from wardrobe.hats import hat_panels
from wardrobe.seams import upper_marks
from wardrobe.shoes import shoe_from_front, shoe_from_side
from wardrobe.tops import outerwear_panels, top_panels

__all__ = [
    "ON_TABLE",
    "SHOE_COLOUR_OF_SOLE",
    "Cut",
    "Joints",
    "Pose",
    "Side",
    "add_details",
    "angle_of",
    "bag_panels",
    "hat_panels",
    "mirrored",
    "moved",
    "panels",
    "shoe_from_front",
    "shoe_from_side",
    "symmetric",
    "tube",
]

SHOE_COLOUR_OF_SOLE: Colour = (226, 224, 218)
LEGGED = ("trousers", "jeans", "shorts")
OUTER = ("coat", "jacket", "blazer")
ACCESSORIES = ("shoes", "bag", "hat")


def panels(cut: Cut, fabric: Fabric, pose: Pose, side: Side = Side.FRONT) -> list[Panel]:
    """Every garment but shoes, bags and hats, back to front."""
    if cut.kind in LEGGED:
        return trouser_panels(cut, fabric, pose, side)
    if cut.kind == "skirt":
        return skirt_panels(cut, fabric)
    if cut.kind in OUTER:
        return outerwear_panels(cut, fabric, pose, side)
    return top_panels(cut, fabric, pose, side)


def add_details(
    canvas: Canvas, cut: Cut, pose: Pose, *, owner: int, side: Side = Side.FRONT
) -> None:
    """Seams, hems, buttons and pockets, only where the garment shows."""
    for mark in _marks(cut, pose, side):
        canvas.line(
            mark.points,
            owner=owner,
            width=mark.width,
            shade=mark.shade,
            colour=mark.colour,
            soft=mark.soft,
        )


def _marks(cut: Cut, pose: Pose, side: Side) -> list[Mark]:
    if cut.kind in ACCESSORIES:
        return []
    if cut.kind in LEGGED:
        return trouser_marks(cut, pose, side)
    if cut.kind == "skirt":
        return skirt_marks(cut, side)
    return upper_marks(cut, pose, side)
