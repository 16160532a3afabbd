"""What is worn on the upper body: tops, dresses, coats and jackets, as panels and marks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wardrobe.canvas import Fabric, Panel, Points, smooth
from wardrobe.cut import (
    ON_TABLE,
    Cut,
    Half,
    Mark,
    Pose,
    Side,
    angle_of,
    band,
    both_sides,
    box,
    darker,
    plain,
    polygon,
    ribbed,
    symmetric,
    tube,
)

WAIST = 0.385
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
        pocket = polygon([(0, 0.385), (0.042, 0.385), (0.070, 0.432), (0.070, 0.462), (0, 0.462)])
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
        path = ((0.80 * x, y - 0.009), (x, y), elbow, wrist)
        end = 0.07 + 0.93 * cut.sleeve
        pieces.append(Panel(tube(path, widths, until=end), fabric, angle, 0.36))
        if cut.sleeve < 0.9:
            continue
        tight = tuple(min(w, 0.022 + ease * 0.5) for w in widths)
        if cut.rib:
            cuff = tube(path, tight, start=end - 0.070, until=end + 0.012)
            pieces.append(Panel(cuff, ribbed(fabric), angle, 0.3, shadow=0.6))
        elif cut.collar in ("shirt", "polo"):
            cuff = tube(path, widths, start=end - 0.065, until=end + 0.004)
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
        outline = polygon([(0, 0.246), (0.055, 0.244), (0.055, 0.27), (0, 0.27)])
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
            outline = symmetric(
                [
                    (0, 0.120),
                    (0.034, 0.119),
                    (0.039, 0.134),
                    (0.046, 0.158),
                    (0.03, 0.171),
                    (0, 0.176),
                ]
            )
            fold = symmetric(
                [(0, 0.116), (0.035, 0.115), (0.042, 0.128), (0.042, 0.146), (0, 0.153)]
            )
            return [Panel(outline, knitted, 0, 0.3), Panel(fold, knitted, 0, 0.3)]
        case "hood" if side is Side.BACK:
            outline = symmetric(
                [(0, 0.118), (0.040, 0.122), (0.062, 0.150), (0.050, 0.205), (0, 0.248)]
            )
            return [Panel(outline, soft, 0, 0.4)]
        case "hood":
            half = [
                (0.048, 0.128),
                (0.062, 0.150),
                (0.040, 0.185),
                (0.004, 0.212),
                (0.0, 0.20),
                (0.030, 0.165),
            ]
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
                        symmetric(
                            [(0, 0.146), (0.038, 0.136), (0.05, 0.152), (0.03, 0.168), (0, 0.171)]
                        ),
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
                    symmetric(
                        [(0, 0.143), (0.034, 0.139), (0.052, 0.156), (0.03, 0.170), (0, 0.173)]
                    ),
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
    outline = symmetric(
        [(0, 0.098), (0.036, 0.104), (0.058, 0.132), (0.062, 0.158), (0.03, 0.19), (0, 0.19)]
    )
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


def upper_marks(cut: Cut, pose: Pose, side: Side) -> list[Mark]:
    """Seams, buttons, pockets and hems of tops, dresses and outerwear."""
    marks: list[Mark] = []
    if not cut.rib:
        marks.append(Mark([(-0.3, cut.hem - 0.010), (0.3, cut.hem - 0.010)], shade=0.84))
    if cut.sleeve > 0:
        for s in (-1, 1):
            x = 0.098 + cut.ease * 0.8
            seam = [(s * (x + 0.008), 0.178), (s * (x - 0.002), 0.205), (s * x, 0.248)]
            marks.append(Mark(seam, 0.0022, 0.78))
    if cut.kind == "dress" and cut.shape != "sheath":
        marks.append(Mark([(-0.1, WAIST), (0.1, WAIST)], 0.003, 0.72))
    if cut.shape in ("fit-and-flare", "wrap"):
        marks += _gathers(cut)
    if side is Side.BACK:
        return marks + _back_marks(cut)
    if cut.collar == "wrap":
        marks.append(Mark([(0.040, 0.152), (-0.004, 0.262), (-0.075, 0.372)], 0.004, 0.62))
        marks.append(Mark([(-0.052, 0.392), (-0.045, 0.46), (-0.030, cut.hem)], 0.004, 0.68))
    marks += _closure_marks(cut, pose.open_front)
    if cut.pockets in ("slit", "flap"):
        x = 0.058 + pose.open_front * 0.5
        for s in (-1, 1):
            if cut.pockets == "slit":
                y = min(0.435, cut.hem - cut.rib - 0.018)
                marks.append(Mark([(s * (x - 0.008), y), (s * (x + 0.026), y - 0.014)], 0.004, 0.6))
            else:
                marks.append(Mark([(s * (x - 0.026), 0.424), (s * (x + 0.026), 0.424)], 0.002, 0.6))
    if cut.shape == "padded":
        marks += _quilting(cut)
    if cut.shape == "denim":
        for s in (-1, 1):
            lines: list[Half] = [
                [(s * 0.02, 0.236), (s * 0.105, 0.236)],
                [(s * 0.040, 0.30), (s * 0.048, cut.hem - 0.02)],
                [(s * 0.078, 0.30), (s * 0.072, cut.hem - 0.02)],
            ]
            marks += [Mark(points, 0.0018, 0.8, cut.trim) for points in lines]
        marks.append(
            Mark([(-0.12, cut.hem - 0.022), (0.12, cut.hem - 0.022)], 0.0018, 0.8, cut.trim)
        )
    return marks


def _gathers(cut: Cut) -> list[Mark]:
    fan = np.linspace(-0.9, 0.9, 9)
    wide = 0.09 + cut.flare
    return [
        Mark(
            [(float(t) * 0.07, WAIST + 0.005), (float(t) * wide, cut.hem - 0.03)],
            0.006,
            0.84,
            soft=0.004,
        )
        for t in fan
    ]


def _quilting(cut: Cut) -> list[Mark]:
    rows = np.arange(0.20, cut.hem - 0.01, 0.034)
    seams = [Mark([(-0.3, float(y)), (0.3, float(y))], 0.003, 0.6, soft=0.0015) for y in rows]
    lit = [Mark([(-0.3, float(y)), (0.3, float(y))], 0.010, 1.14, soft=0.004) for y in rows + 0.012]
    return seams + lit


def _back_marks(cut: Cut) -> list[Mark]:
    if cut.collar in OPEN_COLLARS:
        return [Mark([(0, 0.17), (0, cut.hem)], 0.0022, 0.78)]
    if cut.collar == "shirt":
        return [Mark([(-0.11, 0.205), (0.11, 0.205)], 0.0022, 0.76)]
    if cut.kind == "dress":
        return [Mark([(0, 0.17), (0, 0.44)], 0.0025, 0.7)]
    return []


def _closure_marks(cut: Cut, gap: float) -> list[Mark]:
    marks: list[Mark] = []
    first = {"lapel": 0.33, "v": 0.18 + cut.neck}.get(cut.collar, 0.20 + cut.neck * 0.5)
    last = min(cut.hem - 0.03 - cut.rib, 0.60)
    match cut.closure:
        case "zip":
            line = [(gap, 0.165), (gap, cut.hem)]
            return [Mark(line, 0.007, 0.75), Mark(line, 0.0025, 0.9, cut.trim)]
        case "placket":
            last = first + 0.05
            marks.append(Mark([(0.010, 0.17), (0.010, last + 0.022)], 0.002, 0.72))
            marks.append(Mark([(-0.010, last + 0.022), (0.010, last + 0.022)], 0.002, 0.72))
            step = 0.026
        case "buttons":
            x = -0.010 if cut.kind in ("shirt", "blouse", "dress", "cardigan") else gap - 0.003
            marks.append(Mark([(x, 0.18), (x, cut.hem + 0.01)], 0.0022, 0.70))
            if x < 0:
                marks.append(Mark([(-x, 0.18), (-x, cut.hem + 0.01)], 0.0018, 0.8))
            step = 0.048 if cut.kind in ("shirt", "blouse", "dress", "jacket") else 0.058
        case "double":
            marks.append(Mark([(gap - 0.012, 0.335), (gap - 0.012, cut.hem + 0.01)], 0.0025, 0.68))
            rows = np.arange(0.36, 0.50, 0.055)
            dots = [(s * 0.030 + gap * (1 + 0.5 * s), float(y)) for y in rows for s in (-1, 1)]
            return marks + [_button(x, y, cut, 0.010) for x, y in dots]
        case _:
            return []
    offset = (
        0.0
        if cut.kind in ("shirt", "blouse", "dress", "cardigan") or cut.closure == "placket"
        else 0.010 + gap
    )
    size = 0.0095 if cut.kind in ("coat", "blazer", "jacket") else 0.007
    return marks + [_button(offset, float(y), cut, size) for y in np.arange(first, last, step)]


def _button(x: float, y: float, cut: Cut, size: float) -> Mark:
    return Mark([(x, y), (x + 0.0004, y)], size, 1.0, cut.trim)
