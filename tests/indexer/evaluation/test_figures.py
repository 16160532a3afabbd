from __future__ import annotations

import pytest

from indexer.evaluation.figures import figures_of, grouped


def test_figures_by_hand() -> None:
    figures = figures_of([1, 1, 2, 5, 6, 10, 11, 200])
    assert figures == {
        "r@1": 2 / 8,
        "r@5": 4 / 8,
        "r@10": 6 / 8,
        "mrr": pytest.approx(
            (1 + 1 + 1 / 2 + 1 / 5 + 1 / 6 + 1 / 10 + 1 / 11 + 1 / 200) / 8, abs=1e-4
        ),
    }
    assert set(figures_of([]).values()) == {0}


def test_groups_are_ordered_and_nameless_ranks_left_out() -> None:
    assert list(grouped([("b", 2), ("", 9), ("a", 1), ("b", 3)]).items()) == [
        ("a", [1]),
        ("b", [2, 3]),
    ]
