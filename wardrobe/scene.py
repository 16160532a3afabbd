"""A street photo of one or two people wearing products, and which pixels are which."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from wardrobe.background import background
from wardrobe.canvas import Canvas, Colour, Fabric, Panel, smooth
from wardrobe.garments import add_details, bag_panels, hat_panels, moved, panels, shoe_from_front
from wardrobe.people import (
    HAIR,
    SKIN,
    FigureCanvas,
    Person,
    draw_person,
    paint_body,
    paint_hair_behind,
    paint_hands,
    paint_head,
)
from wardrobe.shop import COLOURS, KINDS, Item, draw_items

WIDTH, HEIGHT = 550, 832
HOSE, SOCKS, SCARF, GLASSES = 60, 61, 62, 63
TWO_PEOPLE = 0.35
# From the skin outwards; bags and hats come after the head.
LAYERS = ("shoes", "trousers", "shorts", "skirt", "top", "dress", "outerwear")


@dataclass(frozen=True, slots=True)
class Thing:
    """What a number of ``StreetPhoto.owner`` stands for.

    ``category``: Garb's, None for skin, hair and accessories; ``item``: None unless it is sold.
    """

    name: str
    category: str | None
    person: int
    item: Item | None = None


@dataclass(frozen=True, slots=True, eq=False)
class StreetPhoto:
    """``pixels``: HWC uint8 sRGB. ``owner``: HW int16, a key of ``things``, 0 is background."""

    pixels: npt.NDArray[np.uint8]
    owner: npt.NDArray[np.int16]
    things: dict[int, Thing]
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class _Garment:
    item: Item
    sold: bool


def street_photo(items: tuple[Item, ...], rng: np.random.Generator) -> StreetPhoto:
    """Draw one or two people, each wearing two to four of the items and what nobody sells."""
    basics = draw_items(3 * len(KINDS), rng)
    pixels = background(WIDTH, HEIGHT, rng)
    owner = np.zeros((HEIGHT, WIDTH), np.int16)
    things: dict[int, Thing] = {}
    people = []
    for number, (x, feet, scale) in enumerate(_places(rng)):
        person = draw_person(rng, first=100 * (number + 1))
        origin = (WIDTH * x, HEIGHT * feet - scale)
        canvas = FigureCanvas(pixels, origin=origin, scale=scale, build=person.build)
        canvas.owner = owner
        _shadow_on_ground(canvas, origin, scale)
        outfit = _choose_outfit(items, basics, rng)
        names = _paint_figure(canvas, person, outfit, rng)
        for key, thing in names.items():
            things[person.first + key] = replace(thing, person=number)
        pixels, owner = canvas.pixels, canvas.owner
        people.append(person)
    return StreetPhoto(_develop(canvas, rng), owner, things, tuple(people))


def _places(rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Of every figure, the farthest first: x and feet as shares, pixels a body height."""
    cut = rng.random() < 0.28
    if rng.random() >= TWO_PEOPLE:
        if cut:
            share = rng.uniform(1.1, 1.6)
            return [(rng.uniform(0.4, 0.6), rng.uniform(0.03, 0.1) + share, share * HEIGHT)]
        share = rng.uniform(0.62, 0.94)
        low = max(0.86, share + 0.03)
        return [(rng.uniform(0.33, 0.67), rng.uniform(low, max(low, 0.985)), share * HEIGHT)]
    near = rng.uniform(1.0, 1.2) if cut else rng.uniform(0.68, 0.86)
    far = near * rng.uniform(0.88, 1.0)
    apart = rng.uniform(0.17, 0.24) * (1.15 if cut else 1.0)
    feet = rng.uniform(0.05, 0.1) + near if cut else rng.uniform(0.93, 0.985)
    side, middle = (-1, 1)[rng.integers(2)], rng.uniform(0.46, 0.54)
    behind = (middle - side * apart, feet - (near - far) * 0.5, far * HEIGHT)
    return [behind, (middle + side * apart, feet, near * HEIGHT)]


