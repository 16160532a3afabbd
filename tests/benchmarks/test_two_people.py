import numpy as np
import pytest

from benchmarks.two_people import PLACES, Place, put_before


@pytest.mark.parametrize("place", PLACES.values())
def test_the_person_stands_on_the_lower_edge_before_the_other_photo(place: Place) -> None:
    photo = np.full((300, 200, 3), (250, 10, 10), np.uint8)
    person = np.zeros((300, 200), bool)
    person[60:, 80:120] = True
    behind = np.full((600, 500, 3), (10, 10, 250), np.uint8)
    pixels = put_before(behind, photo, person, place)
    assert pixels.shape == photo.shape
    red = pixels[..., 0] > pixels[..., 2]
    assert red.sum() == pytest.approx(place.scale**2 * person.sum(), rel=0.05)
    rows, columns = np.nonzero(red)
    assert rows.max() == 299
    middle = 200 * (0.5 + place.right)
    assert columns.mean() == pytest.approx(middle, abs=2)
    assert np.array_equal(pixels[5, 5], (10, 10, 250))
