"""`parser_comparison`'s figures and pictures as one HTML file that needs no other."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from segmentation.annotations.label_png import LabelPair, read_label_map
from segmentation.html import Html, joined, tag
from segmentation.labels import lookup_table, parser_label_set
from segmentation.photo import Photo, Pixels, encode_jpeg, read_photo
from segmentation.pix2pix.palette import paint_labels

HEIGHT_PX = 300
GROUPS = {"all": "all held out", "alike": "alike colours", "sharp": "sharp background"}
_FIGURES = ("pixel_accuracy", "mean_iou")

_STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 2rem; color: #1c1c1c; background: #fff; }
table { border-collapse: collapse; } th, td { padding: .2rem .6rem; text-align: right; }
th:first-child, td:first-child { text-align: left; } th { border-bottom: 1px solid #999; }
.row { display: flex; gap: .4rem; overflow-x: auto; margin-bottom: 1rem; }
figure { margin: 0; } figcaption { font-size: 12px; } img { display: block; }
"""


def write_picture(file: Path, pixels: Pixels) -> None:
    """HWC uint8 RGB as a PNG of the report's height."""
    width = max(1, round(pixels.shape[1] * HEIGHT_PX / pixels.shape[0]))
    small = cv2.resize(pixels, (width, HEIGHT_PX), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(file), cv2.cvtColor(small, cv2.COLOR_RGB2BGR))


def write_comparison(
    file: Path,
    lines: Sequence[Mapping[str, Any]],
    *,
    folder: Path,
    shown: Sequence[LabelPair],
    names: Sequence[str],
) -> None:
    """``lines``: what each case printed; ``folder / case`` holds its pictures by photo name."""
    cases = [str(line["case"]) for line in lines]
    body = tag(
        "body",
        tag("h1", "The parser, trained in several ways"),
        tag("p", "Pixel accuracy and mean IoU of background, skin, hair and clothes."),
        _table(lines),
        *(joined(tag("h2", pair.stem), _row(pair, cases, folder, names)) for pair in shown),
    )
    head = tag("head", tag("meta", charset="utf-8"), tag("style", Html(_STYLE)))
    page = joined(Html("<!doctype html>\n"), tag("html", head, body, lang="en"))
    file.write_text(page, "utf-8")


def markdown_table(lines: Sequence[Mapping[str, Any]]) -> str:
    """The figures as a table for a page of docs."""
    titles = [f"{title} | mean IoU" for title in GROUPS.values()]
    rows = [
        f"| | {' | '.join(titles)} | own classes |",
        "| --- |" + " --- |" * (2 * len(GROUPS) + 1),
    ]
    for line in lines:
        cells = [f"{line[group][key]:.3f}" for group in GROUPS for key in _FIGURES]
        rows.append(f"| {line['case']} | {' | '.join(cells)} | {_own(line)} |")
    return "\n".join(rows) + "\n"


def _table(lines: Sequence[Mapping[str, Any]]) -> Html:
    groups = (tag("th", title, colspan=2) for title in GROUPS.values())
    header = tag("tr", tag("th", "case"), tag("th", "steps"), *groups, tag("th", "own classes"))
    return tag("table", header, *(_figures(line) for line in lines))


def _figures(line: Mapping[str, Any]) -> Html:
    numbers = [f"{line[group][key]:.3f}" for group in GROUPS for key in _FIGURES]
    cells = (line["case"], str(line["steps"]), *numbers, _own(line))
    return tag("tr", *(tag("td", cell) for cell in cells))


def _own(line: Mapping[str, Any]) -> str:
    return f"{line['own']['mean_iou']:.3f} of {len(line['own']['iou'])}"


def _row(pair: LabelPair, cases: Sequence[str], folder: Path, names: Sequence[str]) -> Html:
    photo = read_photo(pair.path)
    truth = lookup_table(names, parser_label_set(4))[read_label_map(pair.label_path)]
    figures = [_figure("photo", photo.pixels), _figure("true", paint_labels(truth, classes=4))]
    for case in cases:
        for suffix in ("", "-painted"):
            file = folder / case / f"{pair.stem}{suffix}.png"
            if file.is_file():
                figures.append(_figure(case + suffix, read_photo(file).pixels))
    return tag("div", *figures, class_="row")


def _figure(caption: str, pixels: Pixels) -> Html:
    width = round(pixels.shape[1] * HEIGHT_PX / pixels.shape[0])
    small = cv2.resize(pixels, (width, HEIGHT_PX), interpolation=cv2.INTER_AREA)
    data = base64.b64encode(encode_jpeg(Photo(np.asarray(small, np.uint8)), quality=85)).decode(
        "ascii"
    )
    image = tag("img", src=f"data:image/jpeg;base64,{data}", alt=caption)
    return tag("figure", image, tag("figcaption", caption))
