"""How a garment is cut and how a body stands: what the panels of every garment are made from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from wardrobe.canvas import Panel, Points, smooth
from wardrobe.cloth import Colour, Fabric

Joints = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
Half = list[tuple[float, float]]


class Side(Enum):
    """Which side of the garment is seen."""

    FRONT = "front"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class Pose:
    """Joints in body heights, x from the middle, y down from the crown; the left side is x < 0."""

    left_arm: Joints
    right_arm: Joints
    left_leg: Joints
    right_leg: Joints
    open_front: float = 0.0

    @property
    def arms(self) -> tuple[Joints, Joints]:
        return self.left_arm, self.right_arm

    @property
    def legs(self) -> tuple[Joints, Joints]:
        return self.left_leg, self.right_leg


WAIST = 0.385
METAL = Fabric((198, 172, 104), folds=0.0, gloss=0.8)


def mirrored(joints: Joints) -> Joints:
    (a, b), (c, d), (e, f) = joints
    return ((-a, b), (-c, d), (-e, f))


_ARM_ON_TABLE: Joints = ((0.098, 0.195), (0.160, 0.335), (0.205, 0.475))
_LEG_ON_TABLE: Joints = ((0.047, 0.47), (0.062, 0.71), (0.074, 0.935))
ON_TABLE = Pose(mirrored(_ARM_ON_TABLE), _ARM_ON_TABLE, mirrored(_LEG_ON_TABLE), _LEG_ON_TABLE)


@dataclass(frozen=True, slots=True)
class Cut:
    """Lengths in body heights; ``sleeve``: share of the limb covered; ``ease``: added half-width.

    ``shape`` names the silhouette within a kind. ``collar``: crew, v, scoop, boat, roll, polo,
    shirt, hood, strap, wrap, lapel or stand. ``closure``: buttons, placket, zip, double or belt.
    ``pockets``: chest, kangaroo, slit, flap or jeans. ``rib``: height of knitted hem and cuffs.
    ``trim``: colour of buttons, zip and stitching.
    """

    kind: str
    hem: float = 0.50
    sleeve: float = 0.4
    ease: float = 0.0
    flare: float = 0.0
    neck: float = 0.03
    shape: str = ""
    collar: str = ""
    closure: str = ""
    pockets: str = ""
    rib: float = 0.0
    trim: Colour = (58, 52, 48)


def tube(
    joints: tuple[tuple[float, float], ...],
    widths: tuple[float, ...],
    *,
    until: float = 1.0,
    start: float = 0.0,
) -> Points:
    """A limb as a closed outline: half-widths spread evenly along the joints, cut at ``until``."""
    path = np.asarray(joints, np.float64)
    lengths = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    at = np.linspace(start * lengths[-1], until * lengths[-1], 16)
    centre = np.stack([np.interp(at, lengths, path[:, i]) for i in (0, 1)], axis=1)
    direction = np.gradient(centre, axis=0)
    # Smoothed so that a bent elbow stays one sleeve.
    direction = np.roll(direction, 1, 0) + direction + np.roll(direction, -1, 0)
    direction[0], direction[-1] = centre[1] - centre[0], centre[-1] - centre[-2]
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    side = np.stack([-direction[:, 1], direction[:, 0]], axis=1)
    half = np.interp(at / lengths[-1], np.linspace(0, 1, len(widths)), widths)[:, None]
    return np.concatenate([centre + side * half, (centre - side * half)[::-1]])


def along(joints: Joints, share: float) -> tuple[float, float]:
    """The point at that share of the limb's length."""
    path = np.asarray(joints, np.float64)
    lengths = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    x, y = (float(np.interp(share * lengths[-1], lengths, path[:, i])) for i in (0, 1))
    return x, y


def angle_of(joints: Joints) -> float:
    (x0, y0), _, (x1, y1) = joints
    return float(np.arctan2(x0 - x1, y1 - y0))


def moved(outline: Points, x: float, y: float) -> Points:
    return np.asarray(outline + np.asarray((x, y)))


def path(text: str, wide: float = 0.001, high: float = 0.001) -> Half:
    """The points of ``"x y, x y"``, in units of ``wide`` and ``high``: else thousandths."""
    pairs = (pair.split() for pair in text.split(","))
    return [(float(x) * wide, float(y) * high) for x, y in pairs]


def strip(middle: Half | Points, half_width: float) -> Points:
    """A strap of even width along a line."""
    line = np.asarray(middle, np.float64)
    direction = np.gradient(line, axis=0)
    direction /= np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-9)
    side = np.stack([-direction[:, 1], direction[:, 0]], axis=1) * half_width
    return np.concatenate([line + side, (line - side)[::-1]])


def symmetric(half: Half) -> Points:
    """A smooth outline from its right half, listed from the top middle to the bottom middle."""
    left = [(-x, y) for x, y in reversed(half) if x > 0.0]
    return smooth([*half, *left])


def both_sides(points: Half) -> tuple[Half, Half]:
    return [(-x, y) for x, y in points], points


def polygon(half: Half) -> Points:
    """As ``symmetric``, with corners."""
    return np.asarray([*half, *((-x, y) for x, y in reversed(half) if x > 0.0)])


def ribbed(fabric: Fabric) -> Fabric:
    """The same yarn knitted as a cuff."""
    return replace(fabric, texture="rib", pattern="plain", period=0.044, folds=0.03)


def darker(fabric: Fabric, factor: float) -> Fabric:
    """The inside of the garment: the same cloth in shadow."""
    red, green, blue = (int(channel * factor) for channel in fabric.colour)
    return replace(fabric, colour=(red, green, blue), pattern="plain", folds=0.03, gloss=0.0)


def plain(fabric: Fabric, *, folds: float = 0.03) -> Fabric:
    return replace(fabric, pattern="plain", folds=folds)


def box(x: float, y: float, half_width: float, height: float, *, corner: float = 0.12) -> Points:
    """A patch with its top middle at (x, y), its lower corners a little rounded."""
    w, cut = half_width, corner * height
    corners = [(-w, 0), (w, 0), (w, height - cut), (w - cut, height), (cut - w, height)]
    return moved(np.asarray([*corners, (-w, height - cut)]), x, y)


def band(fabric: Fabric, y: float, half: float, *, height: float = 0.02) -> Panel:
    outline = np.asarray(
        [(-half, y), (half, y), (half + 0.003, y + height), (-half - 0.003, y + height)]
    )
    return Panel(outline, plain(fabric, folds=0.02), 0.0, 0.2, shadow=0.5)
