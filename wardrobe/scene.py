"""A street photo of one or two people wearing products, and which pixels are which."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from wardrobe.accessories import (
    GLASSES,
    HOSE,
    SCARF,
    SOCKS,
    paint_bag,
    paint_glasses,
    paint_scarf,
    paint_socks,
)
from wardrobe.assortment import COLOURS
from wardrobe.background import background
from wardrobe.canvas import Canvas
from wardrobe.cloth import Colour
from wardrobe.cut import Side, moved
from wardrobe.garments import add_details, panels
from wardrobe.hats import hat_panels
from wardrobe.head import paint_hair_behind, paint_head
from wardrobe.people import HAIR, SKIN, Person, draw_person, paint_body, paint_hands
from wardrobe.shoes import worn_shoe
from wardrobe.shop import Item

WIDTH, HEIGHT = 550, 832
# The words of a much used set of street photos, by number: label maps of both can be mixed.
LABEL_NAMES = tuple(
    """null accessories bag belt blazer blouse bodysuit boots bra bracelet cape cardigan clogs coat
    dress earrings flats glasses gloves hair hat heels hoodie intimate jacket jeans jumper leggings
    loafers necklace panties pants pumps purse ring romper sandals scarf shirt shoes shorts skin
    skirt sneakers socks stockings suit sunglasses sweater sweatshirt swimwear t-shirt tie tights
    top vest wallet watch wedges""".split()  # noqa: SIM905
)
TWO_PEOPLE = 0.35
# Owner numbers of the first person start here, of the second at twice that.
FIRST = 64
# From the skin outwards; bags come over them, hats after the head.
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
    """``pixels``: HWC uint8 sRGB. ``owner``: HW uint8, a key of ``things``, 0 is background."""

    pixels: npt.NDArray[np.uint8]
    owner: npt.NDArray[np.uint8]
    things: dict[int, Thing]
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class _Garment:
    item: Item
    sold: bool


def street_photo(
    items: tuple[Item, ...], basics: tuple[Item, ...], rng: np.random.Generator
) -> StreetPhoto:
    """Draw one or two people, each wearing two to four ``items`` and ``basics`` nobody sells."""
    pixels = background(WIDTH, HEIGHT, rng)
    owner: npt.NDArray[np.int16] | None = None
    things: dict[int, Thing] = {}
    people = []
    for number, (x, feet, scale) in enumerate(_places(rng)):
        person = draw_person(rng, first=FIRST * (number + 1))
        origin = (WIDTH * x, HEIGHT * feet - scale)
        canvas = Canvas(pixels, origin=origin, scale=scale, warp=person.build.warp)
        if owner is not None:
            canvas.owner = owner
        _shadow_on_ground(canvas, origin, scale)
        outfit = _choose_outfit(person, items, basics, rng)
        names = _paint_figure(canvas, person, outfit, rng)
        for key, thing in names.items():
            things[person.first + key] = replace(thing, person=number)
        pixels, owner = canvas.pixels, canvas.owner
        people.append(person)
    seen = canvas.owner.astype(np.uint8)
    return StreetPhoto(_develop(canvas, rng), seen, things, tuple(people))


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
    person: Person, items: tuple[Item, ...], basics: tuple[Item, ...], rng: np.random.Generator
) -> tuple[_Garment, ...]:
    """A dress, or a top over trousers, shorts or a skirt; shoes; often a coat, a bag, a hat."""

    def one(among: tuple[Item, ...], garment: str) -> list[Item]:
        fitting = [item for item in among if item.garment == garment]
        return [fitting[rng.integers(len(fitting))]] if fitting else []

    below = ("trousers", "trousers", "shorts", "trousers", "skirt")
    bearded = person.beard or person.hair_style == "bald"
    wanted = [below[rng.integers(4 if bearded else 5)], "top"]
    if not bearded and rng.random() < 0.3:
        wanted = ["dress"]
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
    if "hat" in by_garment and person.hair_style in ("bun", "curly"):
        person = replace(person, hair_style="bob")
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
    if person.side is Side.FRONT:
        paint_hair_behind(canvas, person, rng)
    paint_body(canvas, person, rng, hose)
    if hose is None and "trousers" not in by_garment and rng.random() < 0.35:
        paint_socks(canvas, person, colour("white", "black", "grey", "red"), rng)
        things[SOCKS] = Thing("socks", None, 0)
    for garment in LAYERS:
        if garment in by_garment:
            item = by_garment[garment].item
            if "outerwear" in by_garment and garment in ("top", "dress"):
                # What is under a coat shows in its opening, not beside it.
                flare = min(item.cut.flare, 0.015)
                item = replace(item, cut=replace(item.cut, sleeve=0.0, flare=flare))
            _dress(canvas, person, item, person.first + numbers[garment], rng)
    if "bag" in by_garment:
        bag = by_garment["bag"].item
        paint_bag(canvas, person, bag, person.first + numbers["bag"], rng)
    paint_hands(canvas, person, rng)
    if "outerwear" in by_garment and rng.random() < 0.3:
        paint_scarf(canvas, person, colour("red", "mustard", "grey", "teal", "beige"), rng)
        things[SCARF] = Thing("scarf", None, 0)
    paint_head(canvas, person, rng)
    if person.side is Side.FRONT and rng.random() < 0.25:
        things[GLASSES] = Thing(paint_glasses(canvas, person, rng), None, 0)
    if "hat" in by_garment:
        hat = by_garment["hat"].item
        number = person.first + numbers["hat"]
        canvas.paint(hat_panels(hat.cut, hat.fabric, person.side), owner=number, rng=rng)
    return things


def label_name(item: Item) -> str:
    """The word of the street label maps: the last one of the style that they know."""
    words = (*reversed(item.style.split()), item.cut.kind, item.garment)
    return next((word for word in words if word in LABEL_NAMES), "pants")


def _dress(
    canvas: Canvas, person: Person, item: Item, owner: int, rng: np.random.Generator
) -> None:
    if item.garment == "shoes":
        for leg, lift in zip(person.pose.legs, person.lift, strict=True):
            x, y = leg[2]
            pieces = worn_shoe(item.cut, item.fabric, (x, y + lift), person.side)
            raised = [replace(piece, outline=moved(piece.outline, 0, -lift)) for piece in pieces]
            canvas.paint(raised, owner=owner, rng=rng)
        return
    side = person.side
    canvas.paint(panels(item.cut, item.fabric, person.pose, side), owner=owner, rng=rng)
    add_details(canvas, item.cut, person.pose, owner=owner, side=side)


def _shadow_on_ground(canvas: Canvas, origin: tuple[float, float], scale: float) -> None:
    x, y = int(origin[0] + 0.012 * scale), int(origin[1] + 0.998 * scale)
    wide, high = int(0.2 * scale), int(0.06 * scale)
    x0, y0 = max(x - wide, 0), max(y - high, 0)
    view = canvas.pixels[y0 : y + high, x0 : x + wide]
    if not view.size:
        return
    shadow = np.zeros(view.shape[:2], np.float32)
    size = (int(0.14 * scale), int(0.020 * scale))
    cv2.ellipse(shadow, (x - x0, y - y0), size, 0, 0, 360, 0.55, -1)
    view *= (1 - cv2.GaussianBlur(shadow, (0, 0), 0.009 * scale))[..., None]


def _develop(canvas: Canvas, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """The picture under this photo's light, as this photo's camera leaves it."""
    across, down, corners = rng.uniform(-0.12, 0.12), rng.uniform(-0.06, 0.06), rng.uniform(0, 0.1)
    x = np.linspace(-1, 1, WIDTH, dtype=np.float32)[None]
    y = np.linspace(-1, 1, HEIGHT, dtype=np.float32)[:, None]
    light = (1 + across * x - corners * x**2) + (down * y - corners * y**2)
    cv2.multiply(canvas.pixels, cv2.merge([light.astype(np.float32)] * 3), canvas.pixels)
    taken = canvas.finish(rng, noise=rng.uniform(1.5, 5.5), blur=rng.uniform(0.5, 1.0))
    warm, tint = rng.normal(0, 0.04), rng.normal(0, 0.012)
    balance = np.asarray((1 + warm, 1 + tint, 1 - warm)) * rng.uniform(0.82, 1.12)
    curve = np.linspace(0, 1, 256)[:, None] ** rng.uniform(0.88, 1.14) * 255 * balance
    return np.asarray(cv2.LUT(taken, np.clip(curve + 0.5, 0, 255).astype(np.uint8)[None]))
