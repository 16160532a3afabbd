"""Cloth in every pattern for the classifier to learn from: drawn on the folds of real, plain garments."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.garment import Cutout
from wardrobe.cloth import Fabric, weave

Floats = npt.NDArray[np.floating[Any]]
Rgb = npt.NDArray[np.float32]

# Sides of the square that cloth is drawn on before it is bent and cut to the garment.
_SIDE = 320


def dressed(base: Cutout, pattern: str, rng: np.random.Generator) -> Cutout:
    """A plain garment with a pattern in its light and shade; ``pattern``: a tag or ``other``."""
    side = base.pixels.shape[0]
    lightness = cv2.cvtColor(base.pixels, cv2.COLOR_RGB2LAB)[..., 0].astype(np.float32)
    cloth = base.alpha > 127
    if not cloth.any():
        return base
    shade = 1 + (lightness - lightness[cloth].mean()) / rng.uniform(70, 140)
    drawn = _bent(_cloth(pattern, rng), side, rng) * np.clip(shade, 0.2, 1.8)[..., None]
    drawn += rng.normal(0, rng.uniform(0.5, 5), drawn.shape)
    share = base.alpha.astype(np.float32)[..., None] / 255
    mixed = drawn * share + base.pixels.astype(np.float32) * (1 - share)
    return Cutout(np.clip(mixed, 0, 255).astype(np.uint8), base.alpha)


def _cloth(pattern: str, rng: np.random.Generator) -> Rgb:
    ground, accent = _two_colours(rng)
    match pattern:
        case "striped":
            return _mixed(_stripes(rng), ground, accent)
        case "checked":
            return _checks(ground, accent, rng)
        case "dotted":
            return _mixed(_dots(rng), ground, accent)
        case "floral":
            return _flowers(rng)
        case _:
            return _mixed(_blotches(rng), ground, accent)


def _two_colours(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Two colours that are told apart, sometimes only just."""
    while True:
        pair = rng.uniform(15, 245, (2, 3)).astype(np.float32)
        if rng.random() < 0.5:  # Much cloth is nearly grey.
            pair = pair.mean(axis=1, keepdims=True) + 0.15 * (pair - pair.mean())
        if np.abs(pair[0] - pair[1]).max() > rng.uniform(35, 120):
            return pair[0], pair[1]


def _mixed(share: Floats, ground: Floats, accent: Floats) -> Rgb:
    return np.asarray(ground + share[..., None] * (accent - ground), np.float32)


def _axes() -> tuple[Floats, Floats]:
    x, y = np.meshgrid(*(np.arange(_SIDE, dtype=np.float32),) * 2)
    return x, y


def _soft(share: npt.NDArray[np.bool_]) -> Floats:
    return np.asarray(cv2.GaussianBlur(share.astype(np.float32), (0, 0), 0.7), np.float32)


