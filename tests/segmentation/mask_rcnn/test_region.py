import numpy as np
import pytest

from segmentation.garment import Box, Mask
from segmentation.mask_rcnn.predict import ScoredInstance
from segmentation.mask_rcnn.region import Region
from segmentation.photo import Photo


@pytest.fixture
def photo() -> Photo:
    pixels = np.zeros((60, 100, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = np.arange(100)[None], np.arange(60)[:, None]
    return Photo(pixels)


def test_what_is_seen_of_a_region_lies_in_the_photo(photo: Photo) -> None:
    shown = []

    def look(part: Photo) -> list[ScoredInstance]:
        shown.append(part)
        pixels = np.zeros((part.height, part.width), bool)
        pixels[2:6, 3:10] = True
        hat, bag = (
            ScoredInstance(name, 0.9, Box(3, 2, 10, 6), Mask(pixels)) for name in ("hat", "bag")
        )
        return [hat, bag]

    region = Region(photo, 20, 10, 50, 55)
    (hat,) = region.seen_by(look, lambda instance: instance.category == "hat")
    assert shown[0].pixels[0, 0].tolist() == [20, 10, 0]
    assert (shown[0].width, shown[0].height) == (30, 45)
    assert hat.box == Box(23, 12, 30, 16)
    assert hat.mask.pixels.shape == (60, 100)
    assert hat.mask.box() == hat.box
    assert hat.mask.area == 28


def test_around_a_box_ends_with_the_photo(photo: Photo) -> None:
    region = Region.around(Box(80, 20, 100, 40), photo, margin_x=0.5, margin_y=0.1)
    assert region.box == Box(70, 18, 100, 42)


@pytest.mark.parametrize(
    ("box", "cut"),
    [
        (Box(25, 20, 45, 50), False),
        (Box(20, 20, 45, 50), True),
        (Box(25, 10, 45, 50), True),
        (Box(25, 20, 50, 50), True),
        (Box(25, 20, 45, 55), True),
    ],
)
def test_a_region_cuts_what_ends_at_its_edge(photo: Photo, box: Box, cut: bool) -> None:
    assert Region(photo, 20, 10, 50, 55).cuts(box) is cut


def test_where_the_photo_ends_nothing_is_cut(photo: Photo) -> None:
    assert not Region.whole(photo).cuts(Box(0, 0, 100, 60))


def test_the_scale_is_that_of_the_longer_way(photo: Photo) -> None:
    assert Region.whole(photo).scale((576, 400)) == pytest.approx(4)
    assert Region(photo, 0, 0, 20, 60).scale((576, 400)) == pytest.approx(9.6)
