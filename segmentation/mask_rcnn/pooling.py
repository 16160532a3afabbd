"""RoI pooling over the levels of a feature pyramid, as cheap when it is exported as it can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torchvision.ops import MultiScaleRoIAlign, roi_align
from torchvision.ops.poolers import LevelMapper

# Of the levels of every pyramid here, which are at strides 4, 8, 16 and 32.
_SCALES = (1 / 4, 1 / 8, 1 / 16, 1 / 32)
_SAMPLES = 2


class PyramidRoIAlign(MultiScaleRoIAlign):  # type: ignore[misc]
    """torchvision's over its usual four levels, with the same answers.

    Exported, torchvision's puts the levels' results together number by number, with an index for each
    of some millions; here whole RoIs are put in order. Lin et al. 2017 (FPN), equation 1.
    """

    def __init__(self, output_size: int) -> None:
        names = [str(level) for level in range(len(_SCALES))]
        super().__init__(names, output_size, _SAMPLES)
        self._level_of = LevelMapper(2, 5)

    def forward(
        self,
        features: Mapping[str, Tensor],
        boxes: list[Tensor],
        image_shapes: Sequence[tuple[int, int]],
    ) -> Tensor:
        """(RoIs, channels, size, size) of NCHW levels and of each image's boxes, (n, 4) xyxy."""
        of_image = [torch.full_like(one[:, :1], float(i)) for i, one in enumerate(boxes)]
        rois = torch.cat([torch.cat(of_image), torch.cat(boxes)], dim=1)
        levels = self._level_of(boxes)
        pooled, places = [], []
        for level, (name, scale) in enumerate(zip(self.featmap_names, _SCALES, strict=True)):
            (here,) = torch.where(levels == level)
            pooled.append(
                roi_align(
                    features[name],
                    rois[here],
                    self.output_size,
                    spatial_scale=scale,
                    sampling_ratio=_SAMPLES,
                )
            )
            places.append(here)
        return torch.cat(pooled)[torch.cat(places).argsort()]
