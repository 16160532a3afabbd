"""Averaged versions: the mean of the weights, served and measured like any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from segmentation.annotations.annotated_photo import AnnotatedPhoto, Instance
from segmentation.errors import AnnotationError, ModelError
from segmentation.evaluation.held_out import survey
from segmentation.garment import Mask
from segmentation.mask_rcnn.architecture import Architecture
from segmentation.mask_rcnn.network import build_network
from segmentation.models import GRAPH, WEIGHTS, ModelKind, ModelStore, ModelVersion
from segmentation.training.averaging import average_segmenters
from segmentation.training.export import load_weights, save_weights
from segmentation.training.recipe import Recipe

RECIPE = Recipe(height=128, width=96)
MEAN = [127.5, 127.5, 127.5]


@pytest.fixture
def models(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models", {})


@pytest.fixture
def held_out(tmp_path: Path) -> list[AnnotatedPhoto]:
    pixels = np.random.default_rng(0).integers(0, 256, (120, 90, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "07.png")
    cloth = np.zeros((120, 90), bool)
    cloth[30:70, 20:60] = True
    instances = (Instance("top", Mask(cloth)),)
    return [AnnotatedPhoto(tmp_path / "07.png", lambda: instances, frozenset({"top"}))]


def _version(
    models: ModelStore, name: str, *, seed: int, categories: tuple[str, ...] = ("top",)
) -> ModelVersion:
    torch.manual_seed(seed)
    network = build_network(Architecture.MOBILENET_V2_FPN, classes=len(categories))

    def write(folder: Path) -> None:
        save_weights(network, folder / WEIGHTS)
        (folder / GRAPH).write_bytes(b"not needed to average")

    card = {
        "categories": list(categories),
        "preprocessing": {"size": [128, 96], "fit": "", "mean": MEAN, "std": MEAN},
        "recipe": RECIPE.as_json(),
        "seed": seed,
        "licences": ["photos: CC0"],
    }
    return models.create(ModelKind.SEGMENTER, name, write=write, card=card)


def test_the_weights_are_the_mean_and_the_figures_those_of_the_held_out_photos(
    models: ModelStore, held_out: list[AnnotatedPhoto]
) -> None:
    first, second = _version(models, "a", seed=1), _version(models, "b", seed=2)
    averaged = average_segmenters([first, second], held_out, models=models)
    averaged.verify()
    states = [load_weights(one.weights_path) for one in (first, second, averaged)]
    for name, value in states[2].items():
        if value.is_floating_point():
            mean = (states[0][name].float() + states[1][name].float()) / 2
            torch.testing.assert_close(value.float(), mean, atol=2e-3, rtol=2e-3)
    card = averaged.card
    assert [one["version"] for one in card["averaged"]] == ["a", "b"]
    assert card["licences"] == ["photos: CC0"]
    assert card["figures"]["held_out"]["photos"] == 1
    assert card["figures"]["held_out_identity"] == survey(held_out).identity


def test_one_version_or_no_photo_is_refused(
    models: ModelStore, held_out: list[AnnotatedPhoto]
) -> None:
    first, second = _version(models, "a", seed=1), _version(models, "b", seed=2)
    with pytest.raises(ModelError, match="two versions"):
        average_segmenters([first], held_out, models=models)
    with pytest.raises(AnnotationError, match="held out"):
        average_segmenters([first, second], [], models=models)


def test_versions_of_other_categories_are_refused(
    models: ModelStore, held_out: list[AnnotatedPhoto]
) -> None:
    first, second = (
        _version(models, "a", seed=1),
        _version(models, "b", seed=2, categories=("bag",)),
    )
    with pytest.raises(ModelError, match="a and b differ"):
        average_segmenters([first, second], held_out, models=models)
