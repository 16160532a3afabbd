"""The shop's products: what they look like, and their photo on a plain backdrop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from wardrobe.assortment import (
    ACCENTS,
    COLOURS,
    KINDS,
    MATERIALS,
    ORDER,
    PALETTES,
    PATTERN_WORDS,
    PERIODS,
    Kind,
    Style,
)
from wardrobe.bags import bag_panels
from wardrobe.canvas import Canvas, Panel
from wardrobe.cloth import Colour, Fabric
from wardrobe.cut import ON_TABLE, Cut, Half, Side
from wardrobe.garments import add_details, panels
from wardrobe.hats import hat_panels
from wardrobe.shoes import pair_from_front, shoe_from_side

Lab = npt.NDArray[np.float64]

BRANDS = ("Northwood", "Atelier Lune", "Fielding", "Kite & Co", "Marlow")
BACKDROPS: tuple[Colour, ...] = ((246, 246, 245), (238, 236, 232), (228, 231, 234), (240, 234, 224))
PHOTO_SIDE = 400
WHITE_SOLE, GUM_SOLE, DARK_SOLE = (226, 224, 218), (176, 132, 88), (44, 40, 40)
# CIELAB: how far a dye strays from its name's colour (lightness, a, b; standard deviations), and how
# far apart two products of one garment and cloth are, of one style and of two.
DYE_SPREAD = (5.5, 4.5, 4.5)
SAME_STYLE_APART, OTHER_STYLE_APART = 18.0, 11.0


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
    style: str = ""

    @property
    def attributes(self) -> Mapping[str, str]:
        """What a shop's feed says of it beside title and price."""
        told = {
            "colour": self.colour,
            "pattern": self.fabric.pattern,
            "material": MATERIALS[self.fabric.texture],
            "cut": self.style,
        }
        if self.garment in ("top", "dress", "outerwear"):
            told["sleeve"] = _sleeve_word(self.cut.sleeve)
        return told


def _sleeve_word(sleeve: float) -> str:
    lengths = ((0.05, "sleeveless"), (0.5, "short"), (0.8, "three-quarter"))
    return next((word for limit, word in lengths if sleeve < limit), "long")


class _Shelf:
    """What the shop has already: nobody sells two garments that only their label tells apart."""

    def __init__(self) -> None:
        self._dyes: dict[tuple[str, str, str], list[tuple[str, Lab]]] = {}

    def has_one_like(self, garment: str, style: Style, fabric: Fabric) -> bool:
        dye = _lab(fabric.colour)
        return any(
            np.linalg.norm(dye - other)
            < (SAME_STYLE_APART if words == style.words else OTHER_STYLE_APART)
            for words, other in self._dyes.get((garment, fabric.pattern, fabric.texture), ())
        )

    def put(self, garment: str, style: Style, fabric: Fabric) -> None:
        cloth = (garment, fabric.pattern, fabric.texture)
        self._dyes.setdefault(cloth, []).append((style.words, _lab(fabric.colour)))


def draw_items(count: int, rng: np.random.Generator) -> tuple[Item, ...]:
    """Products of every kind in turn, no two alike in style, cloth and dye while there are others."""
    shelf = _Shelf()
    items: list[Item] = []
    turn = missed = 0
    while len(items) < count:
        name = ORDER[turn % len(ORDER)]
        drawn = _unlike(name, turn, shelf, rng)
        turn, missed = turn + 1, 0 if drawn else missed + 1
        # A very large shop runs out of looks; then only lengths and accents tell two apart.
        if missed > len(ORDER):
            shelf = _Shelf()
        if drawn:
            items.append(_item(len(items) + 1, name, *drawn, rng))
    return tuple(items)


def in_colour(item: Item, colour: str, rng: np.random.Generator) -> Item:
    """The same cut, pattern and cloth in another colour of `COLOURS`, with an id of its own."""
    fabric = replace(item.fabric, colour=_dyed(colour, rng))
    title = _title(item.style, colour, fabric)
    return replace(item, id=f"{item.id}-{colour}", title=title, colour=colour, fabric=fabric)


