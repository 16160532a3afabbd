"""Two views of one garment: what a street and a shop do to its picture, and nothing more.

Cut, weave and hue are the garment's own and are kept. Pose, crop, light, white balance, what hides
it and how well it was cut out are not. All randomness comes from the generator handed in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.garment import Cutout
from segmentation.photo import Photo, Pixels, decode_photo, encode_jpeg

GREY = 128
ROUGH_SIDE_PX = 28

Grid = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ViewRecipe:
    """How far a view strays. Shares are probabilities, lengths are shares of the frame's side."""

    turn_degrees: float = 15.0
    zoom: tuple[float, float] = (0.8, 1.3)
    stretch: float = 0.15
    shift: float = 0.08
    perspective: float = 0.07
    warp: float = 0.035
    flip_share: float = 0.5
    exposure_stops: float = 0.55
    gamma: float = 0.25
    contrast: float = 0.15
    saturation: float = 0.2
    white_balance: float = 0.06
    shading: float = 0.2
    rough_share: float = 0.6
    hidden_share: float = 0.5
    uncut_share: float = 0.1
    blur_share: float = 0.3
    jpeg_share: float = 0.3


TRAINING = ViewRecipe()


def make_view(
    crop: Pixels,
    *,
    size_px: int,
    generator: np.random.Generator,
    recipe: ViewRecipe = TRAINING,
) -> Cutout:
    """One altered view of a garment, on grey.

    ``crop``: square HWC uint8 RGBA, uncut, alpha 255 = cloth. Uncut views have alpha 255 throughout.
    """
    moved = bend(crop, size_px=size_px, generator=generator, recipe=recipe)
    pixels = relight(np.ascontiguousarray(moved[..., :3]), generator=generator, recipe=recipe)
    alpha = np.ascontiguousarray(moved[..., 3])
    if generator.random() < recipe.rough_share:
        alpha = roughen(alpha, generator=generator)
    if generator.random() < recipe.hidden_share:
        alpha = hide(alpha, generator=generator)
    if np.count_nonzero(alpha > 127) < 0.01 * alpha.size:
        alpha = np.ascontiguousarray(moved[..., 3])
    pixels = degrade(pixels, generator=generator, recipe=recipe)
    if generator.random() < recipe.uncut_share:
        return Cutout(pixels, np.full_like(alpha, 255))
    return Cutout(on_grey(pixels, alpha), alpha)


def plain_view(crop: Pixels, *, size_px: int) -> Cutout:
    """The crop as it is, cut out on grey."""
    resized = cv2.resize(crop, (size_px, size_px), interpolation=cv2.INTER_AREA)
    scaled = np.asarray(resized, np.uint8)
    alpha = np.ascontiguousarray(scaled[..., 3])
    return Cutout(on_grey(scaled[..., :3], alpha), alpha)


def on_grey(pixels: Pixels, alpha: Pixels) -> Pixels:
    """Composite on the fixed grey."""
    share = alpha[..., None].astype(np.float32) / 255
    return ((pixels - np.float32(GREY)) * share + np.float32(GREY + 0.5)).astype(np.uint8)


