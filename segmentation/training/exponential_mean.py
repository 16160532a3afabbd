"""The mean of the last steps' weights, which wander less than the weights themselves."""

from __future__ import annotations

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def exponential_mean_of(network: nn.Module, steps: float) -> AveragedModel:
    """A copy that follows the network as the exponential mean of so many steps; of one, as it is."""
    decay = 1 - 1 / max(1.0, steps)
    follow = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    return AveragedModel(network, multi_avg_fn=follow).requires_grad_(False)
