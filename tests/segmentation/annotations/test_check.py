import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from segmentation.annotations.check import check_annotations
from segmentation.annotations.read import read_annotations
from segmentation.cli import register
from segmentation.errors import AnnotationError
from segmentation.labels import street_59_names
from tests.segmentation.fake_versions import NoVersions

SHAPE = {"name": "polygon", "all_points_x": [1, 9, 1], "all_points_y": [1, 1, 9]}
NAMED = {"class": "coat"}
RING = [1, 1, 9, 1, 1, 9]


def _garb(*arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    register(app, NoVersions())
    result = CliRunner().invoke(app, ["annotations", "check", *arguments], catch_exceptions=False)
    return result.exit_code, result.stdout


def _check(folder: Path, document: Any) -> tuple[int, list[dict[str, Any]]]:
    if not (folder / "a.png").exists():
        Image.new("RGB", (20, 20)).save(folder / "a.png")
    (folder / "file.json").write_text(json.dumps(document))
    code, stdout = _garb(str(folder / "file.json"), "--photos", str(folder), "--json")
    return code, json.loads(stdout)


def _kinds(found: list[dict[str, Any]]) -> list[tuple[str, str | None, str]]:
    return [(finding["file"], finding["region"], finding["kind"]) for finding in found]


def _via(*regions: tuple[Any, Any], name: str = "a.png") -> dict[str, Any]:
    listed = [{"shape_attributes": s, "region_attributes": a} for s, a in regions]
    return {name: {"filename": name, "regions": listed}}


def _coco(*annotations: dict[str, Any], **image: Any) -> dict[str, Any]:
    return {
        "images": [{"id": 1, "file_name": "a.png", "width": 20, "height": 20, **image}],
        "categories": [{"id": 1, "name": "coat"}],
        "annotations": [
            {"id": number, "image_id": 1, "category_id": 1, **annotation}
            for number, annotation in enumerate(annotations, 5)
        ],
    }


def test_sound_file_has_no_findings(tmp_path: Path) -> None:
    assert _check(tmp_path, _via((SHAPE, NAMED))) == (0, [])
    code, stdout = _garb(str(tmp_path / "file.json"), "--photos", str(tmp_path))
    assert (code, stdout) == (0, "1 photos: coat 1\nnothing is wrong\n")


def test_every_wrong_region_is_named(tmp_path: Path) -> None:
    document = _via(
        (SHAPE, {}),
        ({"name": "blob"}, NAMED),
        (SHAPE, NAMED),
        ({**SHAPE, "all_points_x": [1, 9], "all_points_y": [1, 1]}, NAMED),
        ({**SHAPE, "all_points_x": [1, 900, 1]}, NAMED),
        ({"name": "point", "cx": 3, "cy": 4}, NAMED),
        ({"name": "rect", "x": 30, "y": 3, "width": 5, "height": 5}, NAMED),
        ({"name": "circle", "cx": 9, "cy": 9, "r": 0}, NAMED),
        (SHAPE, {"class": {"coat": True, "bag": True}}),
    )
    code, findings = _check(tmp_path, document)
    assert code == 1
    assert [(f["file"], f["region"]) for f in findings] == [("a.png", n) for n in "01345678"]
    words = "no name", "unknown shape", "3 points", "outside", "unknown shape", "outside", "area"
    for word, finding in zip((*words, "several names"), findings, strict=True):
        assert word in finding["reason"]
    _, text = _garb(str(tmp_path / "file.json"), "--photos", str(tmp_path))
    assert f"{tmp_path / 'file.json'}: a.png: region 0: has no name\n" in text
    assert text.endswith("7 broken, 1 doubtful\n")


def test_missing_photo_and_foreign_file_are_findings(tmp_path: Path) -> None:
    code, (finding,) = _check(tmp_path, _via((SHAPE, NAMED), name="gone.png"))
    assert (code, finding["file"], finding["region"]) == (1, "gone.png", None)
    assert "no such photo" in finding["reason"]
    for document in ({"a": 1}, [], 7, {"images": 7, "annotations": [], "categories": []}):
        code, (finding,) = _check(tmp_path, document)
        assert (code, finding["kind"]) == (1, "unreadable_file")


@pytest.mark.parametrize("regions", ["abc", None, 7, True])
def test_regions_that_are_no_list_are_no_empty_photo(regions: Any, tmp_path: Path) -> None:
    code, (finding,) = _check(tmp_path, {"a": {"filename": "a.png", "regions": regions}})
    assert (code, finding["kind"], finding["region"]) == (1, "unknown_shape", None)
    assert finding["reason"] == f"its regions are {json.dumps(regions)}, not a list"


def test_an_entry_that_is_none_leaves_the_others_to_be_checked(tmp_path: Path) -> None:
    Image.new("RGB", (20, 20), "red").save(tmp_path / "b.png")
    listed = _via((SHAPE, NAMED))["a.png"]["regions"]
    document = {
        **_via((SHAPE, NAMED), (SHAPE, {})),
        "b.png7": {"filename": "b.png"},
        "c.png8": {"regions": listed},
        "d.png9": {"filename": None, "regions": listed},
        "e.png": 7,
    }
    for whole in (document, {"_via_settings": {}, "_via_img_metadata": document}):
        code, findings = _check(tmp_path, whole)
        assert code == 1
        file = str(tmp_path / "file.json")
        assert _kinds(findings) == [
            *[(file, None, "missing_photo")] * 3,
            ("a.png", "1", "unnamed_region"),
            ("b.png", None, "unknown_shape"),
        ]
        reasons = [finding["reason"] for finding in findings]
        assert reasons[0] == "entry 'c.png8' names no photo: it has no filename"
        assert reasons[-1] == "it has no regions, not even none"


def test_a_project_whose_entries_are_all_none_is_one_all_the_same(tmp_path: Path) -> None:
    _, (finding,) = _check(tmp_path, {"_via_img_metadata": {"a": {"regions": []}}})
    assert finding["kind"] == "missing_photo"


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ({"name": "circle", "cx": 9, "cy": 9, "r": -3}, "its r is -3"),
        ({"name": "circle", "cx": 9, "cy": 9, "r": 0}, "its r is 0"),
        ({"name": "rect", "x": 9, "y": 9, "width": -5, "height": 5}, "its width is -5"),
        ({"name": "rect", "x": 9, "y": 9, "width": 5, "height": 0}, "its height is 0"),
        ({"name": "ellipse", "cx": 9, "cy": 9, "rx": 0, "ry": 3}, "its rx is 0"),
        ({"name": "ellipse", "cx": 9, "cy": 9, "rx": 3, "ry": -0.5}, "its ry is -0.5"),
    ],
)
def test_a_shape_without_a_size_has_no_area(
    shape: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    code, (finding,) = _check(tmp_path, _via((shape, NAMED)))
    assert (code, finding["region"], finding["kind"]) == (1, "0", "no_area")
    assert finding["reason"] == f"has no area: {reason}"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (_via(({**SHAPE, "all_points_x": [1, 9]}, NAMED)), "a polygon of 2 x and 3 y"),
        (
            _via(({**SHAPE, "all_points_x": "abc"}, NAMED)),
            "a polygon's points are lists of numbers",
        ),
        (
            _via(({**SHAPE, "all_points_y": [1, "a", 9]}, NAMED)),
            'a y of its points is "a", not a number',
        ),
        (
            _via(({"name": "circle", "cx": 9, "cy": None, "r": 3}, NAMED)),
            "its cy is null, not a number",
        ),
        (_via(({"name": "circle", "cx": 9, "cy": 9}, NAMED)), "a circle without 'r'"),
        (_coco({"segmentation": [["a", *RING[1:]]]}), 'a coordinate is "a", not a number'),
        (
            _coco({"segmentation": 7}),
            "not a segmentation, a list of polygons that are lists of numbers",
        ),
        (
            _coco({"segmentation": {"size": 20, "counts": [400]}}),
            "not run lengths (a size, [height, width], and counts)",
        ),
        (
            _coco({"segmentation": {"size": [20, 20], "counts": ["a"]}}),
            "not run lengths (not a list of whole numbers)",
        ),
        (
            _coco({"segmentation": {"size": [20, 20], "counts": [*[2**62] * 4, 400]}}),
            "not run lengths (run lengths do not cover 20×20 pixels)",
        ),
    ],
)
def test_reasons_are_words_that_who_annotates_knows(
    document: Any, reason: str, tmp_path: Path
) -> None:
    _, (finding,) = _check(tmp_path, document)
    assert (finding["kind"], finding["reason"]) == ("unknown_shape", f"unknown shape: {reason}")


