import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as coco_mask

from segmentation.garment import Box, Garment, Mask, NamedColour, mask_from_rle
from segmentation.photo import Photo

masks = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40))


@given(masks)
def test_run_lengths_bring_a_mask_back(pixels: np.ndarray) -> None:
    rle = Mask(pixels).rle()
    assert rle["size"] == list(pixels.shape)
    assert np.array_equal(mask_from_rle(rle).pixels, pixels)


@given(masks)
def test_run_lengths_are_cocos(pixels: np.ndarray) -> None:
    rle = Mask(pixels).rle()
    encoded = {"size": rle["size"], "counts": rle["counts"].encode()}
    assert np.array_equal(coco_mask.decode(encoded).astype(bool), pixels)


@given(masks)
def test_uncompressed_run_lengths_are_read(pixels: np.ndarray) -> None:
    flat = np.concatenate([[False], pixels.T.ravel()])
    changes = np.flatnonzero(np.diff(flat.astype(np.int8)))
    runs = np.diff(np.concatenate([[0], changes, [pixels.size]])).tolist()
    rle = {"size": list(pixels.shape), "counts": runs}
    assert np.array_equal(mask_from_rle(rle).pixels, pixels)


def test_long_runs_survive_the_round_trip() -> None:
    pixels = np.zeros((2000, 1500), bool)
    pixels[700:1300, 333:1111] = True
    assert np.array_equal(mask_from_rle(Mask(pixels).rle()).pixels, pixels)


HUGE = [2**62] * 4


@pytest.mark.parametrize(
    "counts",
    [
        *("", "0", "zzzz", "\x01\x02", "T", "é", "\ud800", None, [None], [[1], 2], [2**64]),
        *([], [5, 5], [300], [50, -3, 53], ["a"], [[100]]),
        # The sum of four comes round to 0.
        *([*HUGE, 100], [100, *HUGE], [40, *HUGE, 60], [2**63 - 1, 2**63 - 1, 102]),
        4 * "oooooo?",
    ],
)
def test_run_lengths_that_do_not_cover_the_picture_are_refused(counts: object) -> None:
    with pytest.raises(ValueError):
        mask_from_rle({"size": [10, 10], "counts": counts})


def test_run_lengths_of_a_size_beyond_all_measure_are_refused() -> None:
    with pytest.raises(ValueError):
        mask_from_rle({"size": [2**31, 2**31], "counts": [*HUGE, 2**62]})


@given(masks)
def test_box_is_the_smallest_that_holds_the_mask(pixels: np.ndarray) -> None:
    box = Mask(pixels).box()
    if not pixels.any():
        assert box == Box(0, 0, 0, 0)
        return
    x0, y0, x1, y1 = (int(value) for value in (box.x0, box.y0, box.x1, box.y1))
    inside = pixels[y0:y1, x0:x1]
    assert inside.sum() == pixels.sum() == Mask(pixels).area
    assert inside[0].any()
    assert inside[-1].any()
    assert inside[:, 0].any()
    assert inside[:, -1].any()


boxes = st.tuples(*[st.floats(-50, 50)] * 2, *[st.floats(0.01, 50)] * 2).map(
    lambda v: Box(v[0], v[1], v[0] + v[2], v[1] + v[3])
)


@pytest.mark.parametrize("rows", [slice(0, 0), slice(3, 9), slice(0, 12)])
def test_pixels_of_a_mask_are_the_photos_row_by_row(rows: slice) -> None:
    rng = np.random.default_rng(0)
    photo = Photo(rng.integers(0, 256, (12, 7, 3), np.uint8))
    pixels = np.zeros((12, 7), bool)
    pixels[rows] = rng.random(pixels[rows].shape) < 0.4
    np.testing.assert_array_equal(Mask(pixels).pixels_of(photo), photo.pixels[pixels])


@given(boxes, boxes)
def test_iou_is_symmetric_and_one_for_itself(a: Box, b: Box) -> None:
    assert a.iou(b) == pytest.approx(b.iou(a))
    assert 0 <= a.iou(b) <= 1 + 1e-9
    assert a.iou(a) == pytest.approx(1)


def test_iou_of_two_halves_is_a_third() -> None:
    assert Box(0, 0, 2, 2).iou(Box(1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert Box(0, 0, 1, 1).iou(Box(1, 0, 2, 1)) == 0
    assert Box(0, 0, 0, 0).iou(Box(0, 0, 0, 0)) == 0


@given(boxes)
def test_clipped_box_lies_in_the_photo(box: Box) -> None:
    inside = box.clipped(width=20, height=10)
    assert 0 <= inside.x0 <= inside.x1 <= 20
    assert 0 <= inside.y0 <= inside.y1 <= 10


def test_box_is_printed_in_tenths() -> None:
    assert Box(1.04, 2.06, 3, 4.999).as_list() == [1.0, 2.1, 3.0, 5.0]


def test_outer_rings_come_largest_first_without_holes() -> None:
    pixels = np.zeros((40, 40), bool)
    pixels[2:8, 2:8] = True
    pixels[12:38, 12:38] = True
    pixels[20:24, 20:24] = False
    rings = Mask(pixels).outer_rings()
    assert rings == [
        [[12, 12], [12, 37], [37, 37], [37, 12]],
        [[2, 2], [2, 7], [7, 7], [7, 2]],
    ]
    assert all(type(value) is int for ring in rings for point in ring for value in point)


@pytest.mark.parametrize("shape", [(40, 1), (1, 40), (40, 40)])
def test_rings_of_a_thin_or_empty_mask_have_three_points_or_are_none(
    shape: tuple[int, int],
) -> None:
    pixels = np.zeros(shape, bool)
    pixels[0, 0] = True
    assert Mask(pixels).outer_rings() == []
    assert Mask(np.ones((40, 1), bool)).outer_rings() == []


def test_tags_are_the_colours_then_the_category() -> None:
    colours = tuple(NamedColour(name, "#000000", 0.3) for name in ("navy", "white", "navy"))
    garment = Garment("dress", 0.9, Box(0, 0, 1, 1), None, colours)
    assert garment.tags == ("navy", "white", "dress")
    assert Garment(None, None, Box(0, 0, 1, 1), None, colours).tags == ("navy", "white")
