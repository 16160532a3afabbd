"""Pictures inside the report's HTML: JPEGs as data addresses, outlines and names as SVG."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np
from PIL import Image

from indexer.picture import CATEGORY_COLOURS, OTHER_COLOUR
from segmentation.garment import Garment
from segmentation.html import Html, tag
from segmentation.photo import Photo, Pixels, encode_jpeg

QUALITY = 80

Corners = tuple[float, float, float, float]


def data_uri(pixels: Pixels, *, longest_px: int) -> str:
    """The picture as a JPEG in the address itself, no side longer than ``longest_px``."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((longest_px, longest_px), Image.Resampling.LANCZOS)
    data = encode_jpeg(Photo(np.asarray(picture, np.uint8)), quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(data).decode("ascii")


def colour_of(category: str | None) -> str:
    """The category's colour, ``#rrggbb``; readable under white."""
    red, green, blue = CATEGORY_COLOURS.get(category or "", OTHER_COLOUR)
    return f"#{red:02x}{green:02x}{blue:02x}"


def outlined(photo: Photo, garments: Sequence[Garment], *, uri: str, label: str) -> Html:
    """The photo with every garment's outline, number and name, in the photo's own pixels."""
    taken: list[Corners] = []
    shapes = [_outline(garment, photo.width / 100) for garment in garments]
    names = [_name(n, garment, photo, taken) for n, garment in enumerate(garments, start=1)]
    return tag(
        "svg",
        tag("image", href=uri, width=photo.width, height=photo.height),
        # The last drawn lies on top: the best garments are drawn last.
        *reversed(shapes),
        *names,
        viewBox=f"0 0 {photo.width} {photo.height}",
        role="img",
        aria_label=label,
    )


def _outline(garment: Garment, unit: float) -> Html:
    if garment.mask is None:
        box = garment.box
        rings = [[[box.x0, box.y0], [box.x1, box.y0], [box.x1, box.y1], [box.x0, box.y1]]]
    else:
        rings = [[[float(x), float(y)] for x, y in ring] for ring in garment.mask.outer_rings()]
    path = "".join("M" + "L".join(f"{x:g} {y:g}" for x, y in ring) + "Z" for ring in rings)
    colour = colour_of(garment.category)
    halo = tag("path", d=path, fill="none", stroke="#fff", stroke_width=round(1.3 * unit, 2))
    line = tag(
        "path",
        d=path,
        fill=colour,
        fill_opacity=0.28,
        stroke=colour,
        stroke_width=round(0.6 * unit, 2),
    )
    return tag("g", halo, line, stroke_linejoin="round")


def _name(number: int, garment: Garment, photo: Photo, taken: list[Corners]) -> Html:
    """Number and name on the garment, moved to where they cover no other's."""
    size = photo.width / 24
    text = f"{number} {garment.category or 'whole photo'}"
    # The font is the reader's: its letters are some half as wide as high.
    width, height = (0.56 * len(text) + 0.9) * size, 1.5 * size
    middle = (garment.box.x0 + garment.box.x1) / 2
    x = min(max(0.0, middle - width / 2), max(0.0, photo.width - width))
    y = min(max(0.0, garment.box.y0 + size / 3), photo.height - height)
    y = _free_row(x, y, width, height, photo.height, taken)
    taken.append((x, y, x + width, y + height))
    plate = tag(
        "rect",
        x=round(x, 1),
        y=round(y, 1),
        width=round(width, 1),
        height=round(height, 1),
        rx=round(size / 3, 1),
        fill=colour_of(garment.category),
    )
    words = tag(
        "text",
        text,
        x=round(x + width / 2, 1),
        y=round(y + 1.06 * size, 1),
        font_size=round(size, 1),
        text_anchor="middle",
        fill="#fff",
    )
    return tag("g", plate, words)


def _free_row(
    x: float, y: float, width: float, height: float, most: float, taken: Sequence[Corners]
) -> float:
    """The nearest y below, else above, where the plate covers no other; y itself if none is."""

    def is_free(top: float) -> bool:
        return not any(
            x < t[2] and t[0] < x + width and top < t[3] and t[1] < top + height for t in taken
        )

    gap = height / 10
    below = sorted(top for t in taken if y <= (top := t[3] + gap) <= most - height)
    above = sorted((top for t in taken if 0 <= (top := t[1] - gap - height) <= y), reverse=True)
    return next((top for top in (y, *below, *above) if is_free(top)), y)
