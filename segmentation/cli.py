"""Commands of the segmentation stage: train, evaluate and version its models, check annotations."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from segmentation.annotations.annotated_photo import AnnotatedPhoto
from segmentation.annotations.check import check_annotations
from segmentation.annotations.draft import draft_annotations
from segmentation.annotations.label_png import list_label_pairs
from segmentation.annotations.read import label_names, read_annotations
from segmentation.errors import AnnotationError, MissingDependency
from segmentation.evaluation.metrics import evaluate_instances
from segmentation.evaluation.parsing import evaluate_parsing
from segmentation.evaluation.road import label_set_of, parsing_road
from segmentation.labels import parser_label_set
from segmentation.mask_rcnn.architecture import Architecture
from segmentation.mask_rcnn.background import Background
from segmentation.mask_rcnn.predict import MaskRCNNPredictor
from segmentation.models import ModelKind, ModelVersion
from segmentation.pix2pix.predict import PersonParser
from segmentation.version_cli import JsonOption, Versions, add_version_commands

_stderr = Console(stderr=True)

PhotosOption = Annotated[
    list[Path], typer.Option("--photos", metavar="DIR", help="Folder of the photos; repeatable.")
]
NamesOption = Annotated[
    Path | None, typer.Option("--names", metavar="FILE", help="labels.json for label PNGs.")
]
LicenceOption = Annotated[
    list[str] | None,
    typer.Option("--licence", metavar="WHAT: LICENCE", help="Of data or weights, for the card."),
]
VersionOption = Annotated[
    str | None, typer.Option("--version", metavar="V", help="Default: the active version.")
]


class BackgroundName(StrEnum):
    """`Background` as the command line spells it."""

    GREY = "grey"
    WHITE = "white"
    BLACK = "black"
    NONE = "none"


class Classes(StrEnum):
    """What becomes of the classes that the initial version knows."""

    REPLACE = "replace"
    EXTEND = "extend"


def register(app: typer.Typer, versions: Versions) -> None:
    """Mount `annotations`, `segmenter` and `parser` on ``garb``."""
    app.add_typer(_annotations_app(), name="annotations")
    app.add_typer(_segmenter_app(versions), name="segmenter")
    app.add_typer(_parser_app(versions), name="parser")


def _annotations_app() -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="Annotations to train the segmenter on.")

    @app.command("check")
    def check(
        files: Annotated[list[Path], typer.Argument(metavar="FILE…")],
        photos: PhotosOption,
        as_json: JsonOption = False,
    ) -> None:
        """Say what is wrong in VIA or COCO files: file, region, reason. Exit 1 if anything is."""
        findings = [finding for file in files for finding in check_annotations(file, photos)]
        if as_json:
            typer.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False))
        else:
            for finding in findings:
                typer.echo(f"{finding.file}: {finding.region or '-'}: {finding.reason}")
        if findings:
            raise typer.Exit(1)

    @app.command("draft")
    def draft(
        feed: Annotated[Path, typer.Argument(metavar="PRODUCTS.csv")],
        out: Annotated[Path, typer.Option("--out", metavar="FILE", help="COCO file to write.")],
        most: Annotated[
            int, typer.Option("--most", min=1, help="Products of each category.")
        ] = 1000,
    ) -> None:
        """Draft COCO annotations of product photos: what stands out from a plain backdrop."""
        with _progress("drafting") as advance:
            drafted = draft_annotations(feed, out, most_per_category=most, on_progress=advance)
        for name, count in sorted(drafted.items()):
            typer.echo(f"{count:6d} {name}")

    return app


def _segmenter_app(versions: Versions) -> typer.Typer:
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
        training = _need_training("segmentation.training.segmenter")
        recipe = _need_training("segmentation.training.mask_rcnn").Recipe(
            architecture=architecture,
            height=_multiple_of_32(size),
            width=_multiple_of_32(size * 2 / 3),
            epochs=epochs,
            batch=batch,
            seed=seed,
            extra_share=extra_share,
        )
        store = versions.store()
        annotated = _read_all(annotations, photos, names)
        held_out = _read_all([val], photos, names) if val else None
        kept, split_off = training.split(annotated)
        initial = store.get(ModelKind.SEGMENTER, init) if init not in _STARTS else None
        recipe = recipe.continued() if initial else recipe
        with _progress("measuring") as advance:
            trained = training.train_segmenter(
                annotated if held_out else kept,
                held_out or split_off,
                extra=_read_all(extra or [], photos, names),
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
        _report(document, as_json)

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
        predictor = MaskRCNNPredictor(_chosen(versions, ModelKind.SEGMENTER, version))
        with _progress("evaluating") as advance:
            figures = evaluate_instances(
                predictor, annotated, on_photo=lambda done: advance(done, len(annotated))
            )
        _report(figures.as_json(), as_json)

    add_version_commands(app, ModelKind.SEGMENTER, versions)
    return app


def _parser_app(versions: Versions) -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="pix2pix: skin, hair and clothes.")

    @app.command("train")
    def train(
        photos: PhotosOption,
        labels: Annotated[Path, typer.Option("--labels", metavar="DIR")],
        names: NamesOption = None,
        label_set: Annotated[int, typer.Option("--label-set", help="4, 29 or 59.")] = 4,
        background: Annotated[
            BackgroundName, typer.Option("--background", help="What replaces the street.")
        ] = BackgroundName.GREY,
        epochs: Annotated[int, typer.Option("--epochs", min=1)] = 8,
        init: Annotated[
            str, typer.Option("--init", help="bundled, VERSION, imagenet or none.")
        ] = "bundled",
        seed: Annotated[int, typer.Option("--seed")] = 0,
        licence: LicenceOption = None,
        activate: Annotated[bool, typer.Option("--activate")] = False,
        as_json: JsonOption = False,
    ) -> None:
        """Train a new version; killed and started again, it goes on where it stopped."""
        job = _need_training("segmentation.training.parser")
        store = versions.store()
        initial = store.get(ModelKind.PARSER, init) if init not in _STARTS else None
        version = job.train_parser_version(
            list_label_pairs(photos[0], labels),
            names=label_names(labels, names),
            label_set=parser_label_set(label_set),
            background=Background[background.name],
            epochs=epochs,
            seed=seed,
            start=initial or job.Start(init),
            models=store,
            segmenter=versions.active(ModelKind.SEGMENTER),
            notes={"annotations": [labels.name], "licences": licence or []},
        )
        if activate:
            versions.activate(version, force=False)
        document = {
            "version": version.name,
            "card": str(version.card_path),
            "metrics": version.card["figures"]["held_out"],
            "activated": activate,
        }
        _report(document, as_json)

    @app.command("evaluate")
    def evaluate(
        photos: PhotosOption,
        labels: Annotated[Path, typer.Option("--labels", metavar="DIR")],
        names: NamesOption = None,
        version: VersionOption = None,
        held_out: Annotated[
            bool, typer.Option("--held-out", help="Only photos whose name ends in 7.")
        ] = False,
        as_json: JsonOption = False,
    ) -> None:
        """Pixel accuracy and IoU of the whole road: the person is the predicted one."""
        pairs = list_label_pairs(photos[0], labels)
        if held_out:
            pairs = [pair for pair in pairs if pair.stem.endswith("7")]
        chosen = _chosen(versions, ModelKind.PARSER, version)
        road = parsing_road(
            MaskRCNNPredictor(versions.active(ModelKind.SEGMENTER)), PersonParser(chosen)
        )
        with _progress("evaluating") as advance:
            figures = evaluate_parsing(
                pairs,
                names=label_names(labels, names),
                label_set=label_set_of(chosen),
                predict=road,
                on_photo=lambda done: advance(done, len(pairs)),
            )
        _report(figures.as_json(), as_json)

    add_version_commands(app, ModelKind.PARSER, versions)
    return app


_STARTS = ("imagenet", "coco", "none")


def _multiple_of_32(pixels: float) -> int:
    return max(32, round(pixels / 32) * 32)


def _need_training(module: str) -> Any:
    """Import a module of the trainer, which a server does not have.

    Raises:
        MissingDependency: the extra `train` is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingDependency(
            f'training needs {error.name}: pip install "garb[train]"'
        ) from error


def _chosen(versions: Versions, kind: ModelKind, name: str | None) -> ModelVersion:
    return versions.store().get(kind, name) if name else versions.active(kind)


def _read_all(
    sources: Sequence[Path], photos: Sequence[Path], names: Path | None
) -> list[AnnotatedPhoto]:
    return [photo for source in sources for photo in read_annotations(source, photos, names=names)]


def _report(document: dict[str, Any], as_json: bool) -> None:
    typer.echo(json.dumps(document, indent=None if as_json else 2, ensure_ascii=False))


@contextmanager
def _progress(text: str) -> Iterator[Callable[[int, int], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=_stderr) as progress:
        task = progress.add_task(text, total=None)

        def advance(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield advance
