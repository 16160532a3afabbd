"""Which Mask R-CNNs there are, and what each wants its pixels to be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Architecture(StrEnum):
    """Which Mask R-CNN."""

    MOBILENET_V2_FPN = "mobilenet_v2_fpn"
    RESNET50_FPN_V2 = "resnet50_fpn_v2"


@dataclass(frozen=True, slots=True)
class Normalisation:
    """(pixel 0–255 − mean) / std, per RGB channel: what the initial weights were trained with."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


# The MobileNetV2 weights take RGB / 127.5 − 1; torchvision's take ImageNet statistics.
NORMALISATION = {
    Architecture.MOBILENET_V2_FPN: Normalisation((127.5,) * 3, (127.5,) * 3),
    Architecture.RESNET50_FPN_V2: Normalisation((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
}
