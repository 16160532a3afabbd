from pathlib import Path

import numpy as np
import pytest

from segmentation.annotations.annotated_photo import AnnotatedPhoto, Instance
from segmentation.evaluation.metrics import CategoryFigures, SegmentationFigures
from segmentation.evaluation.report import TrainingStory, write_report
from segmentation.evaluation.worst import WorstPhotos, panoptic_quality
from segmentation.garment import BoolPixels, Box, Mask
from segmentation.mask_rcnn.predict import ScoredInstance
from segmentation.photo import Photo, decode_photo


def _rows(first: int, last: int) -> BoolPixels:
    pixels = np.zeros((40, 30), bool)
    pixels[first:last] = True
    return pixels


def test_quality_counts_overlap_of_pairs_and_half_of_what_has_none() -> None:
    truth = [("top", _rows(0, 10)), ("bag", _rows(20, 30))]
    found = [("top", _rows(0, 8)), ("hat", _rows(20, 30))]
    quality, missed, invented = panoptic_quality(truth, found)
    # One pair with IoU 0.8; a bag missed and a hat invented: 0.8 / (1 + ½ + ½).
    assert quality == pytest.approx(0.4)
    assert (missed, invented) == (["bag"], ["hat"])
    assert panoptic_quality(truth, truth)[0] == pytest.approx(1)


def _worst(count: int, *, most: int) -> WorstPhotos:
    worst = WorstPhotos(most=most)
    for number in range(count):
        annotated = AnnotatedPhoto(Path(f"<{number}>.jpg"), lambda: (), frozenset({"top"}))
        photo = Photo(np.zeros((40, 30, 3), np.uint8))
        guess = Mask(_rows(0, 10 - number))
        worst.look_at(
            annotated,
            photo,
            [Instance("top", Mask(_rows(0, 10)))],
            [ScoredInstance("top", 0.9, Box(0, 0, 1, 1), guess)],
        )
    return worst


def test_only_the_worst_photos_are_kept_the_worst_first() -> None:
    pictures = _worst(5, most=2).pictures()
    assert [one.name for one in pictures] == ["<4>.jpg", "<3>.jpg"]
    shown = decode_photo(pictures[0].truth)
    assert (shown.width, shown.height) == (30, 40)


def test_report_is_one_page_with_curve_figures_and_pictures(tmp_path: Path) -> None:
    card = {
        "version": "new",
        "initial_weights": "bundled",
        "data": {"photos": 3, "extra_photos": 0},
        "recipe": {"epochs": 2, "height": 128, "width": 96},
        "categories": ["top", "scarf"],
        "early_stopping": {"chosen_epoch": 1, "chosen_on_held_out_photos": 8},
    }

    def figures(**per_category: float) -> SegmentationFigures:
        by_name = {name: CategoryFigures(ap, ap, 4) for name, ap in per_category.items()}
        return SegmentationFigures(0.5, 0.6, 0.5, 0.6, by_name, None, 3, 0.1)

    history = [{"epoch": n, "step": 5 * n, "held_out_mask_ap": 0.2 * n} for n in (1, 2)]
    story = TrainingStory(card, [(5, 2.0), (10, 1.0)], history)
    page = write_report(
        tmp_path / "report.html",
        story,
        metrics=figures(top=0.51, scarf=0.42),
        before=figures(top=0.55, scarf=0.0),
        worst=_worst(1, most=1).pictures(),
    ).read_text()
    for text in ("<svg", "0.550", "0.510", "0.420", "had no say", "&lt;0&gt;.jpg", 'class="ap"'):
        assert text in page
    # Nothing is fetched from elsewhere.
    assert "http" not in page
    assert page.count("data:image/jpeg;base64,") == 2
