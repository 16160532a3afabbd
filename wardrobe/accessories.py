"""Hats, bags and shoes, as panels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wardrobe.canvas import Fabric, Panel, Points, smooth
from wardrobe.cut import Cut, Half, Joints, Side, box, moved, plain, polygon, ribbed, symmetric

METAL = Fabric((198, 172, 104), folds=0.0, gloss=0.8)


def hat_panels(cut: Cut, fabric: Fabric, *, x: float = 0.0, side: Side = Side.FRONT) -> list[Panel]:
    """On a head whose crown is at (x, 0): a beanie, a cap, or a brim of half-width ``flare``."""
    match cut.shape:
        case "cap":
            pieces = _cap(fabric, side)
        case "brimmed" | "bucket" | "sun":
            pieces = _brimmed(cut, fabric)
        case _:
            pieces = _beanie(cut, fabric)
    return [replace(piece, outline=moved(piece.outline, x, 0)) for piece in pieces]


def _beanie(cut: Cut, fabric: Fabric) -> list[Panel]:
    crown = symmetric(
        [(0.0, -0.022), (0.030, -0.015), (0.046, 0.012), (0.047, 0.034), (0.0, 0.040)]
    )
    cuff = symmetric([(0.0, 0.014), (0.047, 0.012), (0.050, 0.026), (0.047, 0.041), (0.0, 0.046)])
    pieces = [Panel(crown, fabric, 0, 0.4), Panel(cuff, ribbed(fabric), 0.0, 0.4)]
    if cut.closure == "pompom":
        turn = np.linspace(0, 2 * np.pi, 54, endpoint=False)
        reach = 0.019 + 0.0007 * np.cos(turn * 9)
        ball = np.stack([reach * np.cos(turn), -0.036 + reach * np.sin(turn)], axis=1)
        yarn = replace(fabric, texture="smooth", pattern="plain", grain=0.16)
        pieces.insert(0, Panel(smooth(ball, steps=4), yarn, 0, 0.5))
    return pieces


def _cap(fabric: Fabric, side: Side) -> list[Panel]:
    crown = symmetric([(0, -0.021), (0.032, -0.013), (0.046, 0.010), (0.048, 0.036), (0.0, 0.034)])
    front = symmetric([(0, -0.021), (0.014, -0.016), (0.026, 0.010), (0.028, 0.036), (0.0, 0.034)])
    top = Panel(
        np.asarray([(-0.004, -0.024), (0.004, -0.024), (0.005, -0.020), (-0.005, -0.020)]), fabric
    )
    pieces = [Panel(crown, fabric, 0, 0.35), Panel(front, fabric, 0, 0.22, shadow=0.4), top]
    if side is Side.BACK:
        strap = polygon([(0, 0.026), (0.024, 0.026), (0.024, 0.036), (0, 0.036)])
        return [*pieces, Panel(strap, Fabric((70, 66, 62)), 0, 0.3)]
    visor = symmetric([(0, 0.026), (0.040, 0.030), (0.054, 0.046), (0.030, 0.055), (0, 0.058)])
    return [*pieces, Panel(visor, replace(fabric, folds=0.02), 0, 0.35, shadow=1.5)]


def _brimmed(cut: Cut, fabric: Fabric) -> list[Panel]:
    w = cut.flare
    crown: Half = [(0.0, -0.016), (0.020, -0.024), (0.040, -0.012), (0.047, 0.030), (0.0, 0.038)]
    brim: Half = [(0, 0.022), (w * 0.7, 0.021), (w, 0.030), (w * 0.7, 0.043), (0, 0.050)]
    if cut.shape == "bucket":
        crown = [(0, -0.018), (0.034, -0.017), (0.041, -0.006), (0.047, 0.022), (0, 0.030)]
        brim = [(0, 0.016), (0.045, 0.015), (0.066, 0.052), (0.040, 0.058), (0, 0.060)]
        return [Panel(symmetric(crown), fabric, 0, 0.35), Panel(symmetric(brim), fabric, 0, 0.35)]
    ribbon = symmetric([(0.0, 0.020), (0.0462, 0.016), (0.0480, 0.032), (0.0, 0.039)])
    pieces = [Panel(symmetric(brim), replace(fabric, folds=0.04), 0, 0.35)]
    pieces.append(Panel(symmetric(crown), fabric, 0, 0.38, shadow=1.3))
    if cut.shape == "brimmed":
        dent = symmetric([(0, -0.016), (0.013, -0.019), (0.008, -0.006), (0, 0.002)])
        pieces.append(Panel(dent, replace(fabric, folds=0.0), 0, 0.5, shadow=0.0))
    return [*pieces, Panel(ribbon, Fabric(fabric.accent, folds=0.02), 0.0, 0.4)]


def strip(path: Half | Points, half_width: float) -> Points:
    """A strap of even width along a path."""
    line = np.asarray(path, np.float64)
    direction = np.gradient(line, axis=0)
    direction /= np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-9)
    side = np.stack([-direction[:, 1], direction[:, 0]], axis=1) * half_width
    return np.concatenate([line + side, (line - side)[::-1]])


def bag_panels(
    cut: Cut, fabric: Fabric, *, at: tuple[float, float], strap: Half, side: Side = Side.FRONT
) -> list[Panel]:
    """A bag whose top middle is ``at``, hanging from the strap's ends."""
    leather = replace(fabric, folds=0.05)
    w, h = 0.060 + cut.ease, 0.082 + cut.ease
    match cut.shape:
        case "tote":
            pieces = _tote(leather, w * 1.1, h * 1.35, side)
        case "round":
            pieces = _round_bag(leather, w, side)
        case "backpack":
            pieces = _backpack(leather, w, h * 1.25, side)
        case "hobo":
            pieces = _hobo(leather, w * 1.15, h)
        case _:
            pieces = _satchel(leather, w, h, side)
    carried = Panel(strip(strap, 0.0035), plain(leather), 0, 0.3)
    return [carried, *(replace(piece, outline=piece.outline + at) for piece in pieces)]


