"""What is worn on the upper body: tops, dresses, coats and jackets, as panels and marks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wardrobe.canvas import Fabric, Panel, Points, smooth
from wardrobe.cut import (
    ON_TABLE,
    WAIST,
    Cut,
    Half,
    Pose,
    Side,
    angle_of,
    band,
    both_sides,
    box,
    darker,
    path,
    plain,
    polygon,
    ribbed,
    symmetric,
    tube,
)

OPEN_COLLARS = ("lapel", "stand")


def top_panels(cut: Cut, fabric: Fabric, pose: Pose, side: Side) -> list[Panel]:
    """A top or a dress, back to front."""
    pieces = []
    if side is Side.FRONT and pose == ON_TABLE and cut.collar != "roll":
        pieces.append(_inside_of_back(cut, fabric))
    if cut.collar == "hood" and side is Side.FRONT:
        pieces.append(_hood_behind(fabric))
    pieces += sleeve_panels(cut, fabric, pose)
    pieces.append(Panel(_bodice(cut, side), fabric))
    if cut.rib:
        pieces.append(_rib_hem(cut, fabric))
    if cut.pockets == "kangaroo" and side is Side.FRONT:
        pocket = polygon(path("0 385, 42 385, 70 432, 70 462, 0 462"))
        pieces.append(Panel(pocket, replace(fabric, folds=0.03), 0.0, 0.16, shadow=0.6))
    if cut.pockets == "chest" and side is Side.FRONT:
        pieces.append(
            Panel(box(0.048, 0.232, 0.019, 0.044), replace(fabric, folds=0.02), 0, 0.12, shadow=0.5)
        )
    if cut.closure == "belt":
        pieces.append(band(plain(fabric), WAIST - 0.008, 0.083 + cut.ease, height=0.018))
    return pieces + _collar(cut, fabric, side)


def outerwear_panels(cut: Cut, fabric: Fabric, pose: Pose, side: Side) -> list[Panel]:
    """A coat or a jacket, back to front."""
    sleeves = sleeve_panels(cut, fabric, pose)
    if side is Side.BACK:
        body = Panel(_bodice(replace(cut, collar="crew"), side), fabric)
        rib = [_rib_hem(cut, fabric)] if cut.rib else []
        return [*sleeves, body, *rib, *_collar(cut, fabric, side)]
    pieces = []
    if pose == ON_TABLE:
        pieces.append(_inside_of_back(cut, fabric))
    if cut.collar == "hood":
        pieces.append(_hood_behind(fabric))
    right = _coat_front(cut, pose)
    pieces += [*sleeves, Panel(right * (-1, 1), fabric, 0.02), Panel(right, fabric, -0.02)]
    if cut.rib:
        gap = max(pose.open_front - 0.004, 0.001)
        w = 0.104 + cut.ease
        hem = np.asarray(
            [
                (gap, cut.hem - cut.rib),
                (w, cut.hem - cut.rib),
                (w - 0.008, cut.hem + 0.002),
                (gap, cut.hem + 0.002),
            ]
        )
        pieces += [Panel(half, ribbed(fabric), 0.0, 0.2) for half in (hem * (-1, 1), hem)]
    if cut.pockets in ("chest", "flap"):
        y, w, h = (0.255, 0.024, 0.040) if cut.pockets == "chest" else (0.425, 0.026, 0.022)
        x = 0.058 + pose.open_front * 0.5
        pieces += [
            Panel(box(s * x, y, w, h), replace(fabric, folds=0.02), 0, 0.15, shadow=0.7)
            for s in (-1, 1)
        ]
    if cut.shape == "belted" and not pose.open_front:
        pieces.append(band(plain(fabric), WAIST, 0.100 + cut.ease, height=0.022))
    return pieces + _collar(cut, fabric, side, gap=pose.open_front)


def sleeve_panels(cut: Cut, fabric: Fabric, pose: Pose) -> list[Panel]:
    if cut.sleeve <= 0:
        return []
    ease = cut.ease * 0.5 + (0.004 if cut.collar in OPEN_COLLARS else 0.0)
    # The sleeve begins under the shoulder, so that its head goes on with the shoulder's line.
    half = (0.016, 0.021, 0.031, 0.034, 0.034, 0.033, 0.031, 0.030, 0.028, 0.027, 0.026)
    wide = 0.5 * cut.flare if cut.shape == "balloon" else 0.0
    widths = tuple(w + ease + wide * (i / 10) ** 2 for i, w in enumerate(half))
    pieces = []
    for arm in pose.arms:
        angle = angle_of(arm)
        (x, y), elbow, wrist = arm
        limb = ((0.80 * x, y - 0.009), (x, y), elbow, wrist)
        end = 0.07 + 0.93 * cut.sleeve
        pieces.append(Panel(tube(limb, widths, until=end), fabric, angle, 0.36))
        if cut.sleeve < 0.9:
            continue
        tight = tuple(min(w, 0.022 + ease * 0.5) for w in widths)
        if cut.rib:
            cuff = tube(limb, tight, start=end - 0.070, until=end + 0.012)
            pieces.append(Panel(cuff, ribbed(fabric), angle, 0.3, shadow=0.6))
        elif cut.collar in ("shirt", "polo"):
            cuff = tube(limb, widths, start=end - 0.065, until=end + 0.004)
            pieces.append(Panel(cuff, replace(fabric, folds=0.02), angle, 0.3, shadow=0.6))
    return pieces


def _neckline(cut: Cut, side: Side) -> Half:
    """The bodice's upper edge from the middle to where the shoulder begins."""
    if side is Side.BACK:
        return [(0.0, 0.158), (0.026, 0.155), (0.043, 0.150)]
    match cut.collar:
        case "v" | "wrap" | "shirt" | "polo":
            low = 0.158 + cut.neck
            return [(0.0, low), (0.0015, low - 0.001), (0.041, 0.1505), (0.043, 0.150)]
        case "scoop":
            return _arc(0.054, 0.154, 0.014 + cut.neck)
        case "boat":
            return _arc(0.066, 0.157, 0.008)
        case _:
            return _arc(0.044, 0.150, 0.008 + cut.neck)


