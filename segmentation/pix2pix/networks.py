"""The generators (U-Nets) and the PatchGAN discriminator of pix2pix (Isola et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import mobilenet_v2

from segmentation.errors import ModelDamaged
from segmentation.pix2pix.palette import Head
from segmentation.training.precision import keep_strided_depthwise_exact

# Where MobileNetV2 halves its side: (index of the last block of a size, its channels).
_STAGES = ((1, 16), (3, 24), (6, 32), (13, 96), (17, 320))
_DECODER = (128, 64, 48, 32)


class GeneratorKind(StrEnum):
    """Which U-Net maps the photo to classes."""

    MOBILENET = "mobilenet_v2"
    UNET = "unet"


class _ConvBlock(nn.Sequential):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class MobileNetUNet(nn.Module):
    """A U-Net whose encoder is ImageNet's MobileNetV2.

    Takes float32 NCHW, RGB / 127.5 − 1 (grey is 0), sides multiples of 32; returns class logits
    of the same size.
    """

    side_multiple = 32

    def __init__(self, classes: int, *, dropout: float = 0.1) -> None:
        super().__init__()
        features = mobilenet_v2(num_classes=1001).features
        self.encoder = nn.Sequential(*[features[i] for i in range(_STAGES[-1][0] + 1)])
        keep_strided_depthwise_exact(self.encoder)
        skips = [channels for _, channels in reversed(_STAGES[:-1])]
        inputs = [_STAGES[-1][1], *_DECODER[:-1]]
        self.decoder = nn.ModuleList(
            _ConvBlock(below + skip, outputs)
            for below, skip, outputs in zip(inputs, skips, _DECODER, strict=True)
        )
        self.dropout = nn.Dropout2d(dropout)
        # Four logits a class at half the side, laid out as 2×2 pixels: no convolution at full size.
        self.head = nn.Sequential(
            nn.Conv2d(_DECODER[-1], 4 * classes, 3, padding=1), nn.PixelShuffle(2)
        )

    def forward(self, photo: Tensor) -> Tensor:
        skips = []
        x = photo
        ends = {index for index, _ in _STAGES[:-1]}
        for index, block in enumerate(self.encoder):
            x = block(x)
            if index in ends:
                skips.append(x)
        x = self.dropout(x)
        for block, skip in zip(self.decoder, reversed(skips), strict=True):
            x = block(torch.cat([_double(x), skip], dim=1))
        return torch.as_tensor(self.head(x))

    def load_imagenet(self, features: Mapping[str, Tensor]) -> None:
        """Begin the encoder with the weights of ``mobilenet_v2().features``.

        Raises:
            ModelDamaged: they are of another network.
        """
        last = _STAGES[-1][0]
        state = {
            name: value for name, value in features.items() if int(name.partition(".")[0]) <= last
        }
        try:
            self.encoder.load_state_dict(state)
        except RuntimeError as error:
            raise ModelDamaged("the ImageNet weights are not MobileNetV2's") from error


class UNet(nn.Module):
    """The U-Net of the paper: 4×4 convolutions that halve and double, dropout in the middle.

    Takes and returns what `MobileNetUNet` does; sides are multiples of ``2 ** depth``.
    """

    def __init__(
        self, classes: int, *, ngf: int = 32, depth: int = 5, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.side_multiple = 2**depth
        widths = [ngf * min(2**level, 8) for level in range(depth)]
        self.down = nn.ModuleList()
        for level, width in enumerate(widths):
            inputs = widths[level - 1] if level else 3
            layers: list[nn.Module] = [nn.Conv2d(inputs, width, 4, 2, 1, bias=level == 0)]
            if level:
                layers = [nn.LeakyReLU(0.2), *layers, nn.BatchNorm2d(width)]
            self.down.append(nn.Sequential(*layers))
        self.up = nn.ModuleList()
        for level in range(depth - 1, 0, -1):
            inputs = widths[level] * (1 if level == depth - 1 else 2)
            outputs = widths[level - 1]
            block: list[nn.Module] = [
                nn.ReLU(),
                nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False),
                nn.BatchNorm2d(outputs),
            ]
            if outputs == ngf * 8:
                block.append(nn.Dropout(dropout))
            self.up.append(nn.Sequential(*block))
        self.head = nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(2 * ngf, classes, 4, 2, 1))

    def forward(self, photo: Tensor) -> Tensor:
        skips = [photo]
        for block in self.down:
            skips.append(block(skips[-1]))
        x = skips.pop()
        for block in self.up:
            x = torch.cat([block(x), skips.pop()], dim=1)
        return torch.as_tensor(self.head(x))


class PatchDiscriminator(nn.Module):
    """PatchGAN: a logit for every 70×70 patch, of how true the maps look for this photo.

    Takes the photo (NCHW float32, as the generator) and what the head gives (N, planes, H, W).
    ``shrink`` averages both first: patches then span ``shrink`` × 70 pixels, ``shrink``² cheaper.
    """

    def __init__(self, planes: int, *, ndf: int = 32, shrink: int = 1) -> None:
        super().__init__()
        self.shrink = shrink
        widths = (ndf, 2 * ndf, 4 * ndf, 8 * ndf)
        layers: list[nn.Module] = [nn.Conv2d(3 + planes, ndf, 4, 2, 1), nn.LeakyReLU(0.2)]
        for inputs, outputs, stride in zip(widths[:-1], widths[1:], (2, 2, 1), strict=True):
            layers += [
                nn.Conv2d(inputs, outputs, 4, stride, 1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.LeakyReLU(0.2),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, 1, 1))

    def forward(self, photo: Tensor, maps: Tensor) -> Tensor:
        both = torch.cat([photo, maps], dim=1)
        if self.shrink > 1:
            both = F.avg_pool2d(both, self.shrink)
        return torch.as_tensor(self.layers(both))


class ParserNetwork(nn.Module):
    """What is exported: the generator, and what its head makes of the values."""

    def __init__(self, generator: nn.Module, head: Head = Head.PROBABILITIES) -> None:
        super().__init__()
        self.generator = generator
        self.head = head

    def forward(self, photo: Tensor) -> Tensor:
        return painted(self.generator(photo), self.head)


def painted(values: Tensor, head: Head) -> Tensor:
    """Class probabilities (N, classes, H, W), or RGB pictures (N, 3, H, W) from −1 to 1."""
    return torch.tanh(values) if head == Head.PICTURE else F.softmax(values, dim=1)


def planes_of(head: Head, classes: int) -> int:
    """How many planes a head has: one a class, or red, green and blue."""
    return 3 if head == Head.PICTURE else classes


def build_generator(kind: GeneratorKind, planes: int) -> MobileNetUNet | UNet:
    """A generator with random weights."""
    return MobileNetUNet(planes) if kind == GeneratorKind.MOBILENET else UNet(planes)


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")
