"""Everything that decides a training, apart from its data. Imports no torch: commands name it too."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from segmentation.mask_rcnn.architecture import Architecture


class Precision(StrEnum):
    """What a step computes in; weights are float32 always."""

    BFLOAT16 = "bf16-mixed"
    FLOAT16 = "16-mixed"
    FLOAT32 = "32-true"


class Start(StrEnum):
    """Initial weights that are not a version."""

    IMAGENET = "imagenet"
    COCO = "coco"
    NONE = "none"


class Fresh(StrEnum):
    """What has no trained weights at the start, and so is trained alone at first."""

    NOTHING = "nothing"
    CLASS_HEADS = "class heads"
    ALL_BUT_BACKBONE = "all but the backbone"


@dataclass(frozen=True, slots=True)
class Recipe:
    """``batch``: photos a step, over all devices.

    ``rare_share``: categories on fewer photos than this share are shown more often; 0: none.
    ``heads_share``: the share of all steps that trains what is `Fresh` alone.
    ``averaged_share``: the share of all steps whose weights are averaged into those that are kept.
    ``patience``: epochs without improvement on held-out photos before training stops; 0: never.
    """

    architecture: Architecture = Architecture.MOBILENET_V2_FPN
    height: int = 576
    width: int = 384
    epochs: int = 8
    batch: int = 4
    learning_rate: float = 6e-4
    backbone_learning_rate: float = 2.5e-4
    weight_decay: float = 1e-2
    seed: int = 0
    extra_share: float = 0.3
    rare_share: float = 0.2
    heads_share: float = 0.1
    averaged_share: float = 0.1
    patience: int = 0
    precision: Precision = Precision.BFLOAT16
    checkpoint_seconds: float = 180.0

    def continued(self) -> Recipe:
        """The same from a trained version: at half the rate, so that what it knows is not undone."""
        return replace(
            self,
            learning_rate=self.learning_rate / 2,
            backbone_learning_rate=self.backbone_learning_rate / 2,
        )

    def as_json(self) -> dict[str, Any]:
        """For the card and the resume file."""
        return {
            **asdict(self),
            "architecture": self.architecture.value,
            "precision": self.precision.value,
        }
