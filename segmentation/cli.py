"""Commands of the segmentation stage: mounts them all, and those of the parser."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from segmentation.annotations.label_png import LabelPair, list_label_pairs
from segmentation.annotations.read import label_names
from segmentation.annotations_cli import annotations_app
from segmentation.cli_options import (
    ActivateOption,
    LabelsOption,
    LicenceOption,
    NamesOption,
    PhotoFolderOption,
    SeedOption,
    VersionOption,
    chosen_start,
    chosen_version,
    need_training,
    print_document,
    progress_bar,
)
from segmentation.errors import AnnotationError
from segmentation.evaluation.held_out import split
from segmentation.evaluation.parsing import evaluate_parsing
from segmentation.evaluation.road import label_set_of, parsing_road
from segmentation.labels import parser_label_set
from segmentation.mask_rcnn.background import Background
from segmentation.mask_rcnn.predict import MaskRCNNPredictor
from segmentation.models import ModelKind
from segmentation.pix2pix.predict import PersonParser
from segmentation.segmenter_cli import segmenter_app
from segmentation.version_cli import JsonOption, Versions, add_version_commands


class BackgroundName(StrEnum):
    """`Background` as the command line spells it."""

    GREY = "grey"
    WHITE = "white"
    BLACK = "black"
    NONE = "none"


class LabelSetSize(StrEnum):
    """The parser's label sets by their number of classes."""

    FOUR = "4"
    TWENTY_NINE = "29"
    FIFTY_NINE = "59"


def register(app: typer.Typer, versions: Versions) -> None:
    """Mount `annotations`, `segmenter` and `parser` on ``garb``."""
    app.add_typer(annotations_app(versions), name="annotations")
    app.add_typer(segmenter_app(versions), name="segmenter")
    app.add_typer(_parser_app(versions), name="parser")


def _parser_app(versions: Versions) -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="pix2pix: skin, hair and clothes.")

    @app.command("train")
    def train(
        photos: PhotoFolderOption,
        labels: LabelsOption,
        names: NamesOption = None,
        extra_photos: Annotated[
            Path | None, typer.Option("--extra-photos", metavar="DIR", help="Trained on as well.")
        ] = None,
        extra_labels: Annotated[
            Path | None, typer.Option("--extra-labels", metavar="DIR", help="Of the same names.")
        ] = None,
        label_set: Annotated[
            LabelSetSize, typer.Option("--label-set", help="Classes to tell apart.")
        ] = LabelSetSize.FOUR,
        background: Annotated[
            BackgroundName, typer.Option("--background", help="What replaces the street.")
        ] = BackgroundName.GREY,
        epochs: Annotated[
            int, typer.Option("--epochs", min=1, help="Times that each photo is seen.")
        ] = 8,
        init: Annotated[
            str, typer.Option("--init", help="bundled, VERSION, imagenet or none.")
        ] = "bundled",
        seed: SeedOption = 0,
        licence: LicenceOption = None,
        activate: ActivateOption = False,
        as_json: JsonOption = False,
    ) -> None:
        """Train a new version; killed and started again, it goes on where it stopped."""
        job = need_training("segmentation.training.parser")
        version = job.train_parser_version(
            list_label_pairs(photos, labels),
            extra=_extra_pairs(extra_photos, extra_labels, label_names(labels, names)),
            names=label_names(labels, names),
            label_set=parser_label_set(int(label_set)),
            background=Background[background.name],
            epochs=epochs,
            seed=seed,
            start=chosen_start(versions, ModelKind.PARSER, init),
            models=versions.store(),
            segmenter=versions.active(ModelKind.SEGMENTER),
            notes={
                "annotations": [path.name for path in (labels, extra_labels) if path],
                "licences": licence or [],
            },
        )
        figures = version.card["figures"]["held_out"]
        document = {
            "version": version.name,
            "card": str(version.card_path),
            **figures,
            "metrics": figures,
            "activated": False,
        }
        # Told even if it is refused: the new version is there all the same.
        try:
            if activate:
                versions.activate(version, force=False)
                document["activated"] = True
        finally:
            print_document(document, as_json)

    @app.command("evaluate")
    def evaluate(
        photos: PhotoFolderOption,
        labels: LabelsOption,
        names: NamesOption = None,
        version: VersionOption = None,
        label_set: Annotated[
            LabelSetSize | None,
            typer.Option(
                "--label-set", help="Merge the version's classes to so many. Default: its own."
            ),
        ] = None,
        background: Annotated[
            BackgroundName | None,
            typer.Option("--background", help="Default: what the version was trained with."),
        ] = None,
        held_out: Annotated[
            bool,
            typer.Option(
                "--held-out",
                help="Only what training holds out: names that end in 7, else every tenth.",
            ),
        ] = False,
        as_json: JsonOption = False,
    ) -> None:
        """Pixel accuracy and IoU of the whole road: the person is the predicted one."""
        pairs = list_label_pairs(photos, labels)
        if held_out:
            pairs = split(pairs)[1]
        chosen = chosen_version(versions, ModelKind.PARSER, version)
        measured = parser_label_set(int(label_set)) if label_set else label_set_of(chosen)
        road = parsing_road(
            MaskRCNNPredictor(versions.active(ModelKind.SEGMENTER)),
            PersonParser(chosen, background=Background[background.name] if background else None),
            label_set=measured,
        )
        with progress_bar("evaluating") as advance:
            figures = evaluate_parsing(
                pairs,
                names=label_names(labels, names),
                label_set=measured,
                predict=road,
                on_photo=lambda done: advance(done, len(pairs)),
            )
        print_document(figures.as_json(), as_json)

    add_version_commands(app, ModelKind.PARSER, versions)
    return app


def _extra_pairs(
    photos: Path | None, labels: Path | None, names: tuple[str, ...]
) -> list[LabelPair]:
    if photos is None and labels is None:
        return []
    if photos is None or labels is None:
        raise typer.BadParameter("--extra-photos and --extra-labels go together")
    if label_names(labels, None) != names:
        raise AnnotationError(f"{labels}: its labels.json is not that of --labels")
    return list_label_pairs(photos, labels)
