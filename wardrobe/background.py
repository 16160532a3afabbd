"""What is behind the people: a street, a park, a wall, a café or a room, out of focus."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from wardrobe.cloth import Floats

# Painted this much smaller: it is blurred anyway.
SHRINK = 3


class _Sketch:
    """Flat shapes; positions are shares of the picture's width and height."""

    def __init__(self, width: int, height: int, rng: np.random.Generator) -> None:
        self.pixels = np.zeros((height, width, 3), np.float32)
        self.rng = rng

    def at(self, x: float, y: float) -> tuple[int, int]:
        height, width = self.pixels.shape[:2]
        return round(x * width), round(y * height)

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: npt.ArrayLike) -> None:
        cv2.rectangle(self.pixels, self.at(x0, y0), self.at(x1, y1), _scalar(colour), -1)

    def disc(self, x: float, y: float, radius: float, colour: npt.ArrayLike) -> None:
        size = max(1, round(radius * self.pixels.shape[1]))
        cv2.circle(self.pixels, self.at(x, y), size, _scalar(colour), -1)

    def shape(self, points: list[tuple[float, float]], colour: npt.ArrayLike) -> None:
        cv2.fillPoly(self.pixels, [np.asarray([self.at(*p) for p in points])], _scalar(colour))

    def fade(self, y0: float, y1: float, above: npt.ArrayLike, below: npt.ArrayLike) -> None:
        top, bottom = self.at(0, y0)[1], self.at(0, y1)[1]
        share = np.linspace(0, 1, bottom - top, dtype=np.float32)[:, None, None]
        self.pixels[top:bottom] = (1 - share) * np.asarray(above) + share * np.asarray(below)

    def colour(self, low: float, high: float, spread: float = 0.5) -> npt.NDArray[np.float64]:
        """A random colour, warm or cool rather than green or violet; ``spread`` 0 is grey."""
        warm, tint = spread * self.rng.uniform(-1, 1), spread * self.rng.uniform(-0.12, 0.12)
        grey = self.rng.uniform(low, high)
        return np.minimum(grey * np.asarray((1 + 0.5 * warm, 1 + tint, 1 - 0.55 * warm)), 250)

    def heap(self, x: float, y: float, radius: float, colour: npt.ArrayLike, count: int) -> None:
        """Leaves, flowers, goods: discs around a point, each a little lighter or darker."""
        for _ in range(count):
            dx, dy = self.rng.normal(0, radius, 2)
            shade = np.asarray(colour) * self.rng.uniform(0.65, 1.25)
            self.disc(x + dx, y + dy * 0.66, radius * self.rng.uniform(0.25, 0.6), shade)


def _scalar(colour: npt.ArrayLike) -> tuple[float, ...]:
    return tuple(np.asarray(colour, np.float64).tolist())


