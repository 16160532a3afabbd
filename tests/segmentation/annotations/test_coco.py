import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from segmentation.annotations.annotated_photo import AnnotatedPhoto, Instance
from segmentation.annotations.coco import write_coco
from segmentation.annotations.read import read_annotations
from segmentation.errors import AnnotationError
from segmentation.garment import Mask

SQUARE = [10, 10, 20, 10, 20, 20, 10, 20]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.new("RGB", (40, 30)).save(folder / "a.png")
    return folder


def _document(*segmentations: Any, **more: Any) -> dict[str, Any]:
    return {
        "images": [{"id": 9, "file_name": "a.png", "width": 40, "height": 30}],
        "categories": [{"id": 4, "name": "coat"}],
        "annotations": [
            {"id": n, "image_id": 9, "category_id": 4, "segmentation": segmentation, **more}
            for n, segmentation in enumerate(segmentations)
        ],
    }


def _photos(document: dict[str, Any], photos: Path) -> list[AnnotatedPhoto]:
    file = photos.parent / "coco.json"
    file.write_text(json.dumps(document))
    return read_annotations(file, [photos])


def _read(document: dict[str, Any], photos: Path) -> tuple[Instance, ...]:
    return _photos(document, photos)[0].read_instances()


def test_polygon_is_rasterised_as_cocos_tools_do(photos: Path) -> None:
    (instance,) = _read(_document([SQUARE]), photos)
    assert instance.category == "coat"
    assert not instance.iscrowd
    assert instance.mask.area == 100
    assert instance.mask.pixels[10:20, 10:20].all()
    slanted = [3.2, 4.7, 33.9, 8.1, 21.5, 28.4]
    (instance,) = _read(_document([slanted]), photos)
    expected = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects([slanted], 30, 40)))
    assert np.array_equal(instance.mask.pixels, expected.astype(bool))


def test_several_rings_are_one_instance(photos: Path) -> None:
    other = [25, 5, 35, 5, 35, 10, 25, 10]
    (instance,) = _read(_document([SQUARE, other]), photos)
    assert instance.mask.area == 150


def test_polygon_over_the_edge_is_cut_off(photos: Path) -> None:
    (instance,) = _read(_document([[-10, -10, 5, -10, 5, 5, -10, 5]]), photos)
    assert instance.mask.pixels.shape == (30, 40)
    assert instance.mask.area == 25


def test_both_run_length_forms_are_read(photos: Path) -> None:
    pixels = np.zeros((30, 40), bool)
    pixels[3:9, 4:20] = True
    flat = np.concatenate([[0], pixels.T.ravel().astype(int)])
    changes = np.flatnonzero(np.diff(flat))
    runs = np.diff(np.concatenate([[0], changes, [pixels.size]])).tolist()
    uncompressed = {"size": [30, 40], "counts": runs}
    for instance in _read(_document(Mask(pixels).rle(), uncompressed), photos):
        assert np.array_equal(instance.mask.pixels, pixels)


def test_crowd_is_marked(photos: Path) -> None:
    (instance,) = _read(_document([SQUARE], iscrowd=1), photos)
    assert instance.iscrowd


@pytest.mark.parametrize(
    ("said", "crowd"), [("0", False), ("false", False), ("", False), ("1", True), (" True", True)]
)
def test_a_crowd_may_be_said_in_words(photos: Path, said: str, crowd: bool) -> None:
    (instance,) = _read(_document([SQUARE], iscrowd=said), photos)
    assert instance.iscrowd == crowd