def _unlike(
    name: str, turn: int, shelf: _Shelf, rng: np.random.Generator
) -> tuple[Style, str, Fabric] | None:
    """A style, colour and cloth unlike all that the shop has; None where none was found."""
    styles, garment = KINDS[name].styles, KINDS[name].garment
    rounds, place = divmod(turn, len(ORDER))
    # In turn, so that the styles of a kind come equally often.
    first = rounds * ORDER.count(name) + ORDER[:place].count(name)
    for attempt in range(40):
        style = styles[(first + attempt) % len(styles)]
        colour = _draw_colour(style, rng)
        fabric = _fabric(name, style, colour, rng)
        if not shelf.has_one_like(garment, style, fabric):
            shelf.put(garment, style, fabric)
            return style, colour, fabric
    return None


def _dyed(name: str, rng: np.random.Generator) -> Colour:
    """A dye of that name: no two cloths are of one bath."""
    lab = _lab(COLOURS[name]) + rng.normal(0, DYE_SPREAD)
    lab[0] = np.clip(lab[0], 8, 94)
    rgb = cv2.cvtColor(lab.astype(np.float32).reshape(1, 1, 3), cv2.COLOR_LAB2RGB).ravel() * 255
    red, green, blue = (round(float(np.clip(channel, 20, 242))) for channel in rgb)
    return red, green, blue


def _lab(colour: Colour) -> Lab:
    """CIELAB, (3,) float64."""
    rgb = np.asarray(colour, np.float32).reshape(1, 1, 3) / 255
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).ravel(), np.float64)


def _draw_colour(style: Style, rng: np.random.Generator) -> str:
    palette = PALETTES[style.palette]
    weights = np.asarray([palette.get(name, 0.0) for name in COLOURS])
    return tuple(COLOURS)[rng.choice(len(weights), p=weights / weights.sum())]


def _item(
    number: int, name: str, style: Style, colour: str, fabric: Fabric, rng: np.random.Generator
) -> Item:
    kind: Kind = KINDS[name]
    return Item(
        id=f"{name}-{number:04d}",
        title=_title(style.words, colour, fabric),
        category=kind.word,
        garment=kind.garment,
        brand=str(rng.choice(BRANDS)),
        price=int(rng.integers(*kind.prices)),
        colour=colour,
        cut=_cut(style, rng),
        fabric=fabric,
        style=style.words,
    )


def _title(style: str, colour: str, fabric: Fabric) -> str:
    material = MATERIALS[fabric.texture]
    # Said once: not "knit roll-neck jumper", not "denim denim jacket".
    known = {"cotton", "leather", "corduroy", *style.split()}
    if "jumper" in known or "cardigan" in known or "knitted" in known:
        known.add("knit")
    named = "" if material in known else material
    shade = "" if colour == "denim" and "denim" in (named, *known) else colour
    words = (shade, PATTERN_WORDS[fabric.pattern], named, style)
    title = " ".join(word for word in words if word)
    return title[0].upper() + title[1:]


def _cut(style: Style, rng: np.random.Generator) -> Cut:
    cut = style.cut
    hem, sleeve = float(rng.uniform(*style.hem)), float(rng.uniform(*style.sleeve))
    ease = cut.ease + float(rng.uniform(-0.008 if cut.kind == "bag" else 0.0, 0.007))
    return replace(cut, ease=ease, hem=hem, sleeve=sleeve)


