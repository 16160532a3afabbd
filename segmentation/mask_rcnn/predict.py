"""A photo → scored instances at the photo's own size, from the exported core graph. No torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.card_fields import channels_of, damaged_card, sides_px_of, texts_of
from segmentation.execution import ALL_CORES, Execution, Profile
from segmentation.garment import BoolPixels, Box, Mask
from segmentation.graph import Graph, load_graph
from segmentation.labels import PERSON
from segmentation.letterbox import Letterbox, to_tensor
from segmentation.mask_rcnn.class_heads import count_classes
from segmentation.mask_rcnn.closer_look import (
    FAINTEST_PERSON,
    FAST_LEAST_ZOOM,
    LEAST_ZOOM,
    Scene,
    look_closer,
)
from segmentation.mask_rcnn.refine import EDGES, along_edges, people_with_garments
from segmentation.models import ModelVersion
from segmentation.photo import Photo

MASK_THRESHOLD = 0.5
# Of the sides of the input, in the fast profile; `benchmarks/segmenter_sizes.py` measures others.
FAST_SIZE = 13 / 18
# Of the coarsest level of the pyramid: sides are multiples of it.
STRIDE_PX = 32

# A photo, a square of mask probabilities and its box → HW bool of the photo's size.
Paste = Callable[[Photo, npt.NDArray[np.float32], Box], BoolPixels]


@dataclass(frozen=True, slots=True, eq=False)
class ScoredInstance:
    """One detection: box and mask in pixels of the photo, score 0–1."""

    category: str
    score: float
    box: Box
    mask: Mask


class MaskRCNNCore:
    """The stages around a graph of `network.MaskRCNN`: letterbox, network, back to the photo.

    ``card``: a version's, of which categories and preprocessing are read. ``paste``: how a mask of
    the network's comes onto the photo. ``least_zoom``: as `look_closer` takes it.
    """

    def __init__(
        self,
        graph: Graph,
        card: Mapping[str, Any],
        *,
        paste: Paste | None = None,
        least_zoom: float = LEAST_ZOOM,
    ) -> None:
        self._graph = graph
        self._least_zoom = least_zoom
        self._paste = paste or pasted_along_edges
        self._card = card
        self.categories: tuple[str, ...] = tuple(card["categories"])

    def predict(
        self, photo: Photo, *, min_score: float, scene: Scene = Scene.STREET
    ) -> list[ScoredInstance]:
        """Instances of at least ``min_score``, best first; people who are small are looked at closer."""
        look = partial(self._look, min_score=min_score)
        if PERSON not in self.categories:
            return look(photo)
        height, width = self._card["preprocessing"]["size"]
        seen = look_closer(
            photo,
            look,
            size=(height, width),
            # Drawing a mask takes time, and no garment scores as much.
            look_for_people=partial(self._look, min_score=math.inf),
            least_zoom=self._least_zoom,
            scene=scene,
        )
        return people_with_garments([one for one in seen if one.score >= min_score])

    def _look(self, photo: Photo, *, min_score: float) -> list[ScoredInstance]:
        """One pass of the network; best first, and none overlaps another of its category.

        Besides those of ``min_score`` all the people that a closer look may find.
        """
        least = min(min_score, FAINTEST_PERSON)
        inputs = {
            "image": canvas_tensor(photo, self._card),
            "least_score": np.array([least], np.float32),
        }
        found = self._graph.run(inputs)
        letterbox = _letterbox(photo, self._card)
        seen = []
        for i in np.argsort(-found["scores"], kind="stable"):
            label, score = int(found["labels"][i]), float(found["scores"][i])
            category = self.categories[label - 1] if label > 0 else None
            if category and score >= (least if category == PERSON else min_score):
                seen.append(self._instance(photo, letterbox, found, int(i)))
        return seen

    def _instance(
        self, photo: Photo, letterbox: Letterbox, found: dict[str, npt.NDArray[Any]], i: int
    ) -> ScoredInstance:
        canvas_box = Box(*(float(value) for value in found["boxes"][i]))
        box = letterbox.to_picture(canvas_box)
        pixels = self._paste(photo, found["masks"][i], box)
        clipped = box.clipped(width=photo.width, height=photo.height)
        category = self.categories[int(found["labels"][i]) - 1]
        return ScoredInstance(category, float(found["scores"][i]), clipped, Mask(pixels))


class MaskRCNNPredictor(MaskRCNNCore):
    """A version as it is served; `predict` may be called from several threads.

    Raises:
        ModelDamaged: a file differs from its card, or the card is not a segmenter's.
        MissingDependency: no runtime is installed.
    """

    def __init__(
        self,
        version: ModelVersion,
        execution: Execution = ALL_CORES,
    ) -> None:
        version.verify()
        try:
            _check_card(version.card, classes=count_classes(version.weights_path))
        except ValueError as error:
            raise damaged_card(version, error) from error
        fast = execution.profile is Profile.FAST
        card = seen_smaller(version.card) if fast else version.card
        shape = (1, 3, *card["preprocessing"]["size"])
        graph = load_graph(version.graph_path, execution, input_shapes={"image": shape})
        super().__init__(
            graph,
            card,
            paste=pasted if fast else pasted_along_edges,
            least_zoom=FAST_LEAST_ZOOM if fast else LEAST_ZOOM,
        )
        self.version = version.name


def _check_card(card: Mapping[str, Any], *, classes: int | None) -> None:
    """Raises ValueError for what would fail at every photo. ``classes``: None where nothing tells."""
    categories = texts_of(card, "categories")
    if classes is not None and len(categories) != classes:
        raise ValueError(f"categories has {len(categories)} names, the network {classes} classes")
    sides_px_of(card, "preprocessing.size")
    channels_of(card, "preprocessing.mean")
    channels_of(card, "preprocessing.std", above=0)


def seen_smaller(card: Mapping[str, Any]) -> dict[str, Any]:
    """The card with `FAST_SIZE` of its input's sides; as it is where the graph takes one size alone."""
    preprocessing = card["preprocessing"]
    if not preprocessing.get("any_size", False):
        return dict(card)
    size = [
        max(STRIDE_PX, round(side * FAST_SIZE / STRIDE_PX) * STRIDE_PX)
        for side in preprocessing["size"]
    ]
    return {**card, "preprocessing": {**preprocessing, "size": size}}


