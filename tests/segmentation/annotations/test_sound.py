import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from segmentation.annotations.annotated_photo import AnnotatedPhoto
from segmentation.annotations.finding import Finding
from segmentation.annotations.read import read_annotations
from segmentation.annotations.sound import read_sound, without_broken
from segmentation.errors import AnnotationError, GarbError

SIDE = 20
# Each sound region is a column of its own: its mask says which it is.
VIA_BROKEN: list[Any] = [
    {"shape_attributes": {"name": "blob"}, "region_attributes": {"class": "x"}},
    {
        "shape_attributes": {"name": "rect", "x": 1, "y": 1, "width": 3, "height": 3},
        "region_attributes": {},
    },
    {
        "shape_attributes": {"name": "rect", "x": 99, "y": 1, "width": 3, "height": 3},
        "region_attributes": {"class": "x"},
    },
    {
        "shape_attributes": {"name": "polygon", "all_points_x": [1, 2], "all_points_y": [1, 2]},
        "region_attributes": {"class": "x"},
    },
    {"shape_attributes": None, "region_attributes": {"class": "x"}},
    None,
]
COCO_BROKEN: list[Any] = [
    {"category_id": 99, "segmentation": [[1, 1, 3, 1, 3, 3]]},
    {"category_id": 1, "segmentation": [[1, 1, 3, 1]]},
    {"category_id": 1, "segmentation": [], "bbox": [1, 1, 3, 3]},
    {"category_id": 1, "segmentation": {"size": [5, 5], "counts": [25]}},
    {"category_id": 1, "segmentation": {"size": [SIDE, SIDE], "counts": "zz"}},
    {"category_id": 1, "segmentation": [[90, 90, 95, 90, 95, 95]]},
    {"category_id": 1},
]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    Image.new("RGB", (SIDE, SIDE)).save(folder / "a.png")
    return folder


def _via_rect(column: int) -> dict[str, Any]:
    shape = {"name": "rect", "x": column, "y": 2, "width": 0.2, "height": 9}
    return {"shape_attributes": shape, "region_attributes": {"class": f"class {column}"}}


def _via(parts: list[int | Any], *, version: int) -> dict[str, Any]:
    regions = [_via_rect(part) if isinstance(part, int) else part for part in parts]
    numbered = {str(number): region for number, region in enumerate(regions)}
    return {"a": {"filename": "a.png", "regions": numbered if version == 1 else regions}}


def _coco(parts: list[int | Any]) -> dict[str, Any]:
    annotations = []
    for number, part in enumerate(parts):
        drawn = part
        if isinstance(part, int):
            ring = [part, 2, part + 1, 2, part + 1, 9, part, 9]
            drawn = {"category_id": part, "segmentation": [ring]}
        annotations.append({"id": number, "image_id": 1, **drawn})
    return {
        "images": [{"id": 1, "file_name": "a.png", "width": SIDE, "height": SIDE}],
        "categories": [{"id": column, "name": f"class {column}"} for column in range(SIDE)],
        "annotations": annotations,
    }


def _without(document: Any, photos: Path) -> tuple[list[AnnotatedPhoto], list[Finding]]:
    file = photos / "annotations.json"
    file.write_text(json.dumps(document))
    findings: list[Finding] = []
    return without_broken([file], [photos], on_finding=findings.append), findings


def _mixed(broken: list[Any]) -> st.SearchStrategy[list[int | Any]]:
    return st.lists(st.integers(0, SIDE - 2) | st.sampled_from(broken), min_size=1, max_size=12)


