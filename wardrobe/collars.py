"""Necklines and collars of tops, dresses and outerwear, as panels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wardrobe.canvas import Panel, smooth
from wardrobe.cloth import Fabric
from wardrobe.cut import (
    Cut,
    Half,
    Side,
    both_sides,
    darker,
    path,
    plain,
    ribbed,
    strip,
    symmetric,
)

OPEN_COLLARS = ("lapel", "stand")


def collar_panels(cut: Cut, fabric: Fabric, side: Side, *, gap: float = 0.0) -> list[Panel]:
    """What stands around the neck; ``gap``: how far each front is from the middle."""
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
        case "stand" if side is Side.BACK:
            outline = symmetric(path("0 146, 38 136, 50 152, 30 168, 0 171"))
            return [Panel(outline, knitted, 0, 0.25)]
        case "stand":
            inner = gap * 0.7 + 0.001
            half = [(inner, 0.178), (inner, 0.152), (0.038, 0.134), (0.050, 0.150), (0.038, 0.166)]
            cloth = ribbed(fabric) if cut.rib else soft
            return [Panel(np.asarray(points), cloth, 0, 0.25) for points in both_sides(half)]
        case "crew" | "v" | "scoop" | "boat":
            return _neck_band(cut, knitted, side)
        case "strap":
            straps = ([(s * 0.046, 0.208), (s * 0.040, 0.150)] for s in (-1, 1))
            return [Panel(strip(line, 0.0035), plain(fabric), 0, 0.2) for line in straps]
        case "shirt" | "polo" | "lapel":
            return [Panel(symmetric(path("0 143, 34 139, 52 156, 30 170, 0 173")), soft, 0, 0.2)]
        case _:
            return []


def _neck_band(cut: Cut, fabric: Fabric, side: Side) -> list[Panel]:
    """A strip along the neckline, as wide as a knitted edge."""
    line = np.asarray(neckline(cut, side))
    if cut.collar != "v" or side is Side.BACK:
        full = symmetric([*neckline(cut, side), (0.043, 0.10), (0, 0.10)])
        line = full[: len(neckline(cut, side)) * 8 - 7]
    wide = 0.014 if cut.rib else 0.008
    outward = np.gradient(line, axis=0)
    outward = np.stack([-outward[:, 1], outward[:, 0]], axis=1)
    outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-9)
    outward[0] = (0, 1)
    edge = line + outward * wide
    half = np.concatenate([line, edge[::-1]])
    return [Panel(half, fabric, 0, 0.2, joined=(half * (-1, 1),), shadow=0.5)]


def hood_behind(fabric: Fabric) -> Panel:
    """The part of a hood that the neck hides."""
    outline = symmetric(path("0 98, 36 104, 58 132, 62 158, 30 190, 0 190"))
    return Panel(outline, darker(fabric, 0.6), 0, 0.4)


def _lapels(fabric: Fabric, gap: float, low: float) -> list[Panel]:
    half = path("30 140, 50 150, 62 212, 45 220, 48 238")
    right = np.asarray([*half, (gap, low), (gap + 0.002, 0.25)])
    return [
        Panel(points, fabric, turn, 0.2, shadow=1.2)
        for points, turn in ((right * (-1, 1), 0.25), (right, -0.25))
    ]


def neckline(cut: Cut, side: Side) -> Half:
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
