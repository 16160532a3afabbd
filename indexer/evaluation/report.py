"""The retrieval report as one HTML file: figures, what each stage is worth, and the worst misses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.evaluation.dataset import GalleryPhoto, RetrievalSet
from indexer.evaluation.figures import figures_of, grouped
from indexer.evaluation.misses import Miss
from indexer.evaluation.retrieval import Answer, RetrievalReport
from indexer.evaluation.stages import Stage
from indexer.html_pictures import data_uri, outlined
from indexer.html_report import counts_bar, report_page
from indexer.ranking import RankedPhoto
from segmentation.cutout import cut_out
from segmentation.errors import PhotoError
from segmentation.garment import Garment
from segmentation.html import Html, tag
from segmentation.photo import Photo, read_photo

PHOTO_PX, TILE_PX, CUTOUT_PX = 480, 176, 144
STYLE = Path(__file__).with_name("report.css")
ALL = "all"

Ranks = Sequence[int]


@dataclass(frozen=True, slots=True)
class Sources:
    """What was evaluated. ``versions``: of the models, by kind."""

    products: Path
    queries: Path
    versions: Mapping[str, str]


def retrieval_page(
    report: RetrievalReport,
    dataset: RetrievalSet,
    sources: Sources,
    *,
    misses: Sequence[Miss],
    stages: Mapping[Stage, RetrievalReport],
) -> Html:
    """The whole page. ``stages``: empty where no stage was measured."""
    categories = {photo.product_id: photo.category for photo in dataset.photos}
    by_category = grouped(
        (one.query.category or categories[one.query.product_id] or "unmapped", one.rank)
        for one in report.answers
    )
    first = sum(rank == 1 for rank in report.ranks)
    return report_page(
        f"Garb retrieval: {first} of {len(report.ranks)} first",
        _header(report, first),
        tag(
            "main",
            _figures_section("By view", report.ranks_by_view()),
            _figures_section("By category", by_category),
            _stages_section(stages),
            _misses_section(misses, dataset.photos),
            _left_out_section(report),
        ),
        _footer(sources),
        style=STYLE,
    )


def _header(report: RetrievalReport, first: int) -> Html:
    ranks, figures = report.ranks, figures_of(report.ranks)
    facts = [
        (f"{figures['r@1']:.3f}", "R@1", "first"),
        (f"{figures['r@5']:.3f}", "R@5", "among five"),
        (f"{figures['r@10']:.3f}", "R@10", "among ten"),
        (f"{figures['mrr']:.3f}", "MRR", "the mean of 1 / rank"),
        (f"{report.gallery:,}", "products in the gallery", ""),
        (f"{report.seconds_per_query:.2f} s", "a query", "all stages"),
    ]
    return tag(
        "header",
        tag("p", tag("b", "Garb"), " retrieval", class_="wordmark"),
        tag(
            "h1",
            tag("strong", f"{first} of {len(ranks)}"),
            " queries: the right product comes first",
        ),
        _rank_bar(ranks),
        tag(
            "dl",
            *(
                tag("div", tag("dt", name), tag("dd", value, tag("small", more)))
                for value, name, more in facts
            ),
            class_="facts",
        ),
    )


def _rank_bar(ranks: Ranks) -> Html:
    shares = [
        ("first", "first", sum(rank == 1 for rank in ranks)),
        ("later", "second to tenth", sum(1 < rank <= 10 for rank in ranks)),
        ("not", "not among ten", sum(rank > 10 for rank in ranks)),
    ]
    return counts_bar(shares)


def _figures_section(title: str, groups: Mapping[str, Ranks]) -> Html:
    if not groups:
        return Html("")
    rows = [_figures_row(name, ranks) for name, ranks in groups.items()]
    return tag("section", tag("h2", title), _table("", rows))


def _stages_section(stages: Mapping[Stage, RetrievalReport]) -> Html:
    if not stages:
        return Html("")
    views = list(next(iter(stages.values())).ranks_by_view())
    tables = []
    for view in (ALL, *views):
        rows = [
            _figures_row(stage, report.ranks if view == ALL else report.ranks_by_view()[view])
            for stage, report in stages.items()
        ]
        tables.append(_table(view if views else "", rows))
    words = "What of products and queries is embedded, the same queries each time."
    return tag(
        "section",
        tag("h2", "What each stage is worth"),
        tag("p", words, class_="soft"),
        *tables,
    )


def _table(caption: str, rows: Sequence[Html]) -> Html:
    headings = ("", "queries", "R@1", "R@5", "R@10", "MRR", "")
    return tag(
        "table",
        tag("caption", caption) if caption else "",
        tag("tr", *(tag("th", heading) for heading in headings)),
        *rows,
    )


def _figures_row(name: str, ranks: Ranks) -> Html:
    figures = figures_of(ranks)
    return tag(
        "tr",
        tag("th", name),
        tag("td", str(len(ranks))),
        *(tag("td", f"{value:.3f}") for value in figures.values()),
        tag("td", tag("div", *_shares(figures), class_="bar", aria_hidden="true")),
    )


def _shares(figures: Mapping[str, float]) -> tuple[Html, ...]:
    first, ten = figures["r@1"], figures["r@10"]
    shares = {"first": first, "later": ten - first, "not": 1 - ten}
    return tuple(
        tag("i", class_=name, style=f"flex-grow:{share:.4f}")
        for name, share in shares.items()
        if share > 0
    )


def _misses_section(misses: Sequence[Miss], photos: Sequence[GalleryPhoto]) -> Html:
    if not misses:
        return Html("")
    words = (
        "The queries whose right product came last: what was seen in the photo, the right product "
        "and what was seen in it, each with the cut-out that was compared, and what came first."
    )
    return tag(
        "section",
        tag("h2", "The worst misses"),
        tag("p", words, class_="soft"),
        *(_miss(miss, photos) for miss in misses),
    )


def _miss(miss: Miss, photos: Sequence[GalleryPhoto]) -> Html:
    answer, query = miss.answer, miss.answer.query
    right = photos[answer.right.image_id]
    asked = ", ".join(
        word
        for word in (query.view, query.category and f"asked for: {query.category}", query.where)
        if word
    )
    return tag(
        "article",
        tag("h3", query.path.name, tag("small", asked)),
        tag(
            "div",
            _seen("The query", miss.photo, miss.garments, miss.garments[answer.garment]),
            _seen(
                f"{right.title or right.product_id}: place {answer.rank}, "
                f"score {answer.right.score:.3f}",
                miss.right_photo,
                (miss.right_garment,),
                miss.right_garment,
            ),
            tag(
                "ol",
                *(
                    _first(place, photo, photos, answer)
                    for place, photo in enumerate(answer.first, start=1)
                ),
                class_="matches",
            ),
            class_="miss",
        ),
    )


def _seen(title: str, photo: Photo, garments: Sequence[Garment], compared: Garment) -> Html:
    """A photo with what was found in it, and the cut-out that was embedded."""
    uri = data_uri(photo.pixels, longest_px=PHOTO_PX)
    cut = data_uri(cut_out(photo, compared).pixels, longest_px=CUTOUT_PX)
    names = ", ".join(garment.category or "whole photo" for garment in garments)
    return tag(
        "figure",
        tag(
            "div",
            outlined(photo, garments, uri=uri, label=f"{title}, outlined: {names}"),
            tag("img", src=cut, alt=f"{title}: what was compared"),
            class_="seen",
        ),
        tag("figcaption", title),
    )


def _first(place: int, ranked: RankedPhoto, photos: Sequence[GalleryPhoto], answer: Answer) -> Html:
    product = photos[ranked.image_id]
    title = product.title or product.product_id
    is_right = ranked.product_id == answer.query.product_id
    return tag(
        "li",
        tag("div", _picture(product, title), class_="picture"),
        tag("p", title, class_="name"),
        tag(
            "p",
            tag("span", f"{place}. {product.category or 'unmapped'}"),
            tag("span", f"{ranked.score:.3f}"),
            class_="soft",
        ),
        tag("p", "right", class_="right") if is_right else "",
        class_="is-right" if is_right else None,
    )


def _picture(product: GalleryPhoto, title: str) -> Html:
    try:
        pixels = read_photo(product.path).pixels
    except PhotoError:  # It was there a moment ago; the report is no reason to fail now.
        return tag("span", "no picture", class_="nopicture")
    return tag("img", src=data_uri(pixels, longest_px=TILE_PX), alt=title)


def _left_out_section(report: RetrievalReport) -> Html:
    if not report.left_out:
        return Html("")
    return tag(
        "section",
        tag("h2", "Left out", tag("small", f"{len(report.left_out)}")),
        tag("ul", *(tag("li", f"{one.where}: {one.reason}") for one in report.left_out)),
    )


def _footer(sources: Sources) -> Html:
    models = " · ".join(f"{kind} {version}" for kind, version in sources.versions.items())
    return tag(
        "footer",
        tag("p", f"{sources.products} asked with {sources.queries}. "
            "Scores are at most 1, higher is closer; another category costs points."),
        tag("p", models),
    )  # fmt: skip
