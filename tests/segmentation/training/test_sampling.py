from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.training.recipe import Recipe
from segmentation.training.sampling import Steps, repeat_factors

TOP, HAT = frozenset({"top"}), frozenset({"top", "hat"})


def test_rare_categories_photos_are_shown_more_often() -> None:
    factors = repeat_factors([TOP] * 95 + [HAT] * 5, rare_share=0.2)
    assert factors[:95] == [1.0] * 95
    # √(0.20 / 0.05), by hand.
    assert factors[95:] == pytest.approx([2.0] * 5)
    assert repeat_factors([frozenset()], rare_share=0.2) == [1.0]


@given(st.lists(st.floats(1, 5), min_size=1, max_size=40), st.integers(0, 5))
def test_an_epoch_shows_each_photo_its_factor_rounded_down_or_up(
    repeats: list[float], epoch: int
) -> None:
    steps = Steps(repeats, 0, Recipe())
    order = steps.order(epoch)
    assert len(order) == steps.shown_per_epoch
    assert order == steps.order(epoch)
    shown = Counter(order)
    scale = steps.shown_per_epoch / sum(repeats)
    assert set(shown) == set(range(len(repeats)))
    assert all(abs(shown[i] - factor * scale) < 1 + 1e-6 for i, factor in enumerate(repeats))


def test_without_rare_categories_each_photo_is_shown_once_and_extra_ones_are_drawn() -> None:
    steps = Steps([1.0] * 10, 20, Recipe(extra_share=0.3, batch=4, epochs=2))
    order = steps.order(0)
    assert sorted(order)[:10] == list(range(10))
    assert len(order) == 13
    assert steps.per_epoch == 4
    assert steps.total == 8
    assert order != steps.order(1)


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_processes_share_every_step_and_take_as_many_photos_each(ranks: int) -> None:
    steps = Steps([1.0] * 7, 0, Recipe(batch=3))
    alone = steps.batches(0)
    shared = [steps.batches(0, rank=rank, ranks=ranks) for rank in range(ranks)]
    for number, chunk in enumerate(alone):
        taken = [batches[number] for batches in shared]
        assert len({len(one) for one in taken}) == 1
        assert {index for one in taken for index in one} == set(chunk)
