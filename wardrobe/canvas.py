"""A picture that is painted panel by panel and remembers which thing each pixel shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from wardrobe.cloth import Bytes, Colour, Fabric, Floats, colour_noise, folds, noise, weave

Points = npt.NDArray[np.float64]
Line = list[tuple[float, float]]
# Pixels around a panel that its shadow reaches.
MARGIN = 18


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One piece: ``outline`` (n, 2) x, y in body heights; ``grain_angle`` turns its pattern.

    ``joined``: further outlines of the same piece of cloth, without a seam between them.
    ``shadow``: share of the shadow it throws on what lies under it.
    """

    outline: Points
    fabric: Fabric
    grain_angle: float = 0.0
    round_edges: float = 0.32
    joined: tuple[Points, ...] = ()
    shadow: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """A seam, stitch, crease, button or brow: a line of ``width`` body heights through the points.

    It darkens (``shade`` < 1) or lightens what it lies on; with ``colour`` the line is that colour,
    ``shade`` its opacity. ``soft``: blur, body heights.
    """

    points: Line
    width: float = 0.002
    shade: float = 0.74
    colour: Colour | None = None
    soft: float = 0.0


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

    def __init__(
        self,
        background: Floats,
        *,
        origin: tuple[float, float],
        scale: float,
        warp: Callable[[Points], Points] = lambda points: points,
    ) -> None:
        """``origin``: pixel of body point (0, 0); ``scale``: pixels a body height.

        ``warp``: moves all that is painted, (n, 2) body heights, from the pattern's body to another.
        """
        self.pixels = background.astype(np.float32)
        self.owner: npt.NDArray[np.int16] = np.zeros(background.shape[:2], np.int16)
        self._origin = np.asarray(origin, np.float64)
        self._scale = scale
        self._warp = warp

    def paint(
        self, panels: list[Panel], *, owner: int, rng: np.random.Generator, shadow: float = 0.22
    ) -> None:
        for panel in panels:
            self._paint_panel(panel, owner, rng, shadow * panel.shadow)

    def line(self, mark: Mark, *, owner: int) -> None:
        """Draw the mark, only where ``owner`` shows."""
        path = self._to_pixels(np.asarray(mark.points, np.float64))
        thickness = max(1, round(mark.width * self._scale))
        spread = mark.soft * self._scale
        window = self._window(path, thickness + int(3 * spread) + 2)
        if window is None:
            return
        x0, y0, x1, y1 = window
        shown = self.owner[y0:y1, x0:x1] == owner
        if not shown.any():
            return
        alpha = np.zeros((y1 - y0, x1 - x0), np.uint8)
        moved = path - np.asarray([x0, y0]) * 16
        cv2.polylines(alpha, [moved], False, 255, thickness, cv2.LINE_AA, 4)
        if spread > 0.5:
            alpha = np.asarray(cv2.GaussianBlur(alpha, (0, 0), spread), np.uint8)
        # A line covers few of its window's pixels.
        rows, columns = np.nonzero(alpha * shown)
        weight = alpha[rows, columns, None] * np.float32(1 / 255)
        view = self.pixels[y0:y1, x0:x1]
        under = view[rows, columns]
        if mark.colour is None:
            view[rows, columns] = under * (1 + np.float32(mark.shade - 1) * weight)
        else:
            drawn = np.asarray(mark.colour, np.float32)
            view[rows, columns] = under + np.float32(mark.shade) * weight * (drawn - under)

    def finish(
        self, rng: np.random.Generator, *, noise: float, blur: float
    ) -> npt.NDArray[np.uint8]:
        """The picture as a camera leaves it: HWC uint8 sRGB. ``blur``: sigma in pixels."""
        # In bytes from here on: four times as fast, and the noise hides the rounding.
        picture = cv2.convertScaleAbs(np.maximum(self.pixels, 0))
        picture = cv2.GaussianBlur(picture, (0, 0), blur)
        rough = colour_noise((picture.shape[0], picture.shape[1]), rng)
        return np.asarray(cv2.addWeighted(picture, 1.0, rough, noise, 0.0, dtype=cv2.CV_8U))

    def _to_pixels(self, points: Points) -> npt.NDArray[np.int32]:
        # Four fractional bits: OpenCV's sub-pixel coordinates.
        return np.round((self._warp(points) * self._scale + self._origin) * 16).astype(np.int32)

    def _window(self, path: npt.NDArray[np.int32], margin: int) -> tuple[int, int, int, int] | None:
        """The part of the picture around the path: x0, y0, x1, y1; None outside the picture."""
        height, width = self.owner.shape
        xs, ys = path[:, 0] // 16, path[:, 1] // 16
        x0, y0 = max(int(xs.min()) - margin, 0), max(int(ys.min()) - margin, 0)
        x1 = min(int(xs.max()) + 1 + margin, width)
        y1 = min(int(ys.max()) + 1 + margin, height)
        return None if x1 <= x0 or y1 <= y0 else (x0, y0, x1, y1)

    def _paint_panel(
        self, panel: Panel, owner: int, rng: np.random.Generator, shadow: float
    ) -> None:
        outlines = [self._to_pixels(outline) for outline in (panel.outline, *panel.joined)]
        window = self._window(np.concatenate(outlines), MARGIN)
        if window is None:
            return
        x0, y0, x1, y1 = window
        alpha = np.zeros((y1 - y0, x1 - x0), np.uint8)
        for outline in outlines:
            cv2.fillPoly(alpha, [outline - np.asarray([x0, y0]) * 16], 255, cv2.LINE_AA, 4)
        if not alpha.any():
            return
        shade, glow = _light(alpha, panel, self._scale, rng)
        cloth = self._cloth(panel, window, shade)
        if glow is not None:
            cloth += cv2.merge([glow] * 3)
        weight = alpha * np.float32(1 / 255)
        view = self.pixels[y0:y1, x0:x1]
        if shadow > 0.01:
            cv2.multiply(view, cv2.merge([_fallen(alpha, shadow)] * 3), dst=view)
        cv2.blendLinear(cloth, view, weight, 1 - weight, dst=view)
        self.owner[y0:y1, x0:x1][alpha >= 128] = owner

    def _cloth(self, panel: Panel, window: tuple[int, int, int, int], shade: Floats) -> Floats:
        """The panel's cloth over the window, in its light, HWC; the pattern keeps to the body."""
        x0, y0, x1, y1 = window
        repeat = panel.fabric.period * self._scale
        tile = weave(panel.fabric, repeat)
        side = tile.shape[0]
        if side == 1:
            return np.asarray(cv2.merge([shade * np.float32(level) for level in tile[0, 0]]))
        zoom = side / repeat
        cos, sin = zoom * np.cos(panel.grain_angle), zoom * np.sin(panel.grain_angle)
        turn = np.asarray([[cos, sin], [-sin, cos]])
        corners = np.asarray([(x0, y0), (x1, y0), (x0, y1), (x1, y1)]) - self._origin
        low = np.floor((corners @ turn.T).min(axis=0) / side) * side
        reach = np.ceil((corners @ turn.T).max(axis=0) - low).astype(int) // side + 1
        bolt = np.tile(tile, (reach[1], reach[0], 1))
        shift = turn @ (np.asarray([x0, y0]) - self._origin) - low
        matrix = np.column_stack([turn, shift])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = (x1 - x0, y1 - y0)
        flat = cv2.warpAffine(bolt, matrix, size, flags=flags, borderMode=cv2.BORDER_WRAP)
        return np.asarray(cv2.multiply(flat, cv2.merge([shade] * 3), dtype=cv2.CV_32F))


