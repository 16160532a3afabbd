import argparse
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torchvision.models import mobilenet_v2

from benchmarks import parser_comparison
from benchmarks.parser_comparison import CASES, HeldOut, groups_of, spread
from benchmarks.parser_difficulty import Difficulty, background_sharpness, border_contrast
from segmentation.annotations.label_png import LabelPair
from segmentation.garment import Box, Mask
from segmentation.photo import Photo
from segmentation.pix2pix.crop import CropRecipe, frame_person

CLOTHES = np.zeros((80, 60), bool)
CLOTHES[20:70, 20:40] = True


def _pair(stem: str) -> LabelPair:
    return LabelPair(stem, Path(f"{stem}.jpg"), Path(f"{stem}.png"))


def test_contrast_is_that_of_the_colours_beside_the_border() -> None:
    pixels = np.full((80, 60, 3), (250, 250, 250), np.uint8)
    pixels[CLOTHES] = (30, 60, 160)
    far = border_contrast(Photo(pixels), CLOTHES, ~CLOTHES)
    # Far away all is as blue as the clothes; beside them nothing is.
    pixels[:10] = pixels[-4:] = (30, 60, 160)
    assert border_contrast(Photo(pixels), CLOTHES, ~CLOTHES) == pytest.approx(far)
    pixels[~CLOTHES] = (36, 66, 160)
    near = border_contrast(Photo(pixels), CLOTHES, ~CLOTHES)
    assert near is not None
    assert far is not None
    assert near < 5 < 40 < far
    assert border_contrast(Photo(pixels), CLOTHES, np.zeros_like(CLOTHES)) is None


def test_sharpness_is_of_the_background_alone() -> None:
    pixels = np.full((80, 60, 3), 128, np.uint8)
    noise = np.random.default_rng(0).integers(0, 255, (80, 60, 3), np.uint8)
    person = pixels.copy()
    person[CLOTHES] = noise[CLOTHES]
    assert background_sharpness(Photo(person), ~CLOTHES) == 0
    assert background_sharpness(Photo(noise), ~CLOTHES) > 1000


def test_groups_are_the_hardest_quarters() -> None:
    photos = [
        HeldOut(_pair(str(i)), None, Difficulty(None if i == 0 else float(i), float(i % 5)))
        for i in range(8)
    ]
    groups = groups_of(photos)
    assert len(groups["all"]) == 8
    assert groups["alike"] == ["1", "2"]
    assert groups["sharp"] == ["4", "3"]


def test_a_sample_is_spread_over_all_photos() -> None:
    pairs = [_pair(str(i)) for i in range(10)]
    assert [pair.stem for pair in spread(pairs, 4)] == ["0", "2", "5", "7"]
    assert spread(pairs, 99) == pairs


def test_cases_differ_from_the_first_in_what_their_name_says() -> None:
    arguments = argparse.Namespace(whole=False, epochs=1, batch=4)
    first = CASES["grey"].recipe(arguments).as_card()
    assert first["adversarial_weight"] > 0
    for name, changed in {
        "no-adversarial": {"adversarial_weight"},
        "none": {"crop"},
        "black": {"crop"},
        "white": {"crop"},
        "another-seed": {"seed"},
        "classes-59": set(),
        "picture": {"head", "learning_rate", "adversarial_weight", "adversarial_from", "objective"},
    }.items():
        other = CASES[name].recipe(arguments).as_card()
        assert {key for key in first if first[key] != other[key]} == changed


def test_whole_means_all_of_the_photo_and_a_served_card_may_say_so() -> None:
    arguments = argparse.Namespace(whole=True, epochs=1, batch=4)
    crop = CASES["grey"].recipe(arguments).crop
    assert CropRecipe.from_card(crop.as_card()) == crop
    frame = frame_person(Box(50, 90, 52, 99), width=100, height=150, recipe=crop)
    assert (frame.x0, frame.y0, frame.x1, frame.y1) == (0, 0, 100, 150)


@pytest.mark.slow
def test_cases_are_trained_measured_shown_and_not_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = np.zeros((80, 60), np.uint8)
    numbers[CLOTHES] = 2
    numbers[10:20, 25:35] = 1
    (tmp_path / "labels.json").write_text(json.dumps(["null", "skin", "coat"]))
    for stem in ("01", "02", "03", "04", "07", "17"):
        colours = np.array([[90, 160, 90], [230, 190, 160], [40, 60, 160]], np.uint8)
        Image.fromarray(colours[numbers]).save(tmp_path / f"{stem}.jpg")
        Image.fromarray(numbers).save(tmp_path / f"{stem}.png")
    torch.manual_seed(0)
    save_file(mobilenet_v2(num_classes=1001).state_dict(), str(tmp_path / "imagenet"))
    monkeypatch.setenv("GARB_IMAGENET_WEIGHTS", str(tmp_path / "imagenet"))
    monkeypatch.setattr(parser_comparison, "predicted_person", lambda *_: Mask(numbers > 0))
    out = tmp_path / "out"
    command = ["", "--photos", str(tmp_path), "--labels", str(tmp_path), "--out", str(out)]
    command += ["--cases", "grey,picture-59", "--batch", "2"]
    monkeypatch.setattr("sys.argv", command)
    parser_comparison.main()
    grey, picture = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (grey["steps"], grey["all"]["photos"], grey["alike"]["photos"]) == (2, 2, 1)
    assert (picture["head"], len(picture["own"]["iou"])) == ("picture", 59)
    assert set(picture["all"]["iou"]) == {"background", "skin", "hair", "clothes"}
    assert (out / "table.md").read_text().count("\n") == 4
    page = (out / "report.html").read_text()
    assert page.count("picture-59-painted</figcaption>") == page.count("true</figcaption>") > 0

    monkeypatch.setattr(parser_comparison, "train_case", lambda *_: pytest.fail("trained again"))
    parser_comparison.main()
    assert json.loads(capsys.readouterr().out.splitlines()[0]) == grey
    monkeypatch.setattr("sys.argv", [*command, "--epochs", "2"])
    with pytest.raises(SystemExit, match="other options"):
        parser_comparison.main()
