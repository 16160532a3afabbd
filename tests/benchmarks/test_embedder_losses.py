import numpy as np
import pytest
import torch

from benchmarks.embedder_losses import MeanNetwork, semi_hard_triplets, some_of
from indexer.embedder.crop_store import CropStore
from indexer.embedder.items import Crop, Cut
from indexer.embedder.network import SiameseNetwork


def on_circle(*degrees: float) -> torch.Tensor:
    angles = torch.deg2rad(torch.tensor(degrees))
    return torch.stack([angles.cos(), angles.sin()], dim=1)


def test_pooling_lies_between_mean_and_maximum_of_the_cloth() -> None:
    values = torch.rand(2, 5, 3, 3, generator=torch.Generator().manual_seed(0))
    weights = torch.ones(2, 1, 3, 3)
    weights[..., 0] = 0
    pooled = SiameseNetwork().pool_deepest(values, weights)
    assert (pooled > MeanNetwork().pool_deepest(values, weights)).all()
    assert (pooled < values[..., 1:].amax(dim=(2, 3))).all()


def test_triplets_ask_for_a_margin_and_no_more() -> None:
    labels = torch.tensor([0, 0, 1, 1])
    assert semi_hard_triplets(on_circle(0, 1, 180, 181), labels) == 0
    assert semi_hard_triplets(on_circle(0, 1, 5, 6), labels) > 0


def test_a_sample_keeps_all_that_is_held_out() -> None:
    crops = tuple(
        Crop(f"street/{i:04d}/top", "top", 0.2, i % 10 == 7, Cut.LABELS) for i in range(200)
    )
    store = CropStore(crops, np.arange(200, dtype=np.uint8).reshape(200, 1, 1, 1), "all")
    some = some_of(store, 60)
    assert sum(crop.validation for crop in some.crops) == 20
    assert sum(not crop.validation for crop in some.crops) == pytest.approx(60, abs=25)
    for crop, pixels in zip(some.crops, some.pixels, strict=True):
        assert int(crop.item.split("/")[1]) == pixels.item()
