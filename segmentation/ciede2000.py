"""CIEDE2000: how different two colours look."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_25_TO_THE_7TH = 25.0**7


def ciede2000(one: npt.ArrayLike, other: npt.ArrayLike) -> Floats:
    """ΔE00 of CIELAB colours, (…, 3) with L 0–100, broadcast against each other.

    About 1 is just visible; under 15 two cloths have one main colour. Equations and their numbers:
    Sharma, Wu, Dalal, "The CIEDE2000 Color-Difference Formula", 2005.
    """
    l1, a1, b1 = np.moveaxis(np.asarray(one, np.float64), -1, 0)
    l2, a2, b2 = np.moveaxis(np.asarray(other, np.float64), -1, 0)
    # (2)–(7): greys are pulled apart along a.
    mean_chroma = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1 + 0.5 * (1 - _saturation(mean_chroma))
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.arctan2(b1, a1) % (2 * np.pi), np.arctan2(b2, a2) % (2 * np.pi)
    # (8)–(11): differences; hues the short way round, and no hue where a colour is grey.
    is_grey = c1 * c2 == 0
    turn = h2 - h1
    turn = np.where(np.abs(turn) > np.pi, turn - np.copysign(2 * np.pi, turn), turn)
    turn = np.where(is_grey, 0.0, turn)
    lightness, chroma = l2 - l1, c2 - c1
    hue = 2 * np.sqrt(c1 * c2) * np.sin(turn / 2)
    # (12)–(14): means.
    l_mean, c_mean = (l1 + l2) / 2, (c1 + c2) / 2
    h_mean = np.where(is_grey, h1 + h2, h1 + turn / 2)
    # (15)–(22): what each difference weighs.
    t = (
        1
        - 0.17 * np.cos(h_mean - np.radians(30))
        + 0.24 * np.cos(2 * h_mean)
        + 0.32 * np.cos(3 * h_mean + np.radians(6))
        - 0.20 * np.cos(4 * h_mean - np.radians(63))
    )
    from_middle = (l_mean - 50) ** 2
    s_l = 1 + 0.015 * from_middle / np.sqrt(20 + from_middle)
    s_c, s_h = 1 + 0.045 * c_mean, 1 + 0.015 * c_mean * t
    blue = np.exp(-(((np.degrees(h_mean) % 360 - 275) / 25) ** 2))
    rotation = -2 * _saturation(c_mean) * np.sin(np.radians(60 * blue))
    dl, dc, dh = lightness / s_l, chroma / s_c, hue / s_h
    difference: Floats = np.sqrt(dl**2 + dc**2 + dh**2 + rotation * dc * dh)
    return difference


def _saturation(chroma: Floats) -> Floats:
    """√(C⁷ / (C⁷ + 25⁷)), 0 for greys and near 1 for vivid colours."""
    seventh = chroma**7
    return np.asarray(np.sqrt(seventh / (seventh + _25_TO_THE_7TH)))
