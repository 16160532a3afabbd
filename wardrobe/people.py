"""Who wears the garments, and the street behind: skin, hair, face, blurred houses."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from wardrobe.canvas import Canvas, Colour, Fabric, Floats, Panel, smooth
from wardrobe.garments import Joints, Pose, symmetric, tube

SKIN_TONES: tuple[Colour, ...] = (
    (238, 202, 178),
    (226, 184, 152),
    (204, 154, 118),
    (168, 116, 82),
    (122, 80, 56),
)
HAIR_TONES: tuple[Colour, ...] = (
    (34, 26, 24),
    (66, 44, 32),
    (104, 70, 44),
    (156, 114, 66),
    (196, 160, 106),
    (120, 54, 34),
)
SKIN, HAIR = 200, 201


@dataclass(frozen=True, slots=True)
class Person:
    skin: Colour
    hair: Colour
    long_hair: bool
    pose: Pose


def draw_person(rng: np.random.Generator) -> Person:
    """A person of random tones in a relaxed stance."""

    def arm(side: int) -> Joints:
        elbow, wrist = 0.128 + 0.022 * rng.random(), 0.125 + 0.045 * rng.random()
        return ((side * 0.099, 0.195), (side * elbow, 0.340), (side * wrist, 0.480))

    def leg(side: int) -> Joints:
        knee, ankle = 0.042 + 0.007 * rng.random(), 0.038 + 0.020 * rng.random()
        return ((side * 0.046, 0.47), (side * knee, 0.71), (side * ankle, 0.940))

    pose = Pose(arm(-1), arm(1), leg(-1), leg(1), open_front=0.030 + 0.02 * rng.random())
    skin = SKIN_TONES[rng.integers(len(SKIN_TONES))]
    hair = HAIR_TONES[rng.integers(2 if skin[0] < 180 else len(HAIR_TONES))]
    return Person(skin, hair, bool(rng.random() < 0.7), pose)


def _tinted(colour: Colour, factor: float) -> Colour:
    red, green, blue = (int(min(255, channel * factor)) for channel in colour)
    return red, green, blue


def paint_hair_behind(canvas: Canvas, person: Person, rng: np.random.Generator) -> None:
    length = 0.245 if person.long_hair else 0.112
    outline = symmetric(
        [
            (0.0, -0.006),
            (0.036, 0.006),
            (0.052, 0.055),
            (0.054, length - 0.05),
            (0.046, length),
            (0.0, length - 0.02),
        ]
    )
    strands = Fabric(_tinted(person.hair, 0.8), folds=0.16, grain=0.05)
    canvas.paint([Panel(outline, strands, 0, 0.4)], owner=HAIR, rng=rng)


def paint_body(canvas: Canvas, person: Person, rng: np.random.Generator) -> None:
    """Legs, torso, neck and arms; the head comes after the clothes."""
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
    limbs = [tube(leg, (0.046, 0.041, 0.033, 0.034, 0.019)) for leg in person.pose.legs]
    limbs += [
        tube(arm, (0.014, 0.026, 0.026, 0.024, 0.022, 0.021, 0.019, 0.016, 0.014))
        for arm in person.pose.arms
    ]
    hands = []
    for arm in person.pose.arms:
        x, y = arm[2]
        inward = -0.006 if x > 0 else 0.006
        hands.append(
            smooth(
                [
                    (x - 0.013, y - 0.006),
                    (x + 0.013, y - 0.006),
                    (x + 0.019, y + 0.022),
                    (x + inward + 0.010, y + 0.056),
                    (x + inward - 0.010, y + 0.056),
                    (x - 0.019, y + 0.022),
                ],
                steps=6,
            )
        )
    canvas.paint(
        [Panel(outline, skin, 0, 0.30) for outline in (torso, *limbs, *hands)],
        owner=SKIN,
        rng=rng,
        shadow=0.12,
    )


def paint_head(canvas: Canvas, person: Person, rng: np.random.Generator) -> None:
    skin = Fabric(person.skin, folds=0.015, grain=0.008)
    neck = np.asarray(
        [
            (-0.024, 0.105),
            (0.024, 0.105),
            (0.025, 0.15),
            (0.034, 0.163),
            (0.0, 0.175),
            (-0.034, 0.163),
            (-0.025, 0.15),
        ]
    )
    face = symmetric(
        [
            (0.0, 0.006),
            (0.032, 0.016),
            (0.043, 0.055),
            (0.041, 0.085),
            (0.027, 0.118),
            (0.011, 0.132),
            (0.0, 0.133),
        ]
    )
    canvas.paint(
        [Panel(neck, Fabric(_tinted(person.skin, 0.86), folds=0.02), 0, 0.2)],
        owner=SKIN,
        rng=rng,
        shadow=0.05,
    )
    canvas.paint([Panel(face, skin, 0, 0.26)], owner=SKIN, rng=rng, shadow=0.30)

    def draw(points: list[tuple[float, float]], width: float, shade: float) -> None:
        canvas.line(points, owner=SKIN, width=width, shade=shade)

    for side in (-1, 1):
        draw([(side * 0.010, 0.058), (side * 0.018, 0.0545), (side * 0.027, 0.058)], 0.0035, 0.5)
        draw([(side * 0.012, 0.068), (side * 0.018, 0.0665), (side * 0.024, 0.0685)], 0.005, 0.30)
        draw([(side * 0.014, 0.079), (side * 0.020, 0.0795)], 0.008, 0.95)
        draw([(side * 0.007, 0.093), (side * 0.003, 0.0945)], 0.003, 0.72)
    draw([(0.004, 0.070), (0.006, 0.090)], 0.003, 0.88)
    lips = symmetric(
        [(0.0, 0.1055), (0.006, 0.1045), (0.014, 0.108), (0.007, 0.1125), (0.0, 0.113)]
    )
    red, green, blue = person.skin
    lip = Fabric((int(red * 0.86), int(green * 0.60), int(blue * 0.60)), folds=0.0)
    canvas.paint([Panel(lips, lip, 0, 0.15)], owner=SKIN, rng=rng, shadow=0.0)
    parting = rng.uniform(-0.016, 0.016)
    fringe = smooth(
        [
            (-0.048, 0.075),
            (-0.050, 0.03),
            (-0.034, 0.000),
            (0.0, -0.010),
            (0.034, 0.000),
            (0.050, 0.03),
            (0.048, 0.075),
            (0.040, 0.050),
            (0.028, 0.030),
            (parting, 0.020),
            (-0.030, 0.032),
            (-0.041, 0.052),
        ],
        steps=6,
    )
    strands = Fabric(person.hair, folds=0.14, grain=0.05)
    canvas.paint([Panel(fringe, strands, 0, 0.35)], owner=HAIR, rng=rng, shadow=0.15)
    if person.long_hair:
        for side in (-1, 1):
            lock = smooth(
                [
                    (side * 0.046, 0.05),
                    (side * 0.056, 0.10),
                    (side * 0.060, 0.17),
                    (side * 0.050, 0.225),
                    (side * 0.036, 0.215),
                    (side * 0.038, 0.14),
                ]
            )
            canvas.paint([Panel(lock, strands, 0, 0.4)], owner=HAIR, rng=rng, shadow=0.2)


def street(width: int, height: int, rng: np.random.Generator) -> Floats:
    """A blurred street: wall, windows, a door, a tree or a car, pavement. HWC float32, 0–255."""
    picture = np.zeros((height, width, 3), np.float32)
    horizon = int(height * rng.uniform(0.66, 0.76))
    wall = np.asarray(
        rng.choice(
            [
                (176, 164, 150),
                (150, 118, 100),
                (196, 194, 190),
                (128, 134, 140),
                (190, 176, 148),
                (108, 110, 112),
            ]
        ),
        np.float32,
    )
    picture[:horizon] = wall * np.linspace(1.06, 0.86, horizon, dtype=np.float32)[:, None, None]
    pavement = np.float32(rng.uniform(118, 170)) * np.asarray([1.0, 0.985, 0.96], np.float32)
    picture[horizon:] = pavement * np.linspace(0.86, 1.08, height - horizon)[:, None, None]
    _windows(picture, horizon, wall, rng)
    if rng.random() < 0.6:
        _greenery(picture, horizon, rng)
    if rng.random() < 0.5:
        _car(picture, horizon, rng)
    for row in np.geomspace(8, height - horizon, 6):
        cv2.line(
            picture,
            (0, horizon + int(row)),
            (width, horizon + int(row)),
            (pavement * 0.82).tolist(),
            2,
        )
    picture[horizon - 8 : horizon + 4] *= 0.75
    far = cv2.GaussianBlur(picture, (0, 0), rng.uniform(4.0, 8.0))
    light = np.asarray([1.0, 1.0, 1.0]) + rng.uniform(-0.04, 0.04) * np.asarray([1.0, 0.0, -1.0])
    rough = cv2.resize(rng.normal(0, 4, (60, 40, 1)).astype(np.float32), (width, height))
    return np.asarray(far * light.astype(np.float32) + rough[..., None], np.float32)


def _windows(picture: Floats, horizon: int, wall: Floats, rng: np.random.Generator) -> None:
    width = picture.shape[1]
    across, down = int(rng.integers(80, 150)), int(rng.integers(140, 220))
    for left in range(int(rng.integers(-60, 10)), width, across):
        for top in range(int(rng.integers(-80, 0)), horizon - 60, down):
            low = min(top + int(down * 0.68), horizon - 10)
            glass = rng.uniform(0.35, 0.75) * np.asarray([0.92, 1.0, 1.08]) * wall
            right = left + int(across * 0.6)
            cv2.rectangle(
                picture, (left - 5, top - 5), (right + 5, low + 5), (wall * 1.15).tolist(), -1
            )
            cv2.rectangle(picture, (left, top), (right, low), glass.tolist(), -1)


def _greenery(picture: Floats, horizon: int, rng: np.random.Generator) -> None:
    centre = rng.choice([rng.uniform(0.0, 0.2), rng.uniform(0.8, 1.0)]) * picture.shape[1]
    cv2.rectangle(
        picture,
        (int(centre) - 8, int(horizon * 0.4)),
        (int(centre) + 8, horizon + 20),
        (82.0, 68.0, 56.0),
        -1,
    )
    for _ in range(40):
        at = (int(rng.normal(centre, 60)), int(rng.normal(horizon * 0.28, horizon * 0.13)))
        green = rng.uniform(0.6, 1.2) * np.asarray([84.0, 112.0, 62.0])
        cv2.circle(picture, at, int(rng.integers(14, 40)), green.tolist(), -1)


def _car(picture: Floats, horizon: int, rng: np.random.Generator) -> None:
    left = int(rng.choice([rng.uniform(-180, -60), picture.shape[1] - rng.uniform(60, 140)]))
    paint = rng.uniform(40, 200, 3).tolist()
    cv2.rectangle(picture, (left, horizon - 62), (left + 240, horizon + 6), paint, -1)
    cv2.rectangle(picture, (left + 40, horizon - 112), (left + 200, horizon - 60), paint, -1)
    cv2.rectangle(
        picture, (left + 50, horizon - 104), (left + 190, horizon - 66), (70.0, 78.0, 84.0), -1
    )
    for wheel in (left + 48, left + 192):
        cv2.circle(picture, (wheel, horizon + 6), 24, (34.0, 34.0, 36.0), -1)
