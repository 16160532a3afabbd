"""A part of a photo that the network sees alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from segmentation.garment import Box, Mask
from segmentation.letterbox import Letterbox
from segmentation.photo import Photo

if TYPE_CHECKING:
    from segmentation.mask_rcnn.predict import ScoredInstance

# Of a region's width or height: a box that ends as near to its edge is cut by it.
_AT_EDGE = 0.02


@dataclass(frozen=True, slots=True)
class Region:
    """The columns from ``x0`` to before ``x1`` of a photo, and the rows from ``y0`` to before ``y1``."""

    photo: Photo
    x0: int
    y0: int
    x1: int
    y1: int

    @staticmethod
    def whole(photo: Photo) -> Region:
        return Region(photo, 0, 0, photo.width, photo.height)

    @staticmethod
    def around(box: Box, photo: Photo, *, margin_x: float, margin_y: float) -> Region:
        """A box and, on each side, so much of its width and height; no more than the photo has."""
        x, y = margin_x * box.width, margin_y * box.height
        wide = Box(box.x0 - x, box.y0 - y, box.x1 + x, box.y1 + y)
        inside = wide.clipped(width=photo.width, height=photo.height)
        x1, y1 = math.ceil(inside.x1), math.ceil(inside.y1)
        return Region(photo, int(inside.x0), int(inside.y0), x1, y1)

    @property
    def box(self) -> Box:
        return Box(self.x0, self.y0, self.x1, self.y1)

    def scale(self, size: tuple[int, int]) -> float:
        """Pixels a pixel of the photo gets where the region is fitted into a height and a width."""
        height, width = size
        fitted = Letterbox.fit(
            picture_width=self.x1 - self.x0,
            picture_height=self.y1 - self.y0,
            width=width,
            height=height,
        )
        return fitted.scale

    def seen_by(
        self,
        look: Callable[[Photo], Sequence[ScoredInstance]],
        wanted: Callable[[ScoredInstance], bool],
    ) -> list[ScoredInstance]:
        """What ``look`` sees of this part alone and is wanted, in pixels of the whole photo."""
        part = self.photo.pixels[self.y0 : self.y1, self.x0 : self.x1]
        found = look(Photo(np.ascontiguousarray(part)))
        return [self._in_photo(instance) for instance in found if wanted(instance)]

    def cuts(self, box: Box) -> bool:
        """Whether a box inside ends where the region does, and the photo goes on."""
        x, y = _AT_EDGE * (self.x1 - self.x0), _AT_EDGE * (self.y1 - self.y0)
        return (
            (self.x0 > 0 and box.x0 < self.x0 + x)
            or (self.y0 > 0 and box.y0 < self.y0 + y)
            or (self.x1 < self.photo.width and box.x1 > self.x1 - x)
            or (self.y1 < self.photo.height and box.y1 > self.y1 - y)
        )

    def _in_photo(self, instance: ScoredInstance) -> ScoredInstance:
        # Of a large photo the system gives memory for what is written alone.
        pixels = np.zeros((self.photo.height, self.photo.width), bool)
        window = instance.mask.window()
        here = pixels[self.y0 : self.y1, self.x0 : self.x1]
        here[window] = instance.mask.pixels[window]
        box = instance.box
        moved = Box(box.x0 + self.x0, box.y0 + self.y0, box.x1 + self.x0, box.y1 + self.y0)
        return replace(instance, box=moved, mask=Mask(pixels))
