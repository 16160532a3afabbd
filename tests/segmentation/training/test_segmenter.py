import json
from contextlib import nullcontext
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.models.detection import MaskRCNN_ResNet50_FPN_V2_Weights, maskrcnn_resnet50_fpn_v2

from segmentation.annotations.annotated_photo import AnnotatedPhoto, Instance
from segmentation.errors import AnnotationError, ModelError
from segmentation.evaluation.held_out import survey
from segmentation.garment import Mask
from segmentation.mask_rcnn.architecture import Architecture
from segmentation.mask_rcnn.network import MaskRCNN, build_network
from segmentation.mask_rcnn.predict import MaskRCNNPredictor
from segmentation.models import GRAPH, REPORT, WEIGHTS, ModelKind, ModelStore, ModelVersion
from segmentation.photo import read_photo
from segmentation.training.export import save_weights
from segmentation.training.initial import fresh_part, initial_network
from segmentation.training.recipe import Fresh, Recipe, Start
from segmentation.training.segmenter import (
    categories_of,
    check_parity,
    train_segmenter,
)

RECIPE = Recipe(height=128, width=96, epochs=1, batch=2)
# Parameters with rows for each class, and how many.
HEADS = (
    ("box_predictor.cls_score.weight", 1),
    ("box_predictor.cls_score.bias", 1),
    ("box_predictor.bbox_pred.weight", 4),
    ("mask_predictor.mask_fcn_logits.weight", 1),
)


def _annotated(name: str, *labelled: str) -> AnnotatedPhoto:
    return AnnotatedPhoto(Path(name), lambda: (), frozenset(labelled))


def test_categories_are_garbs_order_then_others_by_name() -> None:
    photos = [_annotated("a", "person", "zebra"), _annotated("b", "bag", "apron", "top")]
    assert categories_of(photos) == ("top", "bag", "person", "apron", "zebra")


def _version(tmp_path: Path, categories: list[str]) -> ModelVersion:
    torch.manual_seed(9)
    network = build_network(Architecture.MOBILENET_V2_FPN, classes=len(categories))

    def write(folder: Path) -> None:
        save_weights(network, folder / WEIGHTS)
        (folder / GRAPH).write_bytes(b"not needed to train on")

    card = {"categories": categories, "recipe": RECIPE.as_json()}
    return ModelStore(tmp_path / "models", {}).create(
        ModelKind.SEGMENTER, "old", write=write, card=card
    )


def test_known_classes_keep_their_rows_by_name_or_by_what_it_means(tmp_path: Path) -> None:
    old = build_network(Architecture.MOBILENET_V2_FPN, classes=3)
    version = _version(tmp_path, ["top", "shoes", "bag"])
    initial = initial_network(version, ["bag", "cape", "top", "boots"], RECIPE).state_dict()
    before = initial_network(version, ["top", "shoes", "bag"], RECIPE).state_dict()
    fresh = initial_network(Start.NONE, ["bag", "cape", "top", "boots"], RECIPE).state_dict()
    rows = {0: 0, 1: 3, 3: 1, 4: 2}
    for name, per_class in HEADS:
        key = f"roi_heads.{name}"
        for new, source in rows.items():
            one = initial[key][new * per_class : (new + 1) * per_class]
            assert torch.equal(one, before[key][source * per_class : (source + 1) * per_class])
        cape = initial[key].split(per_class)[2]
        if "cls_score" in name:
            assert torch.equal(cape, fresh[key].split(per_class)[2])
        else:  # Whatever it is, its box and its mask begin as all others' do.
            others = torch.stack(before[key].split(per_class)[1:])
            torch.testing.assert_close(cape, others.mean(dim=0))
    assert torch.equal(initial["rpn.head.cls_logits.weight"], before["rpn.head.cls_logits.weight"])
    assert set(initial) == set(old.state_dict())


def test_the_person_comes_with_cocos_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """A random checkpoint of COCO's form stands for the one that is downloaded."""
    torch.manual_seed(4)
    coco = maskrcnn_resnet50_fpn_v2(weights=None, weights_backbone=None).state_dict()
    monkeypatch.setattr(
        MaskRCNN_ResNet50_FPN_V2_Weights, "get_state_dict", lambda _self, **_options: coco
    )
    recipe = Recipe(architecture=Architecture.RESNET50_FPN_V2)
    own = initial_network(Start.COCO, ["top", "person"], recipe).state_dict()
    for name in (
        "backbone.body.conv1.weight",
        "rpn.head.cls_logits.weight",
        "roi_heads.box_head.5.weight",
    ):
        assert torch.equal(own[name], coco[name])
    for name, per_class in HEADS:
        background, top, person = own[f"roi_heads.{name}"].split(per_class)
        rows = coco[f"roi_heads.{name}"].split(per_class)
        assert torch.equal(background, rows[0])
        assert torch.equal(person, rows[1])
        assert not any(torch.equal(top, row) for row in rows)


