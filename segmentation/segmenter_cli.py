"""`garb segmenter`: train Mask R-CNN, evaluate it, and version it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from segmentation.annotations.read import read_annotations
from segmentation.annotations.sound import read_sound, without_broken
from segmentation.cli_options import (
    STARTS,
    LicenceOption,
    NamesOption,
    PhotosOption,
    SkipBrokenOption,
    VersionOption,
    chosen_version,
    need_training,
    print_document,
    progress_bar,
    read_all,
)
from segmentation.errors import AnnotationError
from segmentation.evaluation.metrics import evaluate_instances
from segmentation.mask_rcnn.architecture import Architecture
from segmentation.mask_rcnn.predict import MaskRCNNPredictor
from segmentation.models import ModelKind
from segmentation.version_cli import JsonOption, Versions, add_version_commands


class Classes(StrEnum):
    """What becomes of the classes that the initial version knows."""

    REPLACE = "replace"
    EXTEND = "extend"


def segmenter_app(versions: Versions) -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="Mask R-CNN: which garment, and where.")

    @app.command("train")
    def train(
        annotations: Annotated[list[Path], typer.Argument(metavar="ANNOTATIONS…")],
        photos: PhotosOption,
        names: NamesOption = None,
        val: Annotated[
            Path | None, typer.Option("--val", metavar="FILE", help="Held-out annotations.")
        ] = None,
        extra: Annotated[
            list[Path] | None,
            typer.Option("--extra", metavar="FILE", help="A new share is drawn each epoch."),
        ] = None,
        extra_share: Annotated[
            float, typer.Option("--extra-share", min=0, help="Of the number of other photos.")
        ] = 0.3,
        epochs: Annotated[int, typer.Option("--epochs", min=1)] = 8,
        size: Annotated[
            int, typer.Option("--size", min=128, max=1024, help="Long side, px.")
        ] = 576,
        batch: Annotated[int, typer.Option("--batch", min=1)] = 4,
        init: Annotated[
            str, typer.Option("--init", help="bundled, VERSION, imagenet, coco or none.")
        ] = "bundled",
        architecture: Annotated[
            Architecture, typer.Option("--architecture")
        ] = Architecture.MOBILENET_V2_FPN,
        classes: Annotated[
            Classes, typer.Option("--classes", help="The annotation's classes replace the old.")
        ] = Classes.REPLACE,
        seed: Annotated[int, typer.Option("--seed")] = 0,
        skip_broken: SkipBrokenOption = False,
        licence: LicenceOption = None,
        activate: Annotated[bool, typer.Option("--activate")] = False,
        as_json: JsonOption = False,
    ) -> None:
        """Train a new version; killed and started again, it goes on where it stopped."""
        if classes is Classes.EXTEND:
            # Old classes that the new photos do not label would be learned as background.
            raise AnnotationError(
                "--classes extend is not supported yet: annotate the old classes too, and replace"
            )
        training = need_training("segmentation.training.segmenter")
        recipe = need_training("segmentation.training.mask_rcnn").Recipe(
            architecture=architecture,
            height=_multiple_of_32(size),
            width=_multiple_of_32(size * 2 / 3),
            epochs=epochs,
            batch=batch,
            seed=seed,
            extra_share=extra_share,
        )
        store = versions.store()
        read = without_broken if skip_broken else read_sound
        annotated = read_all(annotations, photos, names, read)
        held_out = read_all([val], photos, names, read) if val else None
        extra_photos = read_all(extra or [], photos, names, read)
        kept, split_off = training.split(annotated)
        initial = store.get(ModelKind.SEGMENTER, init) if init not in STARTS else None
        recipe = recipe.continued() if initial else recipe
        with progress_bar("measuring") as advance:
            trained = training.train_segmenter(
                annotated if held_out else kept,
                held_out or split_off,
                extra=extra_photos,
                recipe=recipe,
                start=initial or training.Start(init),
                models=store,
                notes={
                    "annotations": [path.name for path in (*annotations, *(extra or []))],
                    "licences": licence or [],
                },
                on_photo=advance,
            )
        if activate:
            versions.activate(trained.version, force=False)
        document = {
            "version": trained.version.name,
            "card": str(trained.version.card_path),
            "metrics": trained.metrics.as_json(),
            "before": trained.before.as_json() if trained.before else None,
            "activated": activate,
        }
        print_document(document, as_json)

    @app.command("evaluate")
    def evaluate(
        annotations: Annotated[Path, typer.Argument(metavar="ANNOTATIONS")],
        photos: PhotosOption,
        names: NamesOption = None,
        version: VersionOption = None,
        held_out: Annotated[
            bool, typer.Option("--held-out", help="Only photos whose name ends in 7.")
        ] = False,
        as_json: JsonOption = False,
    ) -> None:
        """Average precision on annotated photos, COCO's way."""
        annotated = read_annotations(annotations, photos, names=names)
        if held_out:
            annotated = [photo for photo in annotated if photo.path.stem.endswith("7")]
        predictor = MaskRCNNPredictor(chosen_version(versions, ModelKind.SEGMENTER, version))
        with progress_bar("evaluating") as advance:
            figures = evaluate_instances(
                predictor, annotated, on_photo=lambda done: advance(done, len(annotated))
            )
        print_document(figures.as_json(), as_json)

    add_version_commands(app, ModelKind.SEGMENTER, versions)
    return app


def _multiple_of_32(pixels: float) -> int:
    return max(32, round(pixels / 32) * 32)
