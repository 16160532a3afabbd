"""Stand-ins for the models, on their Protocols: quick, exact, and told apart by colour."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from segmentation.garment import (
    BoolPixels,
    Box,
    Cutout,
    Garment,
    Mask,
    NamedColour,
    ParsedPhoto,
    Person,
    Regions,
)
from segmentation.photo import Photo, encode_jpeg

FAKE_DIMENSION = 16
_CHANNEL_CATEGORIES = ("dress", "top", "trousers")


class FakePhotoParser:
    """Finds one garment in the middle half of every photo.

    Its category is the strongest channel's: red is a dress, green a top, blue trousers.
    A photo whose middle is nearly white has none.
    """

    def __init__(self, *, version: str = "fake-segmenter", parser_version: str = "fake-parser"):
        self.version = version
        self.parser_version = parser_version
        self.photos_parsed = 0

    def parse(
        self,
        photo: Photo,
        *,
        include: frozenset[str] = frozenset(),
        expected: str | None = None,
        expected_box: Box | None = None,
    ) -> ParsedPhoto:
        """The garment of the middle, with an exact box and mask."""
        self.photos_parsed += 1
        box = Box(photo.width // 4, photo.height // 4, photo.width * 3 // 4, photo.height * 3 // 4)
        pixels: BoolPixels = np.zeros((photo.height, photo.width), dtype=bool)
        pixels[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = True
        mean = photo.pixels[pixels].mean(axis=0)
        if mean.min() > 240:
            return ParsedPhoto(photo, ())
        hex_code = "#" + "".join(f"{round(value):02x}" for value in mean)
        garment = Garment(
            category=_CHANNEL_CATEGORIES[int(mean.argmax())],
            score=0.9,
            box=box,
            mask=Mask(pixels),
            colours=(NamedColour("plain", hex_code, 1.0),),
        )
        nothing = Mask(np.zeros_like(pixels))
        regions = Regions(skin=nothing, hair=nothing, clothes=garment.mask or nothing)
        person = Person(box, skin=None, hair=None) if "person" in include else None
        return ParsedPhoto(photo, (garment,), garment.mask, regions, person)


class FakeEmbedder:
    """Mean colours of a 2 × 2 grid (and their spread) as a unit vector."""

    def __init__(self, *, version: str = "fake-embedder") -> None:
        self.version = version
        self.dimension = FAKE_DIMENSION
        self.cutouts_embedded = 0

    def embed(self, cutouts: Sequence[Cutout]) -> npt.NDArray[np.float32]:
        """(n, 16) float32, unit length; alike colours lie close."""
        self.cutouts_embedded += len(cutouts)
        vectors = np.zeros((len(cutouts), FAKE_DIMENSION), dtype=np.float32)
        for vector, cutout in zip(vectors, cutouts, strict=True):
            half_y, half_x = (side // 2 for side in cutout.pixels.shape[:2])
            corners = [
                cutout.pixels[rows, columns].reshape(-1, 3).mean(axis=0)
                for rows in (slice(None, half_y), slice(half_y, None))
                for columns in (slice(None, half_x), slice(half_x, None))
            ]
            vector[:12] = np.concatenate(corners) / 255.0 - 0.5
            vector[12:15] = cutout.pixels[::8, ::8].reshape(-1, 3).std(axis=0) / 255.0
            vector[15] = 0.05
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / lengths, dtype=np.float32)


def fake_photo(colour: tuple[int, int, int], *, width: int = 64, height: int = 80) -> Photo:
    """A white photo with one plain garment in its middle."""
    pixels = np.full((height, width, 3), 255, dtype=np.uint8)
    pixels[height // 4 : height * 3 // 4, width // 4 : width * 3 // 4] = colour
    return Photo(pixels)


def fake_jpeg(colour: tuple[int, int, int], *, width: int = 64, height: int = 80) -> bytes:
    """`fake_photo` as a JPEG file."""
    return encode_jpeg(fake_photo(colour, width=width, height=height), quality=95)


def fake_png(colour: tuple[int, int, int], *, width: int = 64, height: int = 80) -> bytes:
    """`fake_photo` as a PNG file: the very pixels."""
    buffer = io.BytesIO()
    Image.fromarray(fake_photo(colour, width=width, height=height).pixels).save(buffer, "PNG")
    return buffer.getvalue()
