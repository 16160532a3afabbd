from __future__ import annotations

import re
from html import unescape
from pathlib import Path

from indexer.evaluation.dataset import read_retrieval_set
from indexer.evaluation.finders import Segmented
from indexer.evaluation.misses import look_again
from indexer.evaluation.report import Sources, retrieval_page
from indexer.evaluation.retrieval import evaluate_retrieval
from indexer.evaluation.stages import Stage, evaluate_stages
from segmentation.html import Html
from tests.fakes import FakeEmbedder, FakePhotoParser
from tests.html_page import Page

HOSTILE = "\"><script src=//evil.example></script><img src=x onerror=alert(1)>&amp;'"


def _page(folder: Path, *, with_stages: bool = True) -> Html:
    sources = Sources(folder / "products.csv", folder / "queries.csv", {"embedder": "fake"})
    dataset = read_retrieval_set(sources.products, sources.queries)
    parser, embedder = FakePhotoParser(), FakeEmbedder()
    report = evaluate_retrieval(dataset, finder=Segmented(parser), embedder=embedder)
    stages = evaluate_stages(dataset, report, mask_rcnn=parser, embedder=embedder)
    return retrieval_page(
        report,
        dataset,
        sources,
        misses=look_again(dataset, report, Segmented(parser)),
        stages=stages if with_stages else {},
    )


def _rows(html: str) -> list[list[str]]:
    """Name, queries and figures of every row of the tables."""
    rows = re.findall(r"<tr><th>([^<]+)</th>(.*?)</tr>", html)
    return [[unescape(name), *re.findall(r"<td>([\d.]+)</td>", cells)] for name, cells in rows]


def test_figures_by_view_by_category_and_by_stage(folder: Path) -> None:
    html = _page(folder)
    page = Page(html)
    assert not page.open
    assert "3 of 4" in page.text
    rows = _rows(html)
    assert ["back", "1", "0.000", "1.000", "1.000", "0.500"] in rows
    assert ["front", "3", "1.000", "1.000", "1.000", "1.000"] in rows
    assert ["dress", "1", "0.000", "1.000", "1.000", "0.500"] in rows
    assert ["unmapped", "3", "1.000", "1.000", "1.000", "1.000"] in rows
    stages = [row for row in rows if row[0] in {str(stage) for stage in Stage}]
    assert [row[0] for row in stages] == [str(stage) for stage in Stage] * 3
    assert stages[3] == [str(Stage.FULL), "4", "0.750", "1.000", "1.000", "0.875"]
    assert [words for words in page.words if words in ("all", "back", "front")][-3:] == [
        "all", "back", "front",
    ]  # fmt: skip


def test_stages_that_were_not_measured_are_not_there(folder: Path) -> None:
    html = _page(folder, with_stages=False)
    assert "stage is worth" not in html
    assert str(Stage.MASK) not in html


def test_a_miss_is_shown_with_its_outline_place_and_what_came_first(folder: Path) -> None:
    html = _page(folder)
    page = Page(html)
    assert "street-d.png" in page.text
    assert "place 2, score" in page.text
    query, right = page.all("svg")
    assert "The query, outlined: dress" in (query["aria-label"] or "")
    assert "A title: place 2" in (right["aria-label"] or "")
    (marked,) = re.findall(r'<li class="is-right">.*?</li>', html)
    assert "2. unmapped" in marked
    assert len(page.all("li")) >= 4
    for image in page.all("img"):
        assert image["alt"]
        assert (image["src"] or "").startswith("data:image/jpeg;base64,")


def test_what_was_left_out_is_named(folder: Path) -> None:
    with (folder / "queries.csv").open("a") as file:
        file.write("broken.png,a,,\n")
    page = Page(_page(folder))
    assert "queries.csv, line 6" in page.text


def test_hostile_words_stay_words_and_nothing_is_fetched(folder: Path) -> None:
    quoted = '"' + HOSTILE.replace('"', '""') + '"'
    text = (folder / "products.csv").read_text().replace("A title", quoted)
    (folder / "products.csv").write_text(text)
    queries = (folder / "queries.csv").read_text().replace("back", quoted)
    (folder / "queries.csv").write_text(queries)
    page = Page(_page(folder))
    assert not page.open
    assert page.text.count(HOSTILE) >= 4
    assert not page.all("script")
    for _, attributes in page.elements:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href"):
                assert (value or "").startswith("data:image/jpeg;base64,")
