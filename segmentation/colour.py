"""Pixels of a region → its dominant colours, with names from `colours.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.garment import NamedColour
from segmentation.photo import Pixels

MAX_SAMPLES = 2048
CLUSTERS = 6
NEAR_EQUAL = 12.0
SMALLEST_SHARE = 0.04

# Folds and shadows change lightness, not cloth: it counts for less than hue when clustering.
_LIGHTNESS_WEIGHT = 0.6
# Below this difference of the channels, or this brightness, hue is noise of the camera.
_GREY_SPREAD = 18
_DARK_VALUE = 34

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class _Cluster:
    rgb: npt.NDArray[np.float64]
    lab: npt.NDArray[np.float64]
    count: int


@dataclass(frozen=True, slots=True, eq=False)
class _Names:
    names: tuple[str, ...]
    lab: Floats


def dominant_colours(pixels_rgb: Pixels, *, most: int = 3) -> tuple[NamedColour, ...]:
    """The ``most`` largest colours of a region, largest first, each name once.

    Args:
        pixels_rgb: (N, 3) uint8 sRGB, in any order: the order does not change the answer.

    Returns:
        Shares are of all pixels given and sum to at most 1; colours under 4% are left out unless
        nothing else remains. Empty for no pixels.
    """
    sample = _sample(pixels_rgb)
    if not len(sample):
        return ()
    clusters = _merge_near(_cluster(sample))
    named: dict[str, tuple[_Cluster, int]] = {}
    for cluster in sorted(clusters, key=lambda one: -one.count):
        name = colour_name(np.rint(cluster.rgb).astype(np.uint8))
        first, count = named.get(name, (cluster, 0))
        named[name] = (first, count + cluster.count)
    ranked = sorted(named.items(), key=lambda item: -item[1][1])
    colours = [
        NamedColour(name, _hex(cluster.rgb), _floor_share(count, len(sample)))
        for name, (cluster, count) in ranked
    ]
    kept = [colour for colour in colours if colour.share >= SMALLEST_SHARE] or colours[:1]
    return tuple(kept[:most])


def _sample(pixels_rgb: Pixels) -> Pixels:
    """At most `MAX_SAMPLES` pixels, evenly from the sorted colours: no pixel order, no dice."""
    channels = pixels_rgb.reshape(-1, 3).astype(np.uint32)
    packed = np.sort((channels[:, 0] << 16) | (channels[:, 1] << 8) | channels[:, 2])
    if len(packed) > MAX_SAMPLES:
        positions = (np.arange(MAX_SAMPLES) + 0.5) * (len(packed) / MAX_SAMPLES)
        packed = packed[positions.astype(np.int64)]
    return np.stack([packed >> 16, packed >> 8, packed], axis=1).astype(np.uint8)


def _lab(pixels_rgb: Pixels) -> Floats:
    """(N, 3) uint8 sRGB → (N, 3) float32 CIELAB (D65), L 0–100."""
    scaled = pixels_rgb.reshape(1, -1, 3).astype(np.float32) / 255.0
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB), np.float32).reshape(-1, 3)


def _cluster(sample: Pixels) -> list[_Cluster]:
    lab = _lab(sample)
    weighted = np.ascontiguousarray(lab * np.array([_LIGHTNESS_WEIGHT, 1, 1], np.float32))
    # Equal ones stand together in a sample.
    count = min(CLUSTERS, 1 + int(np.count_nonzero((sample[1:] != sample[:-1]).any(axis=1))))
    if count == 1:  # OpenCV takes a matrix of one row for three samples of one number.
        return [_Cluster(sample.mean(axis=0), lab[0].astype(np.float64), len(sample))]
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    cv2.setRNGSeed(7)
    initial = np.zeros((len(sample), 1), np.int32)
    _, labels, _ = cv2.kmeans(weighted, count, initial, stop, 2, cv2.KMEANS_PP_CENTERS)
    numbers = labels.ravel()
    sizes = np.bincount(numbers, minlength=count)
    sums = [np.bincount(numbers, values, count) for values in (*sample.T, *lab.T)]
    means = np.stack(sums, axis=1) / np.maximum(sizes, 1)[:, None]
    return [
        _Cluster(mean[:3], mean[3:], int(size))
        for mean, size in zip(means, sizes, strict=True)
        if size
    ]


def _merge_near(clusters: list[_Cluster]) -> list[_Cluster]:
    """Merge the nearest two until all are `NEAR_EQUAL` apart: one cloth in light and shade."""
    clusters = list(clusters)
    weights = np.array([_LIGHTNESS_WEIGHT, 1, 1])
    while len(clusters) > 1:
        points = np.stack([cluster.lab for cluster in clusters]) * weights
        distances = np.linalg.norm(points[:, None] - points[None], axis=2)
        np.fill_diagonal(distances, np.inf)
        a, b = sorted(int(i) for i in np.unravel_index(distances.argmin(), distances.shape))
        if distances[a, b] >= NEAR_EQUAL:
            break
        one, other = clusters[a], clusters.pop(b)
        total = one.count + other.count
        share = one.count / total
        clusters[a] = _Cluster(
            one.rgb * share + other.rgb * (1 - share),
            one.lab * share + other.lab * (1 - share),
            total,
        )
    return clusters


def colour_name(rgb: Pixels) -> str:
    """The English name of one colour, (3,) uint8 sRGB."""
    value, spread = int(rgb.max()), int(rgb.max()) - int(rgb.min())
    # HSV's own test: saturation × value is the spread, and dark pixels have no hue to speak of.
    grey = value < _DARK_VALUE or spread < _GREY_SPREAD
    table = _table("greys" if grey else "hues")
    distances = np.linalg.norm(table.lab - _lab(rgb), axis=1)
    return table.names[int(distances.argmin())]


@cache
def _table(section: str) -> _Names:
    text = resources.files("segmentation").joinpath("colours.toml").read_text("utf-8")
    entries: dict[str, str] = tomllib.loads(text)[section]
    rgb = np.array([tuple(bytes.fromhex(value[1:])) for value in entries.values()], np.uint8)
    return _Names(tuple(entries), _lab(rgb))


def _hex(rgb: npt.NDArray[np.float64]) -> str:
    red, green, blue = (int(channel) for channel in np.rint(rgb))
    return f"#{red:02x}{green:02x}{blue:02x}"


def _floor_share(count: int, total: int) -> float:
    # Rounded down, so that the shares of one region never sum to more than 1.
    return count * 1000 // total / 1000
