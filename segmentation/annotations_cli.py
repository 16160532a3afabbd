"""`garb annotations`: say what is wrong in annotations, and draft them where only little is known."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from segmentation.annotations.check import Check, check_annotations
from segmentation.annotations.draft import draft_annotations
from segmentation.annotations.tagged import label_tagged_photos
from segmentation.cli_options import (
    AnnotationsArgument,
    NamesOption,
    PhotoFolderOption,
    PhotosOption,
    progress_bar,
)
from segmentation.mask_rcnn.predict import MaskRCNNPredictor
from segmentation.models import ModelKind
from segmentation.pix2pix.predict import PersonParser
from segmentation.version_cli import JsonOption, Versions


def annotations_app(versions: Versions) -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="Annotations to train the segmenter on.")

    @app.command("check")
    def check(
        files: AnnotationsArgument,
        photos: PhotosOption,
        names: NamesOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Say what is wrong in VIA or COCO files or label PNGs: file, region, reason. Exit 1 if anything is."""
        with progress_bar("checking") as advance:
            checked = check_annotations(files, photos, names=names, on_photo=advance)
        if as_json:
            found = [asdict(finding) for finding in checked.findings]
            _say(json.dumps(found, ensure_ascii=False))
        else:
            _print(checked)
        if checked.findings:
            raise typer.Exit(1)

    @app.command("draft")
    def draft(
        feed: Annotated[Path, typer.Argument(metavar="PRODUCTS.csv", help="A CSV feed.")],
        out: Annotated[Path, typer.Option("--out", metavar="FILE", help="COCO file to write.")],
        most: Annotated[
            int, typer.Option("--most", min=1, help="Products of each category.")
        ] = 1000,
    ) -> None:
        """Draft COCO annotations of product photos: what stands out from a plain backdrop."""
        with progress_bar("drafting") as advance:
            drafted = draft_annotations(feed, out, most_per_category=most, on_progress=advance)
        for name, count in sorted(drafted.items()):
            typer.echo(f"{count:6d} {name}")

    @app.command("from-tags")
    def from_tags(
        tags: Annotated[
            Path, typer.Argument(metavar="TAGS.json", help="Photo names with their tags.")
        ],
        photos: PhotoFolderOption,
        out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Label PNGs to write.")],
    ) -> None:
        """Label photos of which only is known what they show: the active models' own, if they agree."""
        with progress_bar("labelling") as advance:
            counts = label_tagged_photos(
                photos,
                tags,
                out,
                mask_rcnn=MaskRCNNPredictor(versions.active(ModelKind.SEGMENTER)),
                parser=PersonParser(versions.active(ModelKind.PARSER)),
                on_progress=advance,
            )
        for name, count in sorted(counts.items()):
            typer.echo(f"{count:6d} {name}")

    return app


def _print(checked: Check) -> None:
    for finding in checked.findings:
        _say(str(finding) if finding.broken else f"{finding} (doubtful)")
    classes = ", ".join(f"{name} {count}" for name, count in checked.classes.most_common())
    broken = sum(finding.broken for finding in checked.findings)
    doubtful = len(checked.findings) - broken
    _say(f"{checked.photos} photos: {classes or 'no region'}")
    typer.echo(f"{broken} broken, {doubtful} doubtful" if checked.findings else "nothing is wrong")


def _say(text: str) -> None:
    """Half a pair of surrogates, which JSON can hold, cannot be written as UTF-8."""
    typer.echo(text.encode("utf-8", "backslashreplace").decode())
