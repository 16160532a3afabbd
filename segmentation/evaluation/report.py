"""What a training came to, as one HTML file that needs no other: curve, figures, worst photos."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segmentation.evaluation.metrics import CategoryFigures, SegmentationFigures
from segmentation.evaluation.worst import WorstPhoto
from segmentation.html import Html, joined, tag

_WIDTH, _HEIGHT, _MARGIN = 720, 260, 44
_BAR_PX = 160

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem;
       color: #1c1c1c; background: #fff; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; } th, td { padding: .2rem .7rem; text-align: right; }
th:first-child, td:first-child { text-align: left; } th { border-bottom: 1px solid #999; }
.bar { height: .5rem; margin: .15rem 0; background: #2a6f97; } .bar.before { background: #bbb; }
figure { margin: 0 0 1.5rem; } figure img { vertical-align: top; margin-right: .5rem; }
figcaption { margin-bottom: .3rem; } svg { max-width: 100%; height: auto; }
.loss { stroke: #2a6f97; } .ap { stroke: #c1121f; } .note { color: #555; }
"""


@dataclass(frozen=True, slots=True)
class TrainingStory:
    """A version's card and what its training went through.

    ``curve``: (step, mean loss). ``history``: an entry an epoch, as in the card.
    """

    card: Mapping[str, Any]
    curve: Sequence[tuple[int, float]]
    history: Sequence[Mapping[str, Any]]


def write_report(
    file: Path,
    story: TrainingStory,
    *,
    metrics: SegmentationFigures,
    before: SegmentationFigures | None,
    worst: Sequence[WorstPhoto],
) -> Path:
    """Write the report and return its path. It holds held-out photos as pictures."""
    name = str(story.card["version"])
    head = tag("head", tag("meta", charset="utf-8"), tag("title", name), tag("style", Html(_STYLE)))
    body = tag(
        "body",
        tag("h1", name),
        *_facts(story.card, metrics),
        tag("h2", "Learning curve"),
        _curve(story),
        tag("h2", "Average precision of masks, on held-out photos"),
        *_table(metrics, before),
        tag("h2", "The held-out photos it does worst on"),
        *_pictures(worst),
    )
    page = joined(Html("<!doctype html>\n"), tag("html", head, body, lang="en"))
    file.write_text(page, "utf-8")
    return file


def _facts(card: Mapping[str, Any], metrics: SegmentationFigures) -> list[Html]:
    data, recipe = card["data"], card["recipe"]
    lines = [
        f"Began from {card['initial_weights']}; {data['photos']} photos to learn from "
        f"({data['extra_photos']} extra), {metrics.photos} held out; "
        f"{len(card['categories'])} classes; {recipe['epochs']} epochs of "
        f"{recipe['height']}×{recipe['width']} px.",
    ]
    if stopping := card.get("early_stopping"):
        lines.append(
            f"The weights are those of epoch {stopping['chosen_epoch']}, chosen by "
            f"{stopping['chosen_on_held_out_photos']} of the held-out photos: the card gives the "
            "figures of the others, which had no say, too."
        )
    if taught := card.get("taught"):
        lines.append(f"Taught: {', '.join(taught[-1])}. All other classes stay as they were.")
    return [_note(line) for line in lines]


def _note(text: str) -> Html:
    return tag("p", text, class_="note")