def test_what_is_written_is_read_back(photos: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    Image.new("RGB", (40, 30)).save(photos / "b.png")
    written = [
        Instance(name, Mask(rng.random((30, 40)) > 0.5), crowd)
        for name, crowd in (("coat", False), ("bag", False), ("coat", True))
    ]
    file = tmp_path / "coco.json"
    write_coco([("a.png", (40, 30), written), ("b.png", (40, 30), [])], file)
    first, second = read_annotations(file, [photos])
    assert first.path == photos / "a.png"
    assert first.labelled == {"coat", "bag"}
    for one, other in zip(first.read_instances(), written, strict=True):
        assert (one.category, one.iscrowd) == (other.category, other.iscrowd)
        assert np.array_equal(one.mask.pixels, other.mask.pixels)
    assert second.read_instances() == ()
    annotation = json.loads(file.read_text())["annotations"][0]
    assert annotation["area"] == written[0].mask.area
    assert annotation["bbox"] == [0, 0, 40, 30]
    assert not list(tmp_path.glob("*.tmp"))


def test_a_file_that_cannot_be_written_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "coco.json"
    file.mkdir()
    with pytest.raises(OSError) as raised:
        write_coco([], file)
    assert raised.value.filename == str(file)
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    "segmentation",
    [
        None,
        [],
        [[]],
        [[1, 2, 3, 4]],
        [[1, 2, 3, 4, 5, 6, 7]],
        [["a", 2, 3, 4, 5, 6]],
        [[float("nan"), 2, 3, 4, 5, 6]],
        ["119191"],
        "119191",
        [None],
        7,
        {"size": [30, 40]},
        {"size": [30, 40], "counts": "zzz"},
        {"size": [30, 40], "counts": [7]},
        {"size": [10, 10], "counts": [100]},
    ],
)
def test_unusable_segmentation_names_its_annotation(photos: Path, segmentation: Any) -> None:
    with pytest.raises(AnnotationError, match=r"a\.png: region 0"):
        _read(_document(segmentation), photos)


def test_ids_are_compared_as_text_and_may_have_holes(photos: Path) -> None:
    document = _document([SQUARE], image_id="9", category_id="400")
    document["categories"] = [{"id": 7, "name": "bag"}, {"id": 400, "name": " coat "}]
    (instance,) = _read(document, photos)
    assert instance.category == "coat"


def test_an_image_without_a_size_takes_its_photos(photos: Path) -> None:
    document = _document([SQUARE])
    document["images"][0].update(width=0, height=None)
    (instance,) = _read(document, photos)
    assert instance.mask.pixels.shape == (30, 40)


@pytest.mark.parametrize("height", [float("inf"), float("nan"), "tall"])
def test_a_size_that_is_no_number_says_nothing(photos: Path, height: Any) -> None:
    document = _document([SQUARE])
    document["images"][0]["height"] = height
    assert _read(document, photos)[0].mask.pixels.shape == (30, 40)


def test_two_categories_of_one_id_are_both_named(photos: Path) -> None:
    document = _document([SQUARE])
    document["categories"].append({"id": "4", "name": "coat "})
    assert _read(document, photos)[0].category == "coat"
    document["categories"].append({"id": 4, "name": "bag"})
    with pytest.raises(AnnotationError, match="two categories have the id 4: 'coat' and 'bag'"):
        _photos(document, photos)


@pytest.mark.parametrize("name", [["coat"], {"coat": 1}, 1.5, True])
def test_a_category_whose_name_is_no_text_is_refused(photos: Path, name: Any) -> None:
    document = _document([SQUARE])
    document["categories"][0]["name"] = name
    with pytest.raises(AnnotationError, match="the name of category 4 is"):
        _photos(document, photos)


def test_a_category_may_be_called_by_a_number(photos: Path) -> None:
    document = _document([SQUARE])
    document["categories"][0]["name"] = 7
    assert _read(document, photos)[0].category == "7"


@pytest.mark.parametrize("change", [{"category_id": 5}, {"image_id": 1}])
def test_unknown_category_or_image_is_refused(photos: Path, change: dict[str, int]) -> None:
    with pytest.raises(AnnotationError, match="region 0: unknown image or category"):
        _photos(_document([SQUARE], **change), photos)


def test_missing_keys_are_refused(photos: Path) -> None:
    document = _document([SQUARE])
    del document["images"][0]["file_name"]
    with pytest.raises(AnnotationError, match="file_name"):
        _photos(document, photos)
    document = _document([SQUARE])
    document["images"] *= 2
    with pytest.raises(AnnotationError, match="same id"):
        _photos(document, photos)


def test_annotations_of_another_size_than_the_photo_are_refused(photos: Path) -> None:
    document = _document([SQUARE])
    document["images"][0].update(width=30, height=40)
    (photo,) = _photos(document, photos)
    with pytest.raises(AnnotationError, match=r"30×40.*40×30"):
        photo.read()