def _fallen(alpha: Bytes, depth: float) -> Floats:
    """What is left of the light in the panel's soft shadow; drawn small, as it is soft."""
    small = cv2.resize(alpha, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    matrix = np.asarray([[1, 0, 0.75], [0, 1, 1.25]], np.float32)
    moved = cv2.warpAffine(small, matrix, small.shape[::-1])
    soft = cv2.GaussianBlur(moved, (0, 0), 1.25)
    left = 1 - soft * np.float32(depth / 255)
    return np.asarray(cv2.resize(left, alpha.shape[::-1], interpolation=cv2.INTER_LINEAR))


def _light(
    alpha: Bytes, panel: Panel, scale: float, rng: np.random.Generator
) -> tuple[Floats, Floats | None]:
    """What the cloth's colour is multiplied by, and what is added where it shines; HW."""
    fabric = panel.fabric
    # At half size: light is soft, only the grain is not.
    small = cv2.resize(alpha, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    inside = cv2.copyMakeBorder((small > 127).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3)[1:-1, 1:-1]
    deepest = max(float(depth.max()), 1.0)
    reach = max(min(0.8 * deepest, 0.035 * scale), 1.0)
    level = np.minimum(cv2.GaussianBlur(depth, (0, 0), 1.5) * np.float32(1 / reach), 1)
    around = level * (2 - level)
    side = cv2.Sobel(around, cv2.CV_32F, 1, 0, ksize=3) * np.float32(reach / 8)
    edge = np.float32(panel.round_edges)
    shade = 1 - edge * (1 - around) + edge * np.float32(0.35) * side
    lit = folds((small.shape[0], small.shape[1]), scale / 2, panel.grain_angle, rng)
    shade += np.float32(fabric.folds * 0.55) * lit
    size = alpha.shape[::-1]
    full = cv2.resize(shade, size, interpolation=cv2.INTER_LINEAR)
    full += np.float32(fabric.grain) * noise((alpha.shape[0], alpha.shape[1]), rng)
    glow = None
    if fabric.gloss or fabric.fade:
        shine = fabric.gloss * np.maximum(cv2.blur(lit, (9, 9)) + 1.5 * side - 0.3, 0) ** 1.5 * 34
        worn = fabric.fade * around**2 * 70
        glow = cv2.resize(np.minimum(shine + worn, 110), size, interpolation=cv2.INTER_LINEAR)
    return full, glow
