"""Which photos make which step: a function of the seed alone, so that a resumed training repeats it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segmentation.training.recipe import Recipe


def repeat_factors(occurring: Sequence[frozenset[str]], *, rare_share: float) -> list[float]:
    """How often an epoch shows each photo, 1 or more.

    A photo's factor is its rarest category's √(rare_share / share of the photos that show it)
    (repeat-factor sampling: Gupta, Dollár, Girshick 2019, LVIS, appendix).
    """
    photos = Counter(name for found in occurring for name in found)
    factors = {
        name: max(1.0, math.sqrt(rare_share * len(occurring) / count))
        for name, count in photos.items()
    }
    return [max((factors[name] for name in found), default=1.0) for found in occurring]


@dataclass(frozen=True, slots=True)
class Steps:
    """The order of an epoch: photos by their ``repeats``, and a new share of ``extra`` ones.

    An index counts the photos first, then the extra ones.
    """

    repeats: Sequence[float]
    extra: int
    recipe: Recipe

    @property
    def shown_per_epoch(self) -> int:
        """Photos of an epoch, repeats counted."""
        return math.ceil(sum(self.repeats) - 1e-9)

    @property
    def extra_per_epoch(self) -> int:
        return min(self.extra, round(len(self.repeats) * self.recipe.extra_share))

    @property
    def per_epoch(self) -> int:
        return -(-(self.shown_per_epoch + self.extra_per_epoch) // self.recipe.batch)

    @property
    def total(self) -> int:
        return self.per_epoch * self.recipe.epochs

    def order(self, epoch: int) -> list[int]:
        """Indices in the order of the epoch."""
        rng = np.random.default_rng((self.recipe.seed, epoch))
        drawn = rng.choice(self.extra, self.extra_per_epoch, replace=False) + len(self.repeats)
        mixed = np.concatenate([self._resampled(rng), drawn]).astype(int)
        return [int(index) for index in rng.permutation(mixed)]

    def batches(self, epoch: int, *, rank: int = 0, ranks: int = 1) -> list[list[int]]:
        """The indices of each step that one of ``ranks`` processes takes: every ``ranks``-th.

        A step that does not divide is filled up with photos of its own.
        """
        order, size = self.order(epoch), self.recipe.batch
        batches = []
        for start in range(0, len(order), size):
            chunk = order[start : start + size]
            whole = -(-len(chunk) // ranks) * ranks
            filled = [chunk[position % len(chunk)] for position in range(whole)]
            batches.append(filled[rank::ranks])
        return batches

    def _resampled(self, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Systematic resampling: each photo its factor rounded down or up, their sum always the same."""
        shuffled = rng.permutation(len(self.repeats))
        shares = np.cumsum(np.asarray(self.repeats, np.float64)[shuffled])
        points = (np.arange(self.shown_per_epoch) + rng.random()) / self.shown_per_epoch
        places = np.searchsorted(shares, points * shares[-1], side="right")
        return np.asarray(shuffled[np.minimum(places, len(shuffled) - 1)], np.int64)
