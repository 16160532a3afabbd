from __future__ import annotations

import numpy as np
import pytest

from indexer.vectors.exact import is_among


@pytest.mark.parametrize("holes", [1, 3, 1_000])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 1.0])
def test_ids_are_found_among_others_however_many_and_however_far_apart(
    holes: int, share: float
) -> None:
    rng = np.random.default_rng(1)
    ascending = np.sort(rng.choice(2_000 * holes, 2_000, replace=False)) + 17
    wanted = rng.permutation(ascending)[: int(share * len(ascending))]
    strangers = np.array([-5, 0, 16, int(ascending[-1]) + 1, 10**15])
    wanted = np.concatenate([wanted, strangers, wanted[:3]])
    expected = [one in set(wanted.tolist()) for one in ascending.tolist()]
    np.testing.assert_array_equal(is_among(ascending, wanted), expected)


def test_nothing_is_among_nothing() -> None:
    nothing = np.empty(0, np.int64)
    assert len(is_among(nothing, np.array([1]))) == 0
    assert not is_among(np.array([1]), nothing).any()
