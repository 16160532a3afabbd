"""Who wears the garments: build, stance, skin, hair and face, drawn around the pattern's body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wardrobe.canvas import Canvas, Mark, Panel, Points, smooth
from wardrobe.cloth import Colour, Fabric
from wardrobe.cut import Joints, Pose, Side, mirrored, path, symmetric, tube

SKIN_TONES: tuple[Colour, ...] = (
    (243, 211, 189),
    (232, 190, 158),
    (214, 166, 128),
    (180, 126, 90),
    (138, 92, 64),
    (98, 64, 46),
)
HAIR_TONES: tuple[Colour, ...] = (
    (30, 26, 26),
    (58, 40, 32),
    (96, 64, 42),
    (142, 98, 58),
    (206, 168, 110),
    (134, 62, 36),
    (168, 166, 164),
    (38, 30, 28),
)
HAIR_STYLES = ("short", "short", "bob", "long", "long", "bun", "curly", "shaved", "bald")
SKIN, HAIR = 50, 51
HANDS_AWAY = "pocket"


@dataclass(frozen=True, slots=True)
class Build:
    """How somebody differs from the pattern's body; body and worn panels go through ``warp``.

    ``head``: its size. ``widths``: of shoulders, waist, hips and legs. ``legs``: how much lower
    the hips are. ``sway``: sideways shift of crown, shoulders and hips; ``tilt``: slope of each.
    """

    head: float
    widths: tuple[float, float, float, float]
    legs: float
    sway: tuple[float, float, float]
    tilt: tuple[float, float, float]

    def warp(self, points: Points) -> Points:
        x, y = points[:, 0], points[:, 1]
        rows = (0.0, 0.14, 0.19, 0.36, 0.47, 0.71, 0.97)
        shoulders, waist, hips, legs = self.widths
        wide = np.interp(y, rows, (self.head, self.head, shoulders, waist, hips, legs, 1.0))
        crown, chest, hip = self.sway
        shift = np.interp(y, rows, (crown, chest, chest, (chest + hip) / 2, hip, hip / 2, 0.0))
        roll, shoulder, pelvis = self.tilt
        slope = np.interp(y, rows, (roll, roll, shoulder, 0.0, pelvis, 0.0, 0.0))
        down = np.interp(
            y,
            (-0.2, 0.0, 0.15, 0.50, 1.0, 1.2),
            (-0.2 * self.head, 0.0, 0.15 * self.head, 0.50 + self.legs, 1.0, 1.2),
        )
        return np.stack([x * wide + shift, down + x * slope], axis=1)


@dataclass(frozen=True, slots=True)
class Person:
    """``turn``: −1 to 1, how far the face looks aside. ``hands``: what the left and right one do.

    ``first``: added to every owner, so that two people's things stay apart.
    ``lift``: how much higher each foot stands, in body heights, as a foot farther away does.
    """

    first: int
    skin: Colour
    hair: Colour
    hair_style: str
    beard: bool
    build: Build
    pose: Pose
    hands: tuple[str, str]
    lift: tuple[float, float]
    turn: float
    side: Side


def draw_person(rng: np.random.Generator, *, first: int) -> Person:
    """A person of random build, stance, tones and hair."""
    broad = rng.normal(1.0, 0.09)
    broad = float(np.clip(broad, 0.86, 1.24))
    shape = rng.normal(0, 0.025, 4)
    turn = float(rng.uniform(-1, 1))
    narrow = 1 - 0.10 * abs(turn)
    widths = tuple(float(narrow * (broad + extra)) for extra in shape)
    tall = float(rng.uniform(-1, 1))
    walks = rng.random() < 0.3
    weight = 0.0 if walks else float(rng.uniform(-1, 1))
    lean = float(rng.normal(0, 0.006))
    build = Build(
        head=1.02 - 0.06 * tall,
        widths=(widths[0], widths[1] + 0.5 * max(broad - 1, 0), widths[2], widths[3]),
        legs=-0.012 * tall,
        sway=(lean - 0.006 * weight, -0.006 * weight, 0.014 * weight),
        tilt=(float(rng.normal(0, 0.05)), 0.05 * weight, -0.06 * weight),
    )
    hands = _hands(rng)
    legs, lift = _walking(rng) if walks else _standing(weight, rng)
    gap = 0.006 if rng.random() < 0.2 else float(rng.uniform(0.022, 0.055))
    pose = Pose(_arm(-1, hands[0], rng), _arm(1, hands[1], rng), *legs, open_front=gap)
    at = rng.uniform(0, len(SKIN_TONES) - 1)
    low, share = int(at), at % 1
    tones = np.asarray(SKIN_TONES)
    red, green, blue = (int(c) for c in (1 - share) * tones[low] + share * tones[low + 1])
    style = str(rng.choice(HAIR_STYLES))
    dark = red < 170 and rng.random() < 0.8
    hair = HAIR_TONES[rng.integers(2 if dark else len(HAIR_TONES))]
    beard = style in ("short", "shaved", "bald", "bun") and rng.random() < 0.4
    side = Side.BACK if rng.random() < 0.15 else Side.FRONT
    if side is Side.BACK and style == "bald":
        # A bald head from behind reads as a face without features.
        style = "shaved"
    return Person(
        first, (red, green, blue), hair, style, bool(beard), build, pose, hands, lift, turn, side
    )


def _hands(rng: np.random.Generator) -> tuple[str, str]:
    if rng.random() < 0.45:
        return "hanging", "hanging"
    ways = ("hanging", "hip", "pocket", "bent")
    left, right = (ways[i] for i in rng.choice(4, 2, p=(0.4, 0.2, 0.25, 0.15)))
    return left, right


def _arm(side: int, hand: str, rng: np.random.Generator) -> Joints:
    more = rng.random()
    match hand:
        case "hip":
            joints: Joints = ((0.099, 0.195), (0.178 + 0.012 * more, 0.322), (0.104, 0.408))
        case "pocket":
            joints = ((0.099, 0.195), (0.146 + 0.01 * more, 0.335), (0.110, 0.452))
        case "bent":
            joints = ((0.099, 0.195), (0.138, 0.335), (0.175 + 0.015 * more, 0.43))
        case _:
            wrist = 0.126 + 0.045 * float(rng.random())
            joints = ((0.099, 0.195), (0.124 + 0.022 * more, 0.340), (wrist, 0.480))
    return joints if side > 0 else mirrored(joints)


Legs = tuple[tuple[Joints, Joints], tuple[float, float]]


def _standing(weight: float, rng: np.random.Generator) -> Legs:
    """Weight on one leg: that one is straight, the other a little bent and aside."""

    def leg(side: int) -> Joints:
        free = max(0.0, -weight * side)
        knee = 0.043 + 0.018 * free + 0.006 * rng.random()
        ankle = 0.040 + 0.034 * free + 0.014 * rng.random()
        return ((side * 0.046, 0.47), (side * knee, 0.71), (side * ankle, 0.940))

    return (leg(-1), leg(1)), (0.0, 0.0)


def _walking(rng: np.random.Generator) -> Legs:
    behind, lift = (-1, 1)[rng.integers(2)], float(rng.uniform(0.02, 0.045))

    def leg(side: int) -> Joints:
        if side == behind:
            return ((side * 0.046, 0.47), (side * 0.045, 0.70), (side * 0.047, 0.940 - lift))
        return ((side * 0.046, 0.47), (side * 0.038, 0.71), (side * 0.024, 0.940))

    return (leg(-1), leg(1)), (lift * (behind < 0), lift * (behind > 0))


def paint_body(
    canvas: Canvas, person: Person, rng: np.random.Generator, hose: tuple[int, Colour] | None
) -> None:
    """Torso, legs and arms. ``hose``: owner and colour of tights."""
    skin = Fabric(person.skin, folds=0.03, grain=0.010)
    torso = symmetric(path("0 150, 30 150, 70 166, 106 186, 92 260, 78 375, 96 460, 80 530, 0 530"))
    legs = [
        tube(leg, (0.046, 0.044, 0.036, 0.030, 0.032, 0.027, 0.019)) for leg in person.pose.legs
    ]
    arms = [
        tube(arm, (0.014, 0.026, 0.026, 0.024, 0.022, 0.021, 0.019, 0.016, 0.014))
        for arm in person.pose.arms
    ]
    feet = [foot_of(leg, lift) for leg, lift in zip(person.pose.legs, person.lift, strict=True)]
    # One piece: a bare shoulder has no seam.
    canvas.paint(
        [Panel(torso, skin, 0, 0.26, joined=tuple(arms))],
        owner=person.first + SKIN,
        rng=rng,
        shadow=0.12,
    )
    owner, cloth = person.first + SKIN, skin
    if hose:
        owner, cloth = hose[0], Fabric(hose[1], folds=0.02, grain=0.02)
    pieces = [
        Panel(leg, cloth, 0, 0.32, joined=(foot,)) for leg, foot in zip(legs, feet, strict=True)
    ]
    canvas.paint(pieces, owner=owner, rng=rng, shadow=0.12)


def foot_of(leg: Joints, lift: float) -> Points:
    """The foot seen from the front, a little turned out."""
    x, ankle = leg[2]
    toe = x + (0.010 if x > 0 else -0.010)
    low = 0.990 - lift
    return smooth(
        [
            (x - 0.019, ankle - 0.006),
            (x + 0.019, ankle - 0.006),
            (toe + 0.023, low - 0.020),
            (toe + 0.018, low - 0.004),
            (toe, low),
            (toe - 0.018, low - 0.004),
            (toe - 0.023, low - 0.020),
        ],
        steps=4,
    )


def paint_hands(canvas: Canvas, person: Person, rng: np.random.Generator) -> None:
    """After the clothes: hands lie on them; one in a pocket is not seen."""
    skin = Fabric(person.skin, folds=0.02, grain=0.008)
    palm = [(-0.013, -0.010), (0.013, -0.010), (0.018, 0.014), (0.019, 0.030), (0.015, 0.052)]
    palm += [(0.006, 0.061), (-0.006, 0.060), (-0.015, 0.048), (-0.019, 0.020)]
    thumb = [(-0.012, 0.004), (-0.020, 0.012), (-0.025, 0.030), (-0.022, 0.040), (-0.014, 0.030)]
    for side, hand, arm in zip((-1, 1), person.hands, person.pose.arms, strict=True):
        if hand == HANDS_AWAY:
            continue
        (elbow_x, elbow_y), (x, y) = arm[1], arm[2]
        # A hand on the hip points down and in; the others go on where the forearm ends.
        way = np.asarray((-0.5 * side, 0.85) if hand == "hip" else (x - elbow_x, y - elbow_y))
        down = way / np.hypot(*way)
        across = np.asarray((down[1], -down[0])) * side

        def placed(points: list[tuple[float, float]]) -> Points:
            local = np.asarray(points)
            return np.asarray((x, y) + local[:, :1] * across + local[:, 1:] * down)  # noqa: B023

        fist, beside = (smooth(placed(part), steps=5) for part in (palm, thumb))
        shape = Panel(fist, skin, 0, 0.28, joined=(beside,))
        canvas.paint([shape], owner=person.first + SKIN, rng=rng, shadow=0.16)
        for finger in (-0.007, 0.001, 0.009):
            ends = placed([(finger, 0.036), (finger * 0.8, 0.056)])
            crease = Mark([(float(x), float(y)) for x, y in ends], 0.0018, 0.82)
            canvas.line(crease, owner=person.first + SKIN)
