"""What the segmentation commands share: options, progress on stderr, one document on stdout."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from segmentation.annotations.annotated_photo import AnnotatedPhoto
from segmentation.annotations.finding import Finding
from segmentation.annotations.sound import Reader
from segmentation.errors import MissingDependency
from segmentation.models import ModelKind, ModelVersion
from segmentation.training.recipe import Start
from segmentation.version_cli import Versions

_stderr = Console(stderr=True)

PhotosOption = Annotated[
    list[Path], typer.Option("--photos", metavar="DIR", help="Folder of the photos; repeatable.")
]
PhotoFolderOption = Annotated[
    Path, typer.Option("--photos", metavar="DIR", help="Folder of the photos.")
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
SkipBrokenOption = Annotated[
    bool,
    typer.Option("--skip-broken", help="Leave broken regions and photos out; else they refuse."),
]
AnnotationsArgument = Annotated[
    list[Path],
    typer.Argument(metavar="ANNOTATIONS…", help="VIA or COCO files, or folders of label PNGs."),
]
LabelsOption = Annotated[
    Path, typer.Option("--labels", metavar="DIR", help="Label PNGs, named like the photos.")
]
SeedOption = Annotated[int, typer.Option("--seed", help="Of what is drawn at random.")]
ActivateOption = Annotated[
    bool, typer.Option("--activate", help="Serve with it once it is trained, unless it is worse.")
]
_MOST_FINDINGS = 20


def need_training(module: str) -> Any:
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


def chosen_version(versions: Versions, kind: ModelKind, name: str | None) -> ModelVersion:
    return versions.store().get(kind, name) if name else versions.active(kind)


def chosen_start(versions: Versions, kind: ModelKind, init: str) -> Start | ModelVersion:
    """What ``--init`` names. Raises ModelNotFound."""
    return Start(init) if init in tuple(Start) else versions.store().get(kind, init)


def read_all(
    sources: Sequence[Path], photos: Sequence[Path], names: Path | None, read: Reader
) -> list[AnnotatedPhoto]:
    """Check and read annotations to train on; what is doubtful or left out is said on stderr.

    ``read``: `read_sound` or `without_broken`. Raises as they do.
    """
    if not sources:
        return []
    findings: list[Finding] = []
    with progress_bar("checking") as advance:
        annotated = read(sources, photos, names=names, on_photo=advance, on_finding=findings.append)
    for finding in findings[:_MOST_FINDINGS]:
        verdict = "left out" if finding.broken else "doubtful"
        typer.echo(f"{finding} ({verdict})", err=True)
    if len(findings) > _MOST_FINDINGS:
        rest = len(findings) - _MOST_FINDINGS
        typer.echo(f"… and {rest} more: `garb annotations check` lists all", err=True)
    return annotated


def print_document(document: dict[str, Any], as_json: bool) -> None:
    typer.echo(json.dumps(document, indent=None if as_json else 2, ensure_ascii=False))


@contextmanager
def progress_bar(text: str) -> Iterator[Callable[[int, int], None]]:
    with Progress(*_columns(), console=_stderr) as progress:
        task = progress.add_task(text, total=None)

        def advance(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield advance


@contextmanager
def stages_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A bar a stage on stderr, each shown once it is done or begun; quiet in all processes but one.

    A stage is told its text, how far it is, and how far it goes. Between the stages the terminal is
    free for another bar.
    """
    quiet = os.environ.get("LOCAL_RANK", "0") != "0"
    console = Console(stderr=True, quiet=quiet)
    shown: dict[str, Progress] = {}

    def advance(stage: str, done: int, total: int) -> None:
        if stage not in shown:
            shown[stage] = Progress(*_columns(), console=console)
            shown[stage].add_task(stage, total=total)
            shown[stage].start()
        bar = shown[stage]
        bar.update(bar.task_ids[0], completed=done)
        if done >= total:
            bar.stop()

    try:
        yield advance
    finally:
        for bar in shown.values():
            bar.stop()


def _columns() -> tuple[ProgressColumn, ...]:
    return (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
