"""The frame of a report: one HTML file that holds its pictures and asks no other host for anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from segmentation.html import Html, joined, tag

STYLE = Path(__file__).with_name("html_report.css")
# Even a title that slipped through unescaped could fetch nothing.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def report_page(title: str, *body: Html, style: Path) -> Html:
    """A whole page in the reports' look; ``style``: a CSS file of what only this report has."""
    rules = "".join(file.read_text(encoding="utf-8") for file in (STYLE, style))
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Html(rules)),
    )
    return joined(Html("<!doctype html>\n"), tag("html", head, tag("body", *body), lang="en"))


def save_page(page: Html, path: Path) -> None:
    """Write the page; half a surrogate pair in a title becomes a reference, not an error."""
    path.write_bytes(page.encode("utf-8", errors="xmlcharrefreplace"))


def counts_bar(counts: Sequence[tuple[str, str, int]]) -> Html:
    """A bar of parts and what they stand for: of each its class in the style, words and number."""
    shown = [count for count in counts if count[2]]
    return tag(
        "div",
        tag(
            "div",
            *(tag("i", class_=name, style=f"flex-grow:{number}") for name, _, number in shown),
            class_="bar",
            aria_hidden="true",
        ),
        tag(
            "ul",
            *(
                tag("li", tag("i", class_=name), f"{number} {words}")
                for name, words, number in shown
            ),
        ),
        class_="counts",
    )
