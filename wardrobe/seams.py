"""Seams, buttons, pockets and hems of what is worn on the upper body, as marks."""

from __future__ import annotations

import numpy as np

from wardrobe.canvas import Mark
from wardrobe.collars import OPEN_COLLARS
from wardrobe.cut import WAIST, Cut, Half, Pose, Side


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
