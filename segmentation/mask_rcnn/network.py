"""Mask R-CNN on torchvision's parts, as a fixed-size core: tensor in; boxes, labels, scores, masks out.

Resizing and pasting stay outside (`predict.py`), so that training, torch and the exported graph see
the same tensor. He et al. 2017 (Mask R-CNN), Lin et al. 2017 (FPN).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import ResNet50_Weights, mobilenet_v2
from torchvision.models.detection import MaskRCNN_ResNet50_FPN_V2_Weights, maskrcnn_resnet50_fpn_v2
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.mask_rcnn import MaskRCNN as TorchvisionMaskRCNN
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.ops.misc import FrozenBatchNorm2d

from segmentation.errors import ModelError
from segmentation.mask_rcnn.architecture import Architecture
from segmentation.mask_rcnn.pooling import PyramidRoIAlign
from segmentation.training.imagenet import download, mobilenet_features
from segmentation.training.precision import keep_strided_depthwise_exact

# MobileNetV2's last features at strides 4, 8, 16 and 32, and their channels.
_STAGES = {"3": 24, "6": 32, "13": 96, "17": 320}
_PYRAMID_CHANNELS = 128
_ANCHOR_SIZES = ((24,), (48,), (96,), (192,), (384,))
# Height over width: shoes and hats, tops and bags, trousers and people.
_ANCHOR_RATIOS = (0.6, 1.2, 2.7)
# Of a detection, where nobody asks for a higher one.
LEAST_SCORE = 0.05
# Prefixes of the parameters that hold a row a class; all others know no classes.
CLASS_HEADS = ("roi_heads.box_predictor.", "roi_heads.mask_predictor.mask_fcn_logits.")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many places a photo's region proposals and heads look at.

    ``candidates``: a level of the pyramid, before those that overlap a better one are left out.
    """

    training_candidates: int
    training_proposals: int
    candidates: int
    proposals: int
    detections: int


# An added class is seldom in a photo more than a few times.
_ADDED_SIZES = Sizes(600, 150, 600, 100, detections=10)


class AddedHeads(nn.Module):
    """Region proposals and heads for classes taught later, over the features that are there.

    Args:
        whole: torchvision's model for these classes; its backbone is left behind.
    """

    def __init__(self, whole: TorchvisionMaskRCNN) -> None:
        super().__init__()
        self.rpn = whole.rpn
        self.roi_heads = whole.roi_heads


