"""A picture that is painted panel by panel and remembers which thing each pixel shows."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Fabric:
    """Colours are sRGB 0–255; ``period`` is the pattern's repeat in body heights."""

    colour: Colour
    accent: Colour = (255, 255, 255)
    pattern: str = "plain"
    period: float = 0.03
    folds: float = 0.10
    grain: float = 0.015


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One piece: ``outline`` (n, 2) x, y in body heights; ``grain_angle`` turns its pattern.

    ``joined``: further outlines of the same piece of cloth, without a seam between them.
    """

    outline: Points
    fabric: Fabric
    grain_angle: float = 0.0
    round_edges: float = 0.32
    joined: tuple[Points, ...] = ()


def smooth(points: list[tuple[float, float]] | Points, *, steps: int = 8) -> Points:
    """A closed cubic curve through the points, (n · steps, 2).

    Catmull-Rom tangents, cut to the shorter neighbouring side so that corners do not overshoot.
    """
    p = np.asarray(points, np.float64)
    before, after = np.roll(p, 1, 0), np.roll(p, -1, 0)
    tangent = (after - before) / 2
    length = np.linalg.norm(tangent, axis=1)
    shortest = np.minimum(np.linalg.norm(after - p, axis=1), np.linalg.norm(p - before, axis=1))
    tangent *= np.minimum(1, shortest / np.maximum(length, 1e-9))[:, None]
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    start, end, leaving, arriving = (
        values[:, None, :] for values in (p, after, tangent, np.roll(tangent, -1, 0))
    )
    curve = (
        (2 * t**3 - 3 * t**2 + 1) * start
        + (t**3 - 2 * t**2 + t) * leaving
        + (3 * t**2 - 2 * t**3) * end
        + (t**3 - t**2) * arriving
    )
    return np.asarray(curve.reshape(-1, 2))


class Canvas:
    """``pixels``: HWC float32 sRGB, 0–255. ``owner``: HW int16, 0 where nothing was painted."""

    def __init__(self, background: Floats, *, origin: tuple[float, float], scale: float) -> None:
        """``origin``: pixel of body point (0, 0); ``scale``: pixels a body height."""
        self.pixels = background.astype(np.float32)
        self.owner = np.zeros(background.shape[:2], np.int16)
        self._origin = np.asarray(origin, np.float64)
        self._scale = scale

    def paint(
        self, panels: list[Panel], *, owner: int, rng: np.random.Generator, shadow: float = 0.22
    ) -> None:
        for panel in panels:
            self._paint_panel(panel, owner, rng, shadow)

    def line(
        self, points: list[tuple[float, float]], *, owner: int, width: float, shade: float
    ) -> None:
        """Darken (shade < 1) or lighten a line, only where ``owner`` shows."""
        alpha = np.zeros(self.owner.shape, np.uint8)
        path = self._to_pixels(np.asarray(points, np.float64))
        thickness = max(1, round(width * self._scale))
        cv2.polylines(alpha, [path], False, 255, thickness, cv2.LINE_AA, 4)
        weight = (alpha / 255.0 * (self.owner == owner))[..., None].astype(np.float32)
        self.pixels *= 1 + (shade - 1) * weight

    def finish(
        self, rng: np.random.Generator, *, noise: float, blur: float
    ) -> npt.NDArray[np.uint8]:
        """The picture as a camera leaves it: HWC uint8 sRGB."""
        picture = cv2.GaussianBlur(self.pixels, (0, 0), blur)
        picture = picture + rng.normal(0, noise, picture.shape)
        return np.asarray(np.clip(picture + 0.5, 0, 255), np.uint8)

    def _to_pixels(self, points: Points) -> npt.NDArray[np.int32]:
        # Four fractional bits: OpenCV's sub-pixel coordinates.
        return np.round((points * self._scale + self._origin) * 16).astype(np.int32)

    def _paint_panel(
        self, panel: Panel, owner: int, rng: np.random.Generator, shadow: float
    ) -> None:
        height, width = self.pixels.shape[:2]
        outlines = [self._to_pixels(outline) for outline in (panel.outline, *panel.joined)]
        path = np.concatenate(outlines)
        margin = 24
        x0, y0 = (max(int(low) // 16 - margin, 0) for low in path.min(axis=0))
        right, bottom = (int(high) // 16 + margin for high in path.max(axis=0))
        x1, y1 = min(right, width), min(bottom, height)
        if x1 <= x0 or y1 <= y0:
            return
        alpha = np.zeros((y1 - y0, x1 - x0), np.uint8)
        for outline in outlines:
            cv2.fillPoly(alpha, [outline - np.asarray([x0, y0]) * 16], 255, cv2.LINE_AA, 4)
        if not alpha.any():
            return
        view = self.pixels[y0:y1, x0:x1]
        moved = cv2.warpAffine(
            alpha, np.asarray([[1, 0, 3], [0, 1, 5]], np.float32), (x1 - x0, y1 - y0)
        )
        fallen = cv2.GaussianBlur(moved, (0, 0), 5).astype(np.float32) / 255
        view *= (1 - shadow * fallen)[..., None]
        rows, columns = np.mgrid[y0:y1, x0:x1].astype(np.float32)
        u, v = (columns - self._origin[0]) / self._scale, (rows - self._origin[1]) / self._scale
        cloth = _weave(panel, u, v, self._scale) * _shade(alpha, panel, rng)[..., None]
        weight = (alpha.astype(np.float32) / 255)[..., None]
        view *= 1 - weight
        view += weight * np.clip(cloth, 0, 255)
        self.owner[y0:y1, x0:x1][alpha >= 128] = owner


def _weave(panel: Panel, x: Floats, y: Floats, scale: float) -> Floats:
    fabric = panel.fabric
    cos, sin = np.cos(panel.grain_angle), np.sin(panel.grain_angle)
    u, v = x * cos + y * sin, -x * sin + y * cos
    # The slope at which a band's edge is one pixel wide.
    edge = fabric.period * scale / (2 * np.pi)

    def bands(along: Floats) -> Floats:
        wave = edge * (np.sin(2 * np.pi * along / fabric.period) - 0.25)
        return np.asarray(np.clip(0.5 + wave, 0, 1), np.float32)

    share: Floats
    if fabric.pattern == "stripes":
        share = bands(v)
    elif fabric.pattern == "pinstripes":
        share = np.asarray(np.maximum(bands(u) - 0.35, 0), np.float32)
    elif fabric.pattern == "checks":
        share = np.asarray((bands(u) + bands(v)) / 2, np.float32)
    elif fabric.pattern == "dots":
        row = np.floor(v / fabric.period)
        across = (u / fabric.period + 0.5 * (row % 2)) % 1 - 0.5
        distance = np.hypot(across, v / fabric.period - row - 0.5)
        inside = 0.5 + (0.23 - distance) * fabric.period * scale
        share = np.asarray(np.clip(inside, 0, 1), np.float32)
    else:
        share = np.zeros(u.shape, np.float32)
    colour, accent = np.asarray(fabric.colour, np.float32), np.asarray(fabric.accent, np.float32)
    # A little light everywhere: black cloth still shows its folds.
    return np.asarray(colour + share[..., None] * (accent - colour) + 8, np.float32)


def _shade(alpha: npt.NDArray[np.uint8], panel: Panel, rng: np.random.Generator) -> Floats:
    """Darker towards the edges as on a round body, with soft folds along the grain."""
    inside = cv2.copyMakeBorder((alpha > 127).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5)[1:-1, 1:-1]
    soft = cv2.GaussianBlur(depth, (0, 0), 2)
    around = np.sin(np.clip(soft / max(float(soft.max()) * 0.75, 1), 0, 1) * np.pi / 2)
    columns = np.linspace(0.04, -0.04, alpha.shape[1], dtype=np.float32)[None]
    folds = np.zeros(alpha.shape, np.float32)
    for share, (rows, across) in ((0.6, (5, 7)), (0.4, (9, 16))):
        folds += share * cv2.resize(
            rng.normal(0, 1, (rows, across)).astype(np.float32),
            alpha.shape[::-1],
            interpolation=cv2.INTER_CUBIC,
        )
    grain = rng.normal(0, panel.fabric.grain, alpha.shape).astype(np.float32)
    edge = panel.round_edges
    shade = 1 - edge + edge * around + columns + panel.fabric.folds * folds * 0.7 + grain
    return np.asarray(shade, np.float32)
