"""The shop's products: what they look like, and their photo on a plain backdrop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wardrobe.canvas import Canvas, Colour, Fabric, Panel
from wardrobe.garments import (
    ON_TABLE,
    SHOE_COLOUR_OF_SOLE,
    Cut,
    add_details,
    bag_panels,
    hat_panels,
    panels,
    shoe_from_side,
)

COLOURS: dict[str, Colour] = {
    "black": (30, 30, 33),
    "white": (236, 234, 228),
    "grey": (138, 140, 144),
    "navy": (32, 42, 76),
    "blue": (44, 88, 164),
    "denim": (78, 104, 142),
    "sky": (150, 186, 214),
    "teal": (28, 108, 112),
    "green": (44, 106, 66),
    "olive": (100, 102, 62),
    "mustard": (204, 156, 50),
    "beige": (208, 190, 160),
    "camel": (178, 134, 86),
    "brown": (94, 64, 46),
    "orange": (206, 104, 44),
    "red": (184, 36, 42),
    "burgundy": (108, 28, 46),
    "pink": (226, 162, 176),
    "lilac": (176, 156, 206),
}
BRANDS = ("Northwood", "Atelier Lune", "Fielding", "Kite & Co", "Marlow")
BACKDROPS: tuple[Colour, ...] = ((244, 244, 243), (232, 230, 226), (222, 226, 230), (238, 230, 218))

# kind: Garb's category, the shop's word, price from, price to
KINDS: dict[str, tuple[str, str, int, int]] = {
    "t-shirt": ("top", "t-shirt", 12, 40),
    "trousers": ("trousers", "pants", 35, 110),
    "dress": ("dress", "dress", 45, 160),
    "coat": ("outerwear", "outwear", 90, 290),
    "shoes": ("shoes", "shoes", 40, 180),
    "skirt": ("skirt", "skirt", 30, 90),
    "shirt": ("top", "shirt", 30, 85),
    "bag": ("bag", "bag", 40, 220),
    "shorts": ("shorts", "shorts", 20, 60),
    "jumper": ("top", "longsleeve", 35, 120),
    "hat": ("hat", "hat", 15, 55),
}


@dataclass(frozen=True, slots=True)
class Item:
    """A product. ``category`` is the shop's word, ``garment`` the category of its annotations."""

    id: str
    title: str
    category: str
    garment: str
    brand: str
    price: int
    colour: str
    cut: Cut
    fabric: Fabric


def draw_items(count: int, rng: np.random.Generator) -> tuple[Item, ...]:
    """Products of every kind in turn, no two of a kind in the same colour and pattern."""
    kinds = list(KINDS)
    seen: set[tuple[str, str, str]] = set()
    items: list[Item] = []
    while len(items) < count:
        kind = kinds[len(items) % len(kinds)]
        colour = str(rng.choice(list(COLOURS)))
        fabric = _fabric(kind, colour, rng)
        look = (kind, colour, fabric.pattern)
        # A large shop runs out of looks; then only the cut tells two products apart.
        if look in seen and len(items) < len(kinds) * len(COLOURS):
            continue
        seen.add(look)
        items.append(_item(len(items) + 1, kind, colour, fabric, rng))
    return tuple(items)


def _item(number: int, kind: str, colour: str, fabric: Fabric, rng: np.random.Generator) -> Item:
    garment, word, low, high = KINDS[kind]
    pattern = {
        "plain": "",
        "dots": "dotted ",
        "stripes": "striped ",
        "checks": "checked ",
        "pinstripes": "pinstriped ",
    }[fabric.pattern]
    price = int(rng.integers(low, high))
    return Item(
        f"{kind}-{number:04d}",
        f"{colour} {pattern}{kind}".capitalize(),
        word,
        garment,
        str(rng.choice(BRANDS)),
        price,
        colour,
        _cut(kind, rng),
        fabric,
    )


