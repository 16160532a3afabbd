"""`garb segmenter`: train Mask R-CNN, evaluate it, and version it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from segmentation.annotations.annotated_photo import AnnotatedPhoto
from segmentation.annotations.read import read_annotations
from segmentation.annotations.sound import read_sound, without_broken
from segmentation.cli_options import (
    ActivateOption,
    AnnotationsArgument,
    LicenceOption,
    NamesOption,
    PhotosOption,
    SeedOption,
    SkipBrokenOption,
    VersionOption,
    chosen_start,
    chosen_version,
    need_training,
    print_document,
    progress_bar,
    read_all,
    stages_bar,
)
from segmentation.evaluation.held_out import split, survey
from segmentation.evaluation.metrics import SegmentationFigures, evaluate_instances
from segmentation.mask_rcnn.architecture import Architecture
from segmentation.mask_rcnn.predict import MaskRCNNPredictor
from segmentation.models import ModelKind, ModelVersion
from segmentation.training.recipe import Precision, Recipe, Start
from segmentation.version_cli import JsonOption, Versions, add_version_commands

_EPOCHS, _MOST_EPOCHS = 8, 40
_FEWEST_STEPS = 500


class Classes(StrEnum):
    """What becomes of the classes that the initial version knows."""

    REPLACE = "replace"
    EXTEND = "extend"


def segmenter_app(versions: Versions) -> typer.Typer:
    """`train`, `evaluate`, and what every kind of model has."""
    app = typer.Typer(no_args_is_help=True, help="Mask R-CNN: which garment, and where.")

    @app.command("train")
    def train(
        annotations: AnnotationsArgument,
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
        epochs: Annotated[
            int | None,
            typer.Option("--epochs", min=1, help="Default: 8, and more for few photos."),
        ] = None,
        size: Annotated[
            int | None,
            typer.Option(
                "--size",
                min=128,
                max=1024,
                help="Long side, px. Default: of the version it starts from, else 576.",
            ),
        ] = None,
        batch: Annotated[
            int, typer.Option("--batch", min=1, help="Photos a step, over all devices.")
        ] = 4,
        init: Annotated[
            str, typer.Option("--init", help="bundled, VERSION, imagenet, coco or none.")
        ] = "bundled",
        architecture: Annotated[
            Architecture | None,
            typer.Option(
                "--architecture",
                help="Default: of the version it starts from; with coco resnet50_fpn_v2; "
                "else mobilenet_v2_fpn.",
            ),
        ] = None,
        classes: Annotated[
            Classes,
            typer.Option(
                "--classes",
                help="The annotations' classes replace the old ones, or are taught beside them: "
                "what the model knows then stays as it is.",
            ),
        ] = Classes.REPLACE,
        rare_share: Annotated[
            float,
            typer.Option(
                "--rare-share",
                min=0,
                max=1,
                help="Classes on fewer photos than this share are shown more often.",
            ),
        ] = 0.2,
        patience: Annotated[
            int,
            typer.Option(
                "--patience",
                min=0,
                help="Stop after so many epochs that are worse on held-out photos; 0: never.",
            ),
        ] = 5,
        precision: Annotated[
            Precision, typer.Option("--precision", help="Of the numbers it computes with.")
        ] = Precision.BFLOAT16,
        devices: Annotated[int, typer.Option("--devices", min=1, help="GPUs, a process each.")] = 1,
        seed: SeedOption = 0,
        skip_broken: SkipBrokenOption = False,
        licence: LicenceOption = None,
        activate: ActivateOption = False,
        as_json: JsonOption = False,
    ) -> None:
        """Train a new version; killed and started again, it goes on where it stopped."""
        training = need_training("segmentation.training.segmenter")
        start = chosen_start(versions, ModelKind.SEGMENTER, init)
        height, width = _canvas(size, start, extends=classes is Classes.EXTEND)
        read = without_broken if skip_broken else read_sound
        annotated = read_all(annotations, photos, names, read)
        held_out = read_all([val], photos, names, read) if val else None
        extra_photos = read_all(extra or [], photos, names, read)
        kept, split_off = split(annotated)
        to_learn = annotated if held_out else kept
        to_measure = held_out or split_off
        recipe = Recipe(
            architecture=_architecture(architecture, start),
            height=height,
            width=width,
            epochs=epochs or _epochs_for(len(to_learn), batch),
            batch=batch,
            seed=seed,
            extra_share=extra_share,
            rare_share=rare_share,
            patience=patience,
            precision=precision,
        )
        trains_on = isinstance(start, ModelVersion)
        if classes is Classes.EXTEND and isinstance(start, ModelVersion):
            trains_on = False
            _say_what_stays(start, training.categories_of(annotated))
        fabric = need_training("segmentation.training.devices").open_fabric(
            devices=devices, precision=recipe.precision
        )
        with stages_bar() as advance:
            trained = training.train_segmenter(
                to_learn,
                to_measure,
                extra=extra_photos,
                recipe=recipe.continued() if trains_on else recipe,
                start=start,
                models=versions.store(),
                notes={
                    "annotations": [path.name for path in (*annotations, *(extra or []))],
                    "licences": licence or [],
                },
                extend=classes is Classes.EXTEND,
                fabric=fabric,
                on_photo=advance,
            )
        if trained is None:  # One of the other devices' processes: the first one tells.
            return
        typer.echo(f"report: {trained.report}", err=True)
        document = {
            "version": trained.version.name,
            "card": str(trained.version.card_path),
            "metrics": trained.metrics.as_json(),
            "before": trained.before.as_json() if trained.before else None,
            "activated": False,
        }
        # Told even if it is refused: the new version is there all the same.
        try:
            if activate:
                _measure_active(versions, to_measure, start)
                versions.activate(trained.version, force=False)
                document["activated"] = True
        finally:
            print_document(document, as_json)

    @app.command("average")
    def average(
        version: Annotated[
            list[str], typer.Argument(metavar="VERSION VERSION…", help="Two or more.")
        ],
        on: Annotated[
            list[Path], typer.Option("--on", metavar="ANNOTATIONS", help="To measure it on.")
        ],
        photos: PhotosOption,
        names: NamesOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Average versions trained one from another: what was gained, and less forgotten for it.

        Measured on what training holds out of the annotations.
        """
        averaging = need_training("segmentation.training.averaging")
        store = versions.store()
        chosen = [store.get(ModelKind.SEGMENTER, name) for name in version]
        annotated = [photo for file in on for photo in read_annotations(file, photos, names=names)]
        held_out = split(annotated)[1]
        with progress_bar("measuring") as advance:
            averaged = averaging.average_segmenters(
                chosen,
                held_out,
                models=store,
                on_photo=lambda done: advance(done, len(held_out)),
            )
        document = {
            "version": averaged.name,
            "card": str(averaged.card_path),
            "metrics": averaged.card["figures"]["held_out"],
        }
        print_document(document, as_json)

    @app.command("evaluate")
    def evaluate(
        annotations: AnnotationsArgument,
        photos: PhotosOption,
        names: NamesOption = None,
        version: VersionOption = None,
        held_out: Annotated[
            bool,
            typer.Option(
                "--held-out",
                help="Only what training holds out: names that end in 7, else every tenth.",
            ),
        ] = False,
        as_json: JsonOption = False,
    ) -> None:
        """Average precision on annotated photos, COCO's way; `activate` compares by it."""
        annotated = [
            photo for file in annotations for photo in read_annotations(file, photos, names=names)
        ]
        if held_out:
            annotated = split(annotated)[1]
        chosen = chosen_version(versions, ModelKind.SEGMENTER, version)
        figures = _measure(versions, chosen, annotated)
        print_document(figures.as_json(), as_json)

    add_version_commands(app, ModelKind.SEGMENTER, versions)
    return app


