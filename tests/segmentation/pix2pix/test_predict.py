from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from segmentation.errors import ModelDamaged
from segmentation.garment import Mask
from segmentation.photo import Photo
from segmentation.pix2pix.crop import CropRecipe
from segmentation.pix2pix.predict import INPUT, OUTPUT, ParserCore, regions_of

CLASSES = ("background", "skin", "hair", "clothes")
RECIPE = CropRecipe(width_px=64, height_px=96, widen=0.0)


class RedIsSkin:
    """A graph that calls red pixels skin and everything else clothes."""

    def run(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        red = (inputs[INPUT][:, 0] > 0.5) & (inputs[INPUT][:, 1] < 0)
        planes = np.zeros((len(red), 4, *red.shape[1:]), np.float32)
        planes[:, 1], planes[:, 3] = red, ~red
        return {OUTPUT: planes}


def _photo_and_person() -> tuple[Photo, Mask]:
    pixels = np.full((200, 150, 3), (0, 90, 200), np.uint8)
    pixels[40:80, 60:110] = (255, 20, 20)
    person = np.zeros((200, 150), bool)
    person[40:180, 60:110] = True
    return Photo(pixels), Mask(person)


def test_label_map_has_the_photo_size_and_nothing_outside_the_person() -> None:
    photo, person = _photo_and_person()
    core = ParserCore(RedIsSkin(), recipe=RECIPE, classes=CLASSES)
    labels = core.label_map(photo, person)
    assert labels.shape == (200, 150)
    truth = np.where(person.pixels, 3, 0)
    truth[40:80, 60:110] = 1
    assert np.mean(labels == truth) > 0.985


def test_regions_do_not_overlap_and_clothes_are_the_rest() -> None:
    labels = np.array([[0, 1, 2, 3, 4]], np.uint8)
    regions = regions_of(labels, ("background", "skin", "hair", "skirt", "coat"))
    assert regions.skin.pixels.tolist() == [[False, True, False, False, False]]
    assert regions.hair.pixels.tolist() == [[False, False, True, False, False]]
    assert regions.clothes.pixels.tolist() == [[False, False, False, True, True]]


def test_names_for_fewer_classes_than_the_network_has_are_refused() -> None:
    photo, person = _photo_and_person()
    core = ParserCore(RedIsSkin(), recipe=RECIPE, classes=CLASSES[:2])
    with pytest.raises(ModelDamaged, match=r"label_set\.classes has 2 names, the network 4"):
        core.label_map(photo, person)


def test_photo_without_a_person_is_all_background() -> None:
    photo, person = _photo_and_person()
    nobody = Mask(np.zeros_like(person.pixels))
    core = ParserCore(RedIsSkin(), recipe=RECIPE, classes=CLASSES)
    assert not core.label_map(photo, nobody).any()
