"""What cloth looks like: colour, pattern and weave as a tile that repeats; folds as light."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, lru_cache

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

# Body heights a repeat of the weave takes.
WEAVES = {"knit": 0.0085, "rib": 0.011, "cord": 0.008, "denim": 0.0042, "tweed": 0.012}
LEAF: Colour = (88, 112, 72)
POLLEN: Colour = (206, 164, 66)


@dataclass(frozen=True, slots=True)
class Fabric:
    """Colours are sRGB 0–255; ``period`` is the pattern's repeat in body heights.

    ``pattern``: plain, stripes, pinstripes, checks, tartan, dots or floral. ``texture``: smooth,
    knit, rib, cable, cord, denim, tweed or leather. ``gloss``: strength of the highlights;
    ``fade``: how much lighter worn denim is in the middle of a piece.
    """

    colour: Colour
    accent: Colour = (255, 255, 255)
    pattern: str = "plain"
    period: float = 0.03
    folds: float = 0.10
    grain: float = 0.015
    texture: str = "smooth"
    gloss: float = 0.0
    fade: float = 0.0


def weave(fabric: Fabric, repeat_px: float) -> Bytes:
    """One repeat of the cloth, HWC uint8 sRGB, square, about ``repeat_px`` wide; 1 × 1 if plain."""
    if fabric.pattern == "plain" and fabric.texture == "smooth":
        return _woven(fabric, 1)
    # In steps, so that figures of nearly one size share a tile.
    return _woven(fabric, max(4, round(1.12 ** round(math.log(repeat_px, 1.12)))))


@lru_cache(maxsize=1024)
def _woven(fabric: Fabric, size: int) -> Bytes:
    # Drawn larger and shrunk: the edges of stripes and petals come out smooth.
    large = size * (4 if size < 128 else 2)
    u: Floats = np.asarray([(np.arange(large) + 0.5) / large], np.float32)
    v: Floats = u.T
    colour = np.asarray(fabric.colour, np.float32)
    accent = np.asarray(fabric.accent, np.float32)
    if fabric.pattern == "floral":
        tile = _flowers(fabric, large)
    else:
        share = np.broadcast_to(_share(fabric.pattern, u, v), (large, large))
        tile = colour + share[..., None] * (accent - colour)
        if fabric.pattern == "tartan":
            thin = np.maximum(abs(u - 0.75) < 0.02, abs(v - 0.75) < 0.02) * 0.6
            tile += thin[..., None] * (np.asarray(POLLEN, np.float32) - tile)
    relief = np.broadcast_to(_relief(fabric, u, v), (large, large))
    # A little light everywhere: black cloth still shows its folds.
    tile = (tile + 7) * relief[..., None]
    small = cv2.resize(np.clip(tile, 0, 255), (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(small + 0.5, np.uint8)


def _share(pattern: str, u: Floats, v: Floats) -> Floats:
    """How much of the accent shows, 0–1."""

    def band(along: Floats, width: float) -> Floats:
        return np.asarray(abs(along - 0.5) < width / 2, np.float32)

    match pattern:
        case "stripes":
            return band(v, 0.42)
        case "pinstripes":
            return 0.75 * band(u, 0.16)
        case "checks":
            return np.asarray((band(u, 0.5) + band(v, 0.5)) / 2)
        case "tartan":
            across, down = (band(x, 0.44) + band((x + 0.5) % 1, 0.08) for x in (u, v))
            return np.asarray((across + down) * 0.42)
        case "dots":
            near = np.minimum(np.hypot(u - 0.25, v - 0.25), np.hypot(u - 0.75, v - 0.75))
            return np.asarray(near < 0.13, np.float32)
        case _:
            return np.zeros((1, 1), np.float32)


def _flowers(fabric: Fabric, size: int) -> Floats:
    """Flowers and leaves scattered over a tile that meets itself at the edges."""
    tile = np.empty((size, size, 3), np.float32)
    tile[:] = fabric.colour
    petal = tuple(map(float, fabric.accent))
    pale = tuple(
        (channel + 2 * light) / 3 for channel, light in zip(petal, fabric.colour, strict=True)
    )
    blossoms = [(0.24, 0.22, 0.135, 0.2, petal), (0.72, 0.46, 0.12, 0.9, petal)]
    blossoms += [
        (0.30, 0.74, 0.09, 0.5, pale),
        (0.80, 0.88, 0.075, 0.0, pale),
        (0.54, 0.08, 0.06, 0.3, pale),
    ]
    for x, y, radius, turn, tint in blossoms:
        for dx, dy in np.ndindex(3, 3):
            at = ((x + dx - 1) * size, (y + dy - 1) * size)
            for side in (-1, 1):
                leaf = (int(at[0] + side * 1.25 * radius * size), int(at[1] + 0.7 * radius * size))
                axes = (int(radius * size * 0.62), int(radius * size * 0.24))
                cv2.ellipse(tile, leaf, axes, side * 35, 0, 360, LEAF, -1)
            for angle in turn + np.arange(5) * 2 * np.pi / 5:
                reach = 0.58 * radius * size
                middle = (int(at[0] + reach * np.cos(angle)), int(at[1] + reach * np.sin(angle)))
                cv2.circle(tile, middle, int(radius * size * 0.46), tint, -1)
            cv2.circle(tile, (int(at[0]), int(at[1])), int(radius * size * 0.26), POLLEN, -1)
    return tile


def _relief(fabric: Fabric, u: Floats, v: Floats) -> Floats:
    """Light and shade of the threads, 1 where there are none."""
    times = max(1, round(fabric.period / WEAVES.get(fabric.texture, 0.01)))
    a, b = (u * times) % 1, (v * times) % 1
    match fabric.texture:
        case "knit":
            stitch = np.cos(2 * np.pi * (b + abs(a - 0.5))) * (1 - 0.5 * abs(2 * a - 1))
            return np.asarray(0.92 + 0.13 * stitch, np.float32)
        case "rib" | "cord":
            return np.asarray(0.74 + 0.32 * np.sin(np.pi * a) + 0 * v, np.float32)
        case "cable":
            return _cables(u, v)
        case "denim":
            speckle = _noise_bank()[: v.size, : u.size]
            twill = np.sin(2 * np.pi * times * (u + v))
            return np.asarray(1.0 + 0.07 * twill + 0.16 * speckle, np.float32)
        case "tweed":
            teeth = abs(2 * ((u * max(1, times // 2)) % 1) - 1)
            herringbone = np.sin(2 * np.pi * (2 * times * v + 2 * teeth))
            speckle = _noise_bank()[: v.size, : u.size]
            return np.asarray(0.97 + 0.08 * herringbone + 0.14 * speckle, np.float32)
        case "leather":
            return np.asarray(1.0 + 0.03 * cv2.blur(_noise_bank()[: v.size, : u.size], (5, 5)) * 5)
        case _:
            return np.ones((1, 1), np.float32)


def _cables(u: Floats, v: Floats) -> Floats:
    purl = 0.80 + 0.07 * np.sin(2 * np.pi * 10 * u) * np.sin(2 * np.pi * 14 * v)
    height = np.asarray(purl + 0 * u, np.float32)
    for phase in (0.0, np.pi):
        centre = 0.5 + 0.15 * np.cos(2 * np.pi * v + phase)
        inside = 1 - ((u - centre) / 0.15) ** 2
        above = np.sin(2 * np.pi * v + phase) > -0.35
        strand = (
            0.72 + 0.40 * np.sqrt(np.maximum(inside, 0)) + 0.03 * np.sin(2 * np.pi * 14 * (v + u))
        )
        height = np.where((inside > 0) & (above | (height < 0.9)), strand, height)
    for edge in (0.12, 0.88):
        height = np.where(abs(u - edge) < 0.05, 0.98 - 2 * abs(u - edge) * 3, height)
    return np.asarray(height, np.float32)


@cache
def _noise_bank() -> Floats:
    """White noise, drawn once: a fresh draw a picture would cost more than the painting."""
    return np.random.default_rng(7).standard_normal((2048, 2048), np.float32)


@cache
def _fold_bank() -> Floats:
    """Light on folded cloth, std 1, at 380 pixels a body height: long soft folds, few creases."""
    rng = np.random.default_rng(11)
    size = (768, 768)

    def hills(across: float, down: float) -> Floats:
        rough = rng.standard_normal(size).astype(np.float32)
        soft = cv2.GaussianBlur(rough, (0, 0), sigmaX=across, sigmaY=down)
        return np.asarray(soft / soft.std(), np.float32)

    creases = np.maximum(1 - 1.6 * abs(hills(9, 14)), 0) ** 2
    height = hills(8, 46) + 0.5 * hills(4, 20) + 0.5 * creases + 0.3 * hills(12, 5)
    light = cv2.Sobel(height, cv2.CV_32F, 1, 0) + 0.35 * cv2.Sobel(height, cv2.CV_32F, 0, 1)
    light = light / light.std() + 0.55 * height / height.std()
    return np.asarray(light / light.std(), np.float32)


@cache
def _colour_noise_bank() -> Floats:
    """Mostly luminance, as a camera's noise is."""
    rng = np.random.default_rng(13)
    shared = rng.standard_normal((1024, 1024, 1), np.float32)
    return np.asarray(0.75 * shared + 0.65 * rng.standard_normal((1024, 1024, 3), np.float32))


def colour_noise(shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """A camera's noise of std 1, HWC."""
    return _cut_from(_colour_noise_bank(), shape, rng)


def noise(shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """White noise of std 1, HW, cut from a bank at a random place."""
    return _cut_from(_noise_bank(), shape, rng)


def _cut_from(bank: Floats, shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    top, left = (int(rng.integers(max(1, bank.shape[0] - side))) for side in shape)
    cut = bank[top : top + shape[0], left : left + shape[1]]
    return cut if cut.shape[:2] == shape else np.resize(bank, (*shape, *bank.shape[2:]))


def folds(shape: tuple[int, int], scale: float, angle: float, rng: np.random.Generator) -> Floats:
    """Light on folds that hang along ``angle``, HW, std about 1; ``scale``: pixels a body height."""
    zoom = 380 / scale
    cos, sin = np.cos(angle) * zoom, np.sin(angle) * zoom
    x, y = rng.uniform(0, 700, 2)
    matrix = np.asarray([[cos, sin, x], [-sin, cos, y]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (shape[1], shape[0])
    light = cv2.warpAffine(_fold_bank(), matrix, size, flags=flags, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(light, np.float32)
