"""A card is not hashed, and somebody may have written in it: what is odd is named when it is loaded."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from indexer.bootstrap import open_models
from indexer.embedder.load import load_embedder
from indexer.settings import Settings
from segmentation.errors import ModelDamaged
from segmentation.execution import Execution
from segmentation.mask_rcnn.class_heads import count_classes
from segmentation.mask_rcnn.predict import MaskRCNNPredictor
from segmentation.models import ModelKind, ModelStore
from segmentation.pix2pix.predict import PersonParser

MISSING = object()
LOADERS = {
    ModelKind.SEGMENTER: MaskRCNNPredictor,
    ModelKind.PARSER: PersonParser,
    ModelKind.EMBEDDER: load_embedder,
}
ODD: list[tuple[str, str, Any]] = [
    ("segmenter", "categories", ["top", "dress"]),
    ("segmenter", "categories", [f"class {number}" for number in range(12)]),
    ("segmenter", "categories", "top"),
    ("segmenter", "categories", list(range(10))),
    ("segmenter", "categories", []),
    ("segmenter", "categories", MISSING),
    ("segmenter", "preprocessing", MISSING),
    ("segmenter", "preprocessing", []),
    ("segmenter", "preprocessing.size", [0, 0]),
    ("segmenter", "preprocessing.size", [100_000, 100_000]),
    ("segmenter", "preprocessing.size", [576.0, 384.0]),
    ("segmenter", "preprocessing.size", [576]),
    ("segmenter", "preprocessing.size", "a"),
    ("segmenter", "preprocessing.mean", ["a", 0, 0]),
    ("segmenter", "preprocessing.mean", [10**400, 0, 0]),
    ("segmenter", "preprocessing.std", [0, 0, 0]),
    ("segmenter", "preprocessing.std", [1, 1, float("nan")]),
    ("segmenter", "preprocessing.std", [1, 1]),
    ("parser", "preprocessing", MISSING),
    ("parser", "preprocessing.width_px", 0),
    ("parser", "preprocessing.height_px", 100_000),
    ("parser", "preprocessing.margin", float("inf")),
    ("parser", "preprocessing.widen", -1),
    ("parser", "preprocessing.background", "plaid"),
    ("parser", "label_set", MISSING),
    ("parser", "label_set.classes", "skin"),
    ("embedder", "dimension", -1),
    ("embedder", "dimension", 5),
    ("embedder", "dimension", "x"),
    ("embedder", "dimension", 10**12),
    ("embedder", "input", MISSING),
    ("embedder", "input.size_px", 0),
    ("embedder", "input.size_px", True),
    ("embedder", "colours.weight", 2),
]


@pytest.fixture
def models(tmp_path: Path) -> ModelStore:
    return open_models(Settings.from_env({"GARB_HOME": str(tmp_path)}))


@pytest.mark.parametrize(("kind", "field", "value"), ODD)
def test_odd_field_is_named_with_its_file(
    models: ModelStore, kind: str, field: str, value: Any
) -> None:
    version = models.get(ModelKind(kind))
    card = copy.deepcopy(version.card)
    *outer, last = field.split(".")
    fields = card
    for name in outer:
        fields = fields[name]
    fields[last] = value
    if value is MISSING:
        del fields[last]
    with pytest.raises(ModelDamaged) as raised:
        LOADERS[ModelKind(kind)](replace(version, card=card), Execution(threads=1))
    message = str(raised.value)
    assert message.startswith(f"{version.card_path}: ")
    assert last in message
    assert "\n" not in message


def test_the_weights_tell_how_many_classes_there_are(models: ModelStore, tmp_path: Path) -> None:
    bundled = models.get(ModelKind.SEGMENTER)
    assert count_classes(bundled.weights_path) == len(bundled.card["categories"])
    name = "roi_heads.box_predictor.cls_score.bias"
    header = json.dumps({name: {"shape": [4]}, f"added.0.{name}": {"shape": [3]}}).encode()
    file = tmp_path / "weights.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header)
    assert count_classes(file) == 3 + 2
    for unknown in (b"", b"\x02" + bytes(7) + b"{}", b"\x09" + bytes(7) + b"\xff" * 9):
        file.write_bytes(unknown)
        assert count_classes(file) is None
