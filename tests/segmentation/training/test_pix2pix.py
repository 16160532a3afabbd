import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from segmentation.annotations.label_png import LabelPair, read_label_map
from segmentation.errors import AnnotationError, ModelError
from segmentation.execution import Execution
from segmentation.garment import Mask, mask_iou
from segmentation.graph import load_reference_graph
from segmentation.labels import parser_label_set
from segmentation.models import ModelKind, ModelStore
from segmentation.photo import read_photo
from segmentation.pix2pix.crop import CropRecipe
from segmentation.pix2pix.networks import GeneratorKind, ParserNetwork
from segmentation.pix2pix.palette import Head
from segmentation.pix2pix.predict import INPUT, OUTPUT, PersonParser
from segmentation.training.pix2pix import (
    LOG,
    ParserProgress,
    ParserRecipe,
    TrainedParser,
    train_parser,
)

NAMES = ("null", "skin", "hair", "coat")
RECIPE = ParserRecipe(
    epochs=2,
    batch=2,
    crop=CropRecipe(width_px=32, height_px=64),
    adversarial_from=0.25,
    discriminator_width=4,
    discriminator_shrink=1,
    precision="32-true",
)


class Killed(Exception):
    """Stands for the process ending between two steps."""


@pytest.fixture
def pairs(tmp_path: Path) -> list[LabelPair]:
    found = []
    for stem in ("01", "02", "03", "04", "05", "07"):
        numbers = np.zeros((64, 64), np.uint8)
        numbers[8:60, 20:44] = 3
        numbers[8:20, 26:38] = 2
        numbers[14:20, 28:36] = 1
        colours = np.uint8([[90, 160, 90], [230, 190, 160], [60, 40, 20], [40, 60, 160]])
        noise = np.random.default_rng(int(stem)).integers(0, 25, (64, 64, 3), dtype=np.uint8)
        photo, label = tmp_path / f"{stem}.png", tmp_path / f"label_{stem}.png"
        Image.fromarray(colours[numbers] + noise).save(photo)
        Image.fromarray(numbers).save(label)
        found.append(LabelPair(stem, photo, label))
    return found


def _train(
    pairs: list[LabelPair], work_dir: Path, recipe: ParserRecipe = RECIPE, *, kill_at: int = 0
) -> TrainedParser:
    def on_progress(progress: ParserProgress) -> None:
        if progress.step == kill_at:
            raise Killed

    return train_parser(
        pairs=pairs,
        names=NAMES,
        label_set=parser_label_set(4),
        work_dir=work_dir,
        recipe=recipe,
        checkpoint_seconds=-1.0,
        on_progress=on_progress,
    )


@pytest.mark.parametrize("kill_at", [3, 4])
def test_training_killed_and_resumed_equals_an_unbroken_one(
    pairs: list[LabelPair], tmp_path: Path, kill_at: int
) -> None:
    whole = _train(pairs, tmp_path / "whole")
    with pytest.raises(Killed):
        _train(pairs, tmp_path / "broken", kill_at=kill_at)
    resumed = _train(pairs, tmp_path / "broken")
    for name, value in whole.generator.state_dict().items():
        assert torch.equal(value, resumed.generator.state_dict()[name]), name
    for one, other in zip(whole.history, resumed.history, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}


def test_finished_training_returns_at_once_and_logs_each_epoch(
    pairs: list[LabelPair], tmp_path: Path
) -> None:
    first = _train(pairs, tmp_path / "work")
    again = _train(pairs, tmp_path / "work", kill_at=1)
    assert torch.equal(
        first.generator.state_dict()["head.0.weight"], again.generator.state_dict()["head.0.weight"]
    )
    entries = [json.loads(line) for line in (tmp_path / "work" / LOG).read_text().splitlines()]
    assert [entry["epoch"] for entry in entries] == [1, 2]
    assert {"reconstruction", "adversarial", "discriminator"} <= set(entries[1])


def test_validation_photos_are_never_read(pairs: list[LabelPair], tmp_path: Path) -> None:
    held_out = next(pair for pair in pairs if pair.stem == "07")
    held_out.path.write_bytes(b"not a photo")
    assert _train(pairs, tmp_path / "work").photos == 5
    with pytest.raises(AnnotationError):
        _train([held_out], tmp_path / "none")