def _fabric(name: str, style: Style, colour: str, rng: np.random.Generator) -> Fabric:
    pattern, _, texture = style.cloths[rng.integers(len(style.cloths))].partition("/")
    texture = texture or "smooth"
    ground = _dyed(colour, rng)
    if KINDS[name].garment == "shoes":
        soles = (WHITE_SOLE,) if name == "sneakers" else (DARK_SOLE, DARK_SOLE, GUM_SOLE)
        accent = soles[rng.integers(len(soles))]
        if name == "sneakers" and rng.random() < 0.2:
            accent = GUM_SOLE
    else:
        names = ACCENTS["dark" if sum(ground) < 380 else "light"]
        accent = _dyed(names[rng.integers(len(names))], rng)
    period = float(rng.uniform(*PERIODS[pattern]))
    if texture == "cable":
        period = float(rng.uniform(0.042, 0.056))
    folds = {"leather": 0.08, "cable": 0.07, "knit": 0.09, "tweed": 0.07, "denim": 0.09}
    soft = folds.get(texture, 0.11) * float(rng.uniform(0.85, 1.25))
    if KINDS[name].garment in ("shoes", "bag", "hat"):
        soft *= 0.6
    return Fabric(
        ground,
        accent,
        pattern,
        period,
        soft,
        grain={"knit": 0.03, "tweed": 0.04, "denim": 0.03}.get(texture, 0.015),
        texture=texture,
        gloss={"leather": 0.9}.get(texture, 0.0),
        fade=float(rng.uniform(0.1, 0.6)) if texture == "denim" and sum(ground) < 480 else 0.0,
    )


def product_photo(
    item: Item, rng: np.random.Generator, side: Side = Side.FRONT
) -> npt.NDArray[np.uint8]:
    """The product lying flat. HWC uint8 sRGB, 400 × 400.

    ``Side.BACK``: its second photo; of shoes that is the pair from the front, the first is from the side.
    """
    size = PHOTO_SIDE
    backdrop = np.asarray(BACKDROPS[rng.integers(len(BACKDROPS))], np.float32)
    x, y = np.meshgrid(*(np.linspace(-1, 1, size, dtype=np.float32),) * 2)
    light = 1 - 0.03 * (x + 0.6 * y) - 0.03 * (x**2 + y**2)
    pieces = _pieces_on_table(item, side)
    points = np.concatenate([o for piece in pieces for o in (piece.outline, *piece.joined)])
    low, high = points.min(axis=0), points.max(axis=0)
    scale = float(rng.uniform(0.82, 0.90) * size / (high - low).max())
    middle_x, middle_y = size / 2 - scale * (low + high) / 2
    canvas = Canvas(
        (backdrop * light[..., None]).astype(np.float32),
        origin=(float(middle_x), float(middle_y)),
        scale=scale,
    )
    canvas.paint(pieces, owner=1, rng=rng)
    if item.garment not in ("shoes", "bag", "hat"):
        add_details(canvas, item.cut, ON_TABLE, owner=1, side=side)
    return canvas.finish(rng, noise=1.5, blur=0.5)


def _pieces_on_table(item: Item, side: Side) -> list[Panel]:
    cut, fabric = item.cut, item.fabric
    match item.garment:
        case "shoes":
            return _pair_of_shoes(cut, fabric, side)
        case "bag":
            return bag_panels(cut, fabric, at=(0, 0), strap=_handle(cut), side=side)
        case "hat":
            return hat_panels(cut, fabric, side)
        case _:
            return panels(cut, fabric, ON_TABLE, side)


def _pair_of_shoes(cut: Cut, fabric: Fabric, side: Side) -> list[Panel]:
    if side is Side.BACK:
        return pair_from_front(cut, fabric)
    apart = 0.055 if cut.shape == "high boot" else 0.022
    pieces = shoe_from_side(cut, fabric, x=-apart, y=-0.028)
    return pieces + shoe_from_side(cut, fabric, x=apart, y=0.028)


def _handle(cut: Cut) -> Half:
    turn = np.linspace(np.pi, 0, 24)
    wide, high = {"tote": (0.030, 0.075), "backpack": (0.0, 0.0), "round": (0.044, 0.12)}.get(
        cut.shape, (0.046, 0.09)
    )
    low = 0.024 if cut.shape == "round" else 0.004
    return [(float(wide * np.cos(t)), float(low - high * np.sin(t))) for t in turn]
