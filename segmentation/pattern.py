"""A garment's cut-out → the pattern of its cloth: a small network, served as a graph."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segmentation.errors import ModelDamaged
from segmentation.execution import ALL_CORES, Execution
from segmentation.garment import Cutout
from segmentation.graph import load_graph
from segmentation.models import CARD, GRAPH, sha256_of
from segmentation.pattern_words import PATTERNS

# What cloth that is none of these is called while learning; as a tag it has no name.
OTHER = "other"
CLASSES = (*PATTERNS, OTHER)
INPUT, OUTPUT = "cutouts", "scores"

Floats = npt.NDArray[np.float32]


class PatternTagger:
    """Runs the bundled classifier. `patterns_of` may be called from several threads at once."""

    def __init__(
        self,
        execution: Execution = ALL_CORES,
        *,
        folder: Path | None = None,
    ) -> None:
        """Verify and load it.

        Raises:
            ModelDamaged: the graph differs from its card.
            MissingDependency: no runtime is installed.
        """
        home = folder or Path(str(resources.files("segmentation"))) / "weights" / "pattern"
        card = json.loads((home / CARD).read_text("utf-8"))
        if card["sha256"][GRAPH] != sha256_of(home / GRAPH) or tuple(card["classes"]) != CLASSES:
            raise ModelDamaged(f"{home}: {GRAPH} differs from its card")
        self._graph = load_graph(home / GRAPH, execution)

    def patterns_of(self, cutouts: Sequence[Cutout]) -> list[str | None]:
        """One of `PATTERNS` each, None for cloth of another pattern."""
        names = [CLASSES[int(row.argmax())] for row in self.scores_of(cutouts)]
        return [None if name == OTHER else name for name in names]

    def scores_of(self, cutouts: Sequence[Cutout]) -> Floats:
        """float32 ``(n, 6)``: the higher, the likelier the class of `CLASSES`."""
        if not cutouts:
            return np.zeros((0, len(CLASSES)), np.float32)
        rows = [self._graph.run({INPUT: pixels_of(one)[None]})[OUTPUT] for one in cutouts]
        return np.concatenate(rows).astype(np.float32)


def pixels_of(cutout: Cutout) -> Floats:
    """CHW float32: RGB / 127.5 − 1, nothing where no cloth is, then alpha 0–1."""
    share = cutout.alpha.astype(np.float32) / 255
    channels = np.empty((4, *share.shape), np.float32)
    channels[:3] = (cutout.pixels.transpose(2, 0, 1) / np.float32(127.5) - 1) * share
    channels[3] = share
    return channels
