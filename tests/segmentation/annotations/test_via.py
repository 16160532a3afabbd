import json
import math
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from segmentation.annotations.annotated_photo import AnnotatedPhoto
from segmentation.annotations.read import read_annotations
from segmentation.annotations.via import is_via
from segmentation.errors import AnnotationError

TRIANGLE = {"name": "polygon", "all_points_x": [10, 50, 10], "all_points_y": [10, 10, 50]}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    Image.new("RGB", (80, 60)).save(tmp_path / "a.png")
    Image.new("RGB", (80, 60)).save(tmp_path / "b.png")
    return tmp_path


def _region(shape: dict[str, Any], attributes: Any = None) -> dict[str, Any]:
    chosen = {"class": "top"} if attributes is None else attributes
    return {"shape_attributes": shape, "region_attributes": chosen}


def _via_1(*regions: dict[str, Any]) -> dict[str, Any]:
    numbered = {str(number): region for number, region in enumerate(regions)}
    return {"a.png123": {"filename": "a.png", "size": 123, "regions": numbered}}


def _via_2(*regions: dict[str, Any]) -> dict[str, Any]:
    return {"a.png123": {"filename": "a.png", "size": 123, "regions": list(regions)}}


def _read(document: dict[str, Any], photos: Path) -> list[AnnotatedPhoto]:
    file = photos / "via.json"
    file.write_text(json.dumps(document))
    return read_annotations(file, [photos])


def _areas(document: dict[str, Any], photos: Path) -> list[tuple[str, int]]:
    (photo,) = _read(document, photos)
    return [(i.category, i.mask.area) for i in photo.read_instances()]


@pytest.mark.parametrize("form", [_via_1, _via_2])
def test_both_versions_are_read(form: Any, photos: Path) -> None:
    document = form(_region(TRIANGLE), _region(TRIANGLE, {"class": "bag"}))
    assert is_via(document)
    (photo,) = _read(document, photos)
    top, bag = photo.read_instances()
    assert (top.category, bag.category) == ("top", "bag")
    assert top.mask.pixels.shape == (60, 80)
    # The outline clicked on belongs to the garment: 41 rows of 41, 40, … 1 pixels.
    assert top.mask.area == 41 * 42 // 2
    assert photo.path == photos / "a.png"


def test_a_whole_project_is_read(photos: Path) -> None:
    document = {"_via_settings": {}, "_via_img_metadata": _via_2(_region(TRIANGLE))}
    assert is_via(document)
    assert len(_areas(document, photos)) == 1


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        ({"name": "rect", "x": 10, "y": 5, "width": 30, "height": 20}, 600),
        ({"name": "circle", "cx": 40, "cy": 30, "r": 20}, math.pi * 400),
        ({"name": "ellipse", "cx": 40, "cy": 30, "rx": 25, "ry": 12}, math.pi * 300),
        ({"name": "ellipse", "cx": 40, "cy": 30, "rx": 25, "ry": 12, "theta": 1.2}, math.pi * 300),
        ({**TRIANGLE, "name": "polyline"}, 800),
    ],
)
def test_each_shape_covers_its_area(shape: dict[str, Any], area: float, photos: Path) -> None:
    ((_, found),) = _areas(_via_2(_region(shape)), photos)
    assert found == pytest.approx(area, rel=0.1)


def test_ellipse_is_turned_by_its_angle(photos: Path) -> None:
    shape = {"name": "ellipse", "cx": 40, "cy": 30, "rx": 25, "ry": 8, "theta": math.pi / 2}
    (photo,) = _read(_via_2(_region(shape)), photos)
    box = photo.read_instances()[0].mask.box()
    assert box.height > 2 * box.width


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({"class": " coat "}, "coat"),
        ({"colour": "red", "name": "coat"}, "coat"),
        ({"garment": "coat"}, "coat"),
        ({"class": 3}, "3"),
        ({"class": 0}, "0"),
        ({"id": 3, "made of": "kimono"}, "kimono"),
        ({"type": {"coat": True}}, "coat"),
        ({"type": {"bag": False, "coat": True}}, "coat"),
    ],
)
def test_region_is_named_by_its_attribute(attributes: Any, name: str, photos: Path) -> None:
    assert _areas(_via_2(_region(TRIANGLE, attributes)), photos)[0][0] == name


@pytest.mark.parametrize(
    "attributes",
    [{}, {"class": ""}, {"class": True}, {"class": 1.5}, {"id": 3}, {"type": {"a": False}}, []],
)
def test_unnamed_region_is_refused_with_its_place(attributes: Any, photos: Path) -> None:
    document = _via_2(_region(TRIANGLE), _region(TRIANGLE, attributes))
    with pytest.raises(AnnotationError, match=r"a\.png: region 1"):
        _read(document, photos)


