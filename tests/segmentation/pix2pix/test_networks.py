import pytest
import torch
from torchvision.models import mobilenet_v2

from segmentation.errors import ModelDamaged
from segmentation.pix2pix.networks import (
    GeneratorKind,
    MobileNetUNet,
    PatchDiscriminator,
    UNet,
    build_generator,
)


@pytest.mark.parametrize("kind", GeneratorKind)
def test_generator_returns_logits_of_the_photo_size(kind: GeneratorKind) -> None:
    generator = build_generator(kind, 4).eval()
    with torch.no_grad():
        assert generator(torch.zeros(2, 3, 96, 64)).shape == (2, 4, 96, 64)


def test_classic_generator_takes_the_width_and_depth_asked_for() -> None:
    generator = UNet(5, ngf=4, depth=3)
    assert generator.side_multiple == 8
    assert generator(torch.zeros(1, 3, 16, 24)).shape == (1, 5, 16, 24)


def test_discriminator_judges_patches_of_seventy_pixels() -> None:
    discriminator = PatchDiscriminator(4, ndf=4).eval()
    photo = torch.zeros(1, 3, 256, 256, requires_grad=True)
    logits = discriminator(photo, torch.zeros(1, 4, 256, 256))
    assert logits.shape == (1, 1, 30, 30)
    logits[0, 0, 15, 15].backward()
    assert photo.grad is not None
    rows = photo.grad.abs().sum(dim=(0, 1, 3)).nonzero()
    assert int(rows.max() - rows.min()) + 1 == 70


def test_imagenet_weights_fill_the_encoder() -> None:
    donor = mobilenet_v2(num_classes=1001)
    generator = MobileNetUNet(4)
    generator.load_imagenet(donor.features.state_dict())
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        expected = donor.eval().features[:18](x)
        assert torch.equal(generator.eval().encoder(x), expected)


def test_other_weights_are_refused_as_imagenet() -> None:
    with pytest.raises(ModelDamaged):
        MobileNetUNet(4).load_imagenet({"0.0.weight": torch.zeros(1)})
