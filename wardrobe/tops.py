"""What is worn on the upper body: tops, dresses, coats and jackets, as panels and marks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wardrobe.canvas import Panel, Points, smooth
from wardrobe.cloth import Fabric
from wardrobe.collars import OPEN_COLLARS, collar_panels, hood_behind, neckline
from wardrobe.cut import (
    ON_TABLE,
    WAIST,
    Cut,
    Pose,
    Side,
    angle_of,
    band,
    box,
    darker,
    path,
    plain,
    polygon,
    ribbed,
    symmetric,
    tube,
)


def top_panels(cut: Cut, fabric: Fabric, pose: Pose, side: Side) -> list[Panel]:
    """A top or a dress, back to front."""
    pieces = []
    if side is Side.FRONT and pose == ON_TABLE and cut.collar != "roll":
        pieces.append(_inside_of_back(cut, fabric))
    if cut.collar == "hood" and side is Side.FRONT:
        pieces.append(hood_behind(fabric))
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
    return pieces + collar_panels(cut, fabric, side)


def outerwear_panels(cut: Cut, fabric: Fabric, pose: Pose, side: Side) -> list[Panel]:
    """A coat or a jacket, back to front."""
    sleeves = sleeve_panels(cut, fabric, pose)
    if side is Side.BACK:
        body = Panel(_bodice(replace(cut, collar="crew"), side), fabric)
        rib = [_rib_hem(cut, fabric)] if cut.rib else []
        return [*sleeves, body, *rib, *collar_panels(cut, fabric, side)]
    pieces = []
    if pose == ON_TABLE:
        pieces.append(_inside_of_back(cut, fabric))
    if cut.collar == "hood":
        pieces.append(hood_behind(fabric))
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
    return pieces + collar_panels(cut, fabric, side, gap=pose.open_front)


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
        [*neckline(cut, side), *sides, *tail, (tail[-1][0] * 0.5, bottom), (0.0, bottom)]
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