def _say_what_stays(start: ModelVersion, annotated: Sequence[str]) -> None:
    known = [name for name in annotated if name in start.card["categories"]]
    if known:
        typer.echo(
            f"{', '.join(known)}: known to {start.name}, which keeps what it knows as it is; their "
            "regions are not learned",
            err=True,
        )


def _measure(
    versions: Versions, version: ModelVersion, annotated: list[AnnotatedPhoto]
) -> SegmentationFigures:
    """The version's figures, which are remembered: an activation compares by them."""
    predictor = MaskRCNNPredictor(version)
    with progress_bar("evaluating") as advance:
        figures = evaluate_instances(
            predictor, annotated, on_photo=lambda done: advance(done, len(annotated))
        )
    identity = survey(annotated).identity
    versions.store().record_figures(version, identity, figures.as_json())
    return figures


def _measure_active(
    versions: Versions, held_out: list[AnnotatedPhoto], start: Start | ModelVersion
) -> None:
    """Know what the active version reaches on the photos by which a new one is judged.

    What ``start`` reaches stands in the new version's card.
    """
    active = versions.active(ModelKind.SEGMENTER)
    if isinstance(start, ModelVersion) and start.name == active.name:
        return
    if survey(held_out).identity not in versions.store().recorded_figures(active):
        _measure(versions, active, held_out)


def _epochs_for(photos: int, batch: int) -> int:
    """Eight passes over many photos; few are passed more often, so that there are steps enough."""
    wanted = -(-_FEWEST_STEPS * batch // max(1, photos))
    return min(_MOST_EPOCHS, max(_EPOCHS, wanted))


def _canvas(size: int | None, start: Start | ModelVersion, *, extends: bool) -> tuple[int, int]:
    """Height and width of what the network sees.

    Raises:
        typer.BadParameter: classes are taught to a version that sees photos at another size.
    """
    plain = Recipe()
    own = (plain.height, plain.width)
    if isinstance(start, ModelVersion):
        height, width = start.card["preprocessing"]["size"]
        own = (height, width)
    asked = own if size is None else (_multiple_of_32(size), _multiple_of_32(size * 2 / 3))
    if extends and asked != own:
        raise typer.BadParameter(
            f"what the version knows stays as it is at {own[0]} px alone: leave --size out"
        )
    return asked


def _architecture(asked: Architecture | None, start: Start | ModelVersion) -> Architecture:
    if asked is not None:
        return asked
    if isinstance(start, ModelVersion):
        return Architecture(start.card["recipe"]["architecture"])
    coco = start is Start.COCO
    return Architecture.RESNET50_FPN_V2 if coco else Architecture.MOBILENET_V2_FPN


def _multiple_of_32(pixels: float) -> int:
    return max(32, round(pixels / 32) * 32)
