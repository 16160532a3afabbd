"""What is worn besides clothes: bags as they are carried, socks, scarves and glasses."""

from __future__ import annotations

import numpy as np

from wardrobe.bags import bag_panels
from wardrobe.canvas import Canvas, Panel, smooth
from wardrobe.cloth import Colour, Fabric
from wardrobe.cut import Side, moved, path
from wardrobe.people import Person, foot_of
from wardrobe.shop import Item

# Owner numbers, less the person's first.
HOSE, SOCKS, SCARF, GLASSES = 60, 61, 62, 63


def paint_bag(
    canvas: Canvas, person: Person, bag: Item, owner: int, rng: np.random.Generator
) -> None:
    """On the back, in a hand that hangs free, on a shoulder, or across."""
    free = [side for side, hand in zip((-1, 1), person.hands, strict=True) if hand == "hanging"]
    way = ("hand", "shoulder", "across", "across")[rng.integers(4)]
    side = free[rng.integers(len(free))] if free else (-1, 1)[rng.integers(2)]
    if bag.cut.shape == "backpack" and person.side is Side.BACK:
        at = (0.0, 0.19)
        strap = [(-0.05, 0.160), (-0.045, 0.20)]
    elif way == "hand" and free:
        x, y = person.pose.arms[side > 0][2]
        turn = np.linspace(np.pi, 0, 12)
        at = (x, y + 0.105)
        strap = [(x + 0.034 * np.cos(t), at[1] + 0.004 - 0.062 * np.sin(t)) for t in turn]
    elif way == "shoulder":
        at = (side * 0.122, 0.385 + 0.05 * rng.random())
        strap = [(side * 0.082, 0.163), (side * 0.104, 0.27), (at[0] + 0.03 * side, at[1] + 0.01)]
    else:
        at = (side * 0.120, 0.43)
        strap = [(-side * 0.078, 0.164), (0.0, 0.285), (at[0] - side * 0.03, at[1] + 0.005)]
    canvas.paint(bag_panels(bag.cut, bag.fabric, at=at, strap=strap), owner=owner, rng=rng)


def paint_socks(canvas: Canvas, person: Person, colour: Colour, rng: np.random.Generator) -> None:
    """From the foot to the calf; before the shoes."""
    knit, top = Fabric(colour, folds=0.02, grain=0.03), 0.80 + 0.09 * rng.random()
    for leg, lift in zip(person.pose.legs, person.lift, strict=True):
        _, (knee_x, knee_y), (x, y) = leg
        share = (top - knee_y) / (y - knee_y)
        upper = knee_x + share * (x - knee_x)
        calf = 0.0215 + 0.011 * (y - top) / 0.14
        sides = [(upper - calf, top), (upper + calf, top), (x + 0.021, y), (x - 0.021, y)]
        sock = Panel(np.asarray(sides), knit, 0, 0.3, joined=(foot_of(leg, lift),))
        canvas.paint([sock], owner=person.first + SOCKS, rng=rng, shadow=0.1)


def paint_scarf(canvas: Canvas, person: Person, colour: Colour, rng: np.random.Generator) -> None:
    """Around the neck, an end hanging in front; before the head."""
    wool = Fabric(colour, folds=0.2, grain=0.05)
    around = smooth(path("-36 128, 0 142, 36 128, 58 150, 40 182, 0 196, -40 182, -58 150"))
    x, low = 0.022 * (-1) ** int(rng.integers(2)), 0.27 + 0.12 * rng.random()
    end = np.asarray([(x - 0.016, 0.17), (x + 0.018, 0.17), (x + 0.021, low), (x - 0.019, low)])
    pieces = [Panel(around, wool, 0.1, 0.35)]
    if person.side is Side.FRONT:
        pieces.insert(0, Panel(end, wool, 0, 0.3))
    canvas.paint(pieces, owner=person.first + SCARF, rng=rng)


def paint_glasses(canvas: Canvas, person: Person, rng: np.random.Generator) -> str:
    """Glasses or sunglasses; returns their label."""
    owner, aside = person.first + GLASSES, 0.007 * person.turn
    turn = np.linspace(0, 2 * np.pi, 17)
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    dark = rng.random() < 0.6
    frame = Fabric(((28, 26, 28), (86, 54, 36), (150, 120, 70))[rng.integers(3)], folds=0.0)
    lens = Fabric((44, 42, 46), folds=0.03, grain=0.0)
    bridge = np.asarray([(-0.006, 0.066), (0.006, 0.066), (0.006, 0.0685), (-0.006, 0.0685)])
    pieces = [Panel(moved(bridge, aside, 0), frame, 0, 0.1)]
    for side in (-0.0185, 0.0185):
        outer, inner = (
            moved(ring * size, side + aside, 0.071) for size in ((0.0155, 0.0125), (0.0130, 0.0100))
        )
        rim = np.concatenate([outer, inner[::-1]])
        pieces += [Panel(outer, lens, 0, 0.1)] * dark + [Panel(rim, frame, 0, 0.1)]
    canvas.paint(pieces, owner=owner, rng=rng, shadow=0.1)
    return "sunglasses" if dark else "glasses"