def bend(
    crop: Pixels, *, size_px: int, generator: np.random.Generator, recipe: ViewRecipe
) -> Pixels:
    """Turn, zoom, stretch, shift, flip, perspective and a smooth warp, in one resampling."""
    side = crop.shape[0]
    axis = np.linspace(-1, 1, size_px, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    # Plain floats: numpy's own would turn every grid below into float64.
    angle = math.radians(generator.uniform(-recipe.turn_degrees, recipe.turn_degrees))
    zoom = math.exp(generator.uniform(math.log(recipe.zoom[0]), math.log(recipe.zoom[1])))
    stretch = math.exp(generator.uniform(-recipe.stretch, recipe.stretch) / 2)
    sine, cosine = math.sin(angle), math.cos(angle)
    tilt = generator.uniform(-2 * recipe.perspective, 2 * recipe.perspective, 2).tolist()
    depth = 1 + tilt[0] * x + tilt[1] * y
    u, v = x / depth / zoom * stretch, y / depth / zoom / stretch
    u, v = u * cosine - v * sine, u * sine + v * cosine
    if generator.random() < recipe.flip_share:
        u = -u
    field = _smooth_field(size_px, cells=5, channels=2, generator=generator) * 2 * recipe.warp
    shift = generator.uniform(-2 * recipe.shift, 2 * recipe.shift, 2).tolist()
    map_x = ((u + field[..., 0] + shift[0] + 1) * (side / 2) - 0.5).astype(np.float32)
    map_y = ((v + field[..., 1] + shift[1] + 1) * (side / 2) - 0.5).astype(np.float32)
    if side > 1.5 * size_px * zoom:  # remap takes four neighbours only: smooth first
        crop = np.asarray(cv2.blur(crop, (2, 2)), np.uint8)
    return cv2.remap(
        crop,
        map_x,
        map_y,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(GREY, GREY, GREY, 0),
    ).astype(np.uint8, copy=False)


def relight(pixels: Pixels, *, generator: np.random.Generator, recipe: ViewRecipe) -> Pixels:
    """Exposure, gamma, contrast, saturation, slight white balance and shading; hue is kept."""
    gains = np.exp(generator.uniform(-recipe.white_balance, recipe.white_balance, 3))
    # Stops are of light; sRGB values go by about the power 1 / 2.2.
    gains = gains * 2 ** (generator.uniform(-recipe.exposure_stops, recipe.exposure_stops) / 2.2)
    gamma = np.exp(generator.uniform(-recipe.gamma, recipe.gamma))
    contrast = np.exp(generator.uniform(-recipe.contrast, recipe.contrast))
    levels = (np.arange(256)[:, None] / 255) ** gamma * gains
    levels = (levels - 0.5) * contrast + 0.5
    table = levels.astype(np.float32).reshape(1, 256, 3) * 255
    values = np.asarray(cv2.LUT(pixels, table), np.float32)
    saturation = np.exp(generator.uniform(-recipe.saturation, recipe.saturation))
    luma = np.array([0.299, 0.587, 0.114])
    mixing = saturation * np.eye(3) + (1 - saturation) * luma[None, :]
    values = np.asarray(cv2.transform(values, mixing.astype(np.float32)), np.float32)
    if recipe.shading:
        field = _smooth_field(pixels.shape[0], cells=2, channels=1, generator=generator)
        values = values * (1 + recipe.shading / 2 * field)
    return np.asarray(np.clip(values + 0.5, 0, 255), np.uint8)


def roughen(alpha: Pixels, *, generator: np.random.Generator) -> Pixels:
    """A mask as a segmenter draws it: grown, shrunk, or of 28 × 28 cells."""
    kind = generator.integers(3)
    if kind == 2:
        small = cv2.resize(alpha, (ROUGH_SIDE_PX, ROUGH_SIDE_PX), interpolation=cv2.INTER_AREA)
        large = cv2.resize(small, alpha.shape[::-1], interpolation=cv2.INTER_LINEAR)
        return np.where(large > 127, np.uint8(255), np.uint8(0))
    width = 1 + 2 * int(generator.integers(1, max(2, alpha.shape[0] // 40)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    changed = cv2.dilate(alpha, kernel) if kind else cv2.erode(alpha, kernel)
    return changed.astype(np.uint8, copy=False)


def hide(alpha: Pixels, *, generator: np.random.Generator) -> Pixels:
    """Take a part away: an arm-like strip, a rectangle, or one end (a coat over it, the frame)."""
    hidden = alpha.copy()
    side = alpha.shape[0]
    kind = generator.integers(3)
    if kind == 0:
        ends = generator.integers(0, side, (2, 2))
        width = int(generator.uniform(0.06, 0.16) * side)
        start, end = (tuple(int(value) for value in point) for point in ends)
        cv2.line(hidden, start, end, 0, thickness=max(1, width))
    elif kind == 1:
        width, height = generator.uniform(0.15, 0.5, 2) * side
        x, y = generator.uniform(0, side - width), generator.uniform(0, side - height)
        hidden[int(y) : int(y + height), int(x) : int(x + width)] = 0
    else:
        depth = int(generator.uniform(0.15, 0.45) * side)
        turned = np.rot90(hidden, int(generator.integers(4)))
        turned[:depth] = 0
    return hidden


def degrade(pixels: Pixels, *, generator: np.random.Generator, recipe: ViewRecipe) -> Pixels:
    """A far garment (few pixels), a soft lens, JPEG."""
    if generator.random() < recipe.blur_share:
        side = pixels.shape[0]
        small = max(8, int(side * generator.uniform(0.35, 0.9)))
        few = cv2.resize(pixels, (small, small), interpolation=cv2.INTER_AREA)
        soft = cv2.resize(few, (side, side), interpolation=cv2.INTER_LINEAR)
        pixels = np.asarray(soft, np.uint8)
    if generator.random() < recipe.jpeg_share:
        quality = int(generator.integers(40, 92))
        pixels = decode_photo(encode_jpeg(Photo(pixels), quality=quality)).pixels
    return pixels.astype(np.uint8, copy=False)


def recolour(crop: Pixels, *, generator: np.random.Generator) -> Pixels:
    """The same garment in another colour: a negative that only colour tells apart."""
    hsv = cv2.cvtColor(np.ascontiguousarray(crop[..., :3]), cv2.COLOR_RGB2HSV)
    turn = int(generator.integers(25, 156))
    hsv[..., 0] = (hsv[..., 0].astype(np.int16) + turn) % 180
    cloth = hsv[..., 1][crop[..., 3] > 127]
    if not cloth.size or np.median(cloth) < 60:
        # Turning the hue of grey changes nothing: dye it.
        hsv[..., 0] = int(generator.integers(180))
        hsv[..., 1] = np.maximum(hsv[..., 1], int(generator.integers(90, 170)))
        hsv[..., 2] = np.maximum(hsv[..., 2], int(generator.integers(60, 120)))
    rgb = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    return np.dstack([rgb, crop[..., 3]]).astype(np.uint8, copy=False)


def _smooth_field(side: int, *, cells: int, channels: int, generator: np.random.Generator) -> Grid:
    coarse = generator.uniform(-1, 1, (cells, cells, channels)).astype(np.float32)
    field = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.asarray(field, np.float32).reshape(side, side, channels)
