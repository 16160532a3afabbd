"""What is worn below the waist: trousers, shorts and skirts, as panels and marks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wardrobe.canvas import Mark, Panel, Points
from wardrobe.cloth import Fabric
from wardrobe.cut import WAIST, Cut, Joints, Pose, Side, along, band, box, symmetric, tube

# Half-widths of a leg at hip, knee and ankle.
LEGS = {
    "skinny": (0.051, 0.038, 0.024),
    "straight": (0.053, 0.043, 0.036),
    "tapered": (0.056, 0.046, 0.029),
    "wide": (0.056, 0.056, 0.062),
    "flared": (0.051, 0.040, 0.054),
}


def trouser_panels(cut: Cut, fabric: Fabric, pose: Pose, side: Side) -> list[Panel]:
    e = cut.ease
    top, knee, ankle = LEGS.get(cut.shape, LEGS["straight"])
    widths = (top + e * 0.5, knee + e, ankle + e + cut.flare)
    # Wide legs swing outwards until they just part.
    between = (pose.right_leg[2][0] - pose.left_leg[2][0]) / 2
    spread = max(widths[2] + 0.003 - between, 0.0) * 0.6
    legs = tuple(tube(_spread(leg, spread), widths, until=cut.sleeve) for leg in pose.legs)
    hips = symmetric(
        [
            (0.0, WAIST + 0.003),
            (0.075, WAIST + 0.003),
            (0.092, 0.44),
            (0.098 + e * 0.5, 0.50),
            (0.052, 0.545),
            (0.014, 0.525),
            (0.0, 0.515),
        ]
    )
    pieces = [Panel(hips, fabric, 0.0, 0.34, joined=legs), band(fabric, WAIST + 0.003, 0.077)]
    if cut.pockets == "jeans" and side is Side.BACK:
        pocket = replace(fabric, folds=0.02)
        pieces += [
            Panel(box(s * 0.047, 0.430, 0.026, 0.052, corner=0.3), pocket, 0, 0.12, shadow=0.6)
            for s in (-1, 1)
        ]
    if cut.closure == "belt":
        pieces.append(band(Fabric(cut.trim, folds=0.0), WAIST + 0.006, 0.078, height=0.014))
        pieces.append(
            Panel(box(0, WAIST + 0.004, 0.010, 0.018), Fabric((190, 176, 140), folds=0.0), 0, 0.3)
        )
    return pieces


def _spread(leg: Joints, by: float) -> Joints:
    hip, knee, (x, y) = leg
    s = 1 if x > 0 else -1
    return hip, (knee[0] + s * by, knee[1]), (x + s * 1.6 * by, y)


def skirt_panels(cut: Cut, fabric: Fabric) -> list[Panel]:
    return [Panel(_skirt(cut), fabric), band(fabric, WAIST, 0.077)]


def _skirt(cut: Cut) -> Points:
    wide = 0.098 + cut.flare
    hip = 0.099 if cut.shape in ("pencil", "mini") else 0.096 + cut.flare * 0.30
    if cut.shape == "pencil":
        wide = 0.084
    below = 0.004 if cut.shape in ("pencil", "mini") else 0.010
    return symmetric(
        [
            (0.0, WAIST),
            (0.074, WAIST),
            (hip, 0.47),
            ((hip + wide) / 2, (0.47 + cut.hem) / 2),
            (wide, cut.hem - 0.01),
            (wide, cut.hem),
            (wide * 0.5, cut.hem + below * 0.8),
            (0.0, cut.hem + below),
        ]
    )


def trouser_marks(cut: Cut, pose: Pose, side: Side) -> list[Mark]:
    stitch = cut.trim if cut.pockets == "jeans" else None
    thin = 0.0018 if stitch else 0.0025
    shade = 0.8 if stitch else 0.68
    marks = [Mark([(0.0, 0.405), (0.002, 0.515)], 0.003, 0.65)]
    if side is Side.FRONT:
        marks.append(Mark([(0.016, 0.406), (0.016, 0.465), (0.002, 0.488)], thin, shade, stitch))
        for s in (-1, 1):
            pocket = [(s * 0.048, 0.408), (s * 0.060, 0.426), (s * 0.094, 0.434)]
            if cut.pockets != "jeans":
                pocket = [(s * 0.058, 0.408), (s * 0.074, 0.430), (s * 0.092, 0.455)]
            marks.append(Mark(pocket, thin, shade, stitch))
        if cut.closure != "belt":
            marks.append(Mark([(0.0, 0.398), (0.0004, 0.398)], 0.009, 1.0, cut.trim))
    elif stitch:
        marks.append(Mark([(-0.1, 0.424), (0.0, 0.432), (0.1, 0.424)], thin, shade, stitch))
    if stitch:
        marks.append(Mark([(-0.09, 0.405), (0.09, 0.405)], 0.0018, 0.8, stitch))
        marks += [
            Mark([(x, 0.386), (x, 0.408)], 0.005, 0.80) for x in (-0.055, -0.028, 0.028, 0.055)
        ]
    marks += _between_legs(pose)
    for leg in pose.legs:
        s = 1 if leg[0][0] > 0 else -1
        hem = along(leg, cut.sleeve - 0.02)
        marks.append(Mark([(hem[0] - 0.075, hem[1]), (hem[0] + 0.075, hem[1])], thin, 0.8, stitch))
        if cut.shape in ("straight", "wide", "tapered") and not stitch:
            crease = [along(leg, share) for share in (0.12, 0.5, cut.sleeve)]
            marks.append(Mark(crease, 0.004, 1.10, soft=0.002))
        knee = along(leg, 0.5)
        for lift in (-0.018, 0.004, 0.022):
            bend = [
                (knee[0] - s * 0.035, knee[1] + lift),
                (knee[0] + s * 0.006, knee[1] + lift + 0.010),
            ]
            marks.append(Mark(bend, 0.004, 0.86, soft=0.003))
        fold = [(0.006 * s, 0.528), (s * 0.036, 0.542), (s * 0.066, 0.535)]
        marks.append(Mark(fold, 0.005, 0.82, soft=0.004))
    return marks


def _between_legs(pose: Pose) -> list[Mark]:
    """Where one leg hides behind the other; where they stand apart nothing is there to darken."""
    pairs = [(along(pose.left_leg, share), along(pose.right_leg, share)) for share in (0.3, 0.6, 1)]
    middle = [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a, b in pairs]
    return [
        Mark([(0.0, 0.53), *middle], 0.014, 0.72, soft=0.006),
        Mark([(0.0, 0.522), *middle], 0.004, 0.45, soft=0.001),
    ]


def skirt_marks(cut: Cut, side: Side) -> list[Mark]:
    wide = 0.098 + cut.flare
    marks = [Mark([(-0.3, cut.hem - 0.012), (0.3, cut.hem - 0.012)], shade=0.84)]
    if cut.shape == "pleated":
        for t in np.linspace(-0.92, 0.92, 13):
            pleat = [(float(t) * 0.076, WAIST + 0.02), (float(t) * wide, cut.hem + 0.02)]
            marks.append(Mark(pleat, 0.003, 0.62, soft=0.0012))
            lit = [(x + 0.005, y) for x, y in pleat]
            marks.append(Mark(lit, 0.005, 1.13, soft=0.002))
    elif cut.shape == "a-line":
        for t in np.linspace(-0.75, 0.75, 6):
            hang = [(float(t) * 0.072, 0.43), (float(t) * wide * 1.05, cut.hem)]
            marks.append(Mark(hang, 0.008, 0.86, soft=0.006))
    elif cut.shape == "wrap" and side is Side.FRONT:
        marks.append(Mark([(-0.030, 0.405), (-0.022, 0.5), (-0.012, cut.hem + 0.01)], 0.003, 0.62))
    elif cut.shape == "mini":
        stitch = cut.trim
        marks.append(Mark([(-0.09, 0.406), (0.09, 0.406)], 0.0018, 0.8, stitch))
        if side is Side.FRONT:
            marks += [
                Mark(
                    [(s * 0.045, 0.408), (s * 0.058, 0.428), (s * 0.095, 0.436)],
                    0.0018,
                    0.8,
                    stitch,
                )
                for s in (-1, 1)
            ]
            marks.append(Mark([(0.0, 0.405), (0.0, cut.hem)], 0.0025, 0.65))
    else:
        slit = [(0.0, cut.hem - 0.06), (0.0, cut.hem + 0.01)]
        marks.append(Mark(slit if side is Side.BACK else [(0.0, 0.40), (0.0, 0.40)], 0.003, 0.6))
        marks += [Mark([(s * 0.042, 0.406), (s * 0.046, 0.445)], 0.002, 0.75) for s in (-1, 1)]
    return marks
