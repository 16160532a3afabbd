import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.two_people import PLACES, Place, held_out_unlabelled, put_before, scenes_of


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """Photos 0007 (labelled: a red person), 0017 (not, blue) and 0018 (not held out)."""
    for folder in ("photos", "labels"):
        (tmp_path / folder).mkdir()
    for stem, colour in (("0007", (250, 10, 10)), ("0017", (10, 10, 250)), ("0018", (0, 99, 0))):
        Image.new("RGB", (200, 300), colour).save(tmp_path / "photos" / f"{stem}.jpg")
    labels = np.zeros((300, 200), np.uint8)
    labels[60:, 80:120] = 1
    Image.fromarray(labels).save(tmp_path / "labels" / "0007.png")
    (tmp_path / "labels.json").write_text(json.dumps(["null", "dress"]), encoding="utf-8")
    return tmp_path


def test_what_stands_behind_is_held_out_and_has_no_labels(street: Path) -> None:
    assert [path.name for path in held_out_unlabelled(street)] == ["0017.jpg"]


def test_what_the_labels_call_no_background_is_put_before_another_photo(street: Path) -> None:
    behind = held_out_unlabelled(street) * len(PLACES)
    scenes = scenes_of(street / "photos" / "0007.jpg", street=street, behind=behind)
    assert scenes.keys() == PLACES.keys()
    for name, pixels in scenes.items():
        red = (pixels[..., 0] > pixels[..., 2]).mean()
        assert red == pytest.approx(PLACES[name].scale ** 2 * 0.16, rel=0.05)


@pytest.mark.parametrize("place", PLACES.values())
def test_the_person_stands_on_the_lower_edge(place: Place) -> None:
    photo = np.full((300, 200, 3), (250, 10, 10), np.uint8)
    person = np.zeros((300, 200), bool)
    person[60:, 80:120] = True
    behind = np.full((600, 500, 3), (10, 10, 250), np.uint8)
    pixels = put_before(behind, photo, person, place)
    assert pixels.shape == photo.shape
    rows, columns = np.nonzero(pixels[..., 0] > pixels[..., 2])
    assert rows.max() == 299
    assert columns.mean() == pytest.approx(200 * (0.5 + place.right), abs=2)
    assert np.array_equal(pixels[5, 5], (10, 10, 250))
