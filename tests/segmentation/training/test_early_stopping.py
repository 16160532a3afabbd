from pathlib import Path

import numpy as np
from PIL import Image

from segmentation.annotations.annotated_photo import AnnotatedPhoto, Instance
from segmentation.garment import Mask
from segmentation.mask_rcnn.architecture import Architecture
from segmentation.mask_rcnn.network import build_network
from segmentation.training.early_stopping import Choice, measure_on, photos_to_choose_by


def _kept(measures: list[float], *, patience: int) -> tuple[int, int]:
    """(epoch kept, epochs trained)."""
    choice = Choice(patience)
    for epoch, measured in enumerate(measures, 1):
        choice.keeps(epoch, measured)
        if choice.gives_up(epoch):
            return choice.epoch, epoch
    return choice.epoch, len(measures)


def test_later_epochs_win_unless_they_are_measurably_worse() -> None:
    assert _kept([0.2, 0.4, 0.395, 0.391], patience=5) == (4, 4)
    assert _kept([0.2, 0.4, 0.38, 0.38], patience=5) == (2, 4)


def test_a_slow_decline_is_held_against_the_best_and_not_the_last() -> None:
    assert _kept([0.40, 0.395, 0.389, 0.38, 0.37], patience=2) == (2, 4)


def test_training_goes_on_while_patience_lasts() -> None:
    assert _kept([0.5, 0.1, 0.1, 0.6], patience=3) == (4, 4)
    assert _kept([0.5, 0.1, 0.1, 0.6], patience=2) == (1, 3)
    assert _kept([0.0, 0.0, 0.1], patience=1) == (3, 3)


def test_half_of_the_held_out_photos_choose_unless_they_are_too_few() -> None:
    def photos(count: int) -> list[AnnotatedPhoto]:
        return [
            AnnotatedPhoto(Path(f"{number:03}.jpg"), lambda: (), frozenset())
            for number in range(count)
        ]

    assert photos_to_choose_by(photos(15)) == []
    assert [one.path.stem for one in photos_to_choose_by(photos(16))][:3] == ["000", "002", "004"]
    assert len(photos_to_choose_by(photos(16))) == 8
    assert len(photos_to_choose_by(photos(200))) == 40


def test_network_in_training_is_measured_and_goes_on_training(tmp_path: Path) -> None:
    path = tmp_path / "7.png"
    Image.new("RGB", (60, 90), (90, 20, 20)).save(path)
    whole = (Instance("top", Mask(np.ones((90, 60), bool))),)
    photo = AnnotatedPhoto(path, lambda: whole, frozenset({"top"}))
    network = build_network(Architecture.MOBILENET_V2_FPN, classes=1).train()
    preprocessing = {"size": [96, 64], "mean": [127.5] * 3, "std": [127.5] * 3}
    measure = measure_on([photo], {"categories": ["top"], "preprocessing": preprocessing})
    assert 0 <= measure(network) <= 1
    assert network.training