def _arc(half_width: float, top: float, depth: float) -> Half:
    turn = np.linspace(0, np.pi / 2, 5)
    return [(half_width * float(np.sin(t)), top + depth * float(np.cos(t))) for t in turn]


def _bodice(cut: Cut, side: Side) -> Points:
    e, hem = cut.ease, cut.hem
    if cut.kind == "dress":
        full = cut.flare * (hem - 0.38) / 0.3
        swing = 0.75 if cut.shape == "fit-and-flare" else 0.45
        tail = [
            (0.078 + e, 0.38),
            (0.098 + e + full * 0.30 * swing, 0.46),
            (0.102 + e * 0.5 + full * swing, 0.46 + (hem - 0.46) * 0.55),
            (0.100 + e * 0.5 + full, hem - 0.010),
            (0.100 + e * 0.5 + full, hem),
        ]
    else:
        tail = [
            (0.086 + e, 0.36),
            (0.094 + e, (0.36 + hem) / 2),
            (0.096 + e + cut.flare, hem - 0.008),
        ]
        tail.append((tail[-1][0], hem))
        if cut.rib:
            tail = [(0.094 + e, 0.36), (0.098 + e, hem - cut.rib - 0.012), (0.090 + e, hem - 0.004)]
    bottom = hem + (0.010 if cut.kind in ("shirt", "dress") else 0.002)
    if cut.collar == "strap":
        top = [(0.0, 0.222), (0.030, 0.214), (0.046, 0.203), (0.064, 0.222), (0.082 + e, 0.252)]
        if side is Side.BACK:
            top[0], top[1] = (0.0, 0.248), (0.03, 0.246)
        return symmetric([*top, *tail, (tail[-1][0] * 0.5, bottom), (0.0, bottom)])
    shoulder = 0.108 + 0.4 * e if cut.sleeve > 0 else 0.080
    sides = [(shoulder * 0.75, 0.163), (shoulder, 0.182), (0.098 + e, 0.25)]
    if cut.sleeve <= 0:
        sides = [(0.074, 0.160), (0.080, 0.166), (0.078, 0.20), (0.092 + e, 0.25)]
    return symmetric(
        [*_neckline(cut, side), *sides, *tail, (tail[-1][0] * 0.5, bottom), (0.0, bottom)]
    )