def test_a_folder_of_photos_that_is_not_there_is_said_once(tmp_path: Path) -> None:
    _check(tmp_path, _via((SHAPE, NAMED)))
    gone = tmp_path / "gone"
    for arguments in ([gone], [tmp_path, gone], [tmp_path / "a.png"]):
        with pytest.raises(AnnotationError, match=r"(gone|a\.png): no such folder"):
            check_annotations([tmp_path / "file.json"], arguments)


@pytest.mark.parametrize("name", ["co\nat", "\x1b[31mcoat", "half \ud800", "x" * 101])
def test_a_class_that_cannot_be_shown_is_no_class(name: str, tmp_path: Path) -> None:
    for document in (_via((SHAPE, {"class": name})), _coco({"segmentation": [RING]})):
        if "categories" in document:
            document["categories"][0]["name"] = name
        code, (finding,) = _check(tmp_path, document)
        assert (code, finding["kind"]) == (1, "unnamed_region")
        assert finding["reason"].isprintable()


def test_a_photo_whose_name_cannot_be_written_is_named_all_the_same(tmp_path: Path) -> None:
    code, (finding,) = _check(tmp_path, _via((SHAPE, NAMED), name="\ud800.png"))
    assert (code, finding["kind"], finding["file"]) == (1, "missing_photo", "\ud800.png")
    assert _garb(str(tmp_path / "file.json"), "--photos", str(tmp_path))[0] == 1


