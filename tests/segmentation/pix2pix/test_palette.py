import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segmentation.pix2pix.palette import paint_labels, palette, read_painted


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([4, 29, 59]), st.data())
def test_painted_labels_are_read_back_through_noise(classes: int, data: st.DataObject) -> None:
    labels = data.draw(
        arrays(
            np.uint8,
            st.tuples(st.integers(1, 20), st.integers(1, 20)),
            elements=st.integers(0, classes - 1),
        )
    )
    noise = np.random.default_rng(data.draw(st.integers(0, 99))).integers(-6, 7, (*labels.shape, 3))
    painted = np.clip(paint_labels(labels, classes=classes) + noise, 0, 255).astype(np.uint8)
    assert np.array_equal(read_painted(painted, classes=classes), labels)


def test_background_is_black_and_colours_differ() -> None:
    colours = palette(59)
    assert colours[0].tolist() == [0, 0, 0]
    assert len(np.unique(colours, axis=0)) == 59


def test_few_classes_have_colours_far_apart() -> None:
    assert palette(4).tolist() == [[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]]


def test_too_many_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="61 classes"):
        palette(61)