def _satchel(fabric: Fabric, w: float, h: float, side: Side) -> list[Panel]:
    body = smooth(
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
    if side is Side.BACK:
        return [
            Panel(body, fabric, 0, 0.3),
            Panel(box(0, h * 0.25, w * 0.75, h * 0.6), fabric, 0, 0.1, shadow=0.5),
        ]
    flap = smooth(
        [
            (-w * 0.9, -0.002),
            (w * 0.9, -0.002),
            (w * 0.92, h * 0.40),
            (0, h * 0.56),
            (-w * 0.92, h * 0.40),
        ],
        steps=5,
    )
    clasp = smooth([(-0.006, h * 0.48), (0.006, h * 0.48), (0.006, h * 0.63), (-0.006, h * 0.63)])
    return [
        Panel(body, fabric, 0, 0.3),
        Panel(flap, fabric, 0, 0.28, shadow=1.3),
        Panel(clasp, METAL, 0, 0.3),
    ]


def _tote(fabric: Fabric, w: float, h: float, side: Side) -> list[Panel]:
    body = np.asarray(
        [
            (-w, 0),
            (w, 0),
            (w * 0.93, h * 0.97),
            (w * 0.88, h),
            (-w * 0.88, h),
            (-w * 0.93, h * 0.97),
        ]
    )
    edge = np.asarray([(-w, 0), (w, 0), (w * 0.99, 0.007), (-w * 0.99, 0.007)])
    turn = np.linspace(np.pi, 0, 20)
    handle = np.stack([w * 0.45 * np.cos(turn), 0.012 - 0.062 * np.sin(turn)], axis=1)
    tabs = [Panel(box(s * w * 0.45, 0.002, 0.0055, 0.022), plain(fabric), 0, 0.2) for s in (-1, 1)]
    label = (
        []
        if side is Side.BACK
        else [Panel(box(0, h * 0.30, w * 0.16, h * 0.07), METAL, 0, 0.2, shadow=0.4)]
    )
    if fabric.pattern != "plain":
        label = []
    return [
        Panel(strip(handle, 0.0038), plain(fabric), 0, 0.3),
        Panel(body, fabric, 0, 0.22),
        Panel(edge, plain(fabric), 0, 0.2, shadow=0.6),
        *tabs,
        *label,
    ]


def _round_bag(fabric: Fabric, w: float, side: Side) -> list[Panel]:
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    pieces = [Panel(circle * w + (0, w), fabric, 0, 0.35)]
    pieces.append(Panel(circle * w * 0.82 + (0, w), fabric, 0, 0.16, shadow=0.7))
    if side is Side.FRONT:
        pieces.append(Panel(box(0, -0.004, 0.007, 0.026), plain(fabric), 0, 0.2))
        pieces.append(Panel(box(0, 0.020, 0.005, 0.008), METAL, 0, 0.2))
    return pieces


def _hobo(fabric: Fabric, w: float, h: float) -> list[Panel]:
    body = symmetric(
        [
            (0, 0.016),
            (w * 0.55, 0.010),
            (w * 0.92, -0.012),
            (w, h * 0.45),
            (w * 0.7, h),
            (0, h * 1.06),
        ]
    )
    lip = symmetric(
        [
            (0, 0.014),
            (w * 0.55, 0.008),
            (w * 0.93, -0.014),
            (w * 0.9, -0.002),
            (w * 0.5, 0.020),
            (0, 0.026),
        ]
    )
    return [
        Panel(body, replace(fabric, folds=0.12), 0, 0.38),
        Panel(lip, fabric, 0, 0.25, shadow=0.6),
    ]


def _backpack(fabric: Fabric, w: float, h: float, side: Side) -> list[Panel]:
    w = w * 0.92
    body = symmetric(
        [
            (0, 0),
            (w * 0.62, 0.002),
            (w * 0.95, h * 0.22),
            (w, h * 0.85),
            (w * 0.88, h),
            (0, h * 1.01),
        ]
    )
    turn = np.linspace(np.pi, 0, 14)
    loop = np.stack([0.014 * np.cos(turn), 0.002 - 0.022 * np.sin(turn)], axis=1)
    pieces = [Panel(strip(loop, 0.003), plain(fabric), 0, 0.3), Panel(body, fabric, 0, 0.32)]
    if side is Side.BACK:
        belts = [
            strip([(s * 0.014, 0.012), (s * 0.036, h * 0.4), (s * 0.044, h * 0.95)], 0.007)
            for s in (-1, 1)
        ]
        return [*pieces, *(Panel(belt, plain(fabric), 0, 0.3) for belt in belts)]
    pocket = symmetric(
        [
            (0, h * 0.50),
            (w * 0.70, h * 0.50),
            (w * 0.76, h * 0.60),
            (w * 0.74, h * 0.92),
            (0, h * 0.94),
        ]
    )
    flap = symmetric(
        [(0, 0.002), (w * 0.60, 0.004), (w * 0.86, h * 0.20), (w * 0.72, h * 0.40), (0, h * 0.43)]
    )
    buckle = box(0, h * 0.38, 0.0055, 0.020)
    return [
        *pieces,
        Panel(pocket, fabric, 0, 0.2),
        Panel(flap, fabric, 0, 0.25, shadow=1.3),
        Panel(buckle, METAL, 0, 0.2),
    ]


def _sole(fabric: Fabric) -> Fabric:
    return Fabric(fabric.accent, folds=0.0)


def shoe_from_front(cut: Cut, fabric: Fabric, leg: Joints) -> list[Panel]:
    """A worn shoe: ``hem`` is the height of its shaft above the ankle."""
    x, ankle = leg[2]
    lean = 0.010 if x > 0 else -0.010
    middle = x + lean
    low = cut.shape in ("flat", "pump", "loafer")
    top = ankle + 0.026 if low else ankle - 0.004 - cut.hem
    shaft = 0.026 if cut.shape == "high boot" else 0.022
    if low:
        # The opening dips in the middle: the instep shows.
        throat = 0.988 if cut.shape != "loafer" else 0.976
        rim = [
            (middle - 0.021, top),
            (middle - 0.014, throat - 0.006),
            (middle, throat),
            (middle + 0.014, throat - 0.006),
            (middle + 0.021, top),
        ]
        sides = [
            (middle + 0.027, 0.982),
            (middle + 0.020, 1.000),
            (middle, 1.006),
            (middle - 0.020, 1.000),
            (middle - 0.027, 0.982),
        ]
        return [Panel(smooth([*rim, *sides], steps=5), fabric, 0, 0.3)]
    upper = smooth(
        [
            (x - shaft, top),
            (x + shaft, top),
            (x + 0.022, ankle + 0.008),
            (middle + 0.028, ankle + 0.036),
            (middle + 0.021, 0.993),
            (middle, 0.998),
            (middle - 0.021, 0.993),
            (middle - 0.028, ankle + 0.036),
            (x - 0.022, ankle + 0.008),
        ],
        steps=5,
    )
    sole = smooth(
        [
            (middle + s * a, y)
            for s, a, y in (
                (-1, 0.027, 0.985),
                (1, 0.027, 0.985),
                (1, 0.024, 1.003),
                (1, 0.0, 1.008),
                (-1, 0.024, 1.003),
            )
        ],
        steps=5,
    )
    pieces = [Panel(sole, _sole(fabric), 0, 0.2), Panel(upper, fabric, 0, 0.36)]
    if cut.shape == "sneaker":
        cap = smooth(
            [
                (middle - 0.018, 0.984),
                (middle, 0.976),
                (middle + 0.018, 0.984),
                (middle + 0.014, 0.997),
                (middle - 0.014, 0.997),
            ],
            steps=5,
        )
        pieces.append(Panel(cap, _sole(fabric), 0, 0.2, shadow=0.3))
        lace = Fabric((236, 234, 228), folds=0.0)
        for step in range(4):
            y = ankle + 0.004 + 0.009 * step
            at = x + lean * step / 4
            outline = np.asarray(
                [
                    (at - 0.010, y),
                    (at + 0.010, y + 0.001),
                    (at + 0.010, y + 0.004),
                    (at - 0.010, y + 0.003),
                ]
            )
            pieces.append(Panel(outline, lace, 0, 0.1, shadow=0.8))
    elif cut.shape == "ankle boot" and cut.closure == "zip":
        pieces.append(
            Panel(strip([(x, top + 0.004), (middle, 0.965)], 0.0015), METAL, 0, 0.1, shadow=0.4)
        )
    return pieces


def shoe_from_side(cut: Cut, fabric: Fabric, *, x: float, y: float) -> list[Panel]:
    """A shoe on a table, toe to the right, its sole's middle at (x, y)."""
    heel = {"pump": 0.042, "ankle boot": 0.020, "high boot": 0.020}.get(cut.shape, 0.0)
    low = cut.shape in ("flat", "pump", "loafer")
    pieces = _low_shoe(cut, fabric, heel) if low else _tall_shoe(cut, fabric, heel)
    return [replace(piece, outline=moved(piece.outline, x, y)) for piece in pieces]


def _low_shoe(cut: Cut, fabric: Fabric, heel: float) -> list[Panel]:
    lift = -heel
    back = -0.026 if cut.shape != "loafer" else -0.034
    throat = -0.016 if cut.shape != "loafer" else -0.030
    inside = smooth(
        [
            (-0.062, lift + back),
            (0.012, lift * 0.3 + throat),
            (0.02, -0.006),
            (-0.06, lift - 0.006),
        ],
        steps=4,
    )
    upper = smooth(
        [
            (-0.067, lift + back),
            (-0.060, lift + back + 0.001),
            (-0.030, lift * 0.8 - 0.013 + (back + 0.026)),
            (0.006, lift * 0.3 - 0.011 + (throat + 0.016) * 0.8),
            (0.030, throat - 0.003),
            (0.060, -0.012),
            (0.074, -0.001),
            (0.066, 0.004),
            (0.030, 0.004),
            (-0.010, lift * 0.62 + 0.003),
            (-0.045, lift + 0.004),
            (-0.068, lift + 0.002),
        ],
        steps=5,
    )
    dark = Fabric(
        (
            int(fabric.colour[0] * 0.4 + 60),
            int(fabric.colour[1] * 0.4 + 50),
            int(fabric.colour[2] * 0.4 + 40),
        )
    )
    sole = strip(
        [
            (-0.068, lift + 0.004),
            (-0.040, lift + 0.005),
            (-0.008, lift * 0.6 + 0.005),
            (0.030, 0.006),
            (0.072, 0.003),
        ],
        0.0026,
    )
    pieces = [
        Panel(inside, dark, 0, 0.2),
        Panel(sole, _sole(fabric), 0, 0.1),
        Panel(upper, fabric, 0, 0.34),
    ]
    if heel:
        block = smooth(
            [
                (-0.068, lift + 0.002),
                (-0.044, lift + 0.004),
                (-0.056, -0.004),
                (-0.055, 0.008),
                (-0.066, 0.008),
            ],
            steps=4,
        )
        pieces.insert(1, Panel(block, fabric, 0, 0.35))
    if cut.shape == "loafer":
        pieces.append(
            Panel(
                strip([(-0.004, -0.030), (0.012, -0.020), (0.022, -0.004)], 0.006), fabric, 0, 0.25
            )
        )
        block = np.asarray([(-0.068, 0.004), (-0.040, 0.004), (-0.042, 0.013), (-0.067, 0.013)])
        pieces.append(Panel(block, _sole(fabric), 0, 0.2))
    elif cut.shape == "flat":
        pieces.append(
            Panel(
                smooth(
                    [
                        (0.022, -0.021),
                        (0.031, -0.017),
                        (0.040, -0.021),
                        (0.038, -0.011),
                        (0.031, -0.015),
                        (0.024, -0.011),
                    ],
                    steps=3,
                ),
                fabric,
                0,
                0.3,
            )
        )
    return pieces


def _tall_shoe(cut: Cut, fabric: Fabric, heel: float) -> list[Panel]:
    lift, top = -heel, -0.056 - heel - cut.hem
    sneaker = cut.shape == "sneaker"
    shaft = -0.018 if cut.shape == "high boot" else -0.022
    upper = smooth(
        [
            (-0.066, top + 0.002),
            (-0.062, top),
            (shaft - 0.003, top),
            (shaft, top + 0.003),
            (-0.016, -0.050 - heel * 0.7),
            (0.004, -0.038 - heel * 0.4),
            (0.040, -0.029),
            (0.066, -0.019),
            (0.073, -0.004),
            (0.070, 0.002),
            (0.030, 0.004),
            (-0.006, lift * 0.5 + 0.004),
            (-0.068, 0.002 + lift),
            (-0.070, -0.020 + lift),
        ],
        steps=5,
    )
    thick = 0.009 if sneaker else 0.004
    sole = strip(
        [
            (-0.071, lift + 0.003),
            (-0.040, lift + 0.004),
            (-0.006, lift * 0.5 + 0.005),
            (0.030, 0.005),
            (0.073, 0.002),
        ],
        thick,
    )
    pieces = [Panel(sole, _sole(fabric), 0, 0.2), Panel(upper, fabric, 0, 0.36)]
    if heel:
        block = np.asarray(
            [(-0.070, lift + 0.002), (-0.036, lift + 0.004), (-0.040, 0.008), (-0.068, 0.008)]
        )
        pieces.insert(0, Panel(block, _sole(fabric), 0, 0.25))
    if sneaker:
        pieces.append(
            Panel(
                smooth(
                    [
                        (0.046, -0.022),
                        (0.064, -0.019),
                        (0.073, -0.004),
                        (0.068, 0.002),
                        (0.048, 0.000),
                    ],
                    steps=4,
                ),
                _sole(fabric),
                0,
                0.2,
                shadow=0.4,
            )
        )
        pieces.append(Panel(box(-0.060, -0.050, 0.009, 0.020), _sole(fabric), 0, 0.2, shadow=0.4))
        lace = Fabric((236, 234, 228), folds=0.0)
        for step in range(4):
            at = np.asarray([-0.012 + 0.011 * step, -0.046 + 0.0045 * step])
            pieces.append(
                Panel(
                    strip(np.asarray([(0, 0), (0.006, 0.011)]) + at, 0.0016),
                    lace,
                    0,
                    0.1,
                    shadow=0.6,
                )
            )
    elif cut.closure == "chelsea":
        gore = np.asarray(
            [
                (-0.052, top + 0.001),
                (-0.034, top + 0.001),
                (-0.039, -0.028 + lift),
                (-0.047, -0.028 + lift),
            ]
        )
        pieces.append(
            Panel(
                gore,
                Fabric((48, 46, 46), texture="rib", period=0.006, folds=0.0),
                0,
                0.2,
                shadow=0.3,
            )
        )
    elif cut.closure == "zip":
        pieces.append(
            Panel(
                strip([(-0.044, top + 0.003), (-0.046, lift - 0.014)], 0.0012),
                METAL,
                0,
                0.1,
                shadow=0.4,
            )
        )
    return pieces