@pytest.mark.parametrize(
    "shape",
    [
        {**SHAPE, "all_points_x": [1e308, -1e308, 2]},
        {"name": "ellipse", "cx": 5, "cy": 5, "rx": 1e300, "ry": 1, "theta": 1e308},
        {"name": "rect", "x": -1e18, "y": -1e18, "width": 1e300, "height": 1e300},
    ],
)
def test_coordinates_beyond_all_measure_are_a_finding(
    shape: dict[str, Any], tmp_path: Path
) -> None:
    code, (finding,) = _check(tmp_path, _via((shape, NAMED)))
    assert code == 1
    assert finding["kind"] in ("partly_outside", "no_area")
    assert len(finding["reason"]) < 80


def test_a_point_one_pixel_outside_is_no_finding(tmp_path: Path) -> None:
    edge = {**SHAPE, "all_points_x": [-1, 21, 1]}
    assert _check(tmp_path, _via((edge, NAMED)))[0] == 0
    over = {**SHAPE, "all_points_x": [-1, 23, 1]}
    code, (finding,) = _check(tmp_path, _via((over, NAMED)))
    assert (code, finding["kind"]) == (1, "partly_outside")
    assert "3 px outside the photo of 20×20" in finding["reason"]


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        ({"segmentation": [RING]}, None),
        ({"segmentation": [RING[:4]]}, "too_few_points"),
        ({"segmentation": [RING, RING[:4]]}, "too_few_points"),
        ({"segmentation": RING}, "unknown_shape"),
        ({"segmentation": [[1, 1, 5, 5, 9, 9]]}, "no_area"),
        ({"segmentation": [[90, 90, 95, 90, 95, 95]]}, "outside_photo"),
        ({"bbox": [1, 1, 5, 5]}, "no_outline"),
        ({"segmentation": [], "bbox": [1, 1, 5, 5]}, "no_outline"),
        ({"segmentation": [[]]}, "no_outline"),
        ({"segmentation": [RING], "category_id": 9}, "unnamed_region"),
        ({"segmentation": {"size": [20, 20], "counts": [40, 20, 340]}, "iscrowd": 1}, None),
        ({"segmentation": {"size": [20, 20], "counts": [400]}}, "no_area"),
        ({"segmentation": {"size": [20, 20], "counts": [40, 20]}}, "unknown_shape"),
        ({"segmentation": {"size": [9, 9], "counts": [81]}}, "size_mismatch"),
        ({"segmentation": [[1e15, 1, -1e15, 1, 5, 1e15]]}, "partly_outside"),
    ],
)
def test_coco_regions_are_checked(
    annotation: dict[str, Any], kind: str | None, tmp_path: Path
) -> None:
    code, findings = _check(tmp_path, _coco(annotation))
    assert _kinds(findings) == ([("a.png", "5", kind)] if kind else [])
    assert code == bool(kind)


