from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmentation.annotations.label_png import LabelPair
from segmentation.errors import AnnotationError
from segmentation.evaluation.parsing import confusion_matrix, evaluate_parsing, figures_of
from segmentation.labels import parser_label_set
from segmentation.photo import Photo

CLASSES = ("background", "skin", "hair", "clothes")


def test_confusion_matrix_by_hand() -> None:
    truth = np.uint8([[0, 0, 1], [1, 2, 2]])
    predicted = np.uint8([[0, 1, 1], [1, 2, 0]])
    assert confusion_matrix(truth, predicted, classes=3).tolist() == [
        [1, 1, 0],
        [0, 2, 0],
        [1, 0, 1],
    ]


def test_figures_by_hand() -> None:
    confusion = np.array([[1, 1, 0, 0], [0, 2, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]], np.int64)
    figures = figures_of(confusion, classes=CLASSES, photos=2, seconds=3.0)
    assert figures.as_json() == {
        "pixel_accuracy": round(4 / 6, 4),
        "mean_iou": round((1 / 3 + 2 / 3 + 1 / 2) / 3, 4),
        "iou": {"background": 0.3333, "skin": 0.6667, "hair": 0.5, "clothes": None},
        "photos": 2,
        "seconds_per_photo": 1.5,
    }


def test_maps_of_different_size_are_refused() -> None:
    with pytest.raises(AnnotationError):
        confusion_matrix(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8), classes=4)


def _pair(folder: Path, stem: str, numbers: np.ndarray) -> LabelPair:
    photo, label = folder / f"{stem}.jpg", folder / f"{stem}.png"
    Image.new("RGB", (numbers.shape[1], numbers.shape[0])).save(photo)
    Image.fromarray(numbers).save(label)
    return LabelPair(stem, photo, label)


def test_evaluation_merges_the_names_and_sums_over_photos(tmp_path: Path) -> None:
    names = ("null", "skin", "hair", "coat", "boots")
    first = np.zeros((10, 10), np.uint8)
    first[:5] = 4
    second = np.full((20, 10), 1, np.uint8)
    pairs = [_pair(tmp_path, "1", first), _pair(tmp_path, "2", second)]

    def all_clothes(photo: Photo, truth: np.ndarray) -> np.ndarray:
        assert truth.shape == photo.pixels.shape[:2]
        return np.full_like(truth, 3)

    figures = evaluate_parsing(
        pairs, names=names, label_set=parser_label_set(4), predict=all_clothes
    )
    assert figures.pixel_accuracy == round(50 / 300, 4)
    assert figures.iou == {"background": 0.0, "skin": 0.0, "hair": None, "clothes": 0.1667}
    assert figures.photos == 2
