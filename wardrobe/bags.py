"""Bags, as panels whose top middle is at (0, 0)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wardrobe.canvas import Panel, Points
from wardrobe.cloth import Fabric
from wardrobe.cut import METAL, Cut, Half, Side, box, moved, path, plain, polygon, strip, symmetric


def bag_panels(
    cut: Cut, fabric: Fabric, *, at: tuple[float, float], strap: Half, side: Side = Side.FRONT
) -> list[Panel]:
    """A bag whose top middle is ``at``, hanging from the strap's ends."""
    cloth = replace(fabric, folds=0.05)
    w, h = 0.060 + cut.ease, 0.082 + cut.ease
    match cut.shape:
        case "tote":
            pieces = _tote(cloth, w * 1.1, h * 1.35, side)
        case "round":
            pieces = _round_bag(cloth, w, side)
        case "backpack":
            pieces = _backpack(cloth, w * 0.92, h * 1.25, side)
        case "hobo":
            pieces = _hobo(cloth, w * 1.15, h)
        case _:
            pieces = _satchel(cloth, w, h, side)
    carried = Panel(strip(strap, 0.0035), plain(cloth), 0, 0.3)
    return [carried, *(replace(piece, outline=moved(piece.outline, *at)) for piece in pieces)]


def _shape(text: str, w: float, h: float) -> Points:
    """A smooth outline from its right half, in hundredths of the bag's half-width and height."""
    return symmetric(path(text, w / 100, h / 100))


def _loop(half_width: float, low: float, high: float) -> Points:
    turn = np.linspace(np.pi, 0, 20)
    return np.stack([half_width * np.cos(turn), low - high * np.sin(turn)], axis=1)


def _satchel(fabric: Fabric, w: float, h: float, side: Side) -> list[Panel]:
    body = Panel(_shape("0 0, 88 0, 100 30, 100 93, 90 100, 0 100", w, h), fabric, 0, 0.3)
    if side is Side.BACK:
        pocket = box(0, h * 0.25, w * 0.75, h * 0.6)
        return [body, Panel(pocket, fabric, 0, 0.1, shadow=0.5)]
    flap = _shape("0 -2, 90 -2, 92 40, 40 52, 0 56", w, h)
    clasp = box(0, h * 0.46, 0.006, h * 0.16, corner=0.25)
    return [body, Panel(flap, fabric, 0, 0.28, shadow=1.3), Panel(clasp, METAL, 0, 0.3)]


def _tote(fabric: Fabric, w: float, h: float, side: Side) -> list[Panel]:
    body = polygon(path("0 0, 100 0, 93 97, 88 100, 0 100", w / 100, h / 100))
    edge = polygon([(0, 0), (w, 0), (w * 0.99, 0.007), (0, 0.007)])
    tabs = [Panel(box(s * w * 0.45, 0.002, 0.0055, 0.022), plain(fabric), 0, 0.2) for s in (-1, 1)]
    pieces = [
        Panel(strip(_loop(w * 0.45, 0.012, 0.062), 0.0038), plain(fabric), 0, 0.3),
        Panel(body, fabric, 0, 0.22),
        Panel(edge, plain(fabric), 0, 0.2, shadow=0.6),
        *tabs,
    ]
    if side is Side.FRONT and fabric.pattern == "plain":
        label = box(0, h * 0.30, w * 0.16, h * 0.07)
        pieces.append(Panel(label, METAL, 0, 0.2, shadow=0.4))
    return pieces


def _round_bag(fabric: Fabric, w: float, side: Side) -> list[Panel]:
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    circle = w * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    pieces = [Panel(moved(circle, 0, w), fabric, 0, 0.35)]
    pieces.append(Panel(moved(circle * 0.82, 0, w), fabric, 0, 0.16, shadow=0.7))
    if side is Side.FRONT:
        pieces.append(Panel(box(0, -0.004, 0.007, 0.026), plain(fabric), 0, 0.2))
        pieces.append(Panel(box(0, 0.020, 0.005, 0.008), METAL, 0, 0.2))
    return pieces


def _hobo(fabric: Fabric, w: float, h: float) -> list[Panel]:
    body = _shape("0 18, 55 11, 92 -14, 100 45, 70 100, 0 106", w, h)
    lip = _shape("0 16, 55 9, 93 -16, 90 -2, 50 23, 0 30", w, h)
    slouchy = replace(fabric, folds=0.12)
    return [Panel(body, slouchy, 0, 0.38), Panel(lip, fabric, 0, 0.25, shadow=0.6)]


def _backpack(fabric: Fabric, w: float, h: float, side: Side) -> list[Panel]:
    body = _shape("0 0, 62 2, 95 22, 100 85, 88 100, 0 101", w, h)
    pieces = [Panel(strip(_loop(0.014, 0.002, 0.022), 0.003), plain(fabric), 0, 0.3)]
    pieces.append(Panel(body, fabric, 0, 0.32))
    if side is Side.BACK:
        belt = strip([(0.014, 0.012), (0.036, h * 0.4), (0.044, h * 0.95)], 0.007)
        return [*pieces, *(Panel(belt * (s, 1), plain(fabric), 0, 0.3) for s in (-1, 1))]
    pocket = _shape("0 50, 70 50, 76 60, 74 92, 0 94", w, h)
    flap = _shape("0 2, 60 4, 86 20, 72 40, 0 43", w, h)
    pieces.append(Panel(pocket, fabric, 0, 0.2))
    pieces.append(Panel(flap, fabric, 0, 0.25, shadow=1.3))
    return [*pieces, Panel(box(0, h * 0.38, 0.0055, 0.020), METAL, 0, 0.2)]