def test_coco_annotations_of_no_image_are_findings(tmp_path: Path) -> None:
    code, findings = _check(tmp_path, _coco({"segmentation": [RING]}, {"image_id": 3}))
    assert _kinds(findings) == [(str(tmp_path / "file.json"), "6", "unknown_image")]
    assert code == 1


def test_size_of_another_photo_is_a_mismatch(tmp_path: Path) -> None:
    _, (finding,) = _check(tmp_path, _coco({"segmentation": [RING]}, width=21))
    assert (finding["kind"], finding["region"]) == ("size_mismatch", None)
    assert "21×20 px, the upright photo has 20×20" in finding["reason"]


def test_sizes_are_those_of_the_upright_photo(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png", exif=turned)
    assert _check(tmp_path, _coco({"segmentation": [RING]}, width=20, height=30)) == (0, [])
    _, (finding,) = _check(tmp_path, _coco({"segmentation": [RING]}, width=30, height=20))
    assert "turned upright" in finding["reason"]
    low = {**SHAPE, "all_points_y": [22, 22, 29]}  # Browsers show VIA's photos upright.
    assert _check(tmp_path, _via((low, NAMED))) == (0, [])
    (annotated,) = read_annotations(tmp_path / "file.json", [tmp_path])
    assert annotated.read()[1][0].mask.pixels.shape == (30, 20)


def test_unreadable_and_empty_photos_are_named(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    code, findings = _check(tmp_path, _via((SHAPE, NAMED), name="bad.png") | _via())
    assert _kinds(findings) == [
        ("bad.png", None, "unreadable_photo"),
        ("a.png", None, "empty_photo"),
    ]
    assert code == 1


def test_duplicates_are_found_by_name_and_by_content_and_across_files(tmp_path: Path) -> None:
    Image.new("RGB", (20, 20)).save(tmp_path / "b.png")
    Image.new("RGB", (20, 20), "red").save(tmp_path / "c.png")
    document = _via((SHAPE, NAMED)) | _via((SHAPE, NAMED), name="b.png")
    document |= _via((SHAPE, NAMED), name="c.png")
    _, findings = _check(tmp_path, document)
    assert _kinds(findings) == [("b.png", None, "duplicate_photo")]
    assert "another name, a.png in" in findings[0]["reason"]
    (tmp_path / "more.json").write_text(json.dumps(_coco({"segmentation": [RING]})))
    files = [tmp_path / "more.json", tmp_path / "file.json"]
    findings_of_both = check_annotations(files, [tmp_path]).findings
    assert [(f.file, f.kind) for f in findings_of_both] == [
        ("a.png", "duplicate_photo"),
        ("b.png", "duplicate_photo"),
    ]
    assert "annotated before, as a.png in" in findings_of_both[0].reason


def test_a_rare_class_one_edit_away_from_a_frequent_one_is_named(tmp_path: Path) -> None:
    regions = [(SHAPE, NAMED)] * 4 + [(SHAPE, {"class": "caot"}), (SHAPE, {"class": "bag"})]
    code, findings = _check(tmp_path, _via(*regions))
    assert _kinds(findings) == [("a.png", "4", "misspelt_class")]
    assert findings[0]["reason"] == "class 'caot' (1) is probably 'coat' (4)"
    assert code == 1


def _labels(folder: Path, names: Any, **maps: Any) -> tuple[int, list[dict[str, Any]]]:
    labels = folder / "labels"
    labels.mkdir()
    for stem, pixels in maps.items():
        Image.fromarray(np.asarray(pixels, np.uint8)).save(labels / f"{stem}.png")
    (folder / "labels.json").write_text(json.dumps(names))
    code, stdout = _garb(str(labels), "--photos", str(folder), "--json")
    return code, json.loads(stdout)


def test_label_pngs_are_checked_too(tmp_path: Path) -> None:
    for number, stem in enumerate("abcd"):
        Image.new("RGB", (20, 20), (number, 0, 0)).save(tmp_path / f"{stem}.png")
    (tmp_path / "d.png").write_bytes(b"")
    coat = np.full((20, 20), 1)
    unnamed = coat.copy()
    unnamed[0, :4], unnamed[1, :2] = 2, 77
    code, findings = _labels(
        tmp_path, {"0": "null", "1": "coat", "3": "bag"},
        a=coat, b=coat[:10], c=unnamed, d=coat, e=coat,
    )  # fmt: skip
    assert code == 1
    assert _kinds(findings) == [
        ("b.png", None, "size_mismatch"),
        ("c.png", "2", "unnamed_label"),
        ("c.png", "77", "unnamed_label"),
        ("d.png", None, "unreadable_photo"),
        ("e.png", None, "missing_photo"),
    ]
    assert findings[1]["reason"] == "label number 2 (4 px) has no name"


def test_label_pngs_with_nothing_or_colours_in_them_are_named(tmp_path: Path) -> None:
    for number, stem in enumerate("ab"):
        Image.new("RGB", (20, 20), (number, 0, 0)).save(tmp_path / f"{stem}.png")
    _, findings = _labels(tmp_path, ["null", "coat"], a=np.zeros((20, 20)), b=np.zeros((20, 20, 3)))
    assert _kinds(findings) == [
        ("a.png", None, "empty_photo"),
        ("b.png", None, "unreadable_labels"),
    ]


def test_a_known_set_of_label_names_with_one_misspelt_is_named(tmp_path: Path) -> None:
    Image.new("RGB", (20, 20)).save(tmp_path / "a.png")
    names = ["jaket" if name == "jacket" else name for name in street_59_names()]
    _, findings = _labels(tmp_path, names, a=np.full((20, 20), names.index("jaket")))
    assert _kinds(findings) == [
        (str(tmp_path / "labels"), str(names.index("jaket")), "misspelt_class")
    ]
    assert "probably 'jacket'" in findings[0]["reason"]


def test_names_of_labels_may_be_given(tmp_path: Path) -> None:
    Image.new("RGB", (20, 20)).save(tmp_path / "a.png")
    _labels(tmp_path, ["null"], a=np.full((20, 20), 1))
    given = tmp_path / "given.json"
    given.write_text('["null", "coat"]')
    arguments = [str(tmp_path / "labels"), "--photos", str(tmp_path)]
    assert _garb(*arguments)[0] == 1
    assert _garb(*arguments, "--names", str(given))[0] == 0


@pytest.mark.real_data
def test_the_exports_of_the_street_photos_are_sound_and_read_whole(garb_data: Path) -> None:
    street = garb_data / "street"
    files = [street / "via_train.json", street / "via_val.json"]
    check = check_annotations(files, [street / "photos"])
    assert check.findings == ()
    assert [len(one.photos) for one in check.listings] == [100, 30]
    assert check.classes == {"top": 219 + 59, "boots": 168 + 50, "bag": 100 + 28}


@pytest.mark.real_data
def test_of_the_street_labels_one_is_empty(garb_data: Path) -> None:
    street = garb_data / "street"
    check = check_annotations([street / "labels"], [street / "photos"])
    assert check.photos == 877
    assert [(f.file, f.kind) for f in check.findings] == [("0536.jpg", "empty_photo")]
