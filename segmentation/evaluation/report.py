"""What a training came to, as one HTML file that needs no other: curve, figures, worst photos."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segmentation.evaluation.metrics import CategoryFigures, SegmentationFigures
from segmentation.evaluation.worst import WorstPhoto

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
    name = html.escape(str(story.card["version"]))
    parts = [
        f"<h1>{name}</h1>",
        _facts(story.card, metrics),
        "<h2>Learning curve</h2>",
        _curve(story),
        "<h2>Average precision of masks, on held-out photos</h2>",
        _table(metrics, before),
        "<h2>The held-out photos it does worst on</h2>",
        _pictures(worst),
    ]
    file.write_text(
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{name}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n" + "\n".join(parts) + "\n</body></html>\n",
        "utf-8",
    )
    return file


def _facts(card: Mapping[str, Any], metrics: SegmentationFigures) -> str:
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
    if extended := card.get("extended"):
        lines.append(
            f"New classes: {', '.join(extended['new']) or 'none'}. What photos do not label: "
            f"{extended['unlabelled']}."
        )
    return "".join(f'<p class="note">{html.escape(line)}</p>' for line in lines)


def _curve(story: TrainingStory) -> str:
    """Loss over steps, and where it was measured the held-out AP on an axis of its own."""
    losses = [(float(step), loss) for step, loss in story.curve]
    measured = [
        (float(entry["step"]), float(entry["held_out_mask_ap"]))
        for entry in story.history
        if "held_out_mask_ap" in entry
    ]
    if not losses:
        return '<p class="note">Too few steps for a curve.</p>'
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
    labels = "".join(
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="13">{text}</text>'
        for x, y, anchor, text in texts
    )
    frame = f'<path d="M{_MARGIN} {_MARGIN}V{bottom}H{right}" fill="none" stroke="#999"/>'
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" role="img" '
        f'aria-label="learning curve">{frame}{"".join(lines)}{labels}</svg>'
    )


def _line(points: Sequence[tuple[float, float]], last: float, most: float, name: str) -> str:
    width, height = _WIDTH - 2 * _MARGIN, _HEIGHT - 2 * _MARGIN
    placed = " ".join(
        f"{_MARGIN + width * step / last:.1f},{_HEIGHT - _MARGIN - height * value / most:.1f}"
        for step, value in points
    )
    return f'<polyline class="{name}" points="{placed}" fill="none" stroke-width="2"/>'


def _table(metrics: SegmentationFigures, before: SegmentationFigures | None) -> str:
    earlier: Mapping[str, CategoryFigures] = before.per_category if before else {}
    rows = [_row("mean", metrics.mask_ap, metrics.mask_ap50, _of(before), None)]
    for name, figures in metrics.per_category.items():
        was = (earlier[name].mask_ap, earlier[name].mask_ap50) if name in earlier else None
        rows.append(_row(name, figures.mask_ap, figures.mask_ap50, was, figures.n))
    person = "" if metrics.person_iou is None else f"Person IoU {metrics.person_iou:.3f}. "
    grey = "Grey: the version it began from." if before else ""
    return (
        "<table><tr><th>class</th><th>AP before</th><th>AP</th><th>AP50 before</th><th>AP50</th>"
        f"<th>instances</th><th>AP</th></tr>{''.join(rows)}</table>"
        f'<p class="note">{person}{grey}</p>'
    )


def _of(figures: SegmentationFigures | None) -> tuple[float, float] | None:
    return (figures.mask_ap, figures.mask_ap50) if figures else None


def _row(
    name: str, ap: float, ap50: float, before: tuple[float, float] | None, instances: int | None
) -> str:
    was, was50 = (f"{value:.3f}" for value in before) if before else ("–", "–")
    bars = _bar(before[0], "bar before") if before else ""
    count = "" if instances is None else str(instances)
    return (
        f"<tr><td>{html.escape(name)}</td><td>{was}</td><td>{ap:.3f}</td><td>{was50}</td>"
        f"<td>{ap50:.3f}</td><td>{count}</td><td>{bars}{_bar(ap, 'bar')}</td></tr>"
    )


def _bar(share: float, name: str) -> str:
    return f'<div class="{name}" style="width:{_BAR_PX * share:.0f}px"></div>'


def _pictures(worst: Sequence[WorstPhoto]) -> str:
    if not worst:
        return '<p class="note">No held-out photo is annotated.</p>'
    return '<p class="note">Left as annotated, right as predicted.</p>' + "".join(
        f"<figure><figcaption>{html.escape(one.name)}, quality {one.quality:.2f}"
        f"{_listed('missed', one.missed)}{_listed('wrong', one.invented)}</figcaption>"
        f"{_image(one.truth, 'as annotated')}{_image(one.predicted, 'as predicted')}</figure>"
        for one in worst
    )


def _listed(word: str, names: Sequence[str]) -> str:
    return f"; {word}: {html.escape(', '.join(names))}" if names else ""


def _image(jpeg: bytes, alt: str) -> str:
    data = base64.b64encode(jpeg).decode("ascii")
    return f'<img src="data:image/jpeg;base64,{data}" alt="{alt}">'
