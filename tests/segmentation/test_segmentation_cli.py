"""The segmentation commands as a user meets them: exit codes and one-line reasons."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from segmentation import segmenter_cli
from segmentation.mask_rcnn.architecture import Architecture
from segmentation.models import ModelKind, ModelVersion
from segmentation.training.recipe import Start

ROOT = Path(__file__).parents[2]


def garb(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "search_api", *arguments],
        env={**os.environ, "GARB_HOME": str(home)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_extending_needs_a_version_to_extend(tmp_path: Path) -> None:
    for name in ("a", "7"):
        Image.new("RGB", (30, 30)).save(tmp_path / f"{name}.png")
    shape = {"name": "rect", "x": 5, "y": 5, "width": 20, "height": 20}
    regions = [{"shape_attributes": shape, "region_attributes": {"class": "scarf"}}]
    document = {name: {"filename": f"{name}.png", "regions": regions} for name in ("a", "7")}
    (tmp_path / "via.json").write_text(json.dumps(document))
    arguments = ["segmenter", "train", str(tmp_path / "via.json"), "--photos", str(tmp_path)]
    ran = garb(tmp_path, *arguments, "--classes", "extend", "--init", "none")
    assert ran.returncode == 1
    assert ran.stderr.strip().splitlines()[-1].startswith("garb: --classes extend needs a version")


def test_a_version_is_extended_at_its_own_size(tmp_path: Path) -> None:
    (tmp_path / "via.json").write_text("{}")
    arguments = ["segmenter", "train", str(tmp_path / "via.json"), "--photos", str(tmp_path)]
    ran = garb(tmp_path, *arguments, "--classes", "extend", "--size", "640")
    assert ran.returncode == 2
    assert "leave --size out" in " ".join(ran.stderr.replace("│", " ").split())


def test_size_and_architecture_are_those_of_the_start(tmp_path: Path) -> None:
    preprocessing = {"size": [640, 448]}
    card = {"preprocessing": preprocessing, "recipe": {"architecture": "resnet50_fpn_v2"}}
    version = ModelVersion(ModelKind.SEGMENTER, "large", tmp_path, card)
    assert segmenter_cli._canvas(None, version, extends=True) == (640, 448)
    assert segmenter_cli._canvas(288, version, extends=False) == (288, 192)
    assert segmenter_cli._canvas(None, Start.NONE, extends=False) == (576, 384)
    large, small = Architecture.RESNET50_FPN_V2, Architecture.MOBILENET_V2_FPN
    assert segmenter_cli._architecture(None, version) is large
    assert segmenter_cli._architecture(None, Start.COCO) is large
    assert segmenter_cli._architecture(None, Start.IMAGENET) is small
    assert segmenter_cli._architecture(small, Start.COCO) is small


def test_missing_annotations_exit_1_and_wrong_usage_2(tmp_path: Path) -> None:
    missing = garb(tmp_path, "segmenter", "evaluate", "none.json", "--photos", str(tmp_path))
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "none.json" in missing.stderr
    assert garb(tmp_path, "segmenter", "evaluate").returncode == 2


def test_a_segmenter_is_not_measured_on_no_photo(tmp_path: Path) -> None:
    Image.new("RGB", (30, 30)).save(tmp_path / "a.png")
    shape = {"name": "rect", "x": 5, "y": 5, "width": 20, "height": 20}
    regions = [{"shape_attributes": shape, "region_attributes": {"class": "bag"}}]
    (tmp_path / "via.json").write_text(json.dumps({"a": {"filename": "a.png", "regions": regions}}))
    arguments = ["segmenter", "evaluate", str(tmp_path / "via.json"), "--photos", str(tmp_path)]
    ran = garb(tmp_path, *arguments, "--held-out")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "no photo to measure on" in ran.stderr
    # No activation is judged by it.
    assert not list(tmp_path.rglob(".measured"))


def test_further_labels_of_other_names_are_refused(tmp_path: Path) -> None:
    for folder, names in (("own", ["null", "skin"]), ("further", ["null", "hair"])):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "labels.json").write_text(json.dumps(names))
        Image.new("RGB", (8, 8)).save(tmp_path / folder / "a.jpg")
        Image.new("L", (8, 8)).save(tmp_path / folder / "a.png")
    own, further = str(tmp_path / "own"), str(tmp_path / "further")
    train = ["parser", "train", "--photos", own, "--labels", own, "--extra-photos", further]
    assert garb(tmp_path, *train).returncode == 2
    refused = garb(tmp_path, *train, "--extra-labels", further)
    assert refused.returncode == 1
    assert "is not that of --labels" in refused.stderr


@pytest.mark.parametrize("kind", ["segmenter", "parser", "embedder"])
def test_bundled_version_is_listed_as_active(kind: str, tmp_path: Path) -> None:
    (only,) = json.loads(garb(tmp_path, kind, "list", "--json").stdout)
    assert only["active"]
    assert only["figures"]
    assert only["coverage"] == 0.0  # of an empty catalog
