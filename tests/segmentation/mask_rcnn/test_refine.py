"""Masks along the photo's edges, and people together with what they wear."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from segmentation.garment import Box, Mask, mask_iou
from segmentation.mask_rcnn.predict import ScoredInstance, place_mask
from segmentation.mask_rcnn.refine import along_edges, people_with_garments

SIZE = (240, 160)
Pixels = npt.NDArray[np.uint8]


def street(inside: tuple[int, int, int], outside: tuple[int, int, int]) -> tuple[Pixels, Pixels]:
    """A leaning ellipse on a noisy ground: the photo and the truth."""
    truth = np.zeros(SIZE, np.uint8)
    cv2.ellipse(truth, (80, 120), (45, 85), 12, 0, 360, 1, -1)
    photo = np.where(truth[..., None] > 0, inside, outside).astype(np.float32)
    photo += np.random.default_rng(0).normal(0, 6, photo.shape)
    return np.clip(photo, 0, 255).astype(np.uint8), truth


def drawn(photo: Pixels, truth: Pixels, cells: int = 28) -> tuple[float, float]:
    """IoU with the truth of the mask in its cells, without and with the photo's edges."""
    box = Mask(truth > 0).box()
    part = truth[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)]
    square = cv2.resize(part.astype(np.float32), (cells, cells), interpolation=cv2.INTER_AREA)
    # A network's mask is soft and a little wrong.
    square = cv2.GaussianBlur(np.roll(square, 1, axis=1), (3, 3), 0)
    placed = place_mask(np.asarray(square, np.float32), box, width=SIZE[1], height=SIZE[0])
    assert placed is not None
    plain = placed.on(width=SIZE[1], height=SIZE[0])
    refined = np.zeros(SIZE, bool)
    colours = photo[placed.rows, placed.columns]
    refined[placed.rows, placed.columns] = (
        along_edges(placed.values, colours, placed.cell_px) >= 0.5
    )
    return mask_iou(plain, truth > 0), mask_iou(refined, truth > 0)


def test_the_edge_follows_the_photos() -> None:
    plain, refined = drawn(*street((40, 60, 130), (170, 160, 140)))
    assert plain < 0.94
    assert refined > 0.98


def test_where_the_photo_has_no_edge_the_mask_stays() -> None:
    plain, refined = drawn(*street((120, 120, 120), (120, 120, 120)))
    assert refined == pytest.approx(plain, abs=0.03)


def test_a_box_of_a_few_pixels_is_drawn_too() -> None:
    photo = np.zeros((2, 3, 3), np.uint8)
    assert along_edges(np.ones((2, 3), np.float32), photo, (0.1, 0.07)) == pytest.approx(1.0)


def instance(category: str, box: Box, score: float = 0.9) -> ScoredInstance:
    pixels = np.zeros((100, 100), bool)
    pixels[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = True
    return ScoredInstance(category, score, box, Mask(pixels))


def test_what_a_person_wears_belongs_to_the_person() -> None:
    person = ScoredInstance("person", 0.99, Box(10, 0, 50, 100), Mask(np.zeros((100, 100), bool)))
    bag, doubtful = instance("bag", Box(40, 50, 55, 70)), instance("hat", Box(20, 0, 30, 9), 0.3)
    elsewhere = instance("bag", Box(60, 50, 80, 70))
    dressed, *others = people_with_garments([person, bag, doubtful, elsewhere])
    assert np.array_equal(dressed.mask.pixels, bag.mask.pixels)
    assert others == [bag, doubtful, elsewhere]