@pytest.mark.parametrize(
    "shape",
    [
        {},
        None,
        {"name": "point", "cx": 1, "cy": 2},
        {"name": "rect", "x": 1, "y": 2},
        {"name": "circle", "cx": "left", "cy": 2, "r": 3},
        {"name": "polygon", "all_points_x": [1, 2], "all_points_y": [1, 2]},
        {"name": "polygon", "all_points_x": [1, 2, 3], "all_points_y": [1, 2]},
        {"name": "polygon", "all_points_x": ["a", 2, 3], "all_points_y": [1, 2, 3]},
        {"name": "polygon", "all_points_x": [math.nan, 2, 3], "all_points_y": [1, 2, 3]},
        {"name": "polygon", "all_points_x": "123", "all_points_y": "197"},
        {"name": "polygon", "all_points_x": {"1": 1, "2": 2, "9": 3}, "all_points_y": [1, 9, 1]},
        {"name": "polygon"},
    ],
)
def test_unusable_shape_is_refused_with_its_place(shape: Any, photos: Path) -> None:
    with pytest.raises(AnnotationError, match=r"a\.png: region 0"):
        _read(_via_2(_region(shape)), photos)


def test_missing_photo_is_named(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match=r"a\.png"):
        _read(_via_2(_region(TRIANGLE)), tmp_path)


def test_every_photo_is_labelled_with_the_names_of_the_whole_file(photos: Path) -> None:
    document = _via_2(_region(TRIANGLE))
    document["b.png9"] = {"filename": "b.png", "regions": [_region(TRIANGLE, {"class": "bag"})]}
    document["c"] = {"filename": "c.png", "regions": {}}
    Image.new("RGB", (80, 60)).save(photos / "c.png")
    read = _read(document, photos)
    assert [photo.labelled for photo in read] == [{"top", "bag"}] * 3
    assert read[2].read_instances() == ()


def _names(document: dict[str, Any], photos: Path) -> list[str]:
    return [i.category for i in _read(document, photos)[0].read_instances()]


def test_one_attribute_names_the_whole_file(photos: Path) -> None:
    regions = [
        _region(TRIANGLE, {"colour": "red", "garment": "coat"}),
        _region(TRIANGLE, {"colour": "", "garment": "bag"}),
    ]
    assert _names(_via_2(*regions), photos) == ["coat", "bag"]
    # A garment without a class is not called by its colour.
    regions.append(_region(TRIANGLE, {"colour": "red", "garment": ""}))
    with pytest.raises(AnnotationError, match="region 2: has no name"):
        _names(_via_2(*regions), photos)


def test_an_attribute_that_is_never_filled_names_nothing(photos: Path) -> None:
    document = _via_2(_region(TRIANGLE, {"class": "", "garment": "kimono"}))
    assert _names(document, photos) == ["kimono"]


def test_files_put_together_may_spell_the_attribute_in_several_ways(photos: Path) -> None:
    regions = [
        _region(TRIANGLE, {"class": "coat", "type": "wool"}),
        _region(TRIANGLE, {"Name": "bag"}),
    ]
    assert _names(_via_2(*regions), photos) == ["coat", "bag"]


def test_several_ticked_boxes_are_no_name(photos: Path) -> None:
    document = _via_1(_region(TRIANGLE, {"class": {"top": True, "bag": True}}))
    with pytest.raises(AnnotationError, match="region 0: has several names: top, bag"):
        _read(document, photos)


@pytest.mark.parametrize(
    "declared",
    [
        {"type": "dropdown", "options": {"coat": "", "bag": ""}, "default_options": {"coat": True}},
        {"type": "text", "default_value": "coat"},
    ],
)
def test_a_projects_default_names_what_is_not_set(declared: Any, photos: Path) -> None:
    metadata = _via_2(_region(TRIANGLE, {}), _region(TRIANGLE, {"garment": "bag"}))
    document = {
        "_via_settings": {},
        "_via_attributes": {"region": {"garment": declared}, "file": {"caption": {}}},
        "_via_img_metadata": metadata,
    }
    assert _names(document, photos) == ["coat", "bag"]


def test_file_attributes_and_the_size_in_the_key_are_no_part_of_the_name(photos: Path) -> None:
    document = _via_1(_region(TRIANGLE))
    document["a.png123"] |= {"file_attributes": {"class": "photo"}, "size": 99999}
    (photo,) = _read(document, photos)
    assert photo.path == photos / "a.png"
    assert photo.labelled == {"top"}


def test_an_empty_project_has_no_photos(photos: Path) -> None:
    assert _read({"_via_settings": {}, "_via_img_metadata": {}}, photos) == []
