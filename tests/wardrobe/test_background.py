import numpy as np

from wardrobe.background import background


def test_every_seed_draws_a_background() -> None:
    for seed in range(120):
        picture = background(48, 64, np.random.default_rng(seed))
        assert picture.shape == (64, 48, 3)
        assert np.isfinite(picture).all()
