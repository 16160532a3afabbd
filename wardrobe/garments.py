"""The cut of each garment, as panels on a body: the same panels lie flat and are worn."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from wardrobe.canvas import Canvas, Colour, Fabric, Panel, Points, smooth

Joints = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
SHOE_COLOUR_OF_SOLE: Colour = (226, 224, 218)


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


def mirrored(joints: Joints) -> Joints:
    (a, b), (c, d), (e, f) = joints
    return ((-a, b), (-c, d), (-e, f))


_ARM_ON_TABLE: Joints = ((0.098, 0.195), (0.165, 0.335), (0.215, 0.475))
_LEG_ON_TABLE: Joints = ((0.046, 0.47), (0.058, 0.71), (0.066, 0.935))
ON_TABLE = Pose(mirrored(_ARM_ON_TABLE), _ARM_ON_TABLE, mirrored(_LEG_ON_TABLE), _LEG_ON_TABLE)


@dataclass(frozen=True, slots=True)
class Cut:
    """Lengths in body heights; ``sleeve``: share of the arm covered; ``ease``: added half-width."""

    kind: str
    hem: float = 0.50
    sleeve: float = 0.4
    ease: float = 0.0
    flare: float = 0.0
    neck: float = 0.03


def tube(joints: Joints, widths: tuple[float, ...], *, until: float = 1.0) -> Points:
    """A limb as a closed outline: half-widths spread evenly along the joints, cut at ``until``."""
    path = np.asarray(joints, np.float64)
    lengths = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    at = np.linspace(0, until * lengths[-1], 16)
    centre = np.stack([np.interp(at, lengths, path[:, i]) for i in (0, 1)], axis=1)
    direction = np.gradient(centre, axis=0)
    # Smoothed so that a bent elbow stays one sleeve.
    direction = np.roll(direction, 1, 0) + direction + np.roll(direction, -1, 0)
    direction[0], direction[-1] = centre[1] - centre[0], centre[-1] - centre[-2]
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    side = np.stack([-direction[:, 1], direction[:, 0]], axis=1)
    half = np.interp(at / lengths[-1], np.linspace(0, 1, len(widths)), widths)[:, None]
    return np.concatenate([centre + side * half, (centre - side * half)[::-1]])


def angle_of(joints: Joints) -> float:
    (x0, y0), _, (x1, y1) = joints
    return float(np.arctan2(x0 - x1, y1 - y0))


def moved(outline: Points, x: float, y: float) -> Points:
    return np.asarray(outline + np.asarray((x, y)))


def symmetric(half: list[tuple[float, float]]) -> Points:
    """A smooth outline from its right half, listed from the top middle to the bottom middle."""
    left = [(-x, y) for x, y in reversed(half) if x > 0.0]
    return smooth([*half, *left])


def panels(cut: Cut, fabric: Fabric, pose: Pose) -> list[Panel]:
    """Every garment but shoes, bags and hats, back to front."""
    if cut.kind in ("trousers", "shorts"):
        return _trousers(cut, fabric, pose)
    if cut.kind == "skirt":
        return [Panel(_skirt(cut), fabric), _band(fabric, 0.385, 0.077)]
    sleeves = [
        Panel(_sleeve(cut, arm), fabric, angle_of(arm), 0.35) for arm in pose.arms if cut.sleeve
    ]
    if cut.kind == "coat":
        return [*_coat_fronts(cut, fabric, pose), *sleeves, *_lapels(fabric, pose)]
    body = Panel(_bodice(cut), fabric)
    collar = [_collar(fabric, cut)] if cut.kind in ("shirt", "t-shirt", "jumper") else []
    return [*sleeves, body, *collar]


def _sleeve(cut: Cut, arm: Joints) -> Points:
    ease = cut.ease * 0.5
    ease += 0.004 if cut.kind == "coat" else 0.0
    # Narrow at the joint: a set-in sleeve starts round, under the shoulder seam.
    half = (0.016, 0.033, 0.036, 0.035, 0.033, 0.031, 0.030, 0.028, 0.027, 0.026, 0.025)
    return tube(arm, tuple(width + ease for width in half), until=cut.sleeve)


def _bodice(cut: Cut) -> Points:
    e, hem = cut.ease, cut.hem
    if cut.kind == "dress":
        tail = [
            (0.078 + e, 0.38),
            (0.100 + e + cut.flare * 0.4, 0.49),
            (0.105 + e + cut.flare, hem),
        ]
    else:
        tail = [(0.086 + e, 0.36), (0.094 + e, (0.36 + hem) / 2), (0.097 + e, hem)]
    bottom = hem + (0.012 if cut.kind in ("shirt", "dress") else 0.002)
    shoulder = 0.112 + e if cut.sleeve else 0.078
    top = [(0.0, 0.158 + cut.neck), (0.026, 0.153 + cut.neck * 0.65), (0.043, 0.150)]
    sides = [(shoulder * 0.75, 0.163), (shoulder, 0.182), (0.098 + e, 0.25)]
    return symmetric([*top, *sides, *tail, (tail[-1][0] * 0.5, bottom), (0.0, bottom)])


def _skirt(cut: Cut) -> Points:
    wide = 0.098 + cut.flare
    return symmetric(
        [
            (0.0, 0.385),
            (0.074, 0.385),
            (0.096 + cut.flare * 0.35, 0.47),
            (wide, cut.hem - 0.01),
            (wide, cut.hem),
            (wide * 0.5, cut.hem + 0.008),
            (0.0, cut.hem + 0.010),
        ]
    )


def _trousers(cut: Cut, fabric: Fabric, pose: Pose) -> list[Panel]:
    e = cut.ease
    until = cut.sleeve  # the share of the leg covered
    legs = tuple(
        tube(leg, (0.054 + e * 0.5, 0.042 + e, 0.030 + e + cut.flare), until=until)
        for leg in pose.legs
    )
    hips = symmetric(
        [
            (0.0, 0.388),
            (0.075, 0.388),
            (0.092, 0.44),
            (0.100 + e * 0.5, 0.50),
            (0.052, 0.545),
            (0.014, 0.525),
            (0.0, 0.515),
        ]
    )
    return [Panel(hips, fabric, 0.0, 0.34, joined=legs), _band(fabric, 0.388, 0.077)]


def _band(fabric: Fabric, y: float, half: float) -> Panel:
    outline = np.asarray(
        [(-half, y), (half, y), (half + 0.003, y + 0.02), (-half - 0.003, y + 0.02)]
    )
    return Panel(outline, replace(fabric, folds=0.02), 0.0, 0.2)


def _collar(fabric: Fabric, cut: Cut) -> Panel:
    deep = cut.neck + (0.028 if cut.kind == "shirt" else 0.010)
    outline = smooth(
        [
            (-0.046, 0.146),
            (-0.028, 0.150 + cut.neck * 0.7),
            (0, 0.158 + cut.neck),
            (0.028, 0.150 + cut.neck * 0.7),
            (0.046, 0.146),
            (0.052, 0.156),
            (0.034, 0.158 + deep),
            (0, 0.160 + cut.neck + 0.010),
            (-0.034, 0.158 + deep),
            (-0.052, 0.156),
        ],
        steps=4,
    )
    return Panel(outline, replace(fabric, pattern="plain", folds=0.03), 0.0, 0.25)


def _coat_fronts(cut: Cut, fabric: Fabric, pose: Pose) -> list[Panel]:
    e, hem, gap = cut.ease, cut.hem, pose.open_front
    half = [
        (0.036, 0.148),
        (0.085, 0.165),
        (0.118 + e, 0.186),
        (0.106 + e, 0.26),
        (0.098 + e, 0.38),
        (0.110 + e + cut.flare * 0.5, (0.38 + hem) / 2),
        (0.114 + e + cut.flare, hem),
        (0.06, hem + 0.006),
        (gap * 1.6 - 0.006, hem + 0.004),
        (gap - 0.006, 0.40),
        (gap - 0.006, 0.28),
        (0.026, 0.20),
    ]
    right = smooth(half)
    return [Panel(right * (-1, 1), fabric, 0.02), Panel(right, fabric, -0.02)]


def _lapels(fabric: Fabric, pose: Pose) -> list[Panel]:
    right = np.asarray(
        [
            (0.030, 0.143),
            (0.052, 0.150),
            (0.062, 0.215),
            (0.044, 0.222),
            (0.046, 0.240),
            (pose.open_front, 0.315),
            (pose.open_front + 0.004, 0.25),
        ]
    )
    darker = replace(fabric, folds=0.03)
    return [Panel(right * (-1, 1), darker, 0.2, 0.25), Panel(right, darker, -0.2, 0.25)]


def add_details(canvas: Canvas, cut: Cut, pose: Pose, *, owner: int) -> None:
    """Seams, hems, buttons and pockets, only where the garment shows."""

    def draw(points: list[tuple[float, float]], width: float = 0.002, shade: float = 0.72) -> None:
        canvas.line(points, owner=owner, width=width, shade=shade)

    if cut.kind in ("t-shirt", "shirt", "jumper", "dress"):
        bottom = cut.hem - (0.022 if cut.kind == "jumper" else 0.010)
        draw([(-0.2, bottom), (0.2, bottom)], shade=0.84)
    if cut.kind == "dress":
        draw([(-0.1, 0.385), (0.1, 0.385)], 0.004, 0.7)
    if cut.kind in ("shirt", "coat"):
        draw([(0.009, 0.19), (0.009, cut.hem + 0.01)], shade=0.78)
        for y in np.arange(0.23, min(cut.hem, 0.56) - 0.02, 0.055 if cut.kind == "shirt" else 0.08):
            x = 0.0 if cut.kind == "shirt" else 0.022 + pose.open_front
            draw([(x, float(y)), (x + 0.0005, float(y))], 0.008, 0.5)
    if cut.kind == "coat":
        for side in (-1, 1):
            draw([(side * 0.052, 0.435), (side * 0.09, 0.425)], 0.004, 0.6)
    if cut.kind in ("trousers", "shorts"):
        draw([(0.0, 0.40), (0.002, 0.50)], 0.003, 0.65)
        for side in (-1, 1):
            draw([(side * 0.055, 0.408), (side * 0.072, 0.425), (side * 0.09, 0.445)], 0.003, 0.65)
        for leg in pose.legs:
            (x, y), (knee_x, knee_y), end = leg
            draw([(x, y), (knee_x, knee_y), end], 0.004, 1.05)
            draw([(0.0, 0.515), (knee_x * 0.16, knee_y), (end[0] * 0.3, end[1])], 0.005, 0.8)


def hat_panels(cut: Cut, fabric: Fabric, *, x: float = 0.0) -> list[Panel]:
    """On a head whose crown is at (x, 0): ``flare`` 0 is a beanie, else a brim of that half-width."""
    crown = [(0.0, -0.022), (0.032, -0.014), (0.046, 0.012), (0.047, 0.034), (0.0, 0.040)]
    plain = Panel(moved(symmetric(crown), x, 0), fabric)
    if not cut.flare:
        cuff = symmetric(
            [(0.0, 0.016), (0.046, 0.014), (0.049, 0.026), (0.047, 0.040), (0.0, 0.046)]
        )
        return [plain, Panel(moved(cuff, x, 0), replace(fabric, folds=0.05, grain=0.05), 0.0, 0.4)]
    brim = symmetric(
        [
            (0.0, 0.022),
            (cut.flare * 0.7, 0.022),
            (cut.flare, 0.032),
            (cut.flare * 0.7, 0.044),
            (0.0, 0.050),
        ]
    )
    ribbon = symmetric([(0.0, 0.022), (0.0465, 0.020), (0.0475, 0.033), (0.0, 0.038)])
    return [
        Panel(moved(brim, x, 0), fabric),
        plain,
        Panel(moved(ribbon, x, 0), Fabric(fabric.accent), 0.0, 0.4),
    ]


def bag_panels(
    cut: Cut, fabric: Fabric, *, at: tuple[float, float], strap: list[tuple[float, float]]
) -> list[Panel]:
    """A bag whose top middle is ``at``, hanging from the strap's ends."""
    w, h = 0.062 + cut.ease, 0.085 + cut.ease
    body = (
        smooth(
            [
                (-w * 0.88, 0),
                (w * 0.88, 0),
                (w, h * 0.3),
                (w, h * 0.93),
                (w * 0.9, h),
                (-w * 0.9, h),
                (-w, h * 0.93),
                (-w, h * 0.3),
            ],
            steps=5,
        )
        + at
    )
    flap = (
        smooth(
            [
                (-w * 0.9, -0.002),
                (w * 0.9, -0.002),
                (w * 0.92, h * 0.35),
                (0, h * 0.52),
                (-w * 0.92, h * 0.35),
            ],
            steps=5,
        )
        + at
    )
    clasp = (
        smooth([(-0.006, h * 0.46), (0.006, h * 0.46), (0.006, h * 0.6), (-0.006, h * 0.6)]) + at
    )
    path = np.asarray(strap)
    offset = np.asarray([(0.0035, 0.0035)])
    belt = np.concatenate([path - offset, (path + offset)[::-1]])
    leather = replace(fabric, folds=0.04)
    return [
        Panel(belt, leather, 0, 0.3),
        Panel(body, leather, 0, 0.3),
        Panel(flap, leather, 0, 0.3),
        Panel(clasp, Fabric((196, 168, 96)), 0, 0.3),
    ]


