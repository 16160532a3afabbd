"""`garb embedder train`: the embedder learns a shop's products and labelled street photos."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from indexer.bootstrap import open_models, open_storage
from indexer.embedder.crop_store import CropStore, Finding, open_crops
from indexer.embedder.items import FindGarments, Source
from indexer.embedder.sources import training_sources
from indexer.settings import Settings
from segmentation.cli_options import LicenceOption, SeedOption
from segmentation.errors import MissingDependency
from segmentation.execution import Execution
from segmentation.models import ModelKind, ModelStore, ModelVersion
from segmentation.segmenter import load_segmenter
from segmentation.training.progress import LogLines
from segmentation.version_cli import Versions, add_version_commands

if TYPE_CHECKING:
    from indexer.embedder.publish import TrainedEmbedder
    from indexer.embedder.training_batches import TrainingPlan

_STARTS = ("imagenet", "none")
_stderr = Console(stderr=True)

embedder_app = typer.Typer(no_args_is_help=True, help="The model that tells garments apart.")


def register(app: typer.Typer, versions: Versions) -> None:
    """Mount the embedder's commands on ``garb``."""
    app.add_typer(embedder_app, name="embedder")
    add_version_commands(
        embedder_app,
        ModelKind.EMBEDDER,
        versions,
        schemes={"clip": lambda named: _import_clip(named, versions.store())},
    )


@embedder_app.command("train")
def train(
    catalog: Annotated[
        list[Path], typer.Option("--catalog", metavar="FEED", help="As for `garb catalog import`.")
    ],
    street: Annotated[list[Path], typer.Option("--street", metavar="DIR", help="Street photos.")],
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels", metavar="DIR", help="Label PNGs; default: labels beside --street."
        ),
    ] = None,
    worn: Annotated[
        list[Path] | None,
        typer.Option(
            "--worn", metavar="QUERIES.csv", help="Labelled street photos: who wears which product."
        ),
    ] = None,
    epochs: Annotated[
        int, typer.Option("--epochs", min=1, max=1000, help="Times that each product is seen.")
    ] = 4,
    init: Annotated[
        str, typer.Option("--init", help="bundled, VERSION, imagenet or none.")
    ] = "bundled",
    average: Annotated[
        bool,
        typer.Option(
            "--average", help="Keep the mean of the weights before and after: forgets less."
        ),
    ] = False,
    seed: SeedOption = 0,
    licence: LicenceOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Train on two views of each garment; leaves a version, and does not activate it."""
    settings = Settings.from_env(os.environ)
    models = open_models(settings)
    start = init if init in _STARTS else models.get(ModelKind.EMBEDDER, init)
    plan = _plan(epochs, seed)
    with open_storage(settings) as storage:
        served = _Served(storage.active(ModelKind.SEGMENTER), storage.active(ModelKind.PARSER))
    sources = training_sources(catalogs=catalog, streets=street, labels=labels, worn=worn or ())
    store = _crops(sources, served, settings.home / "training" / "crops")
    folder = settings.home / "training" / "embedder"
    trained = _train(store, plan, start, folder, models, licence, average=average)
    if as_json:
        typer.echo(json.dumps(_document(trained)))
    else:
        _print_figures(trained)


def _document(trained: TrainedEmbedder) -> dict[str, Any]:
    return {
        "version": trained.version.name,
        "card": str(trained.version.card_path),
        "metrics": trained.metrics,
        "before": trained.before,
        "activated": False,
    }


def _print_figures(trained: TrainedEmbedder) -> None:
    typer.echo(f"{trained.version.name}: {trained.version.card_path}")
    for title, figures, before in (
        ("another view", trained.metrics, trained.before),
        ("worn", trained.metrics["worn"], trained.before["worn"]),
    ):
        for name in ("queries", "gallery", "r@1", "r@5", "r@10", "mrr"):
            if figures and name in figures:
                typer.echo(f"  {title:13}{name:8} {figures[name]:>8} (before: {before[name]})")


def _import_clip(named: str, models: ModelStore) -> ModelVersion:
    """`garb embedder import clip:MODEL/TAG`, ``clip:hf-hub:NAME`` or ``clip:MODEL:/path``."""
    try:
        from indexer.embedder.clip_export import import_clip  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingDependency(
            'importing CLIP needs torch and open_clip: pip install "garb[train,clip]"'
        ) from error
    return import_clip(named, models, say=lambda line: _stderr.print(line, markup=False))


def _plan(epochs: int, seed: int) -> TrainingPlan:
    try:
        from indexer.embedder.training_batches import TrainingPlan  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingDependency('training needs torch: pip install "garb[train]"') from error
    return TrainingPlan(epochs=epochs, seed=seed)


@dataclass(frozen=True, slots=True)
class _Served:
    """Finds garments as the active models do, in a process of its own."""

    segmenter: ModelVersion
    parser: ModelVersion

    def __call__(self) -> FindGarments:
        segmenter = load_segmenter(self.segmenter, self.parser, Execution(threads=1))
        return lambda photo: segmenter.parse(photo).garments

    @property
    def version(self) -> str:
        return f"{self.segmenter.name} {self.parser.name}"


def _crops(sources: list[Source], served: _Served, folder: Path) -> CropStore:
    with _progress() as progress:
        task = progress.add_task("cutting garments", total=len(sources))
        lines = LogLines(progress, task)

        def on_progress(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)
            lines.tell()

        finding = Finding(served, served.version)
        return open_crops(sources, folder, finding=finding, on_progress=on_progress)


def _train(
    store: CropStore,
    plan: TrainingPlan,
    start: str | ModelVersion,
    folder: Path,
    models: ModelStore,
    licences: list[str] | None,
    *,
    average: bool,
) -> TrainedEmbedder:
    from indexer.embedder.publish import train_embedder  # noqa: PLC0415 - an extra
    from indexer.embedder.training import TrainingState  # noqa: PLC0415 - an extra

    with _progress() as progress:
        task = progress.add_task("training", total=None)
        lines = LogLines(progress, task)

        def report(state: TrainingState) -> None:
            text = f"epoch {state.epoch} loss {state.loss:.3f}"
            progress.update(task, description=text, completed=state.step, total=state.steps)
            lines.tell()

        return train_embedder(
            store,
            plan=plan,
            start=start,
            folder=folder,
            models=models,
            average=average,
            licences=licences or (),
            report=report,
            say=progress.console.print,
        )


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=_stderr,
    )
