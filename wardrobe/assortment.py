"""What the shop sells: kinds of garment, the styles each comes in, and the cloth they are made of.

Data only: ``shop.py`` draws products from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from wardrobe.canvas import Colour
from wardrobe.cut import Cut

COLOURS: dict[str, Colour] = {
    "black": (32, 32, 35),
    "white": (238, 236, 231),
    "navy": (34, 43, 72),
    "grey": (142, 144, 148),
    "charcoal": (72, 74, 80),
    "beige": (210, 193, 166),
    "cream": (233, 222, 198),
    "camel": (182, 139, 92),
    "brown": (96, 66, 48),
    "olive": (101, 103, 67),
    "khaki": (164, 150, 112),
    "blue": (52, 92, 160),
    "sky": (154, 188, 216),
    "denim": (84, 110, 148),
    "indigo": (48, 62, 96),
    "burgundy": (106, 32, 48),
    "green": (48, 104, 70),
    "teal": (34, 106, 112),
    "mustard": (200, 154, 58),
    "rust": (166, 84, 52),
    "red": (182, 40, 46),
    "pink": (224, 166, 176),
    "lilac": (178, 160, 204),
    "orange": (208, 112, 56),
}
# How often each colour is drawn; what is not named is drawn at 1.
_WORN = {"black": 5.0, "white": 4.0, "navy": 4.0, "grey": 3.0, "charcoal": 2.0, "beige": 3.0}
_WORN |= {"cream": 2.5, "camel": 2.0, "brown": 2.0, "olive": 2.0, "khaki": 1.5, "blue": 2.0}
_WORN |= {"sky": 2.0, "burgundy": 1.5, "denim": 0.0, "indigo": 0.0, "orange": 0.5, "lilac": 0.7}
_LEATHER = dict.fromkeys(COLOURS, 0.0) | {"black": 5.0, "brown": 4.0, "camel": 3.0}
_LEATHER |= {"beige": 2.0, "white": 1.0, "navy": 1.5, "burgundy": 1.5, "grey": 1.0, "olive": 1.0}
_LEATHER |= {"cream": 1.0, "rust": 1.0, "green": 0.5, "red": 0.6, "mustard": 0.5, "pink": 0.4}
_SPORTY = _LEATHER | {"white": 6.0, "sky": 1.0, "blue": 1.0, "brown": 0.5, "camel": 0.5}
_JEANS = dict.fromkeys(COLOURS, 0.0) | {"denim": 5.0, "indigo": 5.0, "sky": 3.0, "black": 3.0}
_JEANS |= {"grey": 1.5, "white": 1.5, "blue": 1.5, "charcoal": 1.0, "cream": 1.0}
_QUIET = _WORN | {"red": 0.4, "orange": 0.0, "lilac": 0.2, "pink": 0.4, "mustard": 0.5}
PALETTES = {"worn": _WORN, "leather": _LEATHER, "sporty": _SPORTY, "jeans": _JEANS, "quiet": _QUIET}

# Accents that go with a dark and with a light ground.
ACCENTS = {
    "dark": ("white", "cream", "beige", "sky", "pink", "camel"),
    "light": ("navy", "black", "burgundy", "brown", "green", "blue"),
}
# Body heights from and to a repeat.
PERIODS: dict[str, tuple[float, float]] = {
    "stripes": (0.022, 0.050),
    "pinstripes": (0.014, 0.022),
    "checks": (0.020, 0.038),
    "tartan": (0.055, 0.085),
    "dots": (0.030, 0.052),
    "floral": (0.075, 0.12),
    "plain": (0.044, 0.044),
}
PATTERN_WORDS = {
    "plain": "",
    "stripes": "striped",
    "pinstripes": "pinstriped",
    "checks": "checked",
    "tartan": "tartan",
    "dots": "dotted",
    "floral": "floral",
}
MATERIALS = {
    "smooth": "cotton",
    "knit": "knit",
    "rib": "rib knit",
    "cable": "cable knit",
    "cord": "corduroy",
    "denim": "denim",
    "tweed": "wool",
    "leather": "leather",
}


@dataclass(frozen=True, slots=True)
class Style:
    """One way a kind is cut, ``words`` as in its title; lengths from and to, in body heights.

    ``cloths``: pairs of pattern and texture it comes in, as ``"stripes/knit"``.
    """

    words: str
    cut: Cut
    cloths: tuple[str, ...] = ("plain",)
    hem: tuple[float, float] | None = None
    sleeve: tuple[float, float] | None = None
    palette: str = "worn"


class Kind(NamedTuple):
    """``garment``: Garb's category; ``word``: the shop's; prices in euros."""

    garment: str
    word: str
    prices: tuple[int, int]
    styles: tuple[Style, ...]


_TEE = ("plain", "stripes", "plain", "dots", "stripes")
_WOVEN = ("plain", "checks", "pinstripes", "plain")
_PRINTS = ("plain", "floral", "dots", "floral", "checks")
_KNIT = ("plain/knit", "stripes/knit", "plain/cable", "plain/rib")
_SHORT, _LONG = (0.30, 0.44), (0.95, 0.98)

_T_SHIRTS = (
    Style(
        "crew-neck t-shirt", Cut("t-shirt", neck=0.018, collar="crew"), _TEE, (0.475, 0.50), _SHORT
    ),
    Style("V-neck t-shirt", Cut("t-shirt", neck=0.062, collar="v"), _TEE, (0.475, 0.50), _SHORT),
    Style(
        "sleeveless top", Cut("t-shirt", neck=0.03, collar="scoop", sleeve=0), _TEE, (0.46, 0.50)
    ),
    Style("long-sleeved boat-neck top", Cut("t-shirt", collar="boat"), _TEE, (0.47, 0.49), _LONG),
    Style(
        "cropped t-shirt",
        Cut("t-shirt", ease=0.008, neck=0.018, collar="crew"),
        _TEE,
        (0.405, 0.42),
        (0.36, 0.44),
    ),
    Style(
        "three-quarter-sleeved top",
        Cut("t-shirt", neck=0.03, collar="scoop"),
        _TEE,
        (0.475, 0.50),
        (0.68, 0.76),
    ),
    Style(
        "strap top",
        Cut("t-shirt", collar="strap", sleeve=0),
        ("plain", "plain/rib", "floral"),
        (0.45, 0.49),
    ),
)
_POLOS = (
    Style(
        "polo shirt",
        Cut("polo", neck=0.020, collar="polo", closure="placket"),
        ("plain", "stripes", "plain"),
        (0.48, 0.51),
        (0.34, 0.44),
    ),
    Style(
        "knitted polo",
        Cut("polo", neck=0.030, collar="polo", closure="placket", rib=0.022),
        ("plain/knit", "stripes/knit"),
        (0.46, 0.48),
        _LONG,
    ),
)
_SHIRTS = (
    Style(
        "shirt",
        Cut("shirt", neck=0.026, collar="shirt", closure="buttons", pockets="chest"),
        _WOVEN,
        (0.50, 0.525),
        _LONG,
    ),
    Style(
        "short-sleeved shirt",
        Cut("shirt", ease=0.006, neck=0.040, collar="shirt", closure="buttons"),
        (*_WOVEN, "floral"),
        (0.49, 0.51),
        (0.40, 0.48),
    ),
    Style(
        "flannel shirt",
        Cut("shirt", ease=0.006, neck=0.026, collar="shirt", closure="buttons", pockets="chest"),
        ("tartan", "checks", "tartan"),
        (0.51, 0.54),
        _LONG,
    ),
    Style(
        "denim shirt",
        Cut(
            "shirt",
            neck=0.026,
            collar="shirt",
            closure="buttons",
            pockets="chest",
            shape="denim",
            trim=(204, 172, 120),
        ),
        ("plain/denim",),
        (0.50, 0.52),
        _LONG,
        "jeans",
    ),
)
_BLOUSES = (
    Style(
        "wrap blouse",
        Cut("blouse", neck=0.105, collar="wrap", shape="wrap", closure="belt"),
        _PRINTS,
        (0.465, 0.48),
        (0.60, 0.97),
    ),
    Style(
        "balloon-sleeved blouse",
        Cut("blouse", neck=0.03, collar="v", flare=0.02, shape="balloon"),
        _PRINTS,
        (0.47, 0.49),
        (0.93, 0.97),
    ),
    Style(
        "peplum blouse",
        Cut("blouse", neck=0.02, collar="crew", flare=0.028),
        _PRINTS,
        (0.45, 0.48),
        (0.34, 0.72),
    ),
)
_JUMPERS = (
    Style(
        "crew-neck jumper",
        Cut("jumper", neck=0.014, collar="crew", rib=0.024),
        _KNIT,
        (0.475, 0.50),
        _LONG,
    ),
    Style(
        "roll-neck jumper",
        Cut("jumper", neck=0.0, collar="roll", rib=0.026),
        ("plain/knit", "plain/cable", "plain/rib"),
        (0.475, 0.505),
        _LONG,
    ),
    Style(
        "V-neck jumper",
        Cut("jumper", neck=0.066, collar="v", rib=0.022),
        _KNIT,
        (0.475, 0.495),
        _LONG,
    ),
    Style(
        "cropped jumper",
        Cut("jumper", ease=0.008, neck=0.016, collar="crew", rib=0.026),
        _KNIT,
        (0.415, 0.43),
        _LONG,
    ),
)
_CARDIGANS = (
    Style(
        "cardigan",
        Cut("cardigan", neck=0.085, collar="v", closure="buttons", rib=0.024),
        ("plain/knit", "plain/cable", "plain/rib"),
        (0.48, 0.51),
        _LONG,
    ),
    Style(
        "cropped cardigan",
        Cut("cardigan", neck=0.022, collar="crew", closure="buttons", rib=0.024),
        ("plain/knit", "stripes/knit", "plain/rib"),
        (0.42, 0.44),
        _LONG,
    ),
)
_HOODIES = (
    Style(
        "hoodie",
        Cut("hoodie", ease=0.008, neck=0.016, collar="hood", pockets="kangaroo", rib=0.026),
        ("plain",),
        (0.485, 0.51),
        _LONG,
    ),
    Style(
        "zip hoodie",
        Cut(
            "hoodie",
            ease=0.006,
            neck=0.016,
            collar="hood",
            closure="zip",
            pockets="kangaroo",
            rib=0.026,
            trim=(186, 188, 190),
        ),
        ("plain",),
        (0.485, 0.50),
        _LONG,
    ),
    Style(
        "sweatshirt",
        Cut("hoodie", ease=0.008, neck=0.014, collar="crew", rib=0.026),
        ("plain", "plain", "stripes"),
        (0.475, 0.495),
        _LONG,
    ),
)
_DRESSES = (
    Style(
        "sheath dress",
        Cut("dress", flare=-0.006, neck=0.03, collar="boat", shape="sheath", sleeve=0),
        ("plain", "checks", "pinstripes"),
        (0.64, 0.70),
    ),
    Style(
        "A-line dress",
        Cut("dress", flare=0.045, neck=0.03, collar="scoop", shape="a-line"),
        _PRINTS,
        (0.63, 0.70),
        (0.32, 0.45),
    ),
    Style(
        "fit-and-flare dress",
        Cut("dress", flare=0.085, neck=0.022, collar="crew", shape="fit-and-flare", sleeve=0),
        _PRINTS,
        (0.63, 0.68),
    ),
    Style(
        "wrap dress",
        Cut("dress", flare=0.045, neck=0.105, collar="wrap", shape="wrap", closure="belt"),
        _PRINTS,
        (0.68, 0.78),
        (0.40, 0.97),
    ),
    Style(
        "strap dress",
        Cut("dress", flare=0.055, collar="strap", shape="fit-and-flare", sleeve=0),
        _PRINTS,
        (0.60, 0.66),
    ),
    Style(
        "maxi dress",
        Cut("dress", flare=0.060, neck=0.06, collar="v", shape="fit-and-flare"),
        _PRINTS,
        (0.86, 0.91),
        (0.32, 0.72),
    ),
    Style(
        "shirt dress",
        Cut("dress", flare=0.025, neck=0.03, collar="shirt", shape="shirt", closure="buttons"),
        ("plain", "pinstripes", "checks"),
        (0.66, 0.74),
        (0.45, 0.97),
    ),
    Style(
        "knitted dress",
        Cut("dress", flare=-0.004, collar="roll", neck=0.0, shape="sheath"),
        ("plain/rib", "plain/knit", "stripes/knit"),
        (0.64, 0.74),
        _LONG,
    ),
)
_COATS = (
    Style(
        "wool coat",
        Cut("coat", ease=0.006, flare=0.004, collar="lapel", closure="buttons", pockets="slit"),
        ("plain/tweed", "checks/tweed", "plain/tweed"),
        (0.66, 0.74),
        _LONG,
        "quiet",
    ),
    Style(
        "trench coat",
        Cut(
            "coat",
            ease=0.006,
            flare=0.014,
            collar="lapel",
            closure="double",
            pockets="slit",
            shape="belted",
        ),
        ("plain",),
        (0.68, 0.76),
        _LONG,
        "quiet",
    ),
    Style(
        "parka",
        Cut(
            "coat", ease=0.012, flare=0.004, collar="hood", closure="zip", pockets="flap", neck=0.02
        ),
        ("plain",),
        (0.58, 0.63),
        _LONG,
        "quiet",
    ),
    Style(
        "long double-breasted coat",
        Cut(
            "coat",
            ease=0.004,
            flare=0.010,
            collar="lapel",
            closure="double",
            pockets="flap",
            shape="fitted",
        ),
        ("plain/tweed", "tartan/tweed"),
        (0.76, 0.82),
        _LONG,
        "quiet",
    ),
)
_JACKETS = (
    Style(
        "bomber jacket",
        Cut(
            "jacket",
            ease=0.010,
            collar="stand",
            closure="zip",
            pockets="slit",
            rib=0.028,
            trim=(190, 186, 176),
        ),
        ("plain",),
        (0.445, 0.465),
        _LONG,
        "quiet",
    ),
    Style(
        "denim jacket",
        Cut(
            "jacket",
            ease=0.006,
            neck=0.0,
            collar="shirt",
            closure="buttons",
            pockets="chest",
            shape="denim",
            trim=(204, 168, 112),
        ),
        ("plain/denim",),
        (0.435, 0.455),
        _LONG,
        "jeans",
    ),
    Style(
        "leather jacket",
        Cut(
            "jacket",
            ease=0.003,
            collar="lapel",
            closure="zip",
            pockets="slit",
            shape="fitted",
            trim=(196, 196, 198),
        ),
        ("plain/leather",),
        (0.44, 0.46),
        _LONG,
        "leather",
    ),
    Style(
        "padded jacket",
        Cut("jacket", ease=0.014, collar="stand", closure="zip", shape="padded"),
        ("plain",),
        (0.46, 0.50),
        _LONG,
    ),
)
_BLAZERS = (
    Style(
        "blazer",
        Cut(
            "blazer", ease=0.003, collar="lapel", closure="buttons", pockets="flap", shape="fitted"
        ),
        ("plain", "checks", "pinstripes", "plain/tweed"),
        (0.50, 0.525),
        _LONG,
        "quiet",
    ),
    Style(
        "double-breasted blazer",
        Cut("blazer", ease=0.006, collar="lapel", closure="double", pockets="flap"),
        ("plain", "pinstripes", "tartan"),
        (0.52, 0.55),
        _LONG,
        "quiet",
    ),
)
_LEG, _CROPPED = (0.94, 0.99), (0.82, 0.88)
_TROUSERS = (
    Style(
        "straight trousers",
        Cut("trousers", shape="straight", closure="belt"),
        ("plain", "pinstripes", "plain"),
        None,
        _LEG,
        "quiet",
    ),
    Style(
        "wide trousers",
        Cut("trousers", shape="wide"),
        ("plain", "pinstripes", "plain", "checks"),
        None,
        _LEG,
    ),
    Style(
        "tapered trousers",
        Cut("trousers", shape="tapered"),
        ("plain", "checks", "plain/tweed"),
        None,
        _CROPPED,
        "quiet",
    ),
    Style("corduroy trousers", Cut("trousers", shape="straight"), ("plain/cord",), None, _LEG),
)
_STITCH = (206, 158, 92)
_JEAN_CUTS = (
    Style(
        "skinny jeans",
        Cut("jeans", shape="skinny", pockets="jeans", trim=_STITCH),
        ("plain/denim",),
        None,
        _LEG,
        "jeans",
    ),
    Style(
        "straight jeans",
        Cut("jeans", shape="straight", pockets="jeans", trim=_STITCH),
        ("plain/denim",),
        None,
        _LEG,
        "jeans",
    ),
    Style(
        "wide jeans",
        Cut("jeans", shape="wide", pockets="jeans", trim=_STITCH),
        ("plain/denim",),
        None,
        _LEG,
        "jeans",
    ),
    Style(
        "flared jeans",
        Cut("jeans", shape="flared", pockets="jeans", trim=_STITCH),
        ("plain/denim",),
        None,
        _LEG,
        "jeans",
    ),
)
_SHORTS = (
    Style(
        "shorts",
        Cut("shorts", ease=0.008, shape="straight"),
        ("plain", "checks", "plain", "pinstripes"),
        None,
        (0.26, 0.34),
    ),
    Style(
        "bermuda shorts",
        Cut("shorts", ease=0.006, shape="straight", closure="belt"),
        ("plain", "checks", "tartan"),
        None,
        (0.40, 0.47),
    ),
    Style(
        "denim shorts",
        Cut("shorts", ease=0.006, shape="straight", pockets="jeans", trim=_STITCH),
        ("plain/denim",),
        None,
        (0.22, 0.32),
        "jeans",
    ),
)
_SKIRTS = (
    Style(
        "pencil skirt",
        Cut("skirt", shape="pencil"),
        ("plain", "checks/tweed", "pinstripes", "plain/leather"),
        (0.66, 0.70),
    ),
    Style(
        "pleated skirt",
        Cut("skirt", flare=0.045, shape="pleated"),
        ("plain", "tartan", "plain", "checks"),
        (0.56, 0.76),
    ),
    Style("A-line skirt", Cut("skirt", flare=0.06, shape="a-line"), _PRINTS, (0.60, 0.70)),
    Style(
        "wrap skirt",
        Cut("skirt", flare=0.02, shape="wrap"),
        ("plain", "floral", "dots"),
        (0.68, 0.80),
    ),
    Style(
        "denim skirt",
        Cut("skirt", flare=0.004, shape="mini", trim=_STITCH),
        ("plain/denim",),
        (0.54, 0.58),
        palette="jeans",
    ),
    Style("maxi skirt", Cut("skirt", flare=0.05, shape="a-line"), _PRINTS, (0.84, 0.90)),
)
_HIDE = ("plain/leather",)
_SNEAKERS = (
    Style("sneakers", Cut("shoes", 0.0, shape="sneaker"), _HIDE, palette="sporty"),
    Style("canvas sneakers", Cut("shoes", 0.0, shape="sneaker"), ("plain",), palette="sporty"),
    Style("high-top sneakers", Cut("shoes", 0.019, shape="sneaker"), ("plain",), palette="sporty"),
)
_BOOTS = (
    Style(
        "ankle boots",
        Cut("shoes", 0.022, shape="ankle boot", closure="zip"),
        _HIDE,
        palette="leather",
    ),
    Style(
        "chelsea boots",
        Cut("shoes", 0.024, shape="ankle boot", closure="chelsea"),
        _HIDE,
        palette="leather",
    ),
    Style("high boots", Cut("shoes", 0.125, shape="high boot"), _HIDE, palette="leather"),
)
_FLATS = (
    Style("ballet flats", Cut("shoes", 0.0, shape="flat"), _HIDE, palette="leather"),
    Style("pumps", Cut("shoes", 0.0, shape="pump"), _HIDE, palette="leather"),
    Style("loafers", Cut("shoes", 0.0, shape="loafer"), _HIDE, palette="leather"),
)
_BAGS = (
    Style("satchel", Cut("bag", shape="satchel"), _HIDE, palette="leather"),
    Style(
        "tote bag",
        Cut("bag", shape="tote"),
        ("plain/leather", "plain", "stripes"),
        palette="leather",
    ),
    Style("round cross-body bag", Cut("bag", shape="round"), _HIDE, palette="leather"),
    Style("backpack", Cut("bag", shape="backpack"), ("plain", "plain/leather"), palette="leather"),
    Style("hobo bag", Cut("bag", shape="hobo"), _HIDE, palette="leather"),
)
_HATS = (
    Style("beanie", Cut("hat", shape="beanie"), ("plain/rib", "plain/knit", "stripes/knit")),
    Style(
        "brimmed hat", Cut("hat", flare=0.086, shape="brimmed"), ("plain/tweed",), palette="quiet"
    ),
    Style("cap", Cut("hat", shape="cap"), ("plain", "plain/denim", "plain/cord")),
    Style(
        "bobble hat",
        Cut("hat", shape="beanie", closure="pompom"),
        ("plain/cable", "plain/knit", "stripes/knit"),
    ),
    Style("bucket hat", Cut("hat", shape="bucket"), ("plain", "checks", "floral", "plain/denim")),
)

# The first eleven are one of every category: a small shop has something of each.
KINDS: dict[str, Kind] = {
    "t-shirt": Kind("top", "t-shirt", (12, 40), _T_SHIRTS),
    "trousers": Kind("trousers", "pants", (35, 110), _TROUSERS),
    "dress": Kind("dress", "dress", (45, 160), _DRESSES),
    "coat": Kind("outerwear", "outwear", (90, 290), _COATS),
    "sneakers": Kind("shoes", "sneakers", (45, 130), _SNEAKERS),
    "skirt": Kind("skirt", "skirt", (30, 90), _SKIRTS),
    "bag": Kind("bag", "bag", (40, 220), _BAGS),
    "jumper": Kind("top", "jumper", (35, 120), _JUMPERS),
    "shorts": Kind("shorts", "shorts", (20, 60), _SHORTS),
    "hat": Kind("hat", "hat", (15, 55), _HATS),
    "shirt": Kind("top", "shirt", (30, 85), _SHIRTS),
    "jeans": Kind("trousers", "jeans", (40, 120), _JEAN_CUTS),
    "jacket": Kind("outerwear", "jacket", (60, 240), _JACKETS),
    "boots": Kind("shoes", "boots", (70, 210), _BOOTS),
    "hoodie": Kind("top", "hoodie", (30, 80), _HOODIES),
    "blouse": Kind("top", "blouse", (25, 80), _BLOUSES),
    "blazer": Kind("outerwear", "blazer", (70, 220), _BLAZERS),
    "flats": Kind("shoes", "shoes", (40, 150), _FLATS),
    "cardigan": Kind("top", "cardigan", (35, 110), _CARDIGANS),
    "polo": Kind("top", "longsleeve", (25, 70), _POLOS),
}