def shoe_from_front(cut: Cut, fabric: Fabric, leg: Joints) -> list[Panel]:
    """A worn shoe: ``hem`` is the height of its shaft above the ankle."""
    x, ankle = leg[2]
    lean = 0.010 if x > 0 else -0.010
    upper = smooth(
        [
            (x - 0.022, ankle - 0.012 - cut.hem),
            (x + 0.022, ankle - 0.012 - cut.hem),
            (x + 0.023, ankle + 0.008),
            (x + lean + 0.029, ankle + 0.038),
            (x + lean + 0.022, 0.993),
            (x + lean, 0.998),
            (x + lean - 0.022, 0.993),
            (x + lean - 0.029, ankle + 0.038),
            (x - 0.023, ankle + 0.008),
        ],
        steps=5,
    )
    sole = smooth(
        [
            (x + lean - 0.027, 0.985),
            (x + lean + 0.027, 0.985),
            (x + lean + 0.024, 1.003),
            (x + lean, 1.008),
            (x + lean - 0.024, 1.003),
        ],
        steps=5,
    )
    return [Panel(sole, Fabric(fabric.accent, folds=0.0), 0, 0.2), Panel(upper, fabric, 0, 0.35)]


def shoe_from_side(cut: Cut, fabric: Fabric, *, x: float, y: float) -> list[Panel]:
    """A shoe on a table, toe to the right, its sole's middle at (x, y)."""
    top = -0.052 - cut.hem
    upper = smooth(
        [
            (-0.066, top + 0.002),
            (-0.062, top),
            (-0.026, top),
            (-0.022, top + 0.003),
            (-0.018, -0.050),
            (0.004, -0.036),
            (0.040, -0.030),
            (0.066, -0.018),
            (0.073, -0.004),
            (0.070, 0.002),
            (-0.068, 0.002),
            (-0.072, -0.018),
        ],
        steps=5,
    )
    sole = smooth(
        [(-0.074, -0.004), (0.074, -0.004), (0.074, 0.008), (0.05, 0.013), (-0.07, 0.013)], steps=5
    )
    return [
        Panel(moved(sole, x, y), Fabric(fabric.accent, folds=0.0), 0, 0.2),
        Panel(moved(upper, x, y), fabric, 0, 0.35),
    ]
