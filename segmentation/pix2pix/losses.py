"""pix2pix's objective: be right pixel by pixel, and look like a true label map."""

from __future__ import annotations

from enum import StrEnum

import torch
import torch.nn.functional as F
from torch import Tensor


class GanObjective(StrEnum):
    """How the discriminator's logits are judged."""

    BCE = "bce"  # Goodfellow et al. 2014
    LSGAN = "lsgan"  # Mao et al. 2017


def class_weights(pixel_counts: Tensor, *, power: float = 0.5, most: float = 4.0) -> Tensor:
    """Weights ∝ share ** −power for (classes,) pixel counts, averaging 1 over the pixels.

    ``power`` 0 counts every pixel alike, 1 every class alike. No class weighs more than ``most``
    times the commonest one; a class without pixels weighs as much as the rarest.
    """
    shares = pixel_counts.double() / pixel_counts.sum().clamp(min=1)
    present = shares > 0
    if not bool(present.any()):
        return torch.ones(len(shares))
    raw = torch.where(present, shares, shares[present].min()) ** -power
    raw = raw.clamp(max=float(raw.min()) * most)
    return (raw / (raw * shares).sum()).float()


def reconstruction_loss(
    logits: Tensor, target: Tensor, *, weights: Tensor, l1_weight: float = 0.0
) -> Tensor:
    """Class-balanced cross entropy, plus ``l1_weight`` × mean |probability − one-hot|.

    ``logits``: (N, classes, H, W); ``target``: (N, H, W) int64. The cross entropy is divided by
    the number of pixels, not by the weights that happen to be in the batch.
    """
    surprise = F.cross_entropy(logits, target, reduction="none")
    loss = (weights[target] * surprise).mean()
    if l1_weight:
        # Σ |probability − one-hot| of a pixel is what its class lacks, and as much in the others.
        lacking = 1 - torch.exp(-surprise)
        loss = loss + l1_weight * 2 * lacking.mean() / logits.shape[1]
    return loss


def picture_loss(picture: Tensor, target: Tensor) -> Tensor:
    """The paper's: mean |picture − true picture|, both (N, 3, H, W) from −1 to 1."""
    return F.l1_loss(picture, target)


def generator_loss(fake_logits: Tensor, *, objective: GanObjective) -> Tensor:
    """How far the discriminator is from calling the generator's maps true."""
    return _distance(fake_logits, 1.0, objective)


def discriminator_loss(
    real_logits: Tensor, fake_logits: Tensor, *, objective: GanObjective
) -> Tensor:
    """Half the sum of both errors, as in the paper: it learns at half the generator's pace."""
    return 0.5 * (_distance(real_logits, 1.0, objective) + _distance(fake_logits, 0.0, objective))


def one_hot(target: Tensor, classes: int, *, softness: float = 0.0) -> Tensor:
    """(N, H, W) int64 → (N, classes, H, W) float32, ``softness`` of it spread over all classes.

    Hard ones and zeros would tell a label map from a prediction by their values alone
    (Luc et al. 2016).
    """
    shape = (target.shape[0], classes, *target.shape[1:])
    soft = torch.full(shape, softness / classes, device=target.device)
    return soft.scatter_(1, target[:, None], 1 - softness + softness / classes)


def _distance(logits: Tensor, wanted: float, objective: GanObjective) -> Tensor:
    goal = torch.full_like(logits, wanted)
    if objective == GanObjective.LSGAN:
        return F.mse_loss(logits, goal)
    return F.binary_cross_entropy_with_logits(logits, goal)