def test_checkpoint_of_another_recipe_is_refused(pairs: list[LabelPair], tmp_path: Path) -> None:
    _train(pairs, tmp_path / "work")
    with pytest.raises(ModelError):
        _train(pairs, tmp_path / "work", dataclasses.replace(RECIPE, seed=1))


def test_loss_falls_on_an_easy_task(pairs: list[LabelPair], tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, epochs=8, learning_rate=4e-3, adversarial_weight=0.0)
    history = _train(pairs, tmp_path / "work", recipe).history
    assert history[-1]["reconstruction"] < 0.6 * history[0]["reconstruction"]


@pytest.mark.parametrize("kind", GeneratorKind)
def test_exported_graph_agrees_with_torch_and_serves(
    pairs: list[LabelPair], tmp_path: Path, kind: GeneratorKind
) -> None:
    recipe = dataclasses.replace(RECIPE, generator=kind, epochs=1)
    trained = _train(pairs, tmp_path / "work", recipe)
    store = ModelStore(tmp_path / "models", {})
    version = store.create(
        ModelKind.PARSER, "parser-test", write=trained.write, card=trained.card()
    )
    photo = torch.rand(1, 3, 64, 32) * 2 - 1
    with torch.no_grad():
        expected = ParserNetwork(trained.generator).eval()(photo).numpy()
    outputs = load_reference_graph(version.graph_path).run({INPUT: photo.numpy()})
    assert np.abs(outputs[OUTPUT] - expected).max() < 1e-3
    parser = PersonParser(version, Execution(threads=1))
    street = read_photo(pairs[0].path)
    person = np.zeros((64, 64), bool)
    person[8:60, 20:44] = True
    regions = parser.parse(street, Mask(person))
    assert regions.clothes.pixels.shape == (64, 64)
    assert parser.version == "parser-test"


def test_a_picture_in_palette_colours_is_learned_exported_and_read_back(
    pairs: list[LabelPair], tmp_path: Path
) -> None:
    recipe = dataclasses.replace(RECIPE, head=Head.PICTURE, epochs=8, learning_rate=8e-3)
    trained = _train(pairs, tmp_path / "work", recipe)
    assert {"reconstruction", "adversarial", "discriminator"} <= set(trained.history[-1])
    assert trained.history[-1]["reconstruction"] < 0.3 * trained.history[0]["reconstruction"]
    version = ModelStore(tmp_path / "models", {}).create(
        ModelKind.PARSER, "picture", write=trained.write, card=trained.card()
    )
    photo = torch.rand(1, 3, 64, 32) * 2 - 1
    with torch.no_grad():
        expected = ParserNetwork(trained.generator, Head.PICTURE).eval()(photo).numpy()
    picture = load_reference_graph(version.graph_path).run({INPUT: photo.numpy()})[OUTPUT]
    assert picture.shape == (1, 3, 64, 32)
    assert np.abs(picture - expected).max() < 1 / 127.5
    truth = read_label_map(pairs[0].label_path)
    found = PersonParser(version, Execution(threads=1)).label_map(
        read_photo(pairs[0].path), Mask(truth > 0)
    )
    assert mask_iou(found == 3, truth == 3) > 0.7


def test_training_goes_on_from_weights_and_keeps_no_foreign_head(
    pairs: list[LabelPair], tmp_path: Path
) -> None:
    trained = _train(pairs, tmp_path / "work", dataclasses.replace(RECIPE, epochs=1))
    trained.write(tmp_path)
    wider = train_parser(
        pairs=pairs,
        names=NAMES,
        label_set=parser_label_set(29),
        work_dir=tmp_path / "wider",
        recipe=dataclasses.replace(RECIPE, epochs=1),
        init_weights=tmp_path / "weights.safetensors",
    )
    assert wider.generator.state_dict()["head.0.bias"].shape == (29 * 4,)
    with pytest.raises(ModelError):
        train_parser(
            pairs=pairs,
            names=NAMES,
            label_set=parser_label_set(4),
            work_dir=tmp_path / "unet",
            recipe=dataclasses.replace(RECIPE, generator=GeneratorKind.UNET),
            init_weights=tmp_path / "weights.safetensors",
        )
