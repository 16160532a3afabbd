import pytest
import torch

from segmentation.training.schedule import one_cycle, one_cycle_factor


def test_parser_rate_rises_from_a_tenth_and_falls_to_a_hundredth() -> None:
    rates = [one_cycle_factor(step, steps=100) for step in range(100)]
    assert max(rates) == pytest.approx(1.0)
    assert rates.index(max(rates)) == 15
    assert rates[0] == pytest.approx(0.1)
    assert rates[-1] < 0.02


@pytest.mark.parametrize("steps", [1, 2, 100])
def test_segmenter_rate_rises_and_falls_in_any_number_of_steps(steps: int) -> None:
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = one_cycle(optimiser, steps)
    rates = []
    for _ in range(steps):
        rates.append(schedule.get_last_lr()[0])
        optimiser.step()
        schedule.step()
    highest = rates.index(max(rates))
    assert 0 < max(rates) <= 1
    assert rates[: highest + 1] == sorted(rates[: highest + 1])
    assert rates[highest:] == sorted(rates[highest:], reverse=True)
    assert steps < 100 or rates[-1] < 0.01
