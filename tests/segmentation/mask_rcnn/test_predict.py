from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from torchvision.models.detection.roi_heads import paste_masks_in_image

from segmentation.garment import BoolPixels, Box
from segmentation.mask_rcnn.closer_look import Scene
from segmentation.mask_rcnn.predict import (
    MaskRCNNCore,
    canvas_tensor,
    pasted,
    pasted_along_edges,
    place_mask,
    seen_smaller,
)
from segmentation.photo import Photo

Square = npt.NDArray[np.float32]


def _blob(seed: int) -> Square:
    """A smooth 28 × 28 square of probabilities."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:28, :28]
    cx, cy, rx, ry = *rng.uniform(10, 18, 2), *rng.uniform(6, 14, 2)
    return (1 / (1 + np.exp(6 * (((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 - 1)))).astype(
        np.float32
    )


def _by_hand(square: Square, box: Box, width: int, height: int) -> Square:
    """Bilinear sampling at every pixel's centre, zero outside the square."""
    padded = np.pad(square, 2)
    x = (np.arange(width) + 0.5 - box.x0) / box.width * 28 - 0.5
    y = (np.arange(height) + 0.5 - box.y0) / box.height * 28 - 0.5
    x, y = np.clip(x, -1.5, 28.5) + 2, np.clip(y, -1.5, 28.5) + 2
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = (x - x0)[None, :], (y - y0)[:, None]
    top = padded[np.ix_(y0, x0)] * (1 - fx) + padded[np.ix_(y0, x0 + 1)] * fx
    bottom = padded[np.ix_(y0 + 1, x0)] * (1 - fx) + padded[np.ix_(y0 + 1, x0 + 1)] * fx
    return np.asarray(top * (1 - fy) + bottom * fy, np.float32)


BOXES = [
    Box(20, 30, 80, 120),
    Box(20.4, 30.7, 61.2, 44.9),
    Box(-30.5, -12.25, 50, 90),
    Box(70, 100, 190.3, 260.8),
    Box(10.2, 10.3, 12.1, 90.5),
    Box(-40, -40, 200, 300),
]


def pasted_mask(square: npt.NDArray[np.float32], box: Box) -> BoolPixels:
    placed = place_mask(square, box, width=100, height=150)
    assert placed is not None
    return placed.on(width=100, height=150)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("box", BOXES)
def test_pasted_mask_samples_at_pixel_centres(box: Box, seed: int) -> None:
    square = _blob(seed)
    pasted = pasted_mask(square, box)
    exact = _by_hand(square, box, 100, 150)
    # OpenCV's remapping knows 32 positions between two cells: only near the edge may it differ.
    wrong = pasted != (exact >= 0.5)
    assert np.abs(exact[wrong] - 0.5).max(initial=0) < 0.02
    assert pasted.any() or not (exact >= 0.51).any()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("box", BOXES[:4])
def test_pasted_mask_agrees_with_torchvision(box: Box, seed: int) -> None:
    square = _blob(seed)
    pasted = pasted_mask(square, box)
    theirs = paste_masks_in_image(
        torch.from_numpy(square)[None, None],
        torch.tensor([[box.x0, box.y0, box.x1, box.y1]]),
        (150, 100),
    )
    # torchvision moves the box to whole pixels first.
    other = theirs[0, 0].numpy() >= 0.5
    assert (pasted ^ other).sum() <= 0.3 * 2 * (box.width + box.height)


def test_full_square_fills_its_box_to_the_pixel() -> None:
    pasted = pasted_mask(np.ones((28, 28), np.float32), Box(20, 30, 80, 120))
    expected = np.zeros((150, 100), bool)
    expected[30:120, 20:80] = True
    # Interpolation rounds off the corners, nothing else.
    assert np.argwhere(pasted != expected).tolist() == [[30, 20], [30, 79], [119, 20], [119, 79]]


@pytest.mark.parametrize("box", BOXES)
def test_a_mask_placed_in_few_values_is_the_same_mask(box: Box) -> None:
    square = cv2.GaussianBlur(_blob(0), (5, 5), 0)
    exact = place_mask(square, box, width=100, height=150)
    few = place_mask(square, box, width=100, height=150, most_px=48)
    assert exact is not None
    assert few is not None
    assert max(few.values.shape) <= 48
    assert (few.rows, few.columns) == (exact.rows, exact.columns)
    enlarged = cv2.resize(few.values, exact.values.shape[::-1])
    assert np.abs(enlarged - exact.values).mean() < 0.02


@pytest.mark.parametrize("box", [Box(0, 0, 0, 50), Box(200, 200, 300, 300), Box(5, 5, 5, 5)])
def test_boxes_without_pixels_are_nowhere(box: Box) -> None:
    assert place_mask(np.ones((28, 28), np.float32), box, width=100, height=150) is None


def test_canvas_is_the_letterboxed_normalised_photo() -> None:
    photo = Photo(np.full((100, 50, 3), 255, np.uint8))
    card = {"preprocessing": {"size": [64, 96], "mean": [127.5] * 3, "std": [127.5] * 3}}
    tensor = canvas_tensor(photo, card)
    assert tensor.shape == (1, 3, 64, 96)
    assert tensor.dtype == np.float32
    assert tensor[0, 0, 32, 48] == 1
    assert tensor[0, 0, 32, 10] == pytest.approx((128 - 127.5) / 127.5)


