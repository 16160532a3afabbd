import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from segmentation.annotations.annotated_photo import AnnotatedPhoto, Instance
from segmentation.errors import AnnotationError
from segmentation.execution import Execution, Profile
from segmentation.garment import Mask
from segmentation.graph import load_graph, load_reference_graph
from segmentation.mask_rcnn.architecture import Architecture
from segmentation.mask_rcnn.network import CLASS_HEADS, LEAST_SCORE, MaskRCNN, build_network
from segmentation.training.export import export_onnx, load_weights, round_to_half, save_weights
from segmentation.training.mask_rcnn import (
    CHECKPOINT,
    LOG,
    TrainedNetwork,
    TrainingPhotos,
    train_mask_rcnn,
)
from segmentation.training.recipe import Fresh, Recipe
from segmentation.training.segmenter import INPUTS, OUTPUTS, check_parity

# Of four steps two are averaged.
RECIPE = Recipe(
    height=128, width=96, epochs=2, batch=2, averaged_share=0.5, checkpoint_seconds=-1.0
)
CATEGORIES = ("top", "person")


class Killed(Exception):
    """Stands for the process ending between two steps."""


@pytest.fixture
def photos(tmp_path: Path) -> list[AnnotatedPhoto]:
    found = []
    for number in range(4):
        rng = np.random.default_rng(number)
        pixels = rng.integers(0, 90, (120, 90, 3)).astype(np.uint8)
        cloth = np.zeros((120, 90), bool)
        cloth[30 : 70 + number, 20:60] = True
        pixels[cloth] += 120
        path = tmp_path / f"{number}.png"
        Image.fromarray(pixels).save(path)
        instances = (Instance("top", Mask(cloth)), Instance("person", Mask(cloth)))
        found.append(AnnotatedPhoto(path, lambda i=instances: i, frozenset(CATEGORIES)))
    return found


def _run(
    photos: list[AnnotatedPhoto],
    work_dir: Path,
    recipe: Recipe = RECIPE,
    *,
    network: MaskRCNN | None = None,
    **options: Any,
) -> TrainedNetwork:
    data = TrainingPhotos(photos[:3], CATEGORIES, extra=photos[3:])
    torch.manual_seed(recipe.seed)
    network = network or build_network(recipe.architecture, classes=len(CATEGORIES))
    return train_mask_rcnn(network, data, recipe=recipe, work_dir=work_dir, **options)


def _train(photos: list[AnnotatedPhoto], work_dir: Path, recipe: Recipe = RECIPE) -> Any:
    return _run(photos, work_dir, recipe).network.state_dict()


@pytest.mark.parametrize("kill_at", [2, 3])
def test_training_killed_and_resumed_equals_an_unbroken_one(
    photos: list[AnnotatedPhoto], tmp_path: Path, kill_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _run(photos, tmp_path / "whole")
    taken = 0
    original = MaskRCNN.losses

    def losses(network: MaskRCNN, *batch: Any) -> Any:
        nonlocal taken
        taken += 1
        if taken == kill_at:
            raise Killed
        return original(network, *batch)

    monkeypatch.setattr(MaskRCNN, "losses", losses)
    with pytest.raises(Killed):
        _run(photos, tmp_path / "broken")
    resumed = _run(photos, tmp_path / "broken")
    assert taken == 5
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name]), name
    # One curve, as if nothing had happened.
    assert resumed.curve == whole.curve
    assert [step for step, _ in whole.curve] == [1, 2, 3, 4]
    assert [entry["losses"] for entry in resumed.history] == [e["losses"] for e in whole.history]


