"""What the parser is worth to the segmenter's masks, which come from 28×28 cells. One line a way:

- served: garments as the segmenter finds them, drawn along the photo's edges
- bare: without what the parser calls skin or (a hat excepted) hair, as a search cuts them out
- clothes: only what the parser calls clothes

    python -m benchmarks.mask_sharpening --photos DIR --labels DIR [--ways served,bare,clothes]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from indexer.bootstrap import open_models
from indexer.settings import Settings
from segmentation.annotations.read import read_annotations
from segmentation.believed import MIN_SCORE
from segmentation.evaluation.held_out import split
from segmentation.evaluation.metrics import evaluate_instances
from segmentation.garment import Mask, Regions
from segmentation.labels import PERSON
from segmentation.mask_rcnn.predict import MaskRCNNPredictor, ScoredInstance
from segmentation.models import ModelKind
from segmentation.photo import Photo
from segmentation.pix2pix.predict import PersonParser
from segmentation.segmenter import union_of, without_body

WAYS = ("served", "bare", "clothes")


class ParsedMasks:
    """The segmenter, its garments' masks cut by the parser."""

    def __init__(self, segmenter: MaskRCNNPredictor, parser: PersonParser, way: str) -> None:
        self._segmenter = segmenter
        self._parser = parser
        self._way = way
        self.categories = segmenter.categories

    def predict(self, photo: Photo, *, min_score: float) -> list[ScoredInstance]:
        """As the segmenter's."""
        found = self._segmenter.predict(photo, min_score=min_score)
        people = [i for i in found if i.category == PERSON and i.score >= MIN_SCORE]
        person = union_of(i.mask for i in people)
        if self._way == "served" or person is None:
            return found
        regions = self._parser.parse(photo, person)
        return [i if i.category == PERSON else self._cut(i, regions) for i in found]

    def _cut(self, garment: ScoredInstance, regions: Regions) -> ScoredInstance:
        if self._way == "bare":
            return replace(garment, mask=without_body(garment, regions))
        return replace(garment, mask=Mask(garment.mask.pixels & regions.clothes.pixels))


def main() -> None:
    arguments = _arguments()
    models = open_models(Settings.from_env())
    segmenter = MaskRCNNPredictor(models.get(ModelKind.SEGMENTER))
    parser = PersonParser(models.get(ModelKind.PARSER))
    held_out = split(read_annotations(arguments.labels, [arguments.photos]))[1]
    for way in arguments.ways.split(","):
        figures = evaluate_instances(ParsedMasks(segmenter, parser, way), held_out).as_json()
        print(json.dumps({"way": way, **figures}), flush=True)


def _arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--photos", type=Path, required=True, metavar="DIR")
    parser.add_argument("--labels", type=Path, required=True, metavar="DIR")
    parser.add_argument("--ways", default=",".join(WAYS))
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
