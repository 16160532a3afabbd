"""What each stage is worth: the same queries asked with less and less of the pipeline."""

from __future__ import annotations

from enum import StrEnum

from indexer.embedder.base import Embedder
from indexer.evaluation.dataset import RetrievalSet
from indexer.evaluation.finders import Segmented, as_found, box_crop, whole_photo
from indexer.evaluation.retrieval import Progress, RetrievalReport, evaluate_crops
from segmentation.segmenter import PhotoParser


class Stage(StrEnum):
    """What is embedded, of products and queries alike."""

    WHOLE_PHOTO = "the whole photo"
    BOX = "the garment's box"
    MASK = "the garment's mask"
    FULL = "the mask without skin and hair"


def evaluate_stages(
    dataset: RetrievalSet,
    full: RetrievalReport,
    *,
    mask_rcnn: PhotoParser,
    embedder: Embedder,
    threads: int = 1,
    on_progress: Progress = lambda stage, done, total: None,
) -> dict[Stage, RetrievalReport]:
    """A report a stage, the last being ``full``, which is measured already.

    ``mask_rcnn``: the photo parser whose garments keep their skin and hair.
    """
    crops = {Stage.WHOLE_PHOTO: whole_photo, Stage.BOX: box_crop, Stage.MASK: as_found}
    reports = evaluate_crops(
        dataset,
        finder=Segmented(mask_rcnn),
        embedder=embedder,
        crops=tuple(crops.values()),
        threads=threads,
        on_progress=lambda what, done, total: on_progress(f"stages: {what}", done, total),
    )
    return dict(zip(crops, reports, strict=True)) | {Stage.FULL: full}