def canvas_tensor(photo: Photo, card: Mapping[str, Any]) -> npt.NDArray[np.float32]:
    """The photo as the network of this card takes it: (1, 3, H, W) float32, letterboxed."""
    preprocessing = card["preprocessing"]
    pixels = _letterbox(photo, card).apply(photo.pixels)
    return to_tensor(pixels, mean=preprocessing["mean"], std=preprocessing["std"])


def _letterbox(photo: Photo, card: Mapping[str, Any]) -> Letterbox:
    height, width = card["preprocessing"]["size"]
    return Letterbox.fit(
        picture_width=photo.width, picture_height=photo.height, width=width, height=height
    )


def pasted(photo: Photo, probabilities: npt.NDArray[np.float32], box: Box) -> BoolPixels:
    """(height, width) of the photo: a square mask in its box, as coarse as its cells."""
    size = {"width": photo.width, "height": photo.height}
    placed = place_mask(probabilities, box, **size)
    return np.zeros((photo.height, photo.width), bool) if placed is None else placed.on(**size)


def pasted_along_edges(
    photo: Photo, probabilities: npt.NDArray[np.float32], box: Box
) -> BoolPixels:
    """As `pasted`, with the mask's edge drawn along the photo's."""
    size = {"width": photo.width, "height": photo.height}
    placed = place_mask(probabilities, box, **size, most_px=EDGES.work_px)
    if placed is None:
        return np.zeros((photo.height, photo.width), bool)
    colours = photo.pixels[placed.rows, placed.columns]
    values = along_edges(placed.values, colours, placed.cell_px)
    return replace(placed, values=values).on(**size)


@dataclass(frozen=True, slots=True, eq=False)
class SoftMask:
    """Mask probabilities of a part of a photo, its rows and columns.

    ``cell_px``: width and height of one cell of the network's mask, in pixels of the photo.
    """

    values: npt.NDArray[np.float32]
    rows: slice
    columns: slice
    cell_px: tuple[float, float]

    def on(self, *, width: int, height: int) -> BoolPixels:
        """(height, width): where it is at least one half."""
        pixels = np.zeros((height, width), bool)
        pixels[self.rows, self.columns] = self.values >= MASK_THRESHOLD
        return pixels


def place_mask(
    probabilities: npt.NDArray[np.float32],
    box: Box,
    *,
    width: int,
    height: int,
    most_px: int | None = None,
) -> SoftMask | None:
    """Put a square of mask probabilities into its box of a (height, width) photo; None if outside.

    One cell of padding on each side keeps the edge of the mask where it was (as in Detectron).
    ``most_px``: the sides of the values, which have a pixel's size otherwise.
    """
    side = probabilities.shape[0]
    padded = np.pad(probabilities.astype(np.float32), 1)
    x_scale, y_scale = box.width / side, box.height / side
    x0, y0 = int(np.floor(box.x0 - x_scale)), int(np.floor(box.y0 - y_scale))
    x1, y1 = int(np.ceil(box.x1 + x_scale)), int(np.ceil(box.y1 + y_scale))
    left, top, right, bottom = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
    if right <= left or bottom <= top or box.width <= 0 or box.height <= 0:
        return None
    columns, rows = right - left, bottom - top
    size = (min(columns, most_px or columns), min(rows, most_px or rows))
    x_step, y_step = columns / size[0], rows / size[1]
    # Picture position x samples the padded square at (x − x0) / scale + ½; pixel i lies at
    # left + (i + ½) · step.
    matrix = np.array(
        [
            [x_step / x_scale, 0, (left + x_step / 2 - box.x0) / x_scale + 0.5],
            [0, y_step / y_scale, (top + y_step / 2 - box.y0) / y_scale + 0.5],
        ]
    )
    window = cv2.warpAffine(
        padded,
        matrix,
        size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    values = np.asarray(window, np.float32)
    return SoftMask(values, slice(top, bottom), slice(left, right), (x_scale, y_scale))