def _inside_of_back(cut: Cut, fabric: Fabric) -> Panel:
    """Seen through the neckline of a garment that nobody wears."""
    low = 0.30 if cut.collar == "lapel" else 0.18 + cut.neck
    if cut.collar == "strap":
        outline = polygon(path("0 246, 55 244, 55 270, 0 270"))
    elif cut.collar in ("scoop", "boat"):
        outline = symmetric([(0.0, 0.163), (0.04, 0.158), (0.060, 0.153), (0.055, low), (0, low)])
    else:
        outline = symmetric([(0.0, 0.156), (0.026, 0.153), (0.043, 0.147), (0.042, low), (0, low)])
    return Panel(outline, darker(fabric, 0.62), 0.0, 0.25, shadow=0.0)


def _rib_hem(cut: Cut, fabric: Fabric) -> Panel:
    w, hem = 0.091 + cut.ease, cut.hem
    outline = polygon(
        [(0, hem - cut.rib), (w + 0.004, hem - cut.rib), (w - 0.004, hem + 0.003), (0, hem + 0.005)]
    )
    return Panel(outline, ribbed(fabric), 0.0, 0.25, shadow=0.4)


def _collar(cut: Cut, fabric: Fabric, side: Side, *, gap: float = 0.0) -> list[Panel]:
    knitted = ribbed(fabric) if fabric.texture in ("knit", "rib", "cable") else plain(fabric)
    soft = replace(fabric, folds=0.03)
    deep = cut.neck
    match cut.collar:
        case "roll":
            outline = symmetric(path("0 120, 34 119, 39 134, 46 158, 30 171, 0 176"))
            fold = symmetric(path("0 116, 35 115, 42 128, 42 146, 0 153"))
            return [Panel(outline, knitted, 0, 0.3), Panel(fold, knitted, 0, 0.3)]
        case "hood" if side is Side.BACK:
            outline = symmetric(path("0 118, 40 122, 62 150, 50 205, 0 248"))
            return [Panel(outline, soft, 0, 0.4)]
        case "hood":
            half = path("48 128, 62 150, 40 185, 4 212, 0 200, 30 165")
            halves = both_sides([(x + gap * 0.6, y) for x, y in half])
            return [Panel(smooth(points), soft, 0, 0.3) for points in halves]
        case "shirt" | "polo" if side is Side.FRONT:
            half = [
                (0.0 + gap, 0.158 + deep),
                (0.030, 0.140),
                (0.044, 0.145),
                (0.054, 0.158),
                (0.036 + gap * 0.5, 0.186 + deep * 0.5),
            ]
            stiff = knitted if cut.collar == "polo" else soft
            return [
                Panel(np.asarray(points), stiff, turn, 0.18, shadow=0.9)
                for points, turn in zip(both_sides(half), (0.6, -0.6), strict=True)
            ]
        case "lapel" if side is Side.FRONT:
            return _lapels(soft, gap, 0.345 if cut.closure == "double" else 0.315)
        case "stand":
            low = 0.178 if side is Side.FRONT else 0.170
            half = [
                (gap * 0.7 + 0.001, low),
                (gap * 0.7 + 0.001, 0.152),
                (0.038, 0.134),
                (0.050, 0.150),
                (0.038, 0.166),
            ]
            if side is Side.BACK:
                return [
                    Panel(
                        symmetric(path("0 146, 38 136, 50 152, 30 168, 0 171")),
                        knitted,
                        0,
                        0.25,
                    )
                ]
            return [
                Panel(np.asarray(points), ribbed(fabric) if cut.rib else soft, 0, 0.25)
                for points in both_sides(half)
            ]
        case "crew" | "v" | "scoop" | "boat":
            return _neck_band(cut, knitted, side)
        case "strap":
            ends = (0.046, 0.208), (0.040, 0.150)
            return [
                Panel(
                    np.asarray(
                        [
                            (s * ends[0][0] - 0.004, ends[0][1]),
                            (s * ends[0][0] + 0.004, ends[0][1]),
                            (s * ends[1][0] + 0.003, ends[1][1]),
                            (s * ends[1][0] - 0.003, ends[1][1]),
                        ]
                    ),
                    plain(fabric),
                    0,
                    0.2,
                )
                for s in (-1, 1)
            ]
        case "shirt" | "polo" | "lapel":
            return [
                Panel(
                    symmetric(path("0 143, 34 139, 52 156, 30 170, 0 173")),
                    soft,
                    0,
                    0.2,
                )
            ]
        case _:
            return []