def _check_step(document: Any, parts: list[int | Any], photos: Path) -> None:
    annotated, findings = _without(document, photos)
    sound = [part for part in parts if isinstance(part, int)]
    broken = {finding.region for finding in findings if finding.broken}
    assert broken == {str(n) for n, part in enumerate(parts) if not isinstance(part, int)}
    if not sound:
        assert annotated == []
        return
    (photo,) = annotated
    _, instances = photo.read()
    assert [instance.category for instance in instances] == [f"class {c}" for c in sound]
    for instance, column in zip(instances, sound, strict=True):
        assert np.flatnonzero(instance.mask.pixels.any(axis=0)).tolist() == [column]


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(parts=_mixed(VIA_BROKEN), version=st.sampled_from([1, 2]))
def test_broken_via_regions_never_shift_the_names_of_the_others(
    parts: list[int | Any], version: int, photos: Path
) -> None:
    _check_step(_via(parts, version=version), parts, photos)


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(parts=_mixed(COCO_BROKEN))
def test_broken_coco_annotations_never_shift_the_names_of_the_others(
    parts: list[int | Any], photos: Path
) -> None:
    _check_step(_coco(parts), parts, photos)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@settings(
    deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(junk=JSON, key=st.sampled_from(["shape", "attributes", "regions", "segmentation", "image", "size", "all"]))  # fmt: skip
def test_any_json_is_read_or_refused(junk: Any, key: str, photos: Path) -> None:
    via, coco = _via([3, 5], version=2), _coco([3, 5])
    region, annotation = via["a"]["regions"][0], coco["annotations"][0]
    if key == "shape":
        region["shape_attributes"]["width"] = junk
    elif key == "attributes":
        region["region_attributes"] = junk
    elif key == "regions":
        via["a"]["regions"] = junk
    elif key == "segmentation":
        annotation["segmentation"] = junk
    elif key == "image":
        annotation["image_id"] = junk
    elif key == "size":
        coco["images"][0]["width"] = junk
    for document in (junk,) if key == "all" else (via, coco):
        file = photos / "annotations.json"
        file.write_text(json.dumps(document))
        for read in (read_sound, without_broken):
            with contextlib.suppress(GarbError):
                for photo in read([file], [photos]):
                    photo.read()


def test_training_refuses_what_is_broken_and_says_the_way_out(photos: Path) -> None:
    file = photos / "annotations.json"
    file.write_text(json.dumps(_via([3, VIA_BROKEN[0], VIA_BROKEN[1]], version=1)))
    with pytest.raises(AnnotationError, match=r"a\.png: region 1: unknown shape.*1 more.*--skip"):
        read_sound([file], [photos])
    with pytest.raises(AnnotationError, match="region 1"):
        read_annotations(file, [photos])


def test_a_photo_whose_regions_cannot_be_read_is_not_learned_as_empty(photos: Path) -> None:
    file = photos / "annotations.json"
    file.write_text(json.dumps({"a": {"filename": "a.png", "regions": "abc"}}))
    with pytest.raises(AnnotationError, match=r'a\.png: its regions are "abc", not a list'):
        read_sound([file], [photos])
    assert without_broken([file], [photos]) == []


def test_what_is_doubtful_is_learned_and_said(photos: Path) -> None:
    file = photos / "annotations.json"
    document = _via([3], version=2)
    document["b"] = {"filename": "a.png", "regions": []}
    file.write_text(json.dumps(document))
    said: list[Finding] = []
    assert len(read_sound([file], [photos], on_finding=said.append)) == 2
    assert {finding.kind for finding in said} == {"duplicate_photo", "empty_photo"}


def test_classes_of_broken_regions_alone_are_no_classes(photos: Path) -> None:
    ((photo,), _) = _without(_via([3, VIA_BROKEN[0]], version=2), photos)
    assert photo.labelled == {"class 3"}


def test_several_files_of_several_formats_are_one_training(photos: Path, tmp_path: Path) -> None:
    via, coco, labels = tmp_path / "via.json", tmp_path / "coco.json", tmp_path / "labels"
    via.write_text(json.dumps(_via([3], version=1)))
    coco.write_text(json.dumps(_coco([5])))
    labels.mkdir()
    Image.fromarray(np.full((SIDE, SIDE), 1, np.uint8)).save(labels / "a.png")
    (labels / "labels.json").write_text('["background", "kimono"]')
    read = read_sound([via, coco, labels], [photos])
    assert [[i.category for i in photo.read()[1]] for photo in read] == [
        ["class 3"], ["class 5"], ["kimono"],
    ]  # fmt: skip


def test_a_file_that_cannot_be_read_is_never_skipped(photos: Path) -> None:
    (photos / "annotations.json").write_text("{")
    with pytest.raises(AnnotationError, match="not JSON"):
        without_broken([photos / "annotations.json"], [photos])
