"""Labels from tags: kept where tags and models agree, and painted so that nothing hides another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from segmentation.annotations.label_png import read_label_map
from segmentation.annotations.tagged import agreed, label_tagged_photos, painted
from segmentation.errors import AnnotationError
from segmentation.garment import Mask, Regions
from segmentation.labels import PERSON, street_59_names
from segmentation.mask_rcnn.predict import MaskRCNNPredictor, ScoredInstance
from segmentation.photo import Photo, encode_jpeg
from segmentation.pix2pix.predict import PersonParser

NUMBERS = {name: number for number, name in enumerate(street_59_names())}


def rows(start: int, end: int) -> Mask:
    pixels = np.zeros((40, 20), bool)
    pixels[start:end] = True
    return Mask(pixels)


def seen(category: str, score: float, start: int, end: int) -> ScoredInstance:
    mask = rows(start, end)
    return ScoredInstance(category, score, mask.box(), mask)


class FakeMaskRCNN:
    def __init__(self, instances: list[ScoredInstance]) -> None:
        self._instances = instances

    def predict(self, photo: Photo, *, min_score: float) -> list[ScoredInstance]:
        return [i for i in self._instances if i.score >= min_score]


class FakeParser:
    def parse(self, photo: Photo, person: Mask) -> Regions:
        return Regions(skin=rows(0, 4), hair=rows(0, 0), clothes=rows(4, 40))


def label(
    folder: Path, tags: dict[str, list[str]], instances: list[ScoredInstance]
) -> dict[str, int]:
    (folder / "tags.json").write_text(json.dumps(tags))
    for file in tags:
        if not file.startswith("missing"):
            (folder / file).write_bytes(encode_jpeg(Photo(np.full((40, 20, 3), 90, np.uint8))))
    return label_tagged_photos(
        folder,
        folder / "tags.json",
        folder / "labels",
        mask_rcnn=cast(MaskRCNNPredictor, FakeMaskRCNN(instances)),
        parser=cast(PersonParser, FakeParser()),
    )


BODY = seen(PERSON, 0.99, 0, 40)


def test_only_what_the_tags_name_is_kept() -> None:
    kept, absent = agreed(
        [seen("dress", 0.9, 4, 30), seen("skirt", 0.4, 20, 30), seen("top", 0.3, 4, 20)],
        {"skirt", "top"},
    )
    assert [i.category for i in kept] == ["skirt", "top"]
    assert not absent


def test_a_category_seen_too_faintly_is_absent() -> None:
    kept, absent = agreed([seen("bag", 0.2, 4, 9)], {"bag"})
    assert not kept
    assert absent == {"bag"}


def test_both_shoes_are_kept_and_one_of_anything_else() -> None:
    shoes = [seen("shoes", 0.9, 30, 33), seen("shoes", 0.6, 36, 39)]
    tops = [seen("top", 0.9, 4, 10), seen("top", 0.8, 12, 20)]
    assert agreed([*shoes, *tops], {"shoes", "top"})[0] == [*shoes, tops[0]]
    faint_second = seen("shoes", 0.3, 36, 39)
    assert agreed([shoes[0], faint_second], {"shoes"})[0] == [shoes[0]]


def test_a_small_garment_is_painted_over_a_large_one_and_skin_over_both() -> None:
    labels = painted(
        [seen("top", 0.9, 8, 12), seen("outerwear", 0.9, 2, 30)],
        FakeParser().parse(Photo(np.zeros((40, 20, 3), np.uint8)), rows(0, 40)),
        {"top": "shirt", "outerwear": "coat"},
    )
    names = ["skin", "coat", "shirt", "coat", "accessories"]
    assert [labels[row, 0] for row in (3, 5, 9, 20, 35)] == [NUMBERS[name] for name in names]


def test_photos_that_agree_are_labelled_by_their_own_names(tmp_path: Path) -> None:
    counts = label(
        tmp_path,
        {"0001.jpg": ["null", "skin", "jeans"], "0007.jpg": ["jeans"], "missing.jpg": ["jeans"]},
        [BODY, seen("trousers", 0.6, 20, 38), seen("bag", 0.9, 5, 9)],
    )
    assert counts == {"labelled": 1, "held out": 1, "unreadable": 1}
    labels = read_label_map(tmp_path / "labels" / "0001.png")
    assert labels[30, 0] == NUMBERS["jeans"]
    assert NUMBERS["bag"] not in labels
    assert json.loads((tmp_path / "labels" / "labels.json").read_text()) == list(NUMBERS)


@pytest.mark.parametrize("instances", [[BODY], [seen("trousers", 0.9, 20, 38)]])
def test_a_photo_that_lacks_a_tagged_garment_or_anybody_is_left_out(
    tmp_path: Path, instances: list[ScoredInstance]
) -> None:
    label(tmp_path, {"0001.jpg": ["jeans"]}, [BODY, seen("trousers", 0.9, 20, 38)])
    assert list((tmp_path / "labels").glob("*.png"))
    counts = label(tmp_path, {"0001.jpg": ["jeans"]}, instances)
    assert "labelled" not in counts
    assert not list((tmp_path / "labels").glob("*.png"))


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"0001.jpg": "jeans"}', '{"0001.jpg": [["jeans"]]}', '{"0001.jpg": ["jeans", 7]}'],
)
def test_tags_of_another_form_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "tags.json").write_text(text)
    (tmp_path / "0001.jpg").write_bytes(encode_jpeg(Photo(np.full((40, 20, 3), 90, np.uint8))))
    with pytest.raises(AnnotationError, match=r"tags\.json"):
        label_tagged_photos(
            tmp_path,
            tmp_path / "tags.json",
            tmp_path / "labels",
            mask_rcnn=cast(MaskRCNNPredictor, FakeMaskRCNN([])),
            parser=cast(PersonParser, FakeParser()),
        )
