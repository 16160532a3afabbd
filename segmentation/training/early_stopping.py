"""Which epoch's weights are kept, and when to stop: by what held-out photos say of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from segmentation.annotations.annotated_photo import AnnotatedPhoto
from segmentation.evaluation.metrics import evaluate_instances
from segmentation.mask_rcnn.network import MaskRCNN
from segmentation.mask_rcnn.predict import MaskRCNNCore

# The schedule ends at a rate of nothing, so the last epoch is best unless it has learned the photos
# by heart. An average precision of so few photos is worth a point: only more says otherwise.
TIE = 0.01
# With fewer held-out photos than this nothing is chosen by them: it would be chance.
_FEWEST = 16
_MOST = 40


@dataclass(slots=True)
class Choice:
    """The epoch to keep so far: the latest whose measure is the best, or as good as that."""

    patience: int
    highest: float = 0.0
    epoch: int = 0

    def keeps(self, epoch: int, measured: float) -> bool:
        """Whether this epoch is the one to keep now."""
        better = self.epoch == 0 or measured >= self.highest - TIE
        self.highest = max(self.highest, measured)
        if better:
            self.epoch = epoch
        return better

    def gives_up(self, epoch: int) -> bool:
        """Whether so many epochs were none to keep that the next will not be either."""
        return epoch - self.epoch >= self.patience


def photos_to_choose_by(held_out: Sequence[AnnotatedPhoto]) -> list[AnnotatedPhoto]:
    """Every second held-out photo by name, forty at most; none when that is too few to tell.

    The figures of the others are those of photos that had no say.
    """
    if len(held_out) < _FEWEST:
        return []
    return sorted(held_out, key=lambda photo: photo.path.name)[::2][:_MOST]


def measure_on(
    photos: Sequence[AnnotatedPhoto], card: dict[str, Any]
) -> Callable[[MaskRCNN], float]:
    """A function network → mask AP on these photos; ``card``: its categories and preprocessing."""

    def measure(network: MaskRCNN) -> float:
        was_training = network.training
        network.eval()
        figures = evaluate_instances(MaskRCNNCore(TorchGraph(network), card), photos)
        network.train(was_training)
        return figures.mask_ap

    return measure


class TorchGraph:
    """A network in training, run as a served one's graph is."""

    def __init__(self, network: MaskRCNN) -> None:
        self._network = network
        self._device = next(network.parameters()).device

    def run(self, inputs: Any) -> dict[str, Any]:
        image: Tensor = torch.from_numpy(inputs["image"]).to(self._device)
        with torch.no_grad():
            found = self._network(image)
        names = ("boxes", "labels", "scores", "masks")
        return {name: value.cpu().numpy() for name, value in zip(names, found, strict=True)}
