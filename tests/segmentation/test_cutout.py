import numpy as np
import pytest

from segmentation.cutout import CUTOUT_SIZE_PX, cut_out
from segmentation.garment import Box, Garment, Mask
from segmentation.letterbox import GREY
from segmentation.photo import Photo

STREET, CLOTH = (0, 255, 0), (5, 3, 10)


def _scene() -> tuple[Photo, Mask]:
    pixels = np.full((200, 120, 3), STREET, np.uint8)
    cloth = np.zeros((200, 120), bool)
    cloth[40:160, 30:90] = True
    pixels[cloth] = CLOTH
    return Photo(pixels), Mask(cloth)


def _garment(mask: Mask | None, box: Box | None = None) -> Garment:
    return Garment("top", 0.9, box or (mask.box() if mask else Box(0, 0, 1, 1)), mask)


def test_dark_cloth_keeps_its_colour_and_the_street_is_grey() -> None:
    photo, mask = _scene()
    cut = cut_out(photo, _garment(mask))
    assert cut.pixels.shape == (CUTOUT_SIZE_PX, CUTOUT_SIZE_PX, 3)
    assert cut.alpha.shape == (CUTOUT_SIZE_PX, CUTOUT_SIZE_PX)
    assert (cut.pixels[cut.alpha == 255] == CLOTH).all()
    assert (cut.pixels[cut.alpha == 0] == GREY).all()
    # 120 × 60 px in a square of 120 px and 6% margins.
    assert (cut.alpha == 255).mean() == pytest.approx(0.5 / 1.12**2, abs=0.03)


def test_no_street_pixel_shines_through_the_edge() -> None:
    photo, mask = _scene()
    cut = cut_out(photo, _garment(mask), size_px=96)
    solid = cut.alpha >= 250
    assert cut.pixels[solid][:, 1].max() < 20


def test_garment_is_centred_and_keeps_its_proportions() -> None:
    photo, mask = _scene()
    box = Mask(cut_out(photo, _garment(mask)).alpha > 127).box()
    assert box.height / box.width == pytest.approx(2, abs=0.05)
    assert (box.x0 + box.x1) / 2 == pytest.approx(CUTOUT_SIZE_PX / 2, abs=1.5)
    assert (box.y0 + box.y1) / 2 == pytest.approx(CUTOUT_SIZE_PX / 2, abs=1.5)


def test_without_a_mask_the_whole_box_is_cloth() -> None:
    photo, _ = _scene()
    cut = cut_out(photo, _garment(None, Box(0, 0, 120, 60)))
    box = Mask(cut.alpha == 255).box()
    assert box.width / box.height == pytest.approx(2, abs=0.05)
    middle = cut.pixels[CUTOUT_SIZE_PX // 3, CUTOUT_SIZE_PX // 2]
    assert tuple(middle) == STREET


@pytest.mark.parametrize("box", [Box(-50, -20, 500, 900), Box(5, 5, 5, 5), Box(300, 300, 400, 400)])
def test_boxes_outside_the_photo_or_empty_are_cut_anyway(box: Box) -> None:
    photo, _ = _scene()
    cut = cut_out(photo, _garment(None, box), size_px=64)
    assert cut.pixels.shape == (64, 64, 3)
    assert cut.pixels.dtype == np.uint8


def test_one_pixel_wide_garment_is_cut() -> None:
    photo, _ = _scene()
    thin = np.zeros((200, 120), bool)
    thin[10:150, 0] = True
    cut = cut_out(photo, _garment(Mask(thin)))
    assert cut.alpha.max() > 0
