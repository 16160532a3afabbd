"""Shoes, as panels: as they are worn, and as a shop shows them, from the side and from the front."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wardrobe.canvas import Panel, Points, smooth
from wardrobe.cloth import Fabric
from wardrobe.cut import METAL, Cut, Side, box, darker, moved, path, strip, symmetric

HEELS = {"pump": 0.042, "ankle boot": 0.020, "high boot": 0.020}
LOW = ("flat", "pump", "loafer")
LACE = Fabric((236, 234, 228), folds=0.0)
ELASTIC = Fabric((48, 46, 46), texture="rib", period=0.006, folds=0.0)


def _sole(fabric: Fabric) -> Fabric:
    return Fabric(fabric.accent, folds=0.0)


def _inside(fabric: Fabric) -> Fabric:
    red, green, blue = (int(channel * 0.4 + 50) for channel in fabric.colour)
    return Fabric((red, green, blue))


def worn_shoe(
    cut: Cut, fabric: Fabric, ankle: tuple[float, float], side: Side = Side.FRONT
) -> list[Panel]:
    """A shoe on the foot below ``ankle``; its shaft reaches ``cut.hem`` above it."""
    x, y = ankle
    # The toes point a little outwards.
    lean = 0.010 if x > 0 else -0.010

    def placed(text: str) -> Points:
        outline = symmetric(path(text))
        turned = lean * np.interp(outline[:, 1], (y, y + 0.036), (0, 1))
        return np.stack([outline[:, 0] + x + turned, outline[:, 1]], axis=1)

    a = y * 1000
    if cut.shape in LOW:
        # The opening dips in the middle: the instep shows. Behind, the heel is covered.
        throat = 976 if cut.shape == "loafer" else 988
        rim = f"0 {throat}, 14 {throat - 6}" if side is Side.FRONT else f"0 {a + 12}, 14 {a + 13}"
        pieces = [Panel(placed(f"{rim}, 21 {a + 26}, 27 982, 20 1000, 0 1006"), fabric, 0, 0.3)]
        if side is Side.BACK and cut.shape in HEELS:
            pieces.append(Panel(placed("0 978, 12 978, 7 1007, 0 1007"), fabric, 0, 0.4))
        return pieces
    top, shaft = a - 4 - cut.hem * 1000, 26 if cut.shape == "high boot" else 22
    upper = f"0 {top}, {shaft} {top}, 22 {a + 8}, 28 {a + 36}, 21 993, 0 998"
    pieces = [
        Panel(placed("0 985, 27 985, 24 1003, 0 1008"), _sole(fabric), 0, 0.2),
        Panel(placed(upper), fabric, 0, 0.36),
    ]
    if side is Side.BACK:
        if cut.shape == "sneaker":
            tab = placed(f"0 {a + 1}, 9 {a + 1}, 11 {a + 20}, 0 {a + 20}")
            pieces.append(Panel(tab, _sole(fabric), 0, 0.2, shadow=0.4))
        else:
            seam = strip([(x, top / 1000 + 0.003), (x, y), (x + lean, 0.985)], 0.001)
            pieces.append(Panel(seam, darker(fabric, 0.7), 0, 0.1, shadow=0.3))
    elif cut.shape == "sneaker":
        cap = placed("0 976, 18 984, 14 997, 0 998")
        pieces.append(Panel(cap, _sole(fabric), 0, 0.2, shadow=0.3))
        for low in range(4, 40, 9):
            lace = placed(f"0 {a + low}, 10 {a + low}, 10 {a + low + 4}, 0 {a + low + 4}")
            pieces.append(Panel(lace, LACE, 0, 0.1, shadow=0.8))
    elif cut.closure == "zip":
        zip_line = strip([(x, top / 1000 + 0.004), (x + lean, 0.965)], 0.0015)
        pieces.append(Panel(zip_line, METAL, 0, 0.1, shadow=0.4))
    return pieces


def pair_from_front(cut: Cut, fabric: Fabric) -> list[Panel]:
    """Both shoes on the floor as whoever wears them shows them."""
    pieces = []
    for x in (-0.032, 0.032):
        if cut.shape in LOW:
            # Nobody's foot hides the heel and the inside.
            for outline, cloth in (
                ("0 958, 15 961, 21 978, 18 992, 0 994", fabric),
                ("0 963, 12 966, 17 979, 15 990, 0 992", _inside(fabric)),
            ):
                pieces.append(Panel(moved(symmetric(path(outline)), x, 0), cloth, 0, 0.2))
        pieces += worn_shoe(cut, fabric, (x, 0.956))
    return pieces


def shoe_from_side(cut: Cut, fabric: Fabric, *, x: float, y: float) -> list[Panel]:
    """A shoe on a table, toe to the right, its sole's middle at (x, y)."""
    heel = HEELS.get(cut.shape, 0.0)
    pieces = _low_shoe(cut, fabric) if cut.shape in LOW else _tall_shoe(cut, fabric)
    pieces = [replace(piece, outline=_lifted(piece.outline, heel)) for piece in pieces]
    if heel:
        slim = cut.shape == "pump"
        foot = path("-56 -4, -55 8, -66 8" if slim else "-40 8, -68 8")
        top = _lifted(np.asarray(path("-68 2, -44 4" if slim else "-70 2, -36 4")), heel)
        block = np.concatenate([top, foot])
        leather = fabric if slim else _sole(fabric)
        pieces.insert(0, Panel(smooth(block, steps=4) if slim else block, leather, 0, 0.3))
    return [replace(piece, outline=moved(piece.outline, x, y)) for piece in pieces]


