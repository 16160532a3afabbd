"""photo + person → regions: the parser's exported graph around the shared crop geometry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from segmentation.card_fields import damaged_card, field_of, texts_of
from segmentation.errors import ModelDamaged
from segmentation.execution import ALL_CORES, Execution
from segmentation.garment import Mask, Regions
from segmentation.graph import Graph, load_graph
from segmentation.mask_rcnn.background import Background
from segmentation.models import ModelVersion
from segmentation.photo import Photo, Pixels
from segmentation.pix2pix.crop import (
    CropFrame,
    CropRecipe,
    Floats,
    Labels,
    cut_pixels,
    frame_person,
    person_kept,
    to_tensor,
    uncrop_labels,
)
from segmentation.pix2pix.palette import Head, read_painted

INPUT = "photo"
OUTPUT = "probabilities"

_SKIN = "skin"
_HAIR = "hair"


@dataclass(frozen=True, slots=True, eq=False)
class _Crop:
    probabilities: Floats
    frame: CropFrame


class PersonParser:
    """Skin, hair and clothes of the person of a photo. Threads may share one.

    ``background``: what replaces the street; None: what the version was trained with.

    Raises:
        ModelDamaged: a file differs from its card, or the card is not a parser's.
        MissingDependency: no runtime is installed.
    """

    def __init__(
        self,
        version: ModelVersion,
        execution: Execution = ALL_CORES,
        *,
        background: Background | None = None,
    ) -> None:
        version.verify()
        try:
            recipe = CropRecipe.from_card(field_of(version.card, "preprocessing"))
            classes = texts_of(version.card, "label_set.classes")
            head = Head(version.card.get("head", Head.PROBABILITIES))
        except (TypeError, ValueError) as error:
            raise damaged_card(version, error) from error
        recipe = replace(recipe, background=background or recipe.background)
        shape = (1, 3, recipe.height_px, recipe.width_px)
        graph = load_graph(version.graph_path, execution, input_shapes={INPUT: shape})
        self._core = ParserCore(graph, recipe=recipe, classes=classes, head=head)
        self.version = version.name
        self.classes = classes

    def parse(self, photo: Photo, person: Mask) -> Regions:
        """The regions of ``person`` (the photo's size). Class "clothes" is all else of a person."""
        return regions_of(self.label_map(photo, person), self.classes)

    def label_map(self, photo: Photo, person: Mask) -> Labels:
        """HW uint8 class numbers (`classes`) of the photo's size."""
        return self._core.label_map(photo, person)


class ParserCore:
    """The stages around a parser's graph: crop, background away, network, back to the photo."""

    def __init__(
        self,
        graph: Graph,
        *,
        recipe: CropRecipe,
        classes: Sequence[str],
        head: Head = Head.PROBABILITIES,
    ) -> None:
        self._graph = graph
        self._recipe = recipe
        self._classes = tuple(classes)
        self._head = head

    def label_map(self, photo: Photo, person: Mask) -> Labels:
        """HW uint8 class numbers of the photo's size; 0 outside the widened person."""
        crop = self._run(photo, person)
        if crop is None:
            return np.zeros((photo.height, photo.width), np.uint8)
        return uncrop_labels(crop.probabilities, crop.frame, photo)

    def _run(self, photo: Photo, person: Mask) -> _Crop | None:
        box = person.box()
        if box.area <= 0:
            return None
        frame = frame_person(box, width=photo.width, height=photo.height, recipe=self._recipe)
        kept = person_kept(person.pixels, frame)
        pixels = cut_pixels(photo.pixels, frame)
        tensor = to_tensor(pixels, kept, background=self._recipe.background)
        probabilities = self._graph.run({INPUT: tensor[None]})[OUTPUT][0]
        if self._head == Head.PICTURE:
            numbers = read_painted(as_pixels(probabilities), classes=len(self._classes))
            planes = np.arange(len(self._classes))[:, None, None]
            probabilities = (numbers == planes).astype(np.float32)
        if len(probabilities) != len(self._classes):
            raise ModelDamaged(
                f"label_set.classes has {len(self._classes)} names, the network "
                f"{len(probabilities)} classes"
            )
        return _Crop(_background_outside(probabilities, kept), frame)


def regions_of(label_map: Labels, classes: Sequence[str]) -> Regions:
    """Masks of skin and hair; clothes are every other class but the background."""
    skin = _pixels_of(label_map, classes, _SKIN)
    hair = _pixels_of(label_map, classes, _HAIR)
    return Regions(Mask(skin), Mask(hair), Mask((label_map > 0) & ~skin & ~hair))


def as_pixels(picture: Floats) -> Pixels:
    """CHW float32, RGB from −1 to 1 → HWC uint8."""
    values = np.clip((picture.transpose(1, 2, 0) + 1) * 127.5, 0, 255)
    return np.asarray(np.rint(values), np.uint8)


def _pixels_of(label_map: Labels, classes: Sequence[str], name: str) -> npt.NDArray[np.bool_]:
    if name not in classes:
        return np.zeros(label_map.shape, bool)
    return np.asarray(label_map == classes.index(name))


def _background_outside(probabilities: Floats, kept: npt.NDArray[np.bool_]) -> Floats:
    inside = kept.astype(np.float32)
    clipped = np.asarray(probabilities * inside, np.float32)
    clipped[0] += 1 - inside
    return clipped