class MaskRCNN(nn.Module):
    """Backbone, region proposals and heads for batches of one fixed size.

    Args:
        whole: torchvision's model; its resizing and normalising transform is left behind.
        added: one for each time that classes were taught later; they are counted on.
    """

    def __init__(self, whole: TorchvisionMaskRCNN, added: Sequence[AddedHeads] = ()) -> None:
        super().__init__()
        self.backbone = whole.backbone
        self.rpn = whole.rpn
        self.roi_heads = whole.roi_heads
        self.added = nn.ModuleList(added)

    @property
    def learning(self) -> Any:
        """What `losses` are of: the heads added last, and nothing but them, or else all of it."""
        return self.added[-1] if len(self.added) else self

    def losses(self, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """The five losses of Mask R-CNN for NCHW float32 ``images``, of what is `learning`.

        Each target: boxes (n, 4) float xyxy in pixels, labels (n,) int64 from 1 among the classes
        of what is learning, masks (n, H, W).
        """
        batch = _image_list(images)
        heads = self.learning
        with torch.set_grad_enabled(heads is self and torch.is_grad_enabled()):
            features = self.backbone(images)
        proposals, proposal_losses = heads.rpn(batch, features, targets)
        _, detector_losses = heads.roi_heads(features, proposals, batch.image_sizes, targets)
        return {**proposal_losses, **detector_losses}

    def forward(
        self, image: Tensor, least_score: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One (1, 3, H, W) image → boxes (n, 4) xyxy, labels (n,), scores (n,), masks (n, 28, 28).

        ``least_score``: (1,), of what is found; a mask is worked out for nothing else.
        """
        batch = _image_list(image)
        features = self.backbone(image)
        found, classes = [], 0
        for heads in (self, *self.added):
            heads.roi_heads.score_thresh = LEAST_SCORE if least_score is None else least_score
            proposals, _ = heads.rpn(batch, features)
            (one,), _ = heads.roi_heads(features, proposals, batch.image_sizes)
            found.append((one["boxes"], one["labels"] + classes, one["scores"], one["masks"][:, 0]))
            classes += heads.roi_heads.box_predictor.cls_score.out_features - 1
        boxes, labels, scores, masks = (torch.cat(values) for values in zip(*found, strict=True))
        return boxes, labels, scores, masks


def build_network(
    architecture: Architecture,
    *,
    classes: int,
    added: Sequence[int] = (),
    proposals: int = 150,
    detections: int = 40,
) -> MaskRCNN:
    """An untrained network for ``classes`` classes, background not counted.

    ``proposals``: of a photo, once it is trained: 300 take a fifth longer and find no more
    (`benchmarks/segmenter_sizes.py`). ``added``: the numbers of classes that were taught later, one for each time.
    """
    sizes = Sizes(600, 300, 2 * proposals, proposals, detections)
    whole = _whole(architecture, classes, sizes)
    return MaskRCNN(whole, [AddedHeads(_whole(architecture, n, _ADDED_SIZES)) for n in added])


def load_imagenet_backbone(network: MaskRCNN, architecture: Architecture) -> None:
    """Start the backbone from ImageNet: the file ``GARB_IMAGENET_WEIGHTS``, else torchvision's.

    Raises:
        ModelError: no file is given and torchvision's download fails, or the file does not fit.
    """
    body = network.backbone.body
    if architecture is Architecture.MOBILENET_V2_FPN:
        state = mobilenet_features()
    else:
        state = download(ResNet50_Weights.IMAGENET1K_V2.get_state_dict, "ImageNet weights")
    try:
        missing, _ = body.load_state_dict(state, strict=False)
    except RuntimeError as error:  # A tensor of another shape.
        raise ModelError(f"not the ImageNet weights of {architecture}: {error}") from error
    if missing:
        raise ModelError(f"the ImageNet weights lack {missing[0]} and {len(missing) - 1} more")


def coco_weights() -> tuple[dict[str, Tensor], list[str]]:
    """torchvision's COCO weights of `RESNET50_FPN_V2`, and their classes without the background.

    Raises:
        ModelError: the download fails.
    """
    weights = MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1
    state = download(weights.get_state_dict, "COCO weights")
    return state, list(weights.meta["categories"][1:])


def load_matching(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Load every tensor whose name and shape fit."""
    own = network.state_dict()
    fitting = {k: v for k, v in state.items() if k in own and own[k].shape == v.shape}
    network.load_state_dict(fitting, strict=False)


def _whole(architecture: Architecture, classes: int, sizes: Sizes) -> TorchvisionMaskRCNN:
    options = _options(sizes)
    if architecture is Architecture.MOBILENET_V2_FPN:
        return _mobilenet(classes, options)
    whole = maskrcnn_resnet50_fpn_v2(
        weights=None, weights_backbone=None, num_classes=classes + 1, **options
    )
    whole.roi_heads.box_roi_pool = PyramidRoIAlign(7)
    whole.roi_heads.mask_roi_pool = PyramidRoIAlign(14)
    return whole


def _options(sizes: Sizes) -> dict[str, Any]:
    return {
        "rpn_pre_nms_top_n_train": sizes.training_candidates,
        "rpn_post_nms_top_n_train": sizes.training_proposals,
        "rpn_pre_nms_top_n_test": sizes.candidates,
        "rpn_post_nms_top_n_test": sizes.proposals,
        # torchvision samples 512 RoIs an image; 64 train four times faster here at the same AP.
        "box_batch_size_per_image": 64,
        "rpn_batch_size_per_image": 128,
        "box_detections_per_img": sizes.detections,
        "box_score_thresh": LEAST_SCORE,
    }


def _mobilenet(classes: int, options: Mapping[str, Any]) -> TorchvisionMaskRCNN:
    features = mobilenet_v2(weights=None, norm_layer=FrozenBatchNorm2d).features[:18]
    keep_strided_depthwise_exact(features)
    backbone = BackboneWithFPN(
        features,
        return_layers={stage: str(level) for level, stage in enumerate(_STAGES)},
        in_channels_list=list(_STAGES.values()),
        out_channels=_PYRAMID_CHANNELS,
    )
    channels = _PYRAMID_CHANNELS
    return TorchvisionMaskRCNN(
        backbone,
        rpn_anchor_generator=AnchorGenerator(_ANCHOR_SIZES, (_ANCHOR_RATIOS,) * len(_ANCHOR_SIZES)),
        box_roi_pool=PyramidRoIAlign(7),
        box_head=TwoMLPHead(channels * 7 * 7, 512),
        box_predictor=FastRCNNPredictor(512, classes + 1),
        mask_roi_pool=PyramidRoIAlign(14),
        mask_head=MaskRCNNHeads(channels, (128, 128, 128, 128), 1),
        mask_predictor=MaskRCNNPredictor(128, 128, classes + 1),
        **options,
    )


def _image_list(images: Tensor) -> ImageList:
    # Not made integers: an export would have this photo's size for ever.
    height, width = images.shape[-2:]
    return ImageList(images, [(height, width)] * images.shape[0])
