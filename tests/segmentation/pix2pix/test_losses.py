import math

import pytest
import torch

from segmentation.pix2pix.losses import (
    GanObjective,
    class_weights,
    discriminator_loss,
    generator_loss,
    one_hot,
    reconstruction_loss,
)


def test_class_weights_average_one_over_the_pixels() -> None:
    counts = torch.tensor([700, 200, 90, 10])
    weights = class_weights(counts, power=0.5, most=100.0)
    assert float((weights * counts).sum() / counts.sum()) == pytest.approx(1.0)
    assert float(weights[1] / weights[0]) == pytest.approx(math.sqrt(700 / 200))


def test_class_weights_are_capped_and_survive_absent_classes() -> None:
    weights = class_weights(torch.tensor([10_000, 1, 0]), power=1.0, most=4.0)
    assert float(weights[1] / weights[0]) == pytest.approx(4.0)
    assert float(weights[2]) == pytest.approx(float(weights[1]))
    assert torch.equal(class_weights(torch.zeros(3)), torch.ones(3))


def test_reconstruction_is_the_weighted_cross_entropy_written_out() -> None:
    logits = torch.tensor([[[[2.0, 0.0]], [[0.0, 1.0]]]])  # one photo, two classes, two pixels
    target = torch.tensor([[[0, 1]]])
    weights = torch.tensor([1.0, 3.0])
    first = -math.log(math.exp(2) / (math.exp(2) + 1))
    second = -math.log(math.exp(1) / (math.exp(1) + 1))
    loss = reconstruction_loss(logits, target, weights=weights)
    assert float(loss) == pytest.approx((first + 3 * second) / 2)
    wrong = (1 - math.exp(-first) + 1 - math.exp(-second)) / 2
    with_l1 = reconstruction_loss(logits, target, weights=weights, l1_weight=0.5)
    assert float(with_l1 - loss) == pytest.approx(0.5 * wrong, rel=1e-5)


def test_least_squares_objective_is_the_squared_distance() -> None:
    real, fake = torch.tensor([0.8]), torch.tensor([0.3])
    loss = discriminator_loss(real, fake, objective=GanObjective.LSGAN)
    assert float(loss) == pytest.approx(0.5 * (0.2**2 + 0.3**2))
    assert float(generator_loss(fake, objective=GanObjective.LSGAN)) == pytest.approx(0.7**2)


def test_cross_entropy_objective_is_the_logarithm() -> None:
    even = torch.tensor([0.0])
    assert float(generator_loss(even, objective=GanObjective.BCE)) == pytest.approx(math.log(2))
    both = discriminator_loss(even, even, objective=GanObjective.BCE)
    assert float(both) == pytest.approx(math.log(2))


def test_soft_one_hot_still_sums_to_one() -> None:
    maps = one_hot(torch.tensor([[[0, 2]]]), 4, softness=0.1)
    assert maps.shape == (1, 4, 1, 2)
    assert torch.allclose(maps.sum(dim=1), torch.ones(1, 1, 2))
    assert float(maps[0, 2, 0, 1]) == pytest.approx(0.925)
