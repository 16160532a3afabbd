"""Who wears the garments: build, stance, skin, hair and face, drawn around the pattern's body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wardrobe.canvas import Canvas, Colour, Fabric, Floats, Panel, Points, smooth
from wardrobe.garments import Joints, Pose, Side, mirrored, symmetric, tube

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


class FigureCanvas(Canvas):
    """Paints one figure of a picture: everything passes through its build."""

    def __init__(
        self,
        background: Floats,
        *,
        origin: tuple[float, float],
        scale: float,
        build: Build,
    ) -> None:
        super().__init__(background, origin=origin, scale=scale)
        self._build = build

    def _to_pixels(self, points: Points) -> npt.NDArray[np.int32]:
        return super()._to_pixels(self._build.warp(points))


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
        first,
        (red, green, blue),
        hair,
        style,
        bool(beard),
        build,
        pose,
        hands,
        lift,
        turn,
        side,
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


def paint_body(
    canvas: Canvas, person: Person, rng: np.random.Generator, hose: tuple[int, Colour] | None
) -> None:
    """Torso, legs and arms. ``hose``: owner and colour of tights."""
    skin = Fabric(person.skin, folds=0.03, grain=0.010)
    torso = symmetric(
        [
            (0.0, 0.150),
            (0.030, 0.150),
            (0.070, 0.166),
            (0.106, 0.186),
            (0.092, 0.26),
            (0.078, 0.375),
            (0.096, 0.46),
            (0.080, 0.53),
            (0.0, 0.53),
        ]
    )
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
            canvas.line(
                [tuple(end) for end in ends], owner=person.first + SKIN, width=0.0018, shade=0.82
            )


def paint_head(canvas: Canvas, person: Person, rng: np.random.Generator) -> None:
    """Neck, ears, face and the hair in front; or the back of the head."""
    skin = Fabric(person.skin, folds=0.012, grain=0.006)
    neck = smooth(
        [
            (-0.024, 0.100),
            (0.024, 0.100),
            (0.025, 0.145),
            (0.036, 0.163),
            (0.0, 0.174),
            (-0.036, 0.163),
            (-0.025, 0.145),
        ],
        steps=4,
    )
    shade = Fabric(_tinted(person.skin, 0.9, 0.84, 0.82), folds=0.02)
    ears = _discs([(-0.043, 0.070), (0.043, 0.070)], 0.009, shade)
    face = symmetric(
        [
            (0.0, 0.004),
            (0.030, 0.012),
            (0.043, 0.048),
            (0.041, 0.082),
            (0.030, 0.113),
            (0.012, 0.131),
            (0.0, 0.133),
        ]
    )
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
        points: list[tuple[float, float]],
        width: float,
        shade: float,
        colour: Colour | None = None,
        soft: float = 0.0,
    ) -> None:
        path = [(x + aside, y) for x, y in points]
        owner = person.first + SKIN
        canvas.line(path, owner=owner, width=width, shade=shade, colour=colour, soft=soft)

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
    strands = _strands(person)
    if style == "shaved":
        mixed = np.asarray(person.hair) * 0.55 + np.asarray(person.skin) * 0.45
        red, green, blue = (int(channel) for channel in mixed)
        strands = Fabric((red, green, blue), folds=0.02, grain=0.05)
    if style == "curly":
        turn = np.linspace(1.08 * np.pi, 1.92 * np.pi, 12)
        ring = [(0.045 * np.cos(t), 0.052 + 0.047 * np.sin(t)) for t in turn]
        canvas.paint(
            [_discs(ring, 0.017, strands)], owner=person.first + HAIR, rng=rng, shadow=0.15
        )
        return
    full = {"shaved": -0.002, "bun": 0.001}.get(style, float(rng.uniform(0.003, 0.008)))
    low = {"bob": 0.122, "long": 0.110}.get(style, 0.068)
    fringe = 0.046 if style in ("bob", "long") and rng.random() < 0.35 else 0.021
    parting = float(rng.uniform(-0.020, 0.020))
    hair = smooth(
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
    canvas.paint([Panel(hair, strands, 0, 0.3)], owner=person.first + HAIR, rng=rng, shadow=0.14)
    if style == "long":
        deep = float(rng.uniform(0.16, 0.245))
        locks = [
            smooth(
                [
                    (side * 0.043, 0.05),
                    (side * 0.053, 0.09),
                    (side * 0.060, deep - 0.05),
                    (side * 0.052, deep),
                    (side * 0.038, deep - 0.012),
                    (side * 0.040, 0.13),
                ]
            )
            for side in (-1, 1)
        ]
        canvas.paint(
            [Panel(lock, strands, 0, 0.4) for lock in locks], owner=person.first + HAIR, rng=rng
        )
    if style != "shaved":
        for x in (-0.030, -0.016, 0.016, 0.030):
            shine = [(x * 0.5 + parting * 0.4, -0.002), (x * 1.1, 0.012), (x * 1.3, 0.030)]
            canvas.line(shine, owner=person.first + HAIR, width=0.003, shade=1.14)


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
