"""`garb evaluate`: figures of the whole pipeline on a shop's own photos."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from indexer.bootstrap import Storage, load_mask_rcnn, load_models, open_storage
from indexer.embedder.base import Embedder
from indexer.evaluation.dataset import EvaluationError, RetrievalSet, read_retrieval_set
from indexer.evaluation.finders import Segmented, WholePhotos
from indexer.evaluation.misses import look_again
from indexer.evaluation.report import Sources, retrieval_page
from indexer.evaluation.retrieval import RetrievalReport, evaluate_retrieval
from indexer.evaluation.stages import Stage, evaluate_stages
from indexer.html_report import save_page
from indexer.settings import Settings
from segmentation.cli_options import stages_bar
from segmentation.segmenter import PhotoParser

evaluate_app = typer.Typer(no_args_is_help=True, help="Figures of the whole pipeline.")


def register(app: typer.Typer) -> None:
    """Mount the command on ``garb``."""
    app.add_typer(evaluate_app, name="evaluate")


@evaluate_app.command("retrieval")
def retrieval(
    products: Annotated[
        Path, typer.Argument(metavar="PRODUCTS.csv", help="id,image[,title,category]")
    ],
    queries: Annotated[
        Path, typer.Argument(metavar="QUERIES.csv", help="image,product[,category][,box][,view]")
    ],
    no_segmentation: Annotated[
        bool, typer.Option("--no-segmentation", help="Embed whole photos, on both sides.")
    ] = False,
    report_file: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="FILE.html",
            dir_okay=False,
            help="Figures, what each stage is worth, and the worst misses as pictures; takes up to "
            "twice as long.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """How often the right product is found, with the active models."""
    if report_file is not None and not report_file.absolute().parent.is_dir():
        raise EvaluationError(f"there is no folder {report_file.parent} for the report")
    dataset = read_retrieval_set(products, queries)
    with open_storage(Settings.from_env().for_many_photos()) as storage:
        photo_parser, embedder = load_models(storage)
        finder = WholePhotos() if no_segmentation else Segmented(photo_parser)
        with stages_bar() as advance:
            report = evaluate_retrieval(
                dataset,
                finder=finder,
                embedder=embedder,
                threads=storage.settings.threads,
                on_progress=advance,
            )
        _print_figures(report, as_json)
        if report_file is not None:
            segmented_by = None if no_segmentation else photo_parser
            sources = Sources(products, queries, _versions(embedder, segmented_by))
            stages = {} if no_segmentation else _stages(storage, dataset, report, embedder)
            misses = look_again(dataset, report, finder)
            page = retrieval_page(report, dataset, sources, misses=misses, stages=stages)
            save_page(page, report_file)
            typer.echo(f"report: {report_file}", err=True)


@evaluate_app.command("clicks")
def clicks(
    since: Annotated[
        datetime | None,
        typer.Option("--since", formats=["%Y-%m-%d"], help="UTC; all that was told without it."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """How often matches were clicked and bought, by rank."""
    with open_storage(Settings.from_env()) as storage:
        report = storage.catalog.clicks(since="" if since is None else since.date().isoformat())
    document = report.to_json()
    if as_json:
        typer.echo(json.dumps(document))
        return
    table = Table(box=None, header_style="bold")
    for heading in ("rank", "shown", "clicked", "bought", "click-through"):
        table.add_column(heading, justify="right")
    for one in document["by_rank"]:
        through = "" if one["click_through"] is None else f"{one['click_through']:.1%}"
        counts = (str(one[key]) for key in ("rank", "shown", "clicked", "bought"))
        table.add_row(*counts, through)
    console = Console()
    console.print(table)
    console.print(f"searches: {document['searches']}")


def _versions(embedder: Embedder, segmented_by: PhotoParser | None) -> dict[str, str]:
    versions = {"embedder": embedder.version}
    if segmented_by is not None:
        versions["segmenter"] = segmented_by.version
        versions["parser"] = segmented_by.parser_version
    return versions


def _stages(
    storage: Storage, dataset: RetrievalSet, report: RetrievalReport, embedder: Embedder
) -> dict[Stage, RetrievalReport]:
    with stages_bar() as advance:
        return evaluate_stages(
            dataset,
            report,
            mask_rcnn=load_mask_rcnn(storage),
            embedder=embedder,
            threads=storage.settings.threads,
            on_progress=advance,
        )


def _print_figures(report: RetrievalReport, as_json: bool) -> None:
    for one in report.left_out:
        typer.echo(f"left out: {one.where}: {one.reason}", err=True)
    document = report.to_json()
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False))
        return
    table = Table(box=None, header_style="bold")
    for heading in ("", "queries", "R@1", "R@5", "R@10", "MRR"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, figures in {"all": document, **document["by_view"]}.items():
        values = (f"{figures[key]:.3f}" for key in ("r@1", "r@5", "r@10", "mrr"))
        table.add_row(name, str(figures["queries"]), *values)
    console = Console()
    console.print(table)
    console.print(f"{report.gallery} products; {report.seconds_per_query:.2f} s a query")
