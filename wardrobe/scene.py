"""A street photo of somebody wearing products, and which pixels are which."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from wardrobe.canvas import Canvas
from wardrobe.garments import add_details, bag_panels, hat_panels, panels, shoe_from_front
from wardrobe.people import (
    Person,
    draw_person,
    paint_body,
    paint_hair_behind,
    paint_head,
    street,
)
from wardrobe.shop import Item

WIDTH, HEIGHT = 550, 832
FIGURE_SHARE = 0.92


@dataclass(frozen=True, slots=True, eq=False)
class StreetPhoto:
    """``pixels``: HWC uint8 sRGB. ``worn``: each item with its visible pixels, HW bool."""

    pixels: npt.NDArray[np.uint8]
    person: npt.NDArray[np.bool_]
    worn: tuple[tuple[Item, npt.NDArray[np.bool_]], ...]


def choose_outfit(items: tuple[Item, ...], rng: np.random.Generator) -> tuple[Item, ...]:
    """A dress, or a top over trousers, shorts or a skirt; shoes; often a coat, a bag, a hat."""

    def one(*garments: str) -> list[Item]:
        fitting = [item for item in items if item.garment in garments]
        return [fitting[rng.integers(len(fitting))]] if fitting else []

    outfit = one("dress") if rng.random() < 0.3 else []
    if not outfit:
        bottom = ("trousers", "trousers", "skirt", "shorts")[rng.integers(4)]
        outfit = (one(bottom) or one("trousers", "skirt", "shorts")) + one("top")
    for garment, chance in (("shoes", 1.0), ("outerwear", 0.4), ("bag", 0.55), ("hat", 0.35)):
        if rng.random() < chance:
            outfit += one(garment)
    return tuple(outfit)


def street_photo(outfit: tuple[Item, ...], rng: np.random.Generator) -> StreetPhoto:
    """Draw the outfit on a person who fills 92% of the photo's height."""
    person = draw_person(rng)
    scale = FIGURE_SHARE * HEIGHT
    origin = (WIDTH * rng.uniform(0.42, 0.58), HEIGHT * (1 - FIGURE_SHARE) * 0.58)
    canvas = Canvas(street(WIDTH, HEIGHT, rng), origin=origin, scale=scale)
    _shadow_on_ground(canvas, origin, scale)
    paint_hair_behind(canvas, person, rng)
    paint_body(canvas, person, rng)
    order = {
        "shoes": 0,
        "trousers": 1,
        "shorts": 1,
        "skirt": 2,
        "top": 3,
        "dress": 3,
        "outerwear": 4,
        "hat": 6,
        "bag": 7,
    }
    dressed = sorted(outfit, key=lambda item: order[item.garment])
    if any(item.garment == "outerwear" for item in dressed):
        # What is under a coat shows in its opening, not beside its sleeves.
        dressed = [_without_sleeves(item) for item in dressed]
    for index, item in enumerate(dressed):
        if item.garment not in ("hat", "bag"):
            _dress(canvas, person, item, index + 1, rng)
    paint_head(canvas, person, rng)
    for index, item in enumerate(dressed):
        if item.garment in ("hat", "bag"):
            _dress(canvas, person, item, index + 1, rng)
    pixels = canvas.finish(rng, noise=3.0, blur=0.7)
    by_id = {item.id: item for item in outfit}
    worn = tuple((by_id[item.id], canvas.owner == index + 1) for index, item in enumerate(dressed))
    return StreetPhoto(pixels, canvas.owner > 0, worn)


def _dress(
    canvas: Canvas, person: Person, item: Item, owner: int, rng: np.random.Generator
) -> None:
    pose = person.pose
    if item.garment == "shoes":
        for leg in pose.legs:
            canvas.paint(shoe_from_front(item.cut, item.fabric, leg), owner=owner, rng=rng)
    elif item.garment == "hat":
        canvas.paint(hat_panels(item.cut, item.fabric), owner=owner, rng=rng)
    elif item.garment == "bag":
        # Worn across: from the far shoulder to the near hip.
        x = pose.right_arm[2][0] - 0.03
        strap = [(-0.075, 0.166), (0.0, 0.285), (x - 0.03, 0.435)]
        canvas.paint(
            bag_panels(item.cut, item.fabric, at=(x, 0.43), strap=strap), owner=owner, rng=rng
        )
    else:
        canvas.paint(panels(item.cut, item.fabric, pose), owner=owner, rng=rng)
        add_details(canvas, item.cut, pose, owner=owner)


def _without_sleeves(item: Item) -> Item:
    if item.garment not in ("top", "dress"):
        return item
    return replace(item, cut=replace(item.cut, sleeve=0.0))


def _shadow_on_ground(canvas: Canvas, origin: tuple[float, float], scale: float) -> None:
    shadow = np.zeros(canvas.owner.shape, np.float32)
    centre = (int(origin[0] + 0.012 * scale), int(origin[1] + 0.998 * scale))
    cv2.ellipse(shadow, centre, (int(0.15 * scale), int(0.022 * scale)), 0, 0, 360, 0.55, -1)
    canvas.pixels *= (1 - cv2.GaussianBlur(shadow, (0, 0), 7))[..., None]
