from pathlib import Path

import numpy as np
import pytest

from benchmarks.street_to_catalog import Shop
from indexer.colour_match import lab_of
from segmentation.annotations.annotated_photo import Instance
from segmentation.garment import Mask
from tests.benchmarks.test_benchmarks import lines_of
from wardrobe.draw import draw_wardrobe


def test_a_product_fits_by_category_by_colour_and_by_both() -> None:
    lab = lab_of(["#101010", "#121212", "#f0f0f0"])
    shop = Shop(("a", "b", "c"), np.array(["top", "bag", "top"]), lab)
    cloth = Instance("top", Mask(np.ones((4, 4), bool)))
    fitting = shop.fitting(cloth, lab_of(["#111111"])[0])
    assert fitting.tolist() == [[True, False, True], [True, True, False], [True, False, False]]


def test_asked_lies_between_nothing_and_the_most_that_the_catalog_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_wardrobe(tmp_path / "shop", products=24, photos=7, seed=3, workers=1)
    monkeypatch.setenv("GARB_THREADS", "1")
    options = ["--catalog", str(tmp_path / "shop/products.csv"), "--pictures", "1"]
    options += [
        "--photos",
        str(tmp_path / "shop/street"),
        "--labels",
        str(tmp_path / "shop/labels"),
    ]
    lines = lines_of("benchmarks.street_to_catalog", *options, "--out", str(tmp_path / "out"))
    cases = {line["case"]: line for line in lines}
    assert set(cases) == {"asked by photo", "asked by photo and category", "most", "chance"}
    assert {line["products"] for line in lines} == {24}
    assert len({line["garments"] for line in lines}) == 1
    for kind in ("category", "colour", "both"):
        for case in ("asked by photo", "asked by photo and category"):
            assert 0 <= cases[case][kind] <= cases["most"][kind] <= 1
        assert 0 < cases["chance"][kind] <= cases["most"][kind]
    assert cases["asked by photo and category"]["category"] > cases["chance"]["category"]
    (picture,) = (tmp_path / "out/pictures").iterdir()
    assert picture.name == "0007.png"