def background(width: int, height: int, rng: np.random.Generator) -> Floats:
    """HWC float32, 0–255."""
    scene = (_street, _street, _park, _wall, _cafe, _room)[rng.integers(6)]
    sketch = _Sketch(width // SHRINK + 1, height // SHRINK + 1, rng)
    blur = scene(sketch)
    far = cv2.GaussianBlur(sketch.pixels, (0, 0), blur / SHRINK)
    coarse = rng.normal(0, 2.2, (48, 32, 1)).astype(np.float32)
    far = far + cv2.resize(coarse, far.shape[1::-1], interpolation=cv2.INTER_LINEAR)[..., None]
    picture = cv2.resize(far, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(picture, 0, 255), np.float32)


def _street(s: _Sketch) -> float:
    rng = s.rng
    horizon, shop = rng.uniform(0.64, 0.78), rng.uniform(0.26, 0.40)
    left = -rng.uniform(0, 0.3)
    while left < 1:
        right = left + rng.uniform(0.35, 0.8)
        wall = s.colour(90, 215, 0.35)
        s.box(left, 0, right, horizon, wall)
        _windows(s, left, right, shop, wall)
        _shop(s, left, right, shop, horizon)
        left = right
    stone = s.colour(110, 180, 0.08)
    s.fade(horizon, 1, stone * 0.8, stone * 1.08)
    for row in np.geomspace(0.02, 1 - horizon, 5):
        s.box(0, horizon + row, 1, horizon + row + 0.004, stone * 0.8)
    s.box(0, horizon - 0.008, 1, horizon + 0.006, stone * 0.6)
    for thing in (_car, _tree, _lamp, _tree):
        if rng.random() < 0.4:
            thing(s, horizon)
    if rng.random() < 0.5:
        x = rng.uniform(0, 1)
        s.box(x, horizon - 0.09, x + 0.07, horizon + 0.02, s.colour(40, 110, 0.6))
    return float(rng.uniform(3.5, 9))


def _windows(s: _Sketch, left: float, right: float, below: float, wall: npt.ArrayLike) -> None:
    count = int(s.rng.integers(2, 5))
    step, down = (right - left) / count, s.rng.uniform(0.13, 0.2)
    for column in range(count):
        x = left + (column + 0.22) * step
        y = below - down + 0.02
        while y > -down:
            glass = s.rng.uniform(0.3, 0.8) * np.asarray(wall) * (0.9, 1.0, 1.1)
            s.box(
                x - 0.01,
                y - 0.008,
                x + step * 0.56 + 0.01,
                y + down * 0.72,
                np.asarray(wall) * 1.15,
            )
            s.box(x, y, x + step * 0.56, y + down * 0.68, glass)
            y -= down


def _shop(s: _Sketch, left: float, right: float, top: float, horizon: float) -> None:
    rng = s.rng
    frame, glass = s.colour(30, 170, 0.8), s.colour(60, 210, 0.3)
    s.box(left, top, right, horizon, frame)
    s.box(left + 0.02, top + 0.01, right - 0.02, top + 0.07, s.colour(40, 220, 0.9))
    door = rng.uniform(left + 0.05, right - 0.15)
    for x0, x1 in ((left + 0.03, door - 0.02), (door + 0.15, right - 0.03)):
        if x1 - x0 > 0.05:
            s.box(x0, top + 0.09, x1, horizon - 0.05, glass)
            for _ in range(int(rng.integers(2, 6))):
                goods = (rng.uniform(x0, x1 - 0.03), rng.uniform(top + 0.15, horizon - 0.08))
                s.heap(goods[0], goods[1], 0.03, s.colour(60, 230, 1.0), 4)
            s.box((x0 + x1) / 2, top + 0.09, (x0 + x1) / 2 + 0.008, horizon - 0.05, frame)
    s.box(door, top + 0.11, door + 0.12, horizon, s.colour(30, 120, 0.6))
    s.box(door + 0.02, top + 0.13, door + 0.10, horizon - 0.1, glass * 0.7)
    if rng.random() < 0.45:
        cloth, stripe = s.colour(90, 220, 1.0), s.colour(200, 245, 0.1)
        for number, x in enumerate(np.arange(left + 0.01, right - 0.05, 0.05)):
            leg = [(x, top + 0.07), (x + 0.05, top + 0.07), (x + 0.05, top + 0.13), (x, top + 0.13)]
            s.shape(leg, (cloth, stripe)[number % 2])


def _tree(s: _Sketch, horizon: float) -> None:
    x = s.rng.uniform(-0.1, 1.1)
    s.box(x - 0.02, 0.2, x + 0.02, horizon + 0.02, (82, 68, 56))
    s.heap(x, s.rng.uniform(0.08, 0.25), 0.13, (84, 112, 62), 30)


def _lamp(s: _Sketch, horizon: float) -> None:
    x = s.rng.uniform(0, 1)
    s.box(x, 0.05, x + 0.016, horizon, (52, 54, 58))
    s.disc(x + 0.008, 0.05, 0.03, (235, 228, 205))


def _car(s: _Sketch, horizon: float) -> None:
    x, y, paint = s.rng.uniform(-0.4, 0.9), horizon, s.colour(40, 210, 0.8)
    s.box(x, y - 0.08, x + 0.5, y + 0.01, paint)
    cabin = [
        (x + 0.06, y - 0.075),
        (x + 0.14, y - 0.14),
        (x + 0.36, y - 0.14),
        (x + 0.45, y - 0.075),
    ]
    s.shape(cabin, paint * 0.95)
    inner = [(x + 0.1, y - 0.08), (x + 0.16, y - 0.13), (x + 0.34, y - 0.13), (x + 0.41, y - 0.08)]
    s.shape(inner, (66, 76, 84))
    for wheel in (x + 0.1, x + 0.4):
        s.disc(wheel, y + 0.012, 0.045, (34, 34, 36))
        s.disc(wheel, y + 0.012, 0.02, (140, 142, 146))


def _park(s: _Sketch) -> float:
    rng = s.rng
    line = rng.uniform(0.42, 0.6)
    autumn = rng.random() < 0.25
    green = np.asarray((150, 104, 48) if autumn else (78, 112, 60)) * rng.uniform(0.7, 1.25)
    sky = rng.uniform(185, 240)
    s.fade(0, 1, (sky * 0.85, sky * 0.95, sky), (sky, sky, sky * 0.97))
    for x in np.arange(-0.05, 1.1, 0.09):
        s.heap(x, line - rng.uniform(0.08, 0.3), 0.11, green * rng.uniform(0.55, 1.1), 9)
    grass = np.asarray((104, 128, 62)) * rng.uniform(0.75, 1.2)
    s.fade(line, 1, grass * 0.85, grass * 1.15)
    for _ in range(int(rng.integers(2, 5))):
        x, wide = rng.uniform(-0.05, 1.05), rng.uniform(0.015, 0.05)
        s.box(x - wide, 0, x + wide, line + rng.uniform(0.02, 0.16), s.colour(50, 85, 0.2))
        s.heap(x, rng.uniform(-0.02, 0.12), 0.16, green, 16)
    if rng.random() < 0.7:
        x, path = rng.uniform(0.1, 0.9), s.colour(150, 195, 0.12)
        s.shape([(x - 0.06, line), (x + 0.06, line), (x + 0.7, 1.01), (x - 0.7, 1.01)], path)
    if rng.random() < 0.6:
        x, wood = rng.uniform(-0.1, 0.8), s.colour(70, 130, 0.3)
        for y in (0.0, 0.03, 0.075):
            s.box(x, line + y, x + 0.34, line + y + 0.016, wood)
        for leg in (0.03, 0.29):
            s.box(x + leg, line, x + leg + 0.02, line + 0.13, (50, 50, 52))
    for _ in range(int(rng.integers(0, 6))):
        s.heap(rng.uniform(0, 1), rng.uniform(line + 0.03, 0.9), 0.03, s.colour(130, 240, 1), 6)
    return float(rng.uniform(4, 10))


def _wall(s: _Sketch) -> float:
    rng = s.rng
    floor, wall = rng.uniform(0.82, 0.94), s.colour(80, 225, 0.45)
    s.fade(0, floor, wall * 1.05, wall * 0.9)
    if rng.random() < 0.5:
        brick = rng.uniform(0.022, 0.04)
        for row, y in enumerate(np.arange(0, floor, brick)):
            for x in np.arange(-0.1 + (row % 2) * brick * 1.6, 1, brick * 3.2):
                tone = wall * rng.uniform(0.78, 1.1)
                s.box(x, y, x + brick * 2.9, y + brick * 0.86, tone)
    else:
        for x in np.arange(rng.uniform(-0.3, 0), 1, rng.uniform(0.25, 0.6)):
            s.box(x, 0, x + 0.012, floor, wall * 0.8)
    for _ in range(int(rng.integers(0, 4))):
        x, y = rng.uniform(-0.1, 0.9), rng.uniform(0, 0.6)
        wide, high = rng.uniform(0.12, 0.3), rng.uniform(0.1, 0.25)
        s.box(x, y, x + wide, y + high, s.colour(40, 235, 0.9))
        s.box(x + 0.03, y + 0.03, x + wide - 0.03, y + high * 0.6, s.colour(40, 235, 0.9))
    if rng.random() < 0.3:
        x, door = rng.uniform(-0.1, 0.8), s.colour(40, 150, 0.8)
        s.box(x, 0.12, x + 0.34, floor, door * 0.7)
        s.box(x + 0.02, 0.135, x + 0.32, floor, door)
    ground = s.colour(90, 175, 0.12)
    s.fade(floor, 1, ground * 0.8, ground * 1.1)
    s.box(0, floor - 0.006, 1, floor + 0.004, ground * 0.55)
    return float(rng.uniform(1.5, 5))


def _cafe(s: _Sketch) -> float:
    rng = s.rng
    floor, wall = rng.uniform(0.7, 0.82), s.colour(50, 140, 0.3) * (1.12, 1.0, 0.84)
    s.fade(0, floor, wall, wall * 0.75)
    x, day = rng.uniform(-0.1, 0.6), rng.uniform(170, 250)
    s.box(x, 0.08, x + 0.45, 0.5, np.asarray((0.96, 1.0, 1.02)) * day)
    s.heap(x + 0.22, 0.4, 0.1, (120, 140, 110), 8)
    for pane in (0.0, 0.15, 0.3, 0.44):
        s.box(x + pane, 0.08, x + pane + 0.012, 0.5, wall * 0.45)
    for y in (0.2, 0.3, 0.4):
        start = rng.uniform(-0.1, 0.8)
        s.box(start, y, start + 0.4, y + 0.012, wall * 0.5)
        for bottle in np.arange(start + 0.01, start + 0.38, 0.035):
            high = rng.uniform(0.02, 0.07)
            s.box(bottle, y - high, bottle + 0.02, y, s.colour(60, 220, 0.9))
    wood = s.colour(60, 130, 0.2) * (1.15, 1.0, 0.8)
    counter = rng.uniform(-0.3, 0.7)
    s.box(counter, 0.52, counter + 0.6, floor + 0.02, wood)
    s.box(counter, 0.51, counter + 0.6, 0.535, wood * 1.5)
    s.fade(floor, 1, wood * 0.7, wood * 1.2)
    for _ in range(int(rng.integers(1, 4))):
        x, y = rng.uniform(-0.1, 1), rng.uniform(0.62, 0.74)
        s.box(x - 0.012, y, x + 0.012, y + 0.19, (40, 38, 36))
        s.box(x - 0.13, y, x + 0.13, y + 0.02, wood * 1.4)
        s.box(x + 0.02, y - 0.03, x + 0.06, y, (236, 232, 224))
        s.box(x + 0.17, y - 0.08, x + 0.19, y + 0.18, wood * 0.6)
    for x in rng.uniform(0, 1, int(rng.integers(2, 7))):
        y = rng.uniform(0.03, 0.2)
        s.box(x - 0.002, 0, x + 0.002, y, (30, 28, 26))
        s.disc(x, y, rng.uniform(0.02, 0.045), (255, 232, 176))
    return float(rng.uniform(5, 11))


def _room(s: _Sketch) -> float:
    rng = s.rng
    floor, wall = rng.uniform(0.74, 0.86), s.colour(150, 235, 0.22)
    s.fade(0, floor, wall, wall * 0.9)
    wood = s.colour(100, 180, 0.15) * (1.12, 1.0, 0.84)
    s.fade(floor, 1, wood * 0.85, wood * 1.1)
    for x in np.arange(-1, 2, 0.16):
        s.shape(
            [(x, floor), (x + 0.006, floor), (2.2 * x - 0.58, 1), (2.2 * x - 0.6, 1)], wood * 0.8
        )
    s.box(0, floor - 0.02, 1, floor, wall * 1.12)
    if rng.random() < 0.5:
        x = rng.uniform(-0.1, 0.7)
        s.box(x - 0.02, 0.04, x + 0.36, 0.46, wall * 1.15)
        s.box(x, 0.055, x + 0.34, 0.445, (214, 228, 238))
        s.box(x - 0.1, 0.02, x + 0.02, floor - 0.02, s.colour(140, 230, 0.5))
    for _ in range(int(rng.integers(1, 4))):
        x, y, wide = rng.uniform(0, 0.9), rng.uniform(0.08, 0.35), rng.uniform(0.1, 0.2)
        s.box(x, y, x + wide, y + wide * 0.8, s.colour(30, 120, 0.3))
        s.box(x + 0.012, y + 0.01, x + wide - 0.012, y + wide * 0.8 - 0.01, s.colour(100, 235, 0.9))
    if rng.random() < 0.5:
        x, case = rng.uniform(-0.1, 0.75), s.colour(70, 190, 0.2)
        s.box(x, 0.2, x + 0.32, floor, case)
        for y in np.arange(0.22, floor - 0.1, 0.1):
            s.box(x + 0.012, y, x + 0.308, y + 0.086, case * 0.6)
            for book in np.arange(x + 0.015, x + 0.29, 0.02):
                high = rng.uniform(0.045, 0.08)
                s.box(book, y + 0.086 - high, book + 0.016, y + 0.086, s.colour(50, 220, 1))
    if rng.random() < 0.6:
        x, cloth = rng.uniform(-0.3, 0.7), s.colour(60, 200, 0.7)
        s.box(x, floor - 0.22, x + 0.6, floor + 0.03, cloth)
        s.box(x - 0.04, floor - 0.13, x + 0.64, floor + 0.05, cloth * 0.85)
        s.box(x + 0.1, floor - 0.16, x + 0.22, floor - 0.06, s.colour(90, 235, 0.9))
    if rng.random() < 0.6:
        x = rng.uniform(0, 1)
        s.heap(x, floor - 0.2, 0.08, (70, 108, 64), 18)
        s.box(x - 0.05, floor - 0.09, x + 0.05, floor + 0.04, s.colour(120, 220, 0.5))
    return float(rng.uniform(3, 8))
