import numpy as np

from benchmarks.mask_sharpening import ParsedMasks
from segmentation.garment import Box, Mask, Regions
from segmentation.mask_rcnn.predict import ScoredInstance
from segmentation.photo import Photo

ALL = np.ones((1, 4), bool)


def _only(*columns: int) -> Mask:
    pixels = np.zeros((1, 4), bool)
    pixels[0, list(columns)] = True
    return Mask(pixels)


class FindsATopOnAPerson:
    categories = ("top", "person")

    def predict(self, _photo: Photo, *, min_score: float) -> list[ScoredInstance]:
        box = Box(0, 0, 4, 1)
        return [ScoredInstance(name, 0.9, box, Mask(ALL)) for name in self.categories]


class SkinHairClothesAndStreet:
    def parse(self, _photo: Photo, _person: Mask) -> Regions:
        return Regions(_only(0), _only(1), _only(2))


def test_ways_cut_garments_and_leave_people() -> None:
    masks = {}
    for way in ("served", "bare", "clothes"):
        predictor = ParsedMasks(FindsATopOnAPerson(), SkinHairClothesAndStreet(), way)  # type: ignore[arg-type]
        top, person = predictor.predict(Photo(np.zeros((1, 4, 3), np.uint8)), min_score=0.05)
        assert person.mask.pixels.all()
        masks[way] = top.mask.pixels[0].tolist()
    assert masks == {
        "served": [True, True, True, True],
        "bare": [False, False, True, True],
        "clothes": [False, False, True, False],
    }
