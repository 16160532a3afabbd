"""The person on a plain background: what the parser sees."""

from __future__ import annotations

from enum import Enum

import numpy as np

from segmentation.garment import Mask
from segmentation.letterbox import GREY
from segmentation.photo import Photo


class Background(Enum):
    """What replaces the street; `NONE` leaves it."""

    GREY = GREY
    WHITE = 255
    BLACK = 0
    NONE = None


def person_on_background(
    photo: Photo, person: Mask, background: Background = Background.GREY
) -> Photo:
    """The photo with everything but the person replaced; no pixel of the person changes."""
    if background is Background.NONE:
        return photo
    pixels = np.where(person.pixels[..., None], photo.pixels, np.uint8(background.value))
    return Photo(pixels)