@pytest.mark.parametrize("kill_at", range(1, 9))
def test_a_log_leaves_no_epoch_out_wherever_a_save_was_killed(
    photos: list[AnnotatedPhoto], tmp_path: Path, kill_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed as the file is written, and right after it is there: each of four steps is saved."""
    replaced = 0
    original = os.replace

    def replace(source: Path, target: Path) -> None:
        nonlocal replaced
        replaced += 1
        if 2 * replaced - 1 == kill_at:
            raise Killed
        original(source, target)
        if 2 * replaced == kill_at:
            raise Killed

    monkeypatch.setattr("segmentation.training.checkpoint.os.replace", replace)
    with pytest.raises(Killed):
        _run(photos, tmp_path / "work")
    _run(photos, tmp_path / "work")
    lines = (tmp_path / "work" / LOG).read_text().splitlines()
    epochs = [json.loads(line)["epoch"] for line in lines]
    assert epochs in ([1, 2], [1, 1, 2], [1, 2, 2])


def test_training_changes_the_heads_and_logs_each_epoch(
    photos: list[AnnotatedPhoto], tmp_path: Path
) -> None:
    recipe = dataclasses.replace(RECIPE, epochs=1)
    torch.manual_seed(recipe.seed)
    before = build_network(recipe.architecture, classes=2).state_dict()
    after = _train(photos, tmp_path / "work", recipe)
    key = "roi_heads.box_predictor.cls_score.weight"
    assert not torch.equal(before[key], after[key])
    stem = "backbone.body.1.conv.0.0.weight"
    assert torch.equal(before[stem], after[stem])
    (entry,) = map(json.loads, (tmp_path / "work" / "log.jsonl").read_text().splitlines())
    assert entry["epoch"] == 1
    assert len(entry["losses"]) == 5
    assert not list((tmp_path / "work").glob("*.tmp"))


def test_what_comes_out_is_the_exponential_mean_of_the_steps(
    photos: list[AnnotatedPhoto], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "roi_heads.box_predictor.cls_score.weight"
    steps: list[Tensor] = []
    original = MaskRCNN.losses

    def losses(network: MaskRCNN, *batch: Any) -> Any:
        steps.append(network.state_dict()[key].clone())
        return original(network, *batch)

    monkeypatch.setattr(MaskRCNN, "losses", losses)
    averaged = _train(photos, tmp_path / "work")[key]
    state = torch.load(tmp_path / "work" / CHECKPOINT, weights_only=True)
    _, first, second, third = steps
    expected = (((first + second) / 2 + third) / 2 + state["network"][key]) / 2
    assert torch.allclose(averaged, expected, atol=1e-7)
    assert not torch.allclose(averaged, state["network"][key], atol=1e-7)


def test_checkpoint_of_another_recipe_is_not_resumed(
    photos: list[AnnotatedPhoto], tmp_path: Path
) -> None:
    recipe = dataclasses.replace(RECIPE, epochs=1)
    _train(photos, tmp_path / "work", recipe)
    other = _train(photos, tmp_path / "work", dataclasses.replace(recipe, seed=1))
    fresh = _train(photos, tmp_path / "fresh", dataclasses.replace(recipe, seed=1))
    assert all(torch.equal(value, other[name]) for name, value in fresh.items())
    state = torch.load(tmp_path / "work" / CHECKPOINT, weights_only=True)
    assert state["recipe"]["seed"] == 1


def test_nothing_to_train_on_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError):
        _train([], tmp_path)


def test_class_heads_are_trained_alone_at_first(
    photos: list[AnnotatedPhoto], tmp_path: Path
) -> None:
    recipe = dataclasses.replace(RECIPE, epochs=1, heads_share=1.0)
    torch.manual_seed(recipe.seed)
    before = build_network(recipe.architecture, classes=2).state_dict()
    after = _run(photos, tmp_path / "work", recipe, fresh=Fresh.CLASS_HEADS).network.state_dict()
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert changed
    assert all(name.startswith(CLASS_HEADS) for name in changed)


def test_only_the_heads_added_last_are_trained(
    photos: list[AnnotatedPhoto], tmp_path: Path
) -> None:
    recipe = dataclasses.replace(RECIPE, epochs=1)
    torch.manual_seed(recipe.seed)
    network = build_network(recipe.architecture, classes=3, added=[1, len(CATEGORIES)])
    before = {name: value.clone() for name, value in network.state_dict().items()}
    trained = _run(photos, tmp_path / "work", recipe, network=network)
    after = trained.network.state_dict()
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert all(name.startswith("added.1.") for name in changed)
    assert {name.split(".")[2] for name in changed} == {"rpn", "roi_heads"}
    assert len(trained.history[0]["losses"]) == 5


def test_running_statistics_move_only_in_what_learns(
    photos: list[AnnotatedPhoto], tmp_path: Path
) -> None:
    recipe = dataclasses.replace(RECIPE, epochs=1)
    moved = {}
    for added in ((), (len(CATEGORIES),)):
        network = build_network(recipe.architecture, classes=len(CATEGORIES), added=added)
        stem = network.backbone.body["0"]
        # As a ResNet has it; the small network's are frozen.
        norm = torch.nn.BatchNorm2d(32)
        network.backbone.body["0"] = torch.nn.Sequential(stem, norm)
        if added:
            heads = network.learning.roi_heads
            heads.box_head.fc6 = torch.nn.Sequential(heads.box_head.fc6, torch.nn.BatchNorm1d(512))
        trained = _run(photos, tmp_path / f"{len(added)}", recipe, network=network)
        moved[len(added)] = {
            name.split(".")[0]
            for name, value in trained.network.state_dict().items()
            if name.endswith("running_mean") and value.any()
        }
    assert moved == {0: {"backbone"}, 1: {"added"}}


def test_training_stops_when_it_gets_worse_and_keeps_the_best_epoch(
    photos: list[AnnotatedPhoto], tmp_path: Path
) -> None:
    recipe = dataclasses.replace(RECIPE, epochs=9, batch=4, patience=2)
    measures = iter([0.2, 0.5, 0.3, 0.1])
    seen: list[Any] = []

    def measure(network: Any) -> float:
        seen.append({name: value.clone() for name, value in network.state_dict().items()})
        return next(measures)

    trained = _run(photos, tmp_path / "work", recipe, measure=measure)
    assert [entry["held_out_mask_ap"] for entry in trained.history] == [0.2, 0.5, 0.3, 0.1]
    assert trained.chosen_epoch == 2
    for name, value in trained.network.state_dict().items():
        assert torch.equal(value, seen[1][name]), name
    # Asked again it is finished: nothing is measured, and the same epoch is kept.
    again = _run(photos, tmp_path / "work", recipe, measure=measure)
    assert len(again.history) == 4
    assert again.chosen_epoch == 2
    assert [path.name for path in (tmp_path / "work").glob("kept-*")] == ["kept-2.pt"]


def test_exported_graph_agrees_with_torch_in_both_runtimes_at_any_size(tmp_path: Path) -> None:
    torch.manual_seed(3)
    network = build_network(Architecture.MOBILENET_V2_FPN, classes=2, proposals=50).eval()
    round_to_half(network)
    image = torch.randn(1, 3, 128, 96)
    path = tmp_path / "model.onnx"
    axes = {"image": {2: "height", 3: "width"}, **{name: {0: "n"} for name in OUTPUTS}}
    export_onnx(
        network,
        (image, torch.tensor([0.05])),
        path,
        input_names=INPUTS,
        output_names=OUTPUTS,
        dynamic_axes=axes,
    )
    check_parity(network, path, image)
    # Another size than it was exported with: the fast profile sees photos smaller.
    image = torch.randn(1, 3, 96, 64)
    with torch.no_grad():
        boxes, labels, scores, masks = (value.numpy() for value in network(image))
    assert len(boxes) > 5
    shapes = {"image": (1, 3, 96, 64)}
    exact = Execution(threads=1, profile=Profile.EXACT)
    graphs = load_reference_graph(path), load_graph(path, exact, input_shapes=shapes)
    for graph in graphs:
        least = np.array([LEAST_SCORE], np.float32)
        found = graph.run({"image": image.numpy(), "least_score": least})
        for box, label, score, mask in list(zip(boxes, labels, scores, masks, strict=True))[:5]:
            near = np.abs(found["boxes"] - box).max(axis=1) + 100 * (found["labels"] != label)
            best = int(near.argmin())
            assert near[best] < 0.5
            assert found["scores"][best] == pytest.approx(score, abs=5e-3)
            assert np.abs(found["masks"][best] - mask).max() < 0.02
        middle = np.median(found["scores"])
        least = np.array([middle], np.float32)
        better = graph.run({"image": image.numpy(), "least_score": least})
        kept = found["scores"] > middle
        assert 0 < kept.sum() < len(kept)
        for name in OUTPUTS:
            np.testing.assert_allclose(better[name], found[name][kept], atol=1e-4)


def test_saved_weights_are_halves_and_come_back_as_they_were_rounded(tmp_path: Path) -> None:
    network = torch.nn.Sequential(torch.nn.Linear(9, 9), torch.nn.BatchNorm1d(9))
    round_to_half(network)
    save_weights(network, tmp_path / "weights.safetensors")
    (tmp_path / "other").touch()
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1, "servers of other users read it too, where the umask lets them"
    loaded = load_weights(tmp_path / "weights.safetensors")
    for name, value in network.state_dict().items():
        assert loaded[name].dtype == value.dtype
        assert torch.equal(loaded[name], value)
    assert (tmp_path / "weights.safetensors").stat().st_size < 1500
