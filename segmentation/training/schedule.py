"""The learning rate over a training."""

from __future__ import annotations

import math

import torch

_WARM_UP_SHARE = 0.08


def one_cycle(optimiser: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LambdaLR:
    """Up in a straight line, down along half a cosine (Smith 2018); any number of steps, even one."""
    warm_up = max(1.0, _WARM_UP_SHARE * steps)

    def factor(step: int) -> float:
        if step < warm_up:
            return (step + 1) / (warm_up + 1)
        return 0.5 * (
            1 + math.cos(math.pi * min(1.0, (step - warm_up) / max(1.0, steps - warm_up)))
        )

    return torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
