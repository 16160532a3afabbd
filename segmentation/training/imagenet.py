"""Weights that begin a training: torchvision's for ImageNet and COCO, from a file or by download."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from torchvision.models import MobileNet_V2_Weights

from segmentation.errors import ModelError

FILE_VARIABLE = "GARB_IMAGENET_WEIGHTS"
_PREFIX = "features."
# What torchvision's own weights were trained on: (RGB / 255 − mean) / std.
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)


def named_file() -> Path | None:
    """What GARB_IMAGENET_WEIGHTS names."""
    path = os.environ.get(FILE_VARIABLE)
    return Path(path) if path else None


def mobilenet_features() -> dict[str, Tensor]:
    """ImageNet weights of ``mobilenet_v2().features`` for RGB / 127.5 − 1: the file's, else torchvision's.

    Raises:
        ModelError: the file cannot be read, or none is named and torchvision's download fails.
    """
    path = named_file()
    if path is None:
        weights = MobileNet_V2_Weights.IMAGENET1K_V1
        return seeing_halves(_features(download(weights.get_state_dict, "ImageNet weights")))
    try:
        return _features(load_file(str(path)))
    except Exception as error:  # safetensors raises its own and OS errors.
        raise ModelError(f"{FILE_VARIABLE}: {path}: {error}") from error


def seeing_halves(features: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """torchvision's features for RGB / 127.5 − 1 instead of what they were trained on.

    The first layer's weights and running mean take the difference up: exact but along the border,
    where what lies outside is mid-grey and no longer ImageNet's mean.
    """
    weight, mean, std = features["0.0.weight"], torch.tensor(_MEAN), torch.tensor(_STD)
    shift = (weight.sum(dim=(2, 3)) * ((0.5 - mean) / std)).sum(dim=1)
    return {
        **features,
        "0.0.weight": weight / (2 * std).view(1, 3, 1, 1),
        "0.1.running_mean": features["0.1.running_mean"] - shift,
    }


def download(get: Callable[..., Mapping[str, Any]], what: str) -> dict[str, Tensor]:
    """The weights that torchvision's ``get`` fetches, or has fetched before.

    Raises:
        ModelError: there is no network, or the download fails.
    """
    try:
        # torch tells of its downloads on stdout, which is a document's.
        with contextlib.redirect_stdout(sys.stderr):
            return dict(get(progress=False, check_hash=True))
    except OSError as error:
        raise ModelError(
            f"torchvision's {what} cannot be downloaded ({error}); without a network name a file by "
            f"{FILE_VARIABLE} (safetensors of mobilenet_v2, 1001 classes, input RGB / 127.5 − 1), or "
            "start from --init bundled or none"
        ) from error


def _features(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(_PREFIX): v for k, v in state.items() if k.startswith(_PREFIX)}