def _choose_outfit(
    items: tuple[Item, ...], basics: tuple[Item, ...], rng: np.random.Generator
) -> tuple[_Garment, ...]:
    """A dress, or a top over trousers, shorts or a skirt; shoes; often a coat, a bag, a hat."""

    def one(among: tuple[Item, ...], garment: str) -> list[Item]:
        fitting = [item for item in among if item.garment == garment]
        return [fitting[rng.integers(len(fitting))]] if fitting else []

    wanted = ["dress"]
    if rng.random() >= 0.25:
        wanted = [("trousers", "trousers", "trousers", "skirt", "shorts")[rng.integers(5)], "top"]
    wanted.append("shoes")
    extra = (("outerwear", 0.4), ("bag", 0.5), ("hat", 0.25))
    wanted += [garment for garment, chance in extra if rng.random() < chance]
    places = rng.permutation(len(wanted))[: rng.integers(2, 5)]
    outfit: list[_Garment] = []
    for place, garment in enumerate(wanted):
        sold = one(items, garment) if place in places else []
        if sold or garment not in dict(extra):
            worn = sold or one(basics, garment)
            outfit += [_Garment(item, bool(sold)) for item in worn]
    return tuple(outfit)


def _paint_figure(
    canvas: Canvas, person: Person, outfit: tuple[_Garment, ...], rng: np.random.Generator
) -> dict[int, Thing]:
    """Everything of one person, back to front; what was painted, by owner less ``first``."""
    by_garment = {worn.item.garment: worn for worn in outfit}
    numbers = {worn.item.garment: number for number, worn in enumerate(outfit, start=1)}
    things = {SKIN: Thing("skin", None, 0), HAIR: Thing("hair", None, 0)}
    for garment, worn in by_garment.items():
        sold = worn.item if worn.sold else None
        things[numbers[garment]] = Thing(label_name(worn.item), garment, 0, sold)

    def colour(*names: str) -> Colour:
        return COLOURS[names[rng.integers(len(names))]]

    hose = None
    if "trousers" not in by_garment and rng.random() < 0.35:
        hose = (person.first + HOSE, colour("black", "black", "navy", "grey", "burgundy"))
        things[HOSE] = Thing("tights", "trousers", 0)
    if not person.from_back:
        paint_hair_behind(canvas, person, rng)
    paint_body(canvas, person, rng, hose)
    if hose is None and "trousers" not in by_garment and rng.random() < 0.35:
        _paint_socks(canvas, person, colour("white", "black", "grey", "red"), rng)
        things[SOCKS] = Thing("socks", None, 0)
    for garment in LAYERS:
        if garment in by_garment:
            item = by_garment[garment].item
            if "outerwear" in by_garment and garment in ("top", "dress"):
                # What is under a coat shows in its opening, not beside its sleeves.
                item = replace(item, cut=replace(item.cut, sleeve=0.0))
            _dress(canvas, person, item, person.first + numbers[garment], rng)
    if "bag" in by_garment:
        bag, held = by_garment["bag"].item, person.hands.index("hanging") if (
            "hanging" in person.hands
        ) else None
        number = person.first + numbers["bag"]
        _paint_bag(canvas, person, bag, number, held, rng)
    paint_hands(canvas, person, rng)
    if "outerwear" in by_garment and rng.random() < 0.3:
        _paint_scarf(canvas, person, colour("red", "mustard", "grey", "teal", "beige"), rng)
        things[SCARF] = Thing("scarf", None, 0)
    paint_head(canvas, person, rng)
    if not person.from_back and rng.random() < 0.25:
        things[GLASSES] = Thing(_paint_glasses(canvas, person, rng), None, 0)
    if "hat" in by_garment:
        hat = by_garment["hat"].item
        number = person.first + numbers["hat"]
        canvas.paint(hat_panels(hat.cut, hat.fabric), owner=number, rng=rng)
    return things
