"""MobileNetV2 with masked pooling at four depths → 256 numbers of unit length.

A garment is recognised by its colour and weave as much as by its cut. The deepest features of an
ImageNet network are nearly blind to colour, so shallow ones, and the pixels themselves through a
learned soft histogram, are pooled beside them. Pooling counts cloth only: a sleeve that hides half
of the frame's grey must not change the vector.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import mobilenet_v2

from segmentation.errors import ModelError
from segmentation.training.imagenet import mobilenet_features
from segmentation.training.precision import keep_strided_depthwise_exact

DIMENSION = 256
# Index into mobilenet_v2().features → channels and stride there.
TAPS = {3: (24, 4), 6: (32, 8), 13: (96, 16), 18: (1280, 32)}
COLOUR_CHANNELS = 48
_DEEPEST = 18
# Edges and blobs are ImageNet's already, and these layers would cost half of the training.
_FROZEN_LAYERS = 4
_LEAST_ALPHA = 1e-3
# Generalised mean of the last features (Radenović et al. 2018): nearer to their largest value.
_GEM_POWER = 3
# The root of zero has no gradient.
_LEAST_FEATURE = 1e-6


class SiameseNetwork(nn.Module):
    """``(n, 4, s, s)`` float32 (RGB / 127.5 − 1, alpha 0–1) → ``(n, 256)`` of unit length.

    ``s`` is a multiple of 32.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, *, dimension: int = DIMENSION) -> None:
        super().__init__()
        self.features = mobilenet_v2(num_classes=1001).features
        keep_strided_depthwise_exact(self.features)
        self.colour = nn.Sequential(
            nn.Conv2d(3, 32, 1), nn.ReLU(), nn.Conv2d(32, COLOUR_CHANNELS, 1), nn.ReLU()
        )
        # Means of all (of the last a generalised one); spreads of the shallow ones, which tell a pattern from a plain cloth.
        shallow = COLOUR_CHANNELS + sum(c for tap, (c, _) in TAPS.items() if tap != _DEEPEST)
        self.pooled = 2 * shallow + TAPS[_DEEPEST][0]
        self.register_buffer("mean", torch.zeros(self.pooled))
        self.register_buffer("scale", torch.ones(self.pooled))
        self.head = nn.Linear(self.pooled, dimension)
        nn.init.orthogonal_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, cutouts: Tensor) -> Tensor:
        pooled = (self.pool(cutouts).float() - self.mean) * self.scale
        with torch.autocast(cutouts.device.type, enabled=False):
            return F.normalize(self.head(pooled), dim=1)

    def pool(self, cutouts: Tensor) -> Tensor:
        """Masked means and spreads before the head: ``(n, pooled)``."""
        values, alpha = cutouts[:, :3], cutouts[:, 3:].clamp_min(_LEAST_ALPHA)
        # A quarter of the side is enough for colours, and keeps noise out of the histogram.
        small_alpha = F.avg_pool2d(alpha, 4)
        small = F.avg_pool2d(values * alpha, 4) / small_alpha
        parts = [_moments(self.colour(small), small_alpha)]
        for index, layer in enumerate(self.features):
            values = layer(values)
            if index in TAPS:
                weights = F.avg_pool2d(alpha, TAPS[index][1])
                pooled = self.pool_deepest if index == _DEEPEST else _moments
                parts.append(pooled(values, weights))
        return torch.cat(parts, dim=1)

    def pool_deepest(self, values: Tensor, weights: Tensor) -> Tensor:
        """The last features, (n, c, h, w), over the cloth: ``weights`` (n, 1, h, w) → (n, c)."""
        raised = values.clamp_min(_LEAST_FEATURE).float() ** _GEM_POWER
        return _mean(raised, weights.float()) ** (1 / _GEM_POWER)

    def freeze_first_layers(self) -> None:
        """Leave the shallowest layers as they were loaded."""
        for layer in self.features[:_FROZEN_LAYERS]:
            layer.requires_grad_(False)

    def train(self, mode: bool = True) -> SiameseNetwork:
        """Batch-norm statistics stay ImageNet's: batches of few categories would skew them."""
        super().train(mode)
        for module in self.features.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    @torch.no_grad()
    def standardise(self, cutouts: Tensor, *, batch: int = 64) -> None:
        """Set mean and scale so that every pooled number varies by one over these cut-outs.

        Features after a ReLU share a large mean: without this all cosines start near one. Each
        depth gets the same total weight, or 1,280 deep numbers would drown the colours.
        """
        pooled = torch.cat([self.pool(part).float() for part in torch.split(cutouts, batch)])
        sizes = self._part_sizes()
        shares = torch.cat(
            [torch.full((size,), (self.pooled / len(sizes) / size) ** 0.5) for size in sizes]
        )
        self.mean.copy_(pooled.mean(dim=0))
        self.scale.copy_(shares.to(pooled) / pooled.std(dim=0).clamp_min(1e-3))

    def _part_sizes(self) -> list[int]:
        taps = [c if tap == _DEEPEST else 2 * c for tap, (c, _) in TAPS.items()]
        return [2 * COLOUR_CHANNELS, *taps]


def load_imagenet(network: SiameseNetwork) -> None:
    """Begin the features with ImageNet's weights: the file GARB_IMAGENET_WEIGHTS, else torchvision's.

    Raises:
        ModelError: the download fails, or the file holds another network.
    """
    features = mobilenet_features()
    try:
        network.features.load_state_dict(features)
    except RuntimeError as error:
        raise ModelError("the ImageNet weights are not MobileNetV2's") from error


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum(dim=(2, 3)) / weights.sum(dim=(2, 3))


def _moments(values: Tensor, weights: Tensor) -> Tensor:
    mean = _mean(values, weights)
    spread = _mean((values - mean[:, :, None, None]) ** 2, weights)
    return torch.cat([mean, (spread + 1e-4).sqrt()], dim=1)
