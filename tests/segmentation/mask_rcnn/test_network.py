from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torchvision.models import mobilenet_v2

from segmentation.errors import ModelError
from segmentation.mask_rcnn import network as module
from segmentation.mask_rcnn.architecture import Architecture
from segmentation.mask_rcnn.network import (
    MaskRCNN,
    build_network,
    coco_weights,
    load_imagenet_backbone,
    load_matching,
)
from segmentation.training.precision import Float32Conv2d

SMALL = Architecture.MOBILENET_V2_FPN


@pytest.fixture(scope="module")
def network() -> MaskRCNN:
    torch.manual_seed(0)
    return build_network(SMALL, classes=3)


def test_heads_have_a_row_for_each_class_and_the_background(network: MaskRCNN) -> None:
    heads = network.roi_heads
    assert heads.box_predictor.cls_score.out_features == 4
    assert heads.box_predictor.bbox_pred.out_features == 16
    assert heads.mask_predictor.mask_fcn_logits.out_channels == 4


def test_detections_are_boxes_labels_scores_and_masks(network: MaskRCNN) -> None:
    torch.manual_seed(1)
    with torch.no_grad():
        boxes, labels, scores, masks = network.eval()(torch.randn(1, 3, 96, 128))
    count = len(boxes)
    assert 0 < count <= 40
    assert boxes.shape == (count, 4)
    assert labels.shape == scores.shape == (count,)
    assert masks.shape == (count, 28, 28)
    assert labels.min() >= 1
    assert labels.max() <= 3
    assert boxes.min() >= 0
    assert boxes[:, 2].max() <= 128
    assert boxes[:, 3].max() <= 96
    assert masks.min() >= 0
    assert masks.max() <= 1


def test_losses_are_five_and_reach_every_head_even_without_an_instance(network: MaskRCNN) -> None:
    mask = torch.zeros(1, 96, 128, dtype=torch.uint8)
    mask[:, 20:70, 30:80] = 1
    drawn = {
        "boxes": torch.tensor([[30.0, 20.0, 80.0, 70.0]]),
        "labels": torch.tensor([2]),
        "masks": mask,
    }
    empty = {
        "boxes": torch.zeros(0, 4),
        "labels": torch.zeros(0, dtype=torch.int64),
        "masks": torch.zeros(0, 96, 128, dtype=torch.uint8),
    }
    network.train()
    losses = network.losses(torch.randn(2, 3, 96, 128), [drawn, empty])
    assert set(losses) == {
        "loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg", "loss_mask",
    }  # fmt: skip
    assert all(torch.isfinite(value) for value in losses.values())
    only_empty = network.losses(torch.randn(1, 3, 96, 128), [empty])
    assert all(torch.isfinite(value) for value in only_empty.values())
    network.zero_grad()


def test_strided_depthwise_convolutions_stay_exact_under_their_old_names(network: MaskRCNN) -> None:
    exact = [name for name, layer in network.named_modules() if isinstance(layer, Float32Conv2d)]
    assert len(exact) == 4
    plain = mobilenet_v2(num_classes=1001).features[:18].state_dict()
    own = network.backbone.body.state_dict()
    assert set(own) == {name for name in plain if not name.endswith("num_batches_tracked")}
    layer = network.get_submodule(exact[0])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        values = torch.randn(1, layer.in_channels, 8, 8).bfloat16()
        assert layer(values).dtype == torch.float32


def _imagenet_file(path: Path) -> dict[str, Tensor]:
    torch.manual_seed(5)
    state = mobilenet_v2(num_classes=1001).state_dict()
    save_file({name: value.contiguous() for name, value in state.items()}, str(path))
    return dict(state)


def test_added_heads_change_nothing_of_what_was_found_before(network: MaskRCNN) -> None:
    torch.manual_seed(2)
    taught = build_network(SMALL, classes=3, added=[2, 1]).eval()
    load_matching(taught, network.state_dict())
    image = torch.randn(1, 3, 128, 96)
    with torch.no_grad():
        alone, together = network.eval()(image), taught(image)
    count = len(alone[0])
    assert count
    assert all(torch.equal(a, b[:count]) for a, b in zip(alone, together, strict=True))
    later = together[1][count:]
    assert len(later) <= 20
    assert later.min() > 3
    assert 6 in later


def test_backbone_starts_from_the_given_imagenet_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = _imagenet_file(tmp_path / "imagenet.safetensors")
    monkeypatch.setenv("GARB_IMAGENET_WEIGHTS", str(tmp_path / "imagenet.safetensors"))
    network = build_network(SMALL, classes=3)
    load_imagenet_backbone(network, SMALL)
    body = network.backbone.body.state_dict()
    assert len(body) > 100
    for name, value in body.items():
        assert torch.equal(value, state[f"features.{name}"]), name


def test_unusable_imagenet_files_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: MaskRCNN
) -> None:
    (tmp_path / "text").write_text("hello")
    save_file({"features.0.0.weight": torch.zeros(32, 3, 3, 3)}, str(tmp_path / "part"))
    save_file({"features.0.0.weight": torch.zeros(1)}, str(tmp_path / "shape"))
    for name in ("text", "part", "shape", "none"):
        monkeypatch.setenv("GARB_IMAGENET_WEIGHTS", str(tmp_path / name))
        with pytest.raises(ModelError):
            load_imagenet_backbone(network, SMALL)


def test_without_a_network_the_download_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    class Offline:
        @staticmethod
        def get_state_dict(**_options: object) -> dict[str, Tensor]:
            raise URLError("no route to host")

    class Weights:
        COCO_V1 = Offline

    monkeypatch.setattr(module, "MaskRCNN_ResNet50_FPN_V2_Weights", Weights)
    with pytest.raises(ModelError, match="--init bundled or none"):
        coco_weights()


HEADS = ("box_predictor.bbox_pred", "box_predictor.cls_score", "mask_predictor.mask_fcn_logits")


def test_only_tensors_that_fit_are_loaded(network: MaskRCNN) -> None:
    other = build_network(SMALL, classes=5)
    before = {name: value.clone() for name, value in other.state_dict().items()}
    load_matching(other, network.state_dict())
    kept = {name for name, value in other.state_dict().items() if torch.equal(value, before[name])}
    of_heads = {f"roi_heads.{name}.{part}" for name in HEADS for part in ("bias", "weight")}
    assert of_heads <= kept
    key = "roi_heads.box_head.fc6.weight"
    assert torch.equal(other.state_dict()[key], network.state_dict()[key])
