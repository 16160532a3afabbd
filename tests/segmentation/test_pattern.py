"""The pattern of a garment's cloth."""

from __future__ import annotations

import json
import shutil
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from indexer.tagging import with_patterns
from segmentation.errors import ModelDamaged
from segmentation.execution import Execution
from segmentation.garment import Box, Cutout, Garment
from segmentation.pattern import CLASSES, PatternTagger, pixels_of
from segmentation.pattern_words import PATTERNS, pattern_of

BUNDLED = Path(str(resources.files("segmentation"))) / "weights" / "pattern"


@pytest.fixture(scope="module")
def tagger() -> PatternTagger:
    return PatternTagger(Execution(threads=1))


def cloth(stripes_px: int = 0) -> Cutout:
    """Navy cloth in a square, with white stripes across if asked."""
    pixels = np.full((224, 224, 3), 128, np.uint8)
    alpha = np.zeros((224, 224), np.uint8)
    alpha[30:194, 50:174] = 255
    pixels[alpha > 0] = (40, 48, 84)
    if stripes_px:
        rows = (np.arange(224) // (stripes_px // 2)) % 2 == 0
        pixels[rows[:, None] & (alpha > 0)] = (236, 234, 228)
    return Cutout(pixels, alpha)


def test_plain_and_striped_cloth_are_told_apart(tagger: PatternTagger) -> None:
    assert tagger.patterns_of([cloth(), cloth(12), cloth(20)]) == ["plain", "striped", "striped"]
    assert tagger.patterns_of([]) == []


def test_what_is_not_cloth_does_not_count(tagger: PatternTagger) -> None:
    plain, busy = cloth(), cloth()
    noise = np.random.default_rng(0).integers(0, 256, busy.pixels.shape, np.uint8)
    busy.pixels[busy.alpha == 0] = noise[busy.alpha == 0]
    np.testing.assert_array_equal(pixels_of(plain), pixels_of(busy))


def test_garments_of_no_cloth_have_no_pattern(tagger: PatternTagger) -> None:
    garments = [
        Garment(category, 0.9, Box(0, 0, 9, 9), None) for category in ("top", "shoes", None)
    ]
    cutouts = [cloth(12)] * 3
    found = with_patterns(garments, cutouts, tagger)
    assert [one.pattern for one in found] == ["striped", None, None]
    assert found[0].tags == ("striped", "top")
    assert with_patterns(garments, cutouts, None) == tuple(garments)


def test_a_damaged_graph_or_another_list_of_classes_is_refused(tmp_path: Path) -> None:
    for name, damage in (
        ("model.onnx", lambda data: data[:-1] + bytes([data[-1] ^ 1])),
        ("card.json", lambda data: json.dumps({**json.loads(data), "classes": ["plain"]}).encode()),
    ):
        folder = tmp_path / name
        shutil.copytree(BUNDLED, folder)
        (folder / name).write_bytes(damage((folder / name).read_bytes()))
        with pytest.raises(ModelDamaged):
            PatternTagger(folder=folder)


def test_every_pattern_is_called_by_its_name_and_by_no_others() -> None:
    assert [pattern_of(name.upper()) for name in PATTERNS] == list(PATTERNS)
    assert pattern_of("plaid") == "checked"
    assert pattern_of("red") is None
    assert (*PATTERNS, "other") == CLASSES