def test_another_architecture_or_a_damaged_file_is_refused(tmp_path: Path) -> None:
    version = _version(tmp_path, ["top"])
    wide = Recipe(architecture=Architecture.RESNET50_FPN_V2)
    with pytest.raises(ModelError, match="mobilenet_v2_fpn"):
        initial_network(version, ["top"], wide)
    with pytest.raises(ModelError, match="resnet50_fpn_v2"):
        initial_network(Start.COCO, ["top"], RECIPE)
    version.weights_path.write_bytes(b"changed")
    with pytest.raises(ModelError):
        initial_network(version, ["top"], RECIPE)


@pytest.mark.parametrize(("alike", "refused"), [(8, False), (6, False), (3, True), (0, True)])
def test_a_graph_that_finds_little_of_what_torch_finds_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alike: int, refused: bool
) -> None:
    boxes = torch.rand(8, 4, generator=torch.Generator().manual_seed(3)) * 90
    labels, scores = torch.ones(8, dtype=torch.int64), torch.linspace(0.9, 0.2, 8)

    class Found:
        def run(self, inputs: object) -> dict[str, np.ndarray]:
            moved = boxes.numpy() + np.where(np.arange(8) < alike, 0.5, 20.0)[:, None]
            return {"boxes": moved, "labels": labels.numpy(), "scores": scores.numpy()}

    def network(image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return boxes, labels, scores, torch.zeros(8, 1, 28, 28)

    monkeypatch.setattr(
        "segmentation.training.segmenter.load_reference_graph", lambda path: Found()
    )
    expected = pytest.raises(ModelError, match="differs from torch") if refused else nullcontext()
    with expected:
        check_parity(cast(MaskRCNN, network), tmp_path / "model.onnx", torch.zeros(1, 3, 128, 96))


def _drawn(folder: Path, stem: str) -> AnnotatedPhoto:
    rng = np.random.default_rng(int(stem))
    pixels = rng.integers(0, 90, (120, 90, 3)).astype(np.uint8)
    cloth = np.zeros((120, 90), bool)
    cloth[30:70, 20:60] = True
    pixels[cloth] += 120
    Image.fromarray(pixels).save(folder / f"{stem}.png")
    instances = (Instance("top", Mask(cloth)),)
    return AnnotatedPhoto(folder / f"{stem}.png", lambda: instances, frozenset({"top"}))


def test_training_leaves_a_served_version_with_its_figures(tmp_path: Path) -> None:
    photos = [_drawn(tmp_path, stem) for stem in ("01", "02", "07")]
    kept, held = photos[:2], photos[2:]
    store = ModelStore(tmp_path / "models", {})
    trained = train_segmenter(
        kept, held, recipe=RECIPE, start=Start.NONE, models=store, notes={"licences": ["a: b"]}
    )
    assert trained is not None
    assert trained.before is None
    version = store.get(ModelKind.SEGMENTER, trained.version.name)
    version.verify()
    assert version.card["categories"] == ["top"]
    assert version.card["licences"] == ["a: b"]
    assert version.card["seed"] == 0
    assert version.card["figures"]["held_out"] == json.loads(json.dumps(trained.metrics.as_json()))
    assert trained.metrics.photos == 1
    assert trained.metrics.person_iou is None
    assert version.card["figures"]["held_out_identity"] == survey(held).identity
    assert [entry["epoch"] for entry in version.card["history"]] == [1]
    assert "early_stopping" not in version.card
    page = trained.report.read_text()
    assert trained.report.parent == version.folder
    assert "<svg" in page
    assert page.count("data:image/jpeg;base64,") == 2
    assert "07.png" in page
    # The photos of the report stay here when a version is handed on.
    assert REPORT not in version.card["sha256"]


def test_training_on_nothing_or_on_what_is_held_out_is_refused(tmp_path: Path) -> None:
    photo = _drawn(tmp_path, "01")
    for kept, held in (([], [photo]), ([photo], []), ([photo], [photo])):
        with pytest.raises(AnnotationError):
            train_segmenter(
                kept,
                held,
                recipe=RECIPE,
                start=Start.NONE,
                models=ModelStore(tmp_path / "models", {}),
                notes={},
            )


def _painted(folder: Path, stem: str, labelled: str) -> AnnotatedPhoto:
    """A photo that shows a top and something above it, of which one is annotated."""
    drawn = _drawn(folder, stem)
    above = np.zeros((120, 90), bool)
    above[5:25, 30:60] = True
    (top,) = drawn.read_instances()
    instances = (top,) if labelled == "top" else (Instance(labelled, Mask(above)),)
    return AnnotatedPhoto(drawn.path, lambda: instances, frozenset({labelled}))


def test_taught_classes_leave_the_old_ones_exactly_as_they_were(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models", {})
    tops = [_painted(tmp_path, stem, "top") for stem in ("01", "02")]
    first = train_segmenter(
        tops[:1], tops[1:], recipe=RECIPE, start=Start.NONE, models=store, notes={}
    )
    assert first is not None
    versions = [first.version]
    for new in ("scarf", "belt"):
        folder = tmp_path / new
        folder.mkdir()
        photos = [_painted(folder, stem, new) for stem in ("03", "04")]
        trained = train_segmenter(
            photos[:1],
            photos[1:],
            recipe=RECIPE,
            start=versions[-1],
            models=ModelStore(tmp_path / f"{new}s", {}),
            notes={},
            extend=True,
        )
        assert trained is not None
        versions.append(trained.version)
    card = versions[-1].card
    assert card["categories"] == ["top", "scarf", "belt"]
    assert card["taught"] == [["scarf"], ["belt"]]
    assert card["figures"]["before"]["version"] == versions[1].name
    photo = read_photo(tops[0].path)
    found = [MaskRCNNPredictor(version).predict(photo, min_score=0) for version in versions]
    for known, before, after in (({"top"}, *found[:2]), ({"top", "scarf"}, *found[1:])):
        kept = [one for one in after if one.category in known]
        assert len(kept) == len(before) > 0
        for one, other in zip(kept, before, strict=True):
            assert (one.category, one.box) == (other.category, other.box)
            assert one.score == pytest.approx(other.score, abs=1e-5)


def test_photos_that_are_not_annotated_for_all_that_is_new_teach_nothing(tmp_path: Path) -> None:
    version = _version(tmp_path, ["top"])
    photos = []
    for name, new in (("a", "scarf"), ("b", "belt"), ("c", "belt")):
        (tmp_path / name).mkdir()
        photos.append(_painted(tmp_path / name, "01", new))
    options = {"recipe": RECIPE, "start": version, "models": ModelStore(tmp_path, {}), "notes": {}}
    with pytest.raises(AnnotationError, match="one after another"):
        train_segmenter(photos[:2], photos[2:], extend=True, **options)


def test_teaching_what_is_known_is_refused(tmp_path: Path) -> None:
    photos = [_drawn(tmp_path, stem) for stem in ("01", "02")]
    with pytest.raises(AnnotationError, match="knows all classes"):
        train_segmenter(
            photos[:1],
            photos[1:],
            recipe=RECIPE,
            start=_version(tmp_path, ["top", "bag"]),
            models=ModelStore(tmp_path / "models", {}),
            notes={},
            extend=True,
        )


class Begun(Exception):
    """Stands for a training that is killed as soon as it has begun."""


def test_redrafted_extra_and_held_out_photos_are_another_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Path] = []

    def begin(*_: object, work_dir: Path, **options: object) -> None:
        begun.append(work_dir)
        raise Begun

    monkeypatch.setattr("segmentation.training.segmenter.train_mask_rcnn", begin)
    one, held, extra = (_drawn(tmp_path, stem) for stem in ("01", "07", "03"))
    (top,) = extra.read_instances()
    redrafted = (Instance("top", Mask(~top.mask.pixels)),)

    def again(photo: AnnotatedPhoto) -> AnnotatedPhoto:
        return AnnotatedPhoto(photo.path, lambda: redrafted, photo.labelled)

    for held_out, further in (
        (held, extra),
        (held, extra),
        (held, again(extra)),
        (again(held), extra),
    ):
        with pytest.raises(Begun):
            train_segmenter(
                [one],
                [held_out],
                extra=[further],
                recipe=RECIPE,
                start=Start.NONE,
                models=ModelStore(tmp_path / "models", {}),
                notes={},
            )
    assert begun[0] == begun[1]
    assert len(set(begun)) == 3


def test_extending_without_a_version_is_refused(tmp_path: Path) -> None:
    photos = [_drawn(tmp_path, stem) for stem in ("01", "02")]
    with pytest.raises(AnnotationError, match="--init bundled"):
        train_segmenter(
            photos[:1],
            photos[1:],
            recipe=RECIPE,
            start=Start.IMAGENET,
            models=ModelStore(tmp_path / "models", {}),
            notes={},
            extend=True,
        )


def test_what_has_no_trained_weights_is_trained_alone_at_first(tmp_path: Path) -> None:
    version = _version(tmp_path, ["top", "bag"])
    assert fresh_part(version, ["bag"]) is Fresh.NOTHING
    assert fresh_part(version, ["handbag"]) is Fresh.NOTHING
    assert fresh_part(version, ["bag", "scarf"]) is Fresh.CLASS_HEADS
    assert fresh_part(Start.IMAGENET, ["bag"]) is Fresh.ALL_BUT_BACKBONE
    assert fresh_part(Start.NONE, ["bag"]) is Fresh.NOTHING