def test_only_along_edges_is_a_mask_finer_than_its_cells() -> None:
    square = np.zeros((28, 28), np.float32)
    square[:, :14] = 1
    # The photo's edge lies half a cell beside the mask's.
    photo = Photo(np.zeros((112, 112, 3), np.uint8))
    photo.pixels[:, :58] = 220
    box = Box(0, 0, 112, 112)
    coarse, fine = (
        int(np.count_nonzero(paste(photo, square, box)[56]))
        for paste in (pasted, pasted_along_edges)
    )
    assert (coarse, fine) == (56, 58)


def test_the_fast_profile_sees_photos_smaller_where_the_graph_takes_any_size() -> None:
    card = {"preprocessing": {"size": [576, 384], "any_size": True}, "categories": []}
    assert seen_smaller(card)["preprocessing"]["size"] == [416, 288]
    card["preprocessing"] = {"size": [576, 384]}
    assert seen_smaller(card) == card


class SeenTwice:
    """Of the first photo a faint person alone; of the next, a sure one and a faint top."""

    def __init__(self) -> None:
        self.least: list[float] = []

    def run(self, inputs: Mapping[str, npt.NDArray[np.float32]]) -> dict[str, npt.NDArray[Any]]:
        self.least.append(float(inputs["least_score"][0]))
        if len(self.least) == 1:
            return _detections((1, 0.3, (20, 30, 44, 66)), (2, 0.3, (20, 30, 44, 50)))
        return _detections((1, 0.99, (8, 6, 56, 90)), (2, 0.4, (8, 20, 56, 50)))


def _detections(*found: tuple[int, float, tuple[float, ...]]) -> dict[str, npt.NDArray[Any]]:
    labels, scores, boxes = zip(*found, strict=True)
    return {
        "labels": np.array(labels),
        "scores": np.array(scores, np.float32),
        "boxes": np.array(boxes, np.float32),
        "masks": np.ones((len(found), 28, 28), np.float32),
    }


@pytest.mark.parametrize(("min_score", "expected"), [(0.5, ["person"]), (0.35, ["person", "top"])])
def test_a_person_too_faint_for_the_answer_is_looked_at_closer(
    min_score: float, expected: list[str]
) -> None:
    graph = SeenTwice()
    preprocessing = {"size": [96, 64], "mean": [0.0] * 3, "std": [1.0] * 3}
    core = MaskRCNNCore(graph, {"categories": ["person", "top"], "preprocessing": preprocessing})
    photo = Photo(np.full((480, 320, 3), 90, np.uint8))
    found = core.predict(photo, min_score=min_score)
    assert [one.category for one in found] == expected
    assert found[0].score == pytest.approx(0.99)
    assert graph.least == pytest.approx([0.1, 0.1])
    person = found[0].box
    assert 80 < person.x0 < 110
    assert 130 < person.y0 < 160


@pytest.mark.parametrize(
    ("categories", "scene", "least_zoom"),
    [
        (["garment", "top"], Scene.STREET, 1.1),
        (["person", "top"], Scene.BACKDROP, 1.1),
        (["person", "top"], Scene.STREET, 9),
    ],
)
def test_nobody_is_looked_at_closer_who_need_not_be(
    categories: list[str], scene: Scene, least_zoom: float
) -> None:
    graph = SeenTwice()
    preprocessing = {"size": [96, 64], "mean": [0.0] * 3, "std": [1.0] * 3}
    card = {"categories": categories, "preprocessing": preprocessing}
    core = MaskRCNNCore(graph, card, least_zoom=least_zoom)
    photo = Photo(np.full((480, 320, 3), 90, np.uint8))
    assert core.predict(photo, min_score=0.5, scene=scene) == []
    assert len(graph.least) == 1


class SeenInParts:
    """In every photo somebody and a top, both sure, and the person in the middle."""

    def __init__(self) -> None:
        self.passes = 0

    def run(self, inputs: Mapping[str, npt.NDArray[np.float32]]) -> dict[str, npt.NDArray[Any]]:
        self.passes += 1
        return _detections((1, 0.7, (20, 30, 44, 66)), (2, 0.9, (20, 30, 44, 50)))


def test_where_a_wide_photo_is_searched_for_people_no_garment_is_drawn() -> None:
    graph, drawn = SeenInParts(), []

    def paste(photo: Photo, probabilities: Square, box: Box) -> BoolPixels:
        drawn.append(photo.width)
        return pasted(photo, probabilities, box)

    preprocessing = {"size": [96, 64], "mean": [0.0] * 3, "std": [1.0] * 3}
    card = {"categories": ["person", "top"], "preprocessing": preprocessing}
    core = MaskRCNNCore(graph, card, paste=paste, least_zoom=9)
    found = core.predict(Photo(np.full((400, 800, 3), 90, np.uint8)), min_score=0.5)
    assert [one.category for one in found] == ["top", "person"]
    assert graph.passes == 1 + 3
    assert drawn == [800, 800, 400, 400, 400]
