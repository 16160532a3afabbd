import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segmentation.annotations.read import label_names, read_annotations
from segmentation.errors import AnnotationError, LabelError
from segmentation.labels import GARMENT_CATEGORIES, street_59_names

TRIANGLE = {"name": "polygon", "all_points_x": [1, 9, 1], "all_points_y": [1, 1, 9]}
REGION = {"shape_attributes": TRIANGLE, "region_attributes": {"class": "coat"}}
DOCUMENTS: dict[str, Any] = {
    "via_1": {"a": {"filename": "a.png", "regions": {"0": REGION}}},
    "via_2": {"a": {"filename": "a.png", "regions": [REGION]}},
    "coco": {
        "images": [{"id": 1, "file_name": "a.png", "width": 20, "height": 20}],
        "categories": [{"id": 1, "name": "coat"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[1, 1, 9, 1, 1, 9]]}
        ],
    },
}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.new("RGB", (20, 20)).save(folder / "a.png")
    return folder


@pytest.mark.parametrize("form", DOCUMENTS)
def test_files_are_told_apart_by_their_content(form: str, photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "annotations.json"
    file.write_text(json.dumps(DOCUMENTS[form]))
    (annotated,) = read_annotations(file, [photos])
    photo, instances = annotated.read()
    assert photo.width == 20
    assert [i.category for i in instances] == ["coat"]
    assert 20 < instances[0].mask.area < 50


def _label_folder(folder: Path, number: int = 1) -> Path:
    folder.mkdir()
    Image.fromarray(np.full((20, 20), number, np.uint8)).save(folder / "a.png")
    return folder


def test_a_folder_holds_label_pngs_whose_names_are_the_classes(
    photos: Path, tmp_path: Path
) -> None:
    labels = _label_folder(tmp_path / "labels")
    (labels / "labels.json").write_text('["null", "kimono", "scarf"]')
    (annotated,) = read_annotations(labels, [photos])
    assert annotated.labelled == {"kimono", "scarf"}
    assert [i.category for i in annotated.read()[1]] == ["kimono"]


def test_the_59_names_merge_into_garbs_categories(photos: Path, tmp_path: Path) -> None:
    labels = _label_folder(tmp_path / "labels", street_59_names().index("coat"))
    (labels / "labels.json").write_text(json.dumps(street_59_names()))
    (annotated,) = read_annotations(labels, [photos])
    assert annotated.labelled == {*GARMENT_CATEGORIES, "person"}
    assert [i.category for i in annotated.read()[1]] == ["outerwear", "person"]


def test_label_names_are_given_or_in_the_folder_or_beside_it(tmp_path: Path) -> None:
    labels = _label_folder(tmp_path / "labels")
    with pytest.raises(LabelError, match=r"labels\.json"):
        label_names(labels, None)
    (tmp_path / "labels.json").write_text('["beside"]')
    assert label_names(labels, None) == ("beside",)
    (labels / "labels.json").write_text('["inside"]')
    assert label_names(labels, None) == ("inside",)
    given = tmp_path / "given.json"
    given.write_text('["given"]')
    assert label_names(labels, given) == ("given",)


def test_of_several_photo_folders_the_one_with_the_labels_photos_is_taken(
    photos: Path, tmp_path: Path
) -> None:
    labels = _label_folder(tmp_path / "labels")
    (labels / "labels.json").write_text('["null", "coat"]')
    empty = tmp_path / "empty"
    empty.mkdir()
    (annotated,) = read_annotations(labels, [empty, photos])
    assert annotated.path == photos / "a.png"


def test_labels_in_the_folder_of_their_photos_are_no_photos(tmp_path: Path) -> None:
    labels = _label_folder(tmp_path / "labels")
    (labels / "labels.json").write_text('["null", "coat"]')
    with pytest.raises(AnnotationError, match="no photo of that name"):
        read_annotations(labels, [labels])
    Image.new("RGB", (20, 20)).save(labels / "a.jpg")
    (annotated,) = read_annotations(labels, [labels])
    assert annotated.path == labels / "a.jpg"
    Image.new("RGB", (20, 20)).save(labels / "a.webp")
    with pytest.raises(AnnotationError, match=r"a\.jpg and .*a\.webp"):
        read_annotations(labels, [labels])


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "7", '{"a": 1}', '{"images": []}'])
def test_other_files_are_refused_by_name(text: str, photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "annotations.json"
    file.write_text(text)
    with pytest.raises(AnnotationError, match=r"annotations\.json"):
        read_annotations(file, [photos])


def test_a_byte_order_mark_is_passed_over(photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "annotations.json"
    file.write_text(json.dumps(DOCUMENTS["via_1"]), "utf-8-sig")
    (annotated,) = read_annotations(file, [photos])
    assert [i.category for i in annotated.read()[1]] == ["coat"]


def test_binary_and_missing_files_are_refused_by_name(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    for name in ("binary.json", "none.json"):
        with pytest.raises(AnnotationError, match=name):
            read_annotations(tmp_path / name, [photos])
