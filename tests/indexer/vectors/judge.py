"""The numpy index says what a merged part should find."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from indexer.vectors.exact import ExactIndex
from indexer.vectors.merged import MergedPart


def judged(
    part: MergedPart, query: npt.NDArray[np.float32], k: int, allowed: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """The best ``k`` ids of the allowed rows, by a scan of all of them."""
    judge = ExactIndex(part.vectors.shape[1])
    judge.add(part.ids, part.vectors)
    return judge.view().search(query, k, allowed=part.ids[allowed])[0]