def _neck_band(cut: Cut, fabric: Fabric, side: Side) -> list[Panel]:
    """A strip along the neckline, as wide as a knitted edge."""
    line = np.asarray(_neckline(cut, side))
    if cut.collar != "v" or side is Side.BACK:
        full = symmetric([*_neckline(cut, side), (0.043, 0.10), (0, 0.10)])
        line = full[: len(_neckline(cut, side)) * 8 - 7]
    wide = 0.014 if cut.rib else 0.008
    outward = np.gradient(line, axis=0)
    outward = np.stack([-outward[:, 1], outward[:, 0]], axis=1)
    outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-9)
    outward[0] = (0, 1)
    edge = line + outward * wide
    half = np.concatenate([line, edge[::-1]])
    return [Panel(half, fabric, 0, 0.2, joined=(half * (-1, 1),), shadow=0.5)]


def _hood_behind(fabric: Fabric) -> Panel:
    outline = symmetric(path("0 98, 36 104, 58 132, 62 158, 30 190, 0 190"))
    return Panel(outline, darker(fabric, 0.6), 0, 0.4)


def _coat_front(cut: Cut, pose: Pose) -> Points:
    e, hem, gap = cut.ease, cut.hem, pose.open_front
    # Straight edges in the middle: the smoothing must not bend them.
    inner = -0.014 if cut.closure == "double" and not gap else -0.004
    middle = gap + inner
    neck = (
        [(0.030, 0.20), (0.036, 0.148)]
        if cut.collar == "lapel"
        else [(middle + 0.004, 0.178), (0.040, 0.148)]
    )
    waist = -0.006 if cut.shape == "fitted" else 0.0
    pinch = 0.010 if cut.rib else 0.0
    half = [
        *neck[1:],
        (0.085, 0.165),
        (0.112 + e * 0.5, 0.184),
        (0.104 + e, 0.26),
        (0.098 + e + waist, 0.38),
        (0.106 + e + cut.flare * 0.5, (0.38 + hem) / 2),
        (0.108 + e + cut.flare, hem - 0.010),
        (0.108 + e + cut.flare - pinch, hem - cut.rib * 0.6),
        (0.06, hem - cut.rib * 0.6 + 0.003),
        (middle + gap * 0.4, hem - cut.rib * 0.6 + 0.003),
        (middle, 0.40),
        (middle, 0.28),
        neck[0],
    ]
    return smooth(half)


def _lapels(fabric: Fabric, gap: float, low: float) -> list[Panel]:
    right = np.asarray(
        [
            (0.030, 0.140),
            (0.050, 0.150),
            (0.062, 0.212),
            (0.045, 0.220),
            (0.048, 0.238),
            (gap, low),
            (gap + 0.002, 0.25),
        ]
    )
    return [
        Panel(points, fabric, turn, 0.2, shadow=1.2)
        for points, turn in ((right * (-1, 1), 0.25), (right, -0.25))
    ]
