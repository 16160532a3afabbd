"""Answers drawn: the photo with its garments tinted and named, and beside it what matched them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from indexer.answer import GarmentAnswer, Match
from segmentation.errors import GarbError
from segmentation.garment import Garment
from segmentation.photo import Photo, Pixels

Rgb = tuple[int, int, int]
ProductPhotoLoader = Callable[[str, int], Photo | None]

# One colour a category, so that pictures can be compared; far apart, and readable under white.
CATEGORY_COLOURS: dict[str, Rgb] = {
    "top": (0, 119, 187),
    "outerwear": (204, 51, 17),
    "dress": (170, 51, 136),
    "trousers": (0, 136, 102),
    "shorts": (102, 136, 0),
    "skirt": (119, 85, 200),
    "shoes": (221, 119, 0),
    "bag": (136, 85, 34),
    "hat": (0, 136, 170),
}
OTHER_COLOUR: Rgb = (85, 95, 105)
PAPER: Rgb = (250, 250, 248)
INK: Rgb = (28, 32, 38)
FAINT: Rgb = (120, 126, 134)
FRAME: Rgb = (226, 226, 222)

PHOTO_LONG_SIDE_PX = 900
TILE_PX = 150
MATCHES_SHOWN = 5
TINT = 0.28
# The whole photo, or a box where no garment fits it.
UNNAMED = "matched as it is"
GAP = 24
ROW_HEIGHT = TILE_PX + 88
EMPTY_ROW_HEIGHT = 112
LABEL_WIDTH = 190
LEGEND_WIDTH = 300


class PictureError(GarbError):
    """A picture that cannot be written."""


@dataclass(frozen=True, slots=True)
class _Fonts:
    """The sizes in use."""

    heading: ImageFont.FreeTypeFont | ImageFont.ImageFont
    text: ImageFont.FreeTypeFont | ImageFont.ImageFont
    small: ImageFont.FreeTypeFont | ImageFont.ImageFont


def draw_search(
    photo: Photo, garments: Sequence[GarmentAnswer], load_photo: ProductPhotoLoader
) -> Image.Image:
    """The photo, and a row of the closest products for every garment.

    ``load_photo``: product id and position → its photo, None where it is not at hand.
    """
    fonts = _fonts()
    left = draw_garments(photo, [one.garment for one in garments])
    right_width = LABEL_WIDTH + MATCHES_SHOWN * (TILE_PX + 16)
    heights = [ROW_HEIGHT if one.matches else EMPTY_ROW_HEIGHT for one in garments]
    height = max(left.height, sum(heights)) + 2 * GAP
    sheet = Image.new("RGB", (left.width + right_width + 3 * GAP, height), PAPER)
    sheet.paste(left, (GAP, GAP))
    draw = ImageDraw.Draw(sheet)
    x = left.width + 2 * GAP
    for number, answer in enumerate(garments):
        y = GAP + sum(heights[:number])
        _draw_label(draw, answer.garment, (x, y), fonts)
        for column, match in enumerate(answer.matches[:MATCHES_SHOWN]):
            corner = (x + LABEL_WIDTH + column * (TILE_PX + 16), y)
            picture = load_photo(match.product.id, match.image_position)
            _draw_match(sheet, draw, match, picture, corner, fonts)
        if not answer.matches:
            draw.text((x + LABEL_WIDTH, y + 4), "nothing matches", FAINT, font=fonts.text)
    return sheet


def draw_parse(photo: Photo, garments: Sequence[Garment]) -> Image.Image:
    """The photo, and its garments with their colours beside it."""
    fonts = _fonts()
    left = draw_garments(photo, garments)
    height = max(left.height, len(garments) * EMPTY_ROW_HEIGHT) + 2 * GAP
    sheet = Image.new("RGB", (left.width + LEGEND_WIDTH + 3 * GAP, height), PAPER)
    sheet.paste(left, (GAP, GAP))
    draw = ImageDraw.Draw(sheet)
    for number, garment in enumerate(garments):
        _draw_label(draw, garment, (left.width + 2 * GAP, GAP + number * EMPTY_ROW_HEIGHT), fonts)
    return sheet


def draw_garments(photo: Photo, garments: Sequence[Garment]) -> Image.Image:
    """The photo with masks tinted, outlined and named; its long side at most 900 px."""
    scale = min(1.0, PHOTO_LONG_SIDE_PX / max(photo.width, photo.height))
    size = max(1, round(photo.width * scale)), max(1, round(photo.height * scale))
    pixels = np.array(cv2.resize(photo.pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    # The last drawn lies on top: the best garments are drawn last.
    for garment in reversed(garments):
        _tint(pixels, garment, size)
    picture = Image.fromarray(pixels)
    draw = ImageDraw.Draw(picture)
    font = _fonts().small
    taken: list[tuple[float, float, float, float]] = []
    for garment in garments:
        _draw_tag(draw, garment, scale, size, taken, font)
    return picture


def save_picture(picture: Image.Image, path: Path) -> None:
    """Write a PNG, or what the file's ending says, whole or not at all.

    Raises:
        PictureError: the folder is missing, the disk full, or the ending unknown.
    """
    target = path.resolve()
    partial = target.with_name(f".{secrets.token_hex(8)}{target.suffix}")
    try:
        try:
            picture.save(partial)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise PictureError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise PictureError(f"{path}: {error}") from error


def _colour_of(garment: Garment) -> Rgb:
    """A retrained segmenter may have categories of its own."""
    return CATEGORY_COLOURS.get(garment.category or "", OTHER_COLOUR)


def _fonts() -> _Fonts:
    return _Fonts(*(ImageFont.load_default(size=size) for size in (20, 14, 13)))


def _tint(pixels: Pixels, garment: Garment, size: tuple[int, int]) -> None:
    if garment.mask is None:
        return
    colour = np.array(_colour_of(garment), np.float32)
    small = cv2.resize(garment.mask.pixels.astype(np.uint8) * 255, size) > 127
    pixels[small] = pixels[small] * (1 - TINT) + colour * TINT
    contours, _ = cv2.findContours(small.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(pixels, contours, -1, (255, 255, 255), 4, cv2.LINE_AA)
    cv2.drawContours(pixels, contours, -1, _colour_of(garment), 2, cv2.LINE_AA)


def _draw_tag(
    draw: ImageDraw.ImageDraw,
    garment: Garment,
    scale: float,
    size: tuple[int, int],
    taken: list[tuple[float, float, float, float]],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    """A name on the garment, moved down while it would cover another."""
    text = _title(garment)
    width, height = draw.textlength(text, font=font) + 12, 20
    middle = (garment.box.x0 + garment.box.x1) / 2 * scale
    x = min(max(4.0, middle - width / 2), max(4.0, size[0] - width - 4))
    y = min(max(4.0, garment.box.y0 * scale + 6), size[1] - height - 4.0)
    for _ in range(len(taken)):
        hit = [t for t in taken if x < t[2] and t[0] < x + width and y < t[3] and t[1] < y + height]
        if not hit:
            break
        y = max(t[3] for t in hit) + 3
    taken.append((x, y, x + width, y + height))
    box = (x, y, x + width, y + height)
    draw.rounded_rectangle(box, 5, fill=_colour_of(garment))
    draw.text((x + 6, y + height / 2), text, (255, 255, 255), font=font, anchor="lm")


def _draw_label(
    draw: ImageDraw.ImageDraw, garment: Garment, corner: tuple[int, int], fonts: _Fonts
) -> None:
    x, y = corner
    draw.rounded_rectangle((x, y, x + 6, y + 92), 3, fill=_colour_of(garment))
    draw.text((x + 18, y), garment.category or UNNAMED, INK, font=fonts.heading)
    if garment.score is not None:
        draw.text((x + 18, y + 27), f"score {garment.score:.2f}", FAINT, font=fonts.small)
    for number, colour in enumerate(garment.colours[:2]):
        top = y + 48 + number * 23
        draw.rounded_rectangle((x + 18, top, x + 34, top + 16), 4, fill=colour.hex, outline=FRAME)
        text = f"{colour.name} {colour.share:.0%}"
        draw.text((x + 41, top + 8), text, INK, font=fonts.small, anchor="lm")


def _draw_match(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    match: Match,
    picture: Photo | None,
    corner: tuple[int, int],
    fonts: _Fonts,
) -> None:
    x, y = corner
    draw.rounded_rectangle((x, y, x + TILE_PX, y + TILE_PX), 6, (255, 255, 255), FRAME)
    if picture is None:
        centre = (x + TILE_PX // 2, y + TILE_PX // 2)
        draw.text(centre, "no picture", FAINT, font=fonts.small, anchor="mm")
    else:
        tile = Image.fromarray(picture.pixels)
        tile.thumbnail((TILE_PX - 8, TILE_PX - 8), Image.Resampling.LANCZOS)
        sheet.paste(tile, (x + (TILE_PX - tile.width) // 2, y + (TILE_PX - tile.height) // 2))
    title = match.product.title or match.product.id
    draw.text((x, y + TILE_PX + 6), _fitted(draw, title, fonts.small), INK, font=fonts.small)
    price = "" if match.product.price is None else f"{match.product.price:,.2f}"
    below = f"{match.score:.3f}   {price} {match.product.currency or ''}".strip()
    draw.text((x, y + TILE_PX + 24), below, FAINT, font=fonts.small)
    category = _fitted(draw, match.product.category or "", fonts.small)
    draw.text((x, y + TILE_PX + 42), category, FAINT, font=fonts.small)


def _title(garment: Garment) -> str:
    if garment.category is None:
        return UNNAMED
    return garment.category if garment.score is None else f"{garment.category} {garment.score:.2f}"


def _fitted(
    draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont
) -> str:
    if draw.textlength(text, font=font) <= TILE_PX:
        return text
    while text and draw.textlength(text + "…", font=font) > TILE_PX:
        text = text[:-1]
    return text.rstrip() + "…"
