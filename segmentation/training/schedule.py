"""The learning rate over a training: up, then down along half a cosine (Smith and Topin 2018)."""

from __future__ import annotations

import math

import torch

_WARM_UP_SHARE = 0.08


def one_cycle(optimiser: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LambdaLR:
    """Up in a straight line, down to nothing; any number of steps, even one."""
    warm_up = max(1.0, _WARM_UP_SHARE * steps)

    def factor(step: int) -> float:
        if step < warm_up:
            return (step + 1) / (warm_up + 1)
        return half_cosine((step - warm_up) / max(1.0, steps - warm_up))

    return torch.optim.lr_scheduler.LambdaLR(optimiser, factor)


def one_cycle_factor(
    step: int, *, steps: int, warm_up: float = 0.15, first: float = 0.1, last: float = 0.01
) -> float:
    """Share of the highest rate at a step: from ``first`` up, then down to ``last``, both cosines.

    ``warm_up``: the share of all steps that goes up.
    """
    peak = max(1.0, warm_up * steps)
    if step < peak:
        return first + (1 - first) * half_cosine(1 - step / peak)
    return last + (1 - last) * half_cosine((step - peak) / (steps - peak))


def half_cosine(share: float) -> float:
    """1 at 0, down to 0 at 1 and after it."""
    return 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
