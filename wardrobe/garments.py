"""Clothes from their cut, as panels on a body: the same panels lie flat and are worn."""

from __future__ import annotations

from wardrobe.bottoms import skirt_marks, skirt_panels, trouser_marks, trouser_panels
from wardrobe.canvas import Canvas, Mark, Panel
from wardrobe.cloth import Fabric
from wardrobe.cut import Cut, Pose, Side
from wardrobe.seams import upper_marks
from wardrobe.tops import outerwear_panels, top_panels

LEGGED = ("trousers", "jeans", "shorts")
OUTER = ("coat", "jacket", "blazer")


def panels(cut: Cut, fabric: Fabric, pose: Pose, side: Side = Side.FRONT) -> list[Panel]:
    """Any garment but shoes, bags and hats, back to front."""
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
        canvas.line(mark, owner=owner)


def _marks(cut: Cut, pose: Pose, side: Side) -> list[Mark]:
    if cut.kind in LEGGED:
        return trouser_marks(cut, pose, side)
    if cut.kind == "skirt":
        return skirt_marks(cut, side)
    return upper_marks(cut, pose, side)
