"""Hats, as panels on a head whose crown is at (0, 0)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wardrobe.canvas import Panel, smooth
from wardrobe.cloth import Fabric
from wardrobe.cut import Cut, Half, Side, path, polygon, ribbed, symmetric


def hat_panels(cut: Cut, fabric: Fabric, side: Side) -> list[Panel]:
    """On a head whose crown is at (0, 0): a beanie, a cap, or a brim of half-width ``flare``."""
    match cut.shape:
        case "cap":
            return _cap(fabric, side)
        case "brimmed" | "bucket" | "sun":
            return _brimmed(cut, fabric)
        case _:
            return _beanie(cut, fabric)


def _beanie(cut: Cut, fabric: Fabric) -> list[Panel]:
    crown = symmetric(path("0 -22, 30 -15, 46 12, 47 34, 0 40"))
    cuff = symmetric(path("0 14, 47 12, 50 26, 47 41, 0 46"))
    pieces = [Panel(crown, fabric, 0, 0.4), Panel(cuff, ribbed(fabric), 0.0, 0.4)]
    if cut.closure == "pompom":
        turn = np.linspace(0, 2 * np.pi, 54, endpoint=False)
        reach = 0.019 + 0.0007 * np.cos(turn * 9)
        ball = np.stack([reach * np.cos(turn), -0.036 + reach * np.sin(turn)], axis=1)
        yarn = replace(fabric, texture="smooth", pattern="plain", grain=0.16)
        pieces.insert(0, Panel(smooth(ball, steps=4), yarn, 0, 0.5))
    return pieces


def _cap(fabric: Fabric, side: Side) -> list[Panel]:
    crown = symmetric(path("0 -21, 32 -13, 46 10, 48 36, 0 34"))
    front = symmetric(path("0 -21, 14 -16, 26 10, 28 36, 0 34"))
    top = Panel(np.asarray(path("-4 -24, 4 -24, 5 -20, -5 -20")), fabric)
    pieces = [Panel(crown, fabric, 0, 0.35), Panel(front, fabric, 0, 0.22, shadow=0.4), top]
    if side is Side.BACK:
        strap = polygon(path("0 26, 24 26, 24 36, 0 36"))
        return [*pieces, Panel(strap, Fabric((70, 66, 62)), 0, 0.3)]
    visor = symmetric(path("0 26, 40 30, 54 46, 30 55, 0 58"))
    return [*pieces, Panel(visor, replace(fabric, folds=0.02), 0, 0.35, shadow=1.5)]


def _brimmed(cut: Cut, fabric: Fabric) -> list[Panel]:
    w = cut.flare
    crown: Half = path("0 -16, 20 -24, 40 -12, 47 30, 0 38")
    brim: Half = [(0, 0.022), (w * 0.7, 0.021), (w, 0.030), (w * 0.7, 0.043), (0, 0.050)]
    if cut.shape == "bucket":
        crown = path("0 -18, 34 -17, 41 -6, 47 22, 0 30")
        brim = path("0 16, 45 15, 66 52, 40 58, 0 60")
        return [Panel(symmetric(crown), fabric, 0, 0.35), Panel(symmetric(brim), fabric, 0, 0.35)]
    ribbon = symmetric(path("0 20, 46.2 16, 48 32, 0 39"))
    pieces = [Panel(symmetric(brim), replace(fabric, folds=0.04), 0, 0.35)]
    pieces.append(Panel(symmetric(crown), fabric, 0, 0.38, shadow=1.3))
    if cut.shape == "brimmed":
        dent = symmetric(path("0 -16, 13 -19, 8 -6, 0 2"))
        pieces.append(Panel(dent, replace(fabric, folds=0.0), 0, 0.5, shadow=0.0))
    return [*pieces, Panel(ribbon, Fabric(fabric.accent, folds=0.02), 0.0, 0.4)]
