"""Regions of which nothing is known: neither background nor a thing, so that nothing is learned there."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.ops import box_iou

from segmentation.mask_rcnn.network import MaskRCNN

IGNORED = "ignored"
# As a true box would keep them from being background: an anchor from 0.3, a proposal from 0.5.
_ANCHOR_IOU = 0.3
_PROPOSAL_IOU = 0.5
_NOT_SAMPLED = -1


class IgnoringProposals(RegionProposalNetwork):  # type: ignore[misc]
    """Takes no anchor as background that lies on a target's ``ignored`` boxes."""

    def assign_targets_to_anchors(
        self, anchors: list[Tensor], targets: list[dict[str, Tensor]]
    ) -> tuple[list[Tensor], list[Tensor]]:
        labels, boxes = super().assign_targets_to_anchors(anchors, targets)
        for label, places, target in zip(labels, anchors, targets, strict=True):
            label[_on_ignored(places, target, _ANCHOR_IOU) & (label == 0)] = _NOT_SAMPLED
        return labels, boxes


class IgnoringHeads(RoIHeads):  # type: ignore[misc]
    """Takes no proposal as background that lies on a target's ``ignored`` boxes."""

    def select_training_samples(
        self, proposals: list[Tensor], targets: list[dict[str, Tensor]]
    ) -> Any:
        self._targets = targets
        return super().select_training_samples(proposals, targets)

    def assign_targets_to_proposals(
        self, proposals: list[Tensor], gt_boxes: list[Tensor], gt_labels: list[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        matched, labels = super().assign_targets_to_proposals(proposals, gt_boxes, gt_labels)
        for label, places, target in zip(labels, proposals, self._targets, strict=True):
            label[_on_ignored(places, target, _PROPOSAL_IOU) & (label == 0)] = _NOT_SAMPLED
        return matched, labels


def ignore_regions(network: MaskRCNN) -> None:
    """Let targets hold ``ignored``, (n, 4) float xyxy boxes, in place."""
    network.learning.rpn.__class__ = IgnoringProposals
    network.learning.roi_heads.__class__ = IgnoringHeads


def _on_ignored(places: Tensor, target: dict[str, Tensor], iou: float) -> Tensor:
    ignored = target.get(IGNORED)
    if ignored is None or not len(ignored):
        return torch.zeros(len(places), dtype=torch.bool, device=places.device)
    best: Tensor = box_iou(places, ignored.to(places)).amax(dim=1)
    return best >= iou