def _bands(along: Floats, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    period = float(np.exp(rng.uniform(np.log(4.5), np.log(45))))
    width = rng.uniform(0.15, 0.6)
    bands = (along / period + rng.random()) % 1 < width
    if rng.random() < 0.25:  # A second, thinner stripe between.
        bands |= (along / period + rng.random()) % 1 < 0.5 * width
    return np.asarray(bands)


def _stripes(rng: np.random.Generator) -> Floats:
    x, y = _axes()
    return _soft(_bands(y if rng.random() < 0.6 else x, rng))


def _checks(ground: Floats, accent: Floats, rng: np.random.Generator) -> Rgb:
    x, y = _axes()
    seed = int(rng.integers(1 << 30))
    # The same bands both ways, as cloth is woven.
    across, down = (_soft(_bands(axis, np.random.default_rng(seed))) for axis in (x, y))
    cloth = _mixed((across + down) / 2, ground, accent)
    if rng.random() < 0.4:
        third = rng.uniform(20, 235, 3).astype(np.float32)
        lines = [
            _soft(_bands(axis, np.random.default_rng(seed + 1)) & (axis > 0)) for axis in (x, y)
        ]
        cloth += (0.5 * np.maximum(*lines))[..., None] * (third - cloth)
    return cloth


def _dots(rng: np.random.Generator) -> Floats:
    x, y = _axes()
    step = float(np.exp(rng.uniform(np.log(7), np.log(50))))
    radius = step * rng.uniform(0.14, 0.33)
    if rng.random() < 0.3:  # Strewn.
        share = np.zeros((_SIDE, _SIDE), np.float32)
        for _ in range(int((_SIDE / step) ** 2)):
            at = tuple(int(v) for v in rng.uniform(0, _SIDE, 2))
            cv2.circle(share, at, max(1, round(radius)), 1.0, -1, cv2.LINE_AA)
        return share
    rows = np.floor(y / step)
    shifted = x + (0.5 * step if rng.random() < 0.7 else 0.0) * (rows % 2)
    near = np.hypot(shifted % step - step / 2, y % step - step / 2)
    return _soft(near < radius)


def _flowers(rng: np.random.Generator) -> Rgb:
    ground, accent = (tuple(int(c) for c in one) for one in _two_colours(rng))
    if rng.random() < 0.35:
        fabric = Fabric(ground, accent, "floral")  # type: ignore[arg-type]
        tile = weave(fabric, rng.uniform(35, 130)).astype(np.float32)
        times = -(-_SIDE // tile.shape[0])
        return np.asarray(np.tile(tile, (times, times, 1))[:_SIDE, :_SIDE])
    cloth = np.full((_SIDE, _SIDE, 3), ground, np.float32)
    tints = [tuple(float(c) for c in rng.uniform(20, 245, 3)) for _ in range(3)]
    tints[0] = tuple(map(float, accent))
    size = float(np.exp(rng.uniform(np.log(5), np.log(34))))
    for _ in range(int((_SIDE / size) ** 2 * rng.uniform(0.08, 0.3))):
        _draw_flower(cloth, rng, size * rng.uniform(0.6, 1.3), tints)
    return cv2.GaussianBlur(cloth, (0, 0), 0.6).astype(np.float32)


def _draw_flower(
    cloth: Rgb, rng: np.random.Generator, size: float, tints: list[tuple[float, ...]]
) -> None:
    x, y = rng.uniform(0, _SIDE, 2)
    leaf = (float(rng.uniform(20, 90)), float(rng.uniform(70, 150)), float(rng.uniform(30, 90)))
    for _ in range(int(rng.integers(0, 4))):
        angle = rng.uniform(0, 360)
        at = (int(x + size * np.cos(np.radians(angle))), int(y + size * np.sin(np.radians(angle))))
        cv2.ellipse(
            cloth, at, (max(1, int(size * 0.5)), max(1, int(size * 0.2))), angle, 0, 360, leaf, -1
        )
    tint = tints[rng.integers(len(tints))]
    petals = int(rng.integers(4, 8))
    for angle in rng.uniform(0, 6) + np.arange(petals) * 2 * np.pi / petals:
        at = (int(x + 0.5 * size * np.cos(angle)), int(y + 0.5 * size * np.sin(angle)))
        shaded = tuple(c * rng.uniform(0.8, 1.1) for c in tint)
        cv2.circle(cloth, at, max(1, int(size * 0.36)), shaded, -1, cv2.LINE_AA)
    cv2.circle(cloth, (int(x), int(y)), max(1, int(size * 0.2)), tints[-1], -1, cv2.LINE_AA)


def _blotches(rng: np.random.Generator) -> Floats:
    """What is none of the tags: animal prints, camouflage, marbling, zigzags."""
    rough = rng.standard_normal((_SIDE, _SIDE)).astype(np.float32)
    scale = float(np.exp(rng.uniform(np.log(2), np.log(14))))
    stretch = rng.choice([1.0, 1.0, 2.5])
    hills = cv2.GaussianBlur(rough, (0, 0), sigmaX=scale, sigmaY=scale * stretch)
    hills = np.asarray(hills / hills.std(), np.float32)
    match rng.integers(4):
        case 0:
            return _soft(hills > rng.uniform(0, 0.8))
        case 1:  # Rings, as a leopard's.
            return _soft((hills > 0.5) & (hills < rng.uniform(1.1, 1.6)))
        case 2:
            return _soft(np.sin(hills * rng.uniform(2, 5)) > 0)
        case _:
            x, y = _axes()
            period = rng.uniform(10, 50)
            zigzag = y + period * np.abs((x / period) % 2 - 1) * rng.uniform(0.6, 1.6)
            return _soft((zigzag / period) % 1 < 0.5)


def _bent(cloth: Rgb, side: int, rng: np.random.Generator) -> Rgb:
    """Turned a little or by any angle, and bent as cloth that hangs."""
    angle = rng.normal(0, 8) if rng.random() < 0.8 else rng.uniform(0, 180)
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    x, y = np.meshgrid(*(np.arange(side, dtype=np.float32) - side / 2,) * 2)
    hills = rng.standard_normal((2, 4, 4)).astype(np.float32)
    dx, dy = (cv2.resize(one, (side, side), interpolation=cv2.INTER_CUBIC) for one in hills)
    reach = rng.uniform(0, 9)
    across = cos * x - sin * y + reach * dx + _SIDE / 2
    down = sin * x + cos * y + reach * dy + _SIDE / 2
    bent = cv2.remap(
        cloth,
        across.astype(np.float32),
        down.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    return np.asarray(bent, np.float32)