def _lifted(outline: Points, heel: float) -> Points:
    """The same shoe with its back raised by the heel's height."""
    share = np.clip((0.032 - outline[:, 0]) / 0.077, 0, 1)
    raised = outline[:, 1] - heel * share**2 * (3 - 2 * share)
    return np.stack([outline[:, 0], raised], axis=1)


def _low_shoe(cut: Cut, fabric: Fabric) -> list[Panel]:
    loafer = cut.shape == "loafer"
    rim = (
        "-67 -34, -60 -33, -30 -21, 6 -22, 30 -33"
        if loafer
        else "-67 -26, -60 -25, -30 -13, 6 -11, 30 -19"
    )
    inside = "-62 -34, 12 -30, 20 -6, -60 -6" if loafer else "-62 -26, 12 -16, 20 -6, -60 -6"
    upper = path(f"{rim}, 60 -12, 74 -1, 66 4, 30 4, -10 3, -45 4, -68 2")
    pieces = [
        Panel(smooth(path(inside), steps=4), _inside(fabric), 0, 0.2),
        Panel(strip(path("-68 4, -40 5, -8 5, 30 6, 72 3"), 0.0026), _sole(fabric), 0, 0.1),
        Panel(smooth(upper, steps=5), fabric, 0, 0.34),
    ]
    if loafer:
        saddle = strip(path("-4 -30, 12 -20, 22 -4"), 0.006)
        heel = np.asarray(path("-68 4, -40 4, -42 13, -67 13"))
        pieces += [Panel(saddle, fabric, 0, 0.25), Panel(heel, _sole(fabric), 0, 0.2)]
    elif cut.shape == "flat":
        bow = smooth(path("22 -21, 31 -17, 40 -21, 38 -11, 31 -15, 24 -11"), steps=3)
        pieces.append(Panel(bow, fabric, 0, 0.3))
    return pieces


def _tall_shoe(cut: Cut, fabric: Fabric) -> list[Panel]:
    top, front = -56 - cut.hem * 1000, -18 if cut.shape == "high boot" else -22
    shaft = f"-66 {top + 2}, -62 {top}, {front - 3} {top}, {front} {top + 3}"
    toes = "-16 -50, 4 -38, 40 -29, 66 -19, 73 -4, 70 2, 30 4, -6 4, -68 2, -70 -20"
    sole = strip(path("-71 3, -40 4, -6 5, 30 5, 73 2"), 0.009 if cut.shape == "sneaker" else 0.004)
    pieces = [Panel(sole, _sole(fabric), 0, 0.2)]
    pieces.append(Panel(smooth(path(f"{shaft}, {toes}"), steps=5), fabric, 0, 0.36))
    if cut.shape == "sneaker":
        cap = smooth(path("46 -22, 64 -19, 73 -4, 68 2, 48 0"), steps=4)
        pieces.append(Panel(cap, _sole(fabric), 0, 0.2, shadow=0.4))
        pieces.append(Panel(box(-0.060, -0.050, 0.009, 0.020), _sole(fabric), 0, 0.2, shadow=0.4))
        lace = strip(path("-12 -46, -6 -35"), 0.0016)
        steps = [moved(lace, 0.011 * step, 0.0045 * step) for step in range(4)]
        pieces += [Panel(outline, LACE, 0, 0.1, shadow=0.6) for outline in steps]
    elif cut.closure == "chelsea":
        gore = np.asarray(path(f"-52 {top + 1}, -34 {top + 1}, -39 -28, -47 -28"))
        pieces.append(Panel(gore, ELASTIC, 0, 0.2, shadow=0.3))
    elif cut.closure == "zip":
        zip_line = strip(path(f"-44 {top + 3}, -46 -14"), 0.0012)
        pieces.append(Panel(zip_line, METAL, 0, 0.1, shadow=0.4))
    return pieces
