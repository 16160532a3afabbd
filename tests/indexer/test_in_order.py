from __future__ import annotations

import time
from itertools import islice

import pytest

from indexer.in_order import in_order


def test_results_come_in_the_items_order_whichever_is_done_first() -> None:
    def work(number: int) -> int:
        time.sleep(0.02 if number % 3 == 0 else 0)
        return number

    assert list(in_order(work, range(20), threads=4)) == list(range(20))


def test_little_is_worked_on_ahead_and_nothing_after_it_was_left() -> None:
    begun = []
    results = in_order(begun.append, range(1000), threads=2)
    list(islice(results, 3))
    results.close()
    assert len(begun) < 10


def test_an_error_ends_it() -> None:
    def work(number: int) -> float:
        return 1 / (3 - number)

    with pytest.raises(ZeroDivisionError):
        list(in_order(work, range(1000), threads=2))
