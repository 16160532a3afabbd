"""Heads: face, beard and hair, from the front and from the back."""

from __future__ import annotations

import numpy as np

from wardrobe.canvas import Canvas, Line, Mark, Panel, Points, smooth
from wardrobe.cloth import Colour, Fabric
from wardrobe.cut import Side, path, symmetric
from wardrobe.people import HAIR, SKIN, Person


def _tinted(colour: Colour, *factors: float) -> Colour:
    by = factors if len(factors) == 3 else factors * 3
    red, green, blue = (int(min(255, c * factor)) for c, factor in zip(colour, by, strict=True))
    return red, green, blue


def _discs(centres: list[tuple[float, float]], radius: float, fabric: Fabric) -> Panel:
    turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1) * radius
    first, *others = (ring + np.asarray(centre) for centre in centres)
    return Panel(first, fabric, 0, 0.3, joined=tuple(others))


def _strands(person: Person, factor: float = 1.0) -> Fabric:
    return Fabric(_tinted(person.hair, factor), folds=0.15, grain=0.04)


def paint_hair_behind(canvas: Canvas, person: Person, rng: np.random.Generator) -> None:
    """What of the hair is behind the head and the shoulders, seen from the front."""
    strands = _strands(person, 0.8)
    match person.hair_style:
        case "long" | "bob":
            low = rng.uniform(0.20, 0.27) if person.hair_style == "long" else 0.128
            behind = symmetric(
                [
                    (0.0, -0.006),
                    (0.036, 0.004),
                    (0.052, 0.05),
                    (0.055, low - 0.05),
                    (0.046, low),
                    (0.0, low - 0.02),
                ]
            )
            panel = Panel(behind, strands, 0, 0.4)
        case "bun":
            panel = _discs([(rng.uniform(-0.008, 0.008), -0.022)], 0.027, strands)
        case "curly":
            turn = np.linspace(0.75 * np.pi, 2.25 * np.pi, 15)
            wide = rng.uniform(0.046, 0.062)
            at = [(wide * np.cos(t), 0.05 + wide * 1.05 * np.sin(t)) for t in turn]
            panel = _discs([*at, (0.0, 0.03)], 0.026, strands)
        case _:
            return
    canvas.paint([panel], owner=person.first + HAIR, rng=rng)


def paint_head(canvas: Canvas, person: Person, rng: np.random.Generator) -> None:
    """Neck, ears, face and the hair in front; or the back of the head."""
    skin = Fabric(person.skin, folds=0.012, grain=0.006)
    neck = smooth(path("-24 100, 24 100, 25 145, 36 163, 0 174, -36 163, -25 145"), steps=4)
    shade = Fabric(_tinted(person.skin, 0.9, 0.84, 0.82), folds=0.02)
    ears = _discs([(-0.043, 0.070), (0.043, 0.070)], 0.009, shade)
    face = symmetric(path("0 4, 30 12, 43 48, 41 82, 30 113, 12 131, 0 133"))
    canvas.paint(
        [Panel(neck, shade, 0, 0.2), ears], owner=person.first + SKIN, rng=rng, shadow=0.05
    )
    canvas.paint([Panel(face, skin, 0, 0.20)], owner=person.first + SKIN, rng=rng, shadow=0.26)
    if person.side is Side.BACK:
        _paint_hair_from_back(canvas, person, rng)
        return
    if person.beard:
        _paint_beard(canvas, person, rng)
    _paint_face(canvas, person, rng)
    _paint_hair_in_front(canvas, person, rng)


def _paint_face(canvas: Canvas, person: Person, rng: np.random.Generator) -> None:
    aside = 0.007 * person.turn

    def draw(
        points: Line, width: float, shade: float, colour: Colour | None = None, soft: float = 0.0
    ) -> None:
        turned = [(x + aside, y) for x, y in points]
        canvas.line(Mark(turned, width, shade, colour, soft), owner=person.first + SKIN)

    iris = ((66, 44, 32), (52, 36, 28), (82, 104, 122), (86, 96, 70))[rng.integers(4)]
    brow = _tinted(person.hair, 0.9 if sum(person.hair) < 420 else 0.7)
    blush = _tinted(person.skin, 1.0, 0.84, 0.82)
    for side in (-1, 1):
        x = side * 0.0185
        draw([(x + side * 0.002, 0.089), (x + side * 0.006, 0.090)], 0.012, 0.5, blush, 0.004)
        draw([(x - 0.0062, 0.0706), (x + 0.0062, 0.0706)], 0.0066, 0.92, (240, 238, 234))
        gaze = x + aside * 0.25
        draw([(gaze, 0.0702), (gaze, 0.0704)], 0.0084, 1.0, iris)
        lash = [(x - 0.010, 0.0705), (x - 0.004, 0.0660), (x + 0.004, 0.0660), (x + 0.010, 0.0705)]
        draw(lash, 0.0022, 0.35)
        arch = [(x - side * 0.009, 0.0585), (x + side * 0.003, 0.0550), (x + side * 0.011, 0.0580)]
        draw(arch, 0.0036, 0.85, brow)
    draw([(0.004, 0.072), (0.0065, 0.088), (0.003, 0.0925)], 0.0022, 0.90)
    draw([(-0.006, 0.0915), (-0.002, 0.0935), (0.002, 0.0935), (0.006, 0.0915)], 0.0024, 0.72)
    smile = float(rng.uniform(0.001, 0.0035))
    lip = _tinted(person.skin, 0.86, 0.62, 0.62)
    mouth = [(-0.0135, 0.1075 - smile), (-0.005, 0.1085), (0.005, 0.1085), (0.0135, 0.1075 - smile)]
    draw(mouth, 0.0040, 1.0, lip)
    draw([(-0.005, 0.1108), (0.005, 0.1108)], 0.0042, 1.0, lip)
    draw(mouth, 0.0014, 0.62)