def _cut(kind: str, rng: np.random.Generator) -> Cut:
    ease, more = rng.uniform(0.0, 0.012), rng.random()
    match kind:
        case "t-shirt":
            return Cut(
                kind,
                0.475 + 0.02 * more,
                rng.uniform(0.32, 0.46),
                ease,
                neck=rng.uniform(0.014, 0.04),
            )
        case "shirt":
            return Cut(kind, 0.50 + 0.02 * more, 0.97, ease + 0.003, neck=0.024)
        case "jumper":
            return Cut(kind, 0.475 + 0.02 * more, 0.98, ease + 0.006, neck=rng.uniform(0.006, 0.02))
        case "dress":
            sleeve = float(rng.choice([0.0, 0.36, 0.55]))
            return Cut(
                kind, 0.60 + 0.14 * more, sleeve, ease * 0.5, rng.uniform(0.01, 0.07), neck=0.035
            )
        case "coat":
            return Cut(kind, 0.58 + 0.17 * more, 0.99, 0.004 + ease, rng.uniform(0.0, 0.02))
        case "trousers":
            return Cut(kind, 0.94, rng.uniform(0.93, 0.99), ease, rng.uniform(-0.006, 0.014))
        case "shorts":
            return Cut(kind, 0.6, rng.uniform(0.28, 0.42), 0.008 + ease, 0.004)
        case "skirt":
            return Cut(kind, 0.58 + 0.16 * more, 0.0, 0.0, rng.uniform(0.0, 0.07))
        case "hat":
            return Cut(kind, flare=float(rng.choice([0.0, 0.078, 0.092])))
        case "bag":
            return Cut(kind, ease=rng.uniform(-0.008, 0.014))
        case _:
            return Cut(kind, hem=float(rng.choice([0.0, 0.02, 0.075])))


def _fabric(kind: str, colour: str, rng: np.random.Generator) -> Fabric:
    patterns = {
        "t-shirt": ("plain", "stripes", "dots"),
        "shirt": ("plain", "checks", "pinstripes"),
        "jumper": ("plain", "stripes"),
        "dress": ("plain", "dots", "checks"),
        "skirt": ("plain", "checks", "dots"),
        "trousers": ("plain", "plain", "pinstripes"),
        "shorts": ("plain", "checks"),
        "coat": ("plain", "plain", "checks"),
    }.get(kind, ("plain",))
    pattern = str(rng.choice(patterns))
    if kind == "shoes":
        accent = COLOURS["black"] if rng.random() < 0.4 else SHOE_COLOUR_OF_SOLE
    elif sum(COLOURS[colour]) < 330:
        accent = COLOURS[str(rng.choice(["white", "beige", "sky", "pink"]))]
    else:
        accent = COLOURS[str(rng.choice(["black", "navy", "burgundy", "brown"]))]
    period = {"stripes": (0.022, 0.045), "dots": (0.020, 0.034), "checks": (0.024, 0.05)}
    low, high = period.get(pattern, (0.014, 0.02))
    rough = 0.035 if kind in ("jumper", "coat", "hat") or colour == "denim" else 0.015
    folds = 0.06 if kind in ("shoes", "bag") else rng.uniform(0.08, 0.14)
    return Fabric(
        COLOURS[colour], accent, pattern, float(rng.uniform(low, high)), float(folds), rough
    )


def product_photo(item: Item, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """The product lying flat. HWC uint8 sRGB, 400 × 400."""
    size = 400
    backdrop = np.asarray(BACKDROPS[rng.integers(len(BACKDROPS))], np.float32)
    x, y = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size))
    light = 1 - 0.035 * (x + 0.6 * y) - 0.03 * (x**2 + y**2)
    pieces = _pieces_on_table(item)
    points = np.concatenate([o for piece in pieces for o in (piece.outline, *piece.joined)])
    low, high = points.min(axis=0), points.max(axis=0)
    scale = float(rng.uniform(0.80, 0.90) * size / (high - low).max())
    middle_x, middle_y = size / 2 - scale * (low + high) / 2
    canvas = Canvas(
        (backdrop * light[..., None]).astype(np.float32),
        origin=(float(middle_x), float(middle_y)),
        scale=scale,
    )
    canvas.paint(pieces, owner=1, rng=rng)
    add_details(canvas, item.cut, ON_TABLE, owner=1)
    return canvas.finish(rng, noise=1.5, blur=0.5)


def _pieces_on_table(item: Item) -> list[Panel]:
    cut, fabric = item.cut, item.fabric
    match cut.kind:
        case "shoes":
            back = shoe_from_side(cut, fabric, x=-0.022, y=-0.028)
            return [*back, *shoe_from_side(cut, fabric, x=0.022, y=0.028)]
        case "bag":
            turn = np.linspace(np.pi, 0, 24)
            handle = [(0.046 * np.cos(t), 0.004 - 0.09 * np.sin(t)) for t in turn]
            return bag_panels(cut, fabric, at=(0, 0), strap=handle)
        case "hat":
            return hat_panels(cut, fabric)
        case _:
            return panels(cut, fabric, ON_TABLE)