def _curve(story: TrainingStory) -> Html:
    """Loss over steps, and where it was measured the held-out AP on an axis of its own."""
    losses = [(float(step), loss) for step, loss in story.curve]
    measured = [
        (float(entry["step"]), float(entry["held_out_mask_ap"]))
        for entry in story.history
        if "held_out_mask_ap" in entry
    ]
    if not losses:
        return _note("Too few steps for a curve.")
    last = max(step for step, _ in [*losses, *measured])
    most = max(loss for _, loss in losses) or 1.0
    lines = [_line(losses, last, most, "loss")]
    if measured:
        lines.append(_line(measured, last, 1.0, "ap"))
    bottom, right = _HEIGHT - _MARGIN, _WIDTH - _MARGIN
    texts = [
        (_MARGIN - 6, bottom, "end", "0"),
        (_MARGIN - 6, _MARGIN + 5, "end", f"{most:.1f}"),
        (_MARGIN, _MARGIN - 14, "start", "loss (blue)"),
        (right, bottom + 20, "end", f"step {last:.0f}"),
    ]
    if measured:
        texts.append((right, _MARGIN - 14, "end", "mask AP of held-out photos (red, 0 to 1)"))
    return tag(
        "svg",
        tag("path", d=f"M{_MARGIN} {_MARGIN}V{bottom}H{right}", fill="none", stroke="#999"),
        *lines,
        *(
            tag("text", text, x=x, y=y, text_anchor=anchor, font_size=13)
            for x, y, anchor, text in texts
        ),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        width=_WIDTH,
        role="img",
        aria_label="learning curve",
    )


def _line(points: Sequence[tuple[float, float]], last: float, most: float, name: str) -> Html:
    width, height = _WIDTH - 2 * _MARGIN, _HEIGHT - 2 * _MARGIN
    placed = " ".join(
        f"{_MARGIN + width * step / last:.1f},{_HEIGHT - _MARGIN - height * value / most:.1f}"
        for step, value in points
    )
    return tag("polyline", class_=name, points=placed, fill="none", stroke_width=2)


def _table(metrics: SegmentationFigures, before: SegmentationFigures | None) -> list[Html]:
    earlier: Mapping[str, CategoryFigures] = before.per_category if before else {}
    heads = ("class", "AP before", "AP", "AP50 before", "AP50", "instances", "AP")
    rows = [_row("mean", metrics.mask_ap, metrics.mask_ap50, _of(before), None)]
    for name, figures in metrics.per_category.items():
        was = (earlier[name].mask_ap, earlier[name].mask_ap50) if name in earlier else None
        rows.append(_row(name, figures.mask_ap, figures.mask_ap50, was, figures.n))
    person = "" if metrics.person_iou is None else f"Person IoU {metrics.person_iou:.3f}. "
    grey = "Grey: the version it began from." if before else ""
    header = tag("tr", *(tag("th", head) for head in heads))
    return [tag("table", header, *rows), _note(f"{person}{grey}")]


def _of(figures: SegmentationFigures | None) -> tuple[float, float] | None:
    return (figures.mask_ap, figures.mask_ap50) if figures else None


def _row(
    name: str, ap: float, ap50: float, before: tuple[float, float] | None, instances: int | None
) -> Html:
    was, was50 = (f"{value:.3f}" for value in before) if before else ("–", "–")
    bars = [_bar(before[0], "bar before")] if before else []
    count = "" if instances is None else str(instances)
    cells = (name, was, f"{ap:.3f}", was50, f"{ap50:.3f}", count)
    return tag("tr", *(tag("td", cell) for cell in cells), tag("td", *bars, _bar(ap, "bar")))


def _bar(share: float, name: str) -> Html:
    return tag("div", class_=name, style=f"width:{_BAR_PX * share:.0f}px")


def _pictures(worst: Sequence[WorstPhoto]) -> list[Html]:
    if not worst:
        return [_note("No held-out photo is annotated.")]
    return [_note("Left as annotated, right as predicted."), *map(_figure, worst)]


def _figure(one: WorstPhoto) -> Html:
    missed, wrong = _listed("missed", one.missed), _listed("wrong", one.invented)
    return tag(
        "figure",
        tag("figcaption", f"{one.name}, quality {one.quality:.2f}{missed}{wrong}"),
        _image(one.truth, "as annotated"),
        _image(one.predicted, "as predicted"),
    )


def _listed(word: str, names: Sequence[str]) -> str:
    return f"; {word}: {', '.join(names)}" if names else ""


def _image(jpeg: bytes, alt: str) -> Html:
    data = base64.b64encode(jpeg).decode("ascii")
    return tag("img", src=f"data:image/jpeg;base64,{data}", alt=alt)