def _paint_beard(canvas: Canvas, person: Person, rng: np.random.Generator) -> None:
    half = [(0.0, 0.098), (0.012, 0.099), (0.024, 0.108), (0.036, 0.086), (0.043, 0.066)]
    half += [(0.043, 0.090), (0.032, 0.120), (0.014, 0.139), (0.0, 0.142)]
    beard = _strands(person, 0.95)
    canvas.paint(
        [Panel(symmetric(half), beard, 0, 0.15)], owner=person.first + SKIN, rng=rng, shadow=0.08
    )


def _paint_hair_in_front(canvas: Canvas, person: Person, rng: np.random.Generator) -> None:
    style = person.hair_style
    if style == "bald":
        return
    if style == "curly":
        _paint_curls(canvas, person, rng)
        return
    strands = _shaved(person) if style == "shaved" else _strands(person)
    full = {"shaved": -0.002, "bun": 0.001}.get(style, float(rng.uniform(0.003, 0.008)))
    fringe = 0.046 if style in ("bob", "long") and rng.random() < 0.35 else 0.021
    parting = float(rng.uniform(-0.020, 0.020))
    hair = _hairline(full, {"bob": 0.122, "long": 0.110}.get(style, 0.068), fringe, parting)
    canvas.paint([Panel(hair, strands, 0, 0.3)], owner=person.first + HAIR, rng=rng, shadow=0.14)
    if style == "long":
        locks = [Panel(lock, strands, 0, 0.4) for lock in _locks(float(rng.uniform(0.16, 0.245)))]
        canvas.paint(locks, owner=person.first + HAIR, rng=rng)
    if style != "shaved":
        for x in (-0.030, -0.016, 0.016, 0.030):
            shine = [(x * 0.5 + parting * 0.4, -0.002), (x * 1.1, 0.012), (x * 1.3, 0.030)]
            canvas.line(Mark(shine, 0.003, 1.14), owner=person.first + HAIR)


def _paint_curls(canvas: Canvas, person: Person, rng: np.random.Generator) -> None:
    turn = np.linspace(1.08 * np.pi, 1.92 * np.pi, 12)
    ring = [(0.045 * np.cos(t), 0.052 + 0.047 * np.sin(t)) for t in turn]
    curls = _discs(ring, 0.017, _strands(person))
    canvas.paint([curls], owner=person.first + HAIR, rng=rng, shadow=0.15)


def _shaved(person: Person) -> Fabric:
    """Hair so short that the skin shows through."""
    mixed = np.asarray(person.hair) * 0.55 + np.asarray(person.skin) * 0.45
    red, green, blue = (int(channel) for channel in mixed)
    return Fabric((red, green, blue), folds=0.02, grain=0.05)


def _hairline(full: float, low: float, fringe: float, parting: float) -> Points:
    """Hair round a face: how far it stands off, where it ends, and the fringe's height and parting."""
    return smooth(
        [
            (-0.045 - full, low),
            (-0.047 - full, 0.036),
            (-0.033 - full * 0.7, 0.002 - full * 0.7),
            (0.0, -0.008 - full),
            (0.033 + full * 0.7, 0.002 - full * 0.7),
            (0.047 + full, 0.036),
            (0.045 + full, low),
            (0.040, low - 0.006),
            (0.0405, 0.052),
            (0.029, fringe + 0.009),
            (parting, fringe),
            (-0.029, fringe + 0.009),
            (-0.0405, 0.052),
            (-0.040, low - 0.006),
        ],
        steps=5,
    )


def _locks(low: float) -> list[Points]:
    """Two locks that fall over the shoulders as far as ``low``."""
    return [
        smooth(
            [
                (side * 0.043, 0.05),
                (side * 0.053, 0.09),
                (side * 0.060, low - 0.05),
                (side * 0.052, low),
                (side * 0.038, low - 0.012),
                (side * 0.040, 0.13),
            ]
        )
        for side in (-1, 1)
    ]


def _paint_hair_from_back(canvas: Canvas, person: Person, rng: np.random.Generator) -> None:
    if person.hair_style == "bald":
        return
    strands = _strands(person)
    low = {"long": 0.25, "bob": 0.138, "curly": 0.12}.get(person.hair_style, 0.112)
    wide = 0.056 if person.hair_style in ("long", "bob", "curly") else 0.047
    half = [(0.0, -0.010), (0.034, 0.002), (wide, 0.050), (wide, low - 0.03), (wide * 0.72, low)]
    panels = [Panel(symmetric([*half, (0.0, low - 0.006)]), strands, 0, 0.35)]
    if person.hair_style == "curly":
        turn = np.linspace(0, 2 * np.pi, 20, endpoint=False)
        ring = [(0.052 * np.cos(t), 0.054 + 0.058 * np.sin(t)) for t in turn]
        panels.append(_discs(ring, 0.020, strands))
    if person.hair_style == "bun":
        panels.append(_discs([(0.0, 0.020)], 0.028, strands))
    canvas.paint(panels, owner=person.first + HAIR, rng=rng)
