"""One process a device, through Lightning Fabric; the steps between them are our own and few."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from lightning.fabric import Fabric
from lightning.fabric.utilities.exceptions import MisconfigurationException
from torch import Tensor, nn

from segmentation.errors import ModelError
from segmentation.training.recipe import Precision


def open_fabric(
    *, devices: int = 1, precision: Precision = Precision.BFLOAT16, accelerator: str = "auto"
) -> Fabric:
    """Start the other processes: each runs this same command and comes back from here.

    Raises:
        ModelError: there are not so many devices, or they cannot compute in this precision.
    """
    try:
        fabric = Fabric(accelerator=accelerator, devices=devices, precision=precision.value)
        fabric.launch()
    except (MisconfigurationException, ValueError, RuntimeError, ImportError) as error:
        raise ModelError(f"cannot train on {devices} devices in {precision}: {error}") from error
    return fabric


def average_gradients(fabric: Fabric, parameters: Sequence[nn.Parameter]) -> None:
    """Give every process the mean of all their gradients, in place; none counts as zero."""
    if fabric.world_size == 1 or not parameters:
        return
    flat = torch.cat(
        [
            (torch.zeros_like(one) if one.grad is None else one.grad).reshape(-1)
            for one in parameters
        ]
    )
    mean = fabric.all_reduce(flat, reduce_op="mean")
    assert isinstance(mean, Tensor)
    for parameter, piece in zip(
        parameters, torch.split(mean, [one.numel() for one in parameters]), strict=True
    ):
        parameter.grad = piece.view_as(parameter)


def all_finite(fabric: Fabric, value: Tensor) -> bool:
    """Whether the value is finite in every process."""
    finite = torch.isfinite(value.detach()).float()
    if fabric.world_size == 1:
        return bool(finite)
    everywhere = fabric.all_reduce(finite, reduce_op="mean")
    return bool(everywhere == 1)
