"""The demo's report: one HTML file that holds its pictures and asks no other host for anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from indexer.answer import STAGES, GarmentAnswer, Match, MatchedProduct, SearchAnswer
from indexer.html_pictures import colour_of, data_uri, outlined
from indexer.html_report import counts_bar, report_page
from indexer.ingest.report import ImportReport
from search_api.demo_judging import Found, Judged, tally
from segmentation.cutout import cut_out
from segmentation.garment import Garment, NamedColour
from segmentation.html import Html, tag
from segmentation.photo import Photo

SHOWN = 5
WHOLE = "whole photo"
PHOTO_PX, TILE_PX, CUTOUT_PX = 660, 176, 144
STYLE = Path(__file__).with_name("demo_report.css")
FIRST = "garments: the product worn comes first"
MEANINGS = {
    Found.FIRST: "first",
    Found.LATER: "later among ten",
    Found.NOT_MATCHED: "not among ten",
    Found.NOT_SEEN: "not seen",
}

PhotoOf = Callable[[str, int], Photo | None]


@dataclass(frozen=True, slots=True, eq=False)
class PhotoResult:
    """One street photo, what Garb answered, and how right that is."""

    name: str
    photo: Photo
    answer: SearchAnswer
    judged: tuple[Judged, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """What stands on top. ``versions``: of the models, by kind."""

    imported: ImportReport
    import_seconds: float
    versions: Mapping[str, str]


def report_html(
    summary: Summary,
    results: Sequence[PhotoResult],
    *,
    photo_of: PhotoOf,
    titles: Mapping[str, str],
) -> Html:
    """The whole page.

    ``photo_of``: product and position → its picture; ``titles``: of the products worn.
    """
    pictures = _Pictures(photo_of, titles)
    counts = tally(one for result in results for one in result.judged)
    sections = [_photo_section(n, one, pictures) for n, one in enumerate(results, start=1)]
    return report_page(
        f"Garb demo: {_share_first(counts)} {FIRST}",
        _header(summary, results, counts),
        tag("main", *sections),
        _footer(summary),
        style=STYLE,
    )


class _Pictures:
    """Product pictures as data URIs; one that is shown five times is scaled once."""

    def __init__(self, photo_of: PhotoOf, titles: Mapping[str, str]) -> None:
        self._photo_of = photo_of
        self._titles = titles
        self._uris: dict[tuple[str, int], str | None] = {}

    def title_of(self, product_id: str) -> str:
        return self._titles.get(product_id) or product_id

    def of_product(self, product_id: str, title: str, *, position: int = 0) -> Html:
        key = product_id, position
        if key not in self._uris:
            photo = self._photo_of(product_id, position)
            self._uris[key] = None if photo is None else data_uri(photo.pixels, longest_px=TILE_PX)
        uri = self._uris[key]
        if uri is None:
            return tag("span", "no picture", class_="nopicture")
        return tag("img", src=uri, alt=title, loading="lazy")


def _share_first(counts: Mapping[Found, int]) -> str:
    return f"{counts[Found.FIRST]} of {sum(counts.values())}"


def _header(summary: Summary, results: Sequence[PhotoResult], counts: Mapping[Found, int]) -> Html:
    totals = [sum(_stages(result.answer).values()) for result in results]
    facts = [
        (f"{summary.imported.indexed:,}", "products indexed", _import_time(summary)),
        (f"{len(results)}", "street photos", f"{sum(counts.values())} garments worn in them"),
        (_ms(median(totals)) if totals else "–", "for a photo", "all stages, the median"),
    ]
    return tag(
        "header",
        tag("p", tag("b", "Garb"), " demo: a drawn shop, matched", class_="wordmark"),
        tag("h1", tag("strong", _share_first(counts)), " ", FIRST),
        counts_bar([(_slug(kind), MEANINGS[kind], number) for kind, number in counts.items()]),
        tag(
            "dl",
            *(
                tag("div", tag("dt", name), tag("dd", value, tag("small", more)))
                for value, name, more in facts
            ),
            class_="facts",
        ),
    )


def _photo_section(number: int, result: PhotoResult, pictures: _Pictures) -> Html:
    verdicts = tag(
        "ol", *(tag("li", *_named(n, one)) for n, one in _numbered(result)), class_="verdicts"
    )
    told = tag("div", verdicts, _timings(result.answer), class_="told")
    return tag(
        "section",
        tag("h2", f"Photo {number}", tag("small", result.name)),
        tag("div", *_figures(result), told, class_="overview"),
        *(_garment(n, one, one.seen, result, pictures) for n, one in _numbered(result) if one.seen),
        _missed([one for one in result.judged if one.seen is None], pictures),
        class_="photo",
    )


def _figures(result: PhotoResult) -> tuple[Html, Html]:
    uri = data_uri(result.photo.pixels, longest_px=PHOTO_PX)
    seen = [one.seen.garment for one in result.judged if one.seen]
    names = ", ".join(garment.category or WHOLE for garment in seen)
    label = f"{result.name} with the outlines of: {names}"
    return (
        tag(
            "figure",
            tag("img", src=uri, alt=f"Street photo {result.name}"),
            tag("figcaption", "The photo"),
            class_="plain",
        ),
        tag(
            "figure",
            outlined(result.photo, seen, uri=uri, label=label),
            tag("figcaption", "What Garb sees in it"),
            class_="outlined",
        ),
    )


def _numbered(result: PhotoResult) -> list[tuple[int | None, Judged]]:
    """Seen garments carry numbers: two of one category are told apart on the picture."""
    return [(n if one.seen else None, one) for n, one in enumerate(result.judged, start=1)]


def _named(number: int | None, one: Judged) -> tuple[Html, Html, Html]:
    shown = "–" if number is None else str(number)
    return (
        tag("b", shown, class_="badge", style=f"background:{colour_of(one.category)}"),
        tag("span", one.category or WHOLE),
        tag("em", one.verdict, class_=f"verdict {_slug(one.found)}"),
    )


def _missed(missed: Sequence[Judged], pictures: _Pictures) -> Html:
    if not missed:
        return Html("")
    articles = (tag("article", tag("h3", *_named(None, o)), _worn(o, pictures)) for o in missed)
    return tag("div", *articles, class_="missed")


def _garment(
    number: int | None,
    one: Judged,
    answer: GarmentAnswer,
    result: PhotoResult,
    pictures: _Pictures,
) -> Html:
    garment = answer.garment
    cut = cut_out(result.photo, garment, size_px=CUTOUT_PX)
    cut_uri = data_uri(cut.pixels, longest_px=CUTOUT_PX)
    what = tag(
        "div",
        tag("h3", *_named(number, one)),
        tag(
            "div",
            tag("img", src=cut_uri, alt=f"The {one.category or WHOLE} as it is cut out"),
            tag("div", _seen_with(garment), _swatches(garment.colours), class_="about"),
            class_="cut",
        ),
        _worn(one, pictures) if one.place is None or one.place > SHOWN else Html(""),
        class_="what",
    )
    return tag("article", what, _matches(one, answer, pictures))


def _seen_with(garment: Garment) -> Html:
    text = "matched as it is" if garment.score is None else f"{garment.score:.0%} sure"
    return tag("p", text, class_="soft")


def _worn(one: Judged, pictures: _Pictures) -> Html:
    """What the garment really is, where the matches do not show it."""
    if one.category is None:
        return tag("p", "No garment was seen, so the photo was matched whole.", class_="soft")
    if one.worn is None:
        return tag("p", "Nothing of the kind that the shop sells is worn here.", class_="soft")
    if one.found is Found.AGAIN:
        return tag("p", "Another part of a garment that is counted already.", class_="soft")
    title = pictures.title_of(one.worn)
    return tag(
        "div",
        pictures.of_product(one.worn, title),
        tag("p", tag("small", "worn"), title),
        class_="worn",
    )


def _matches(one: Judged, answer: GarmentAnswer, pictures: _Pictures) -> Html:
    if not answer.matches:
        return tag("p", "Nothing in the shop matches.", class_="soft")
    shown = answer.matches[:SHOWN]
    return tag("ol", *(_match(match, one.worn, pictures) for match in shown), class_="matches")


def _match(match: Match, worn: str | None, pictures: _Pictures) -> Html:
    product = match.product
    title = product.title or product.id
    right = product.id == worn
    picture = pictures.of_product(product.id, title, position=match.image_position)
    return tag(
        "li",
        tag("div", picture, class_="picture"),
        tag("p", title, class_="name"),
        tag("p", tag("span", _price(product)), tag("span", f"{match.score:.2f}"), class_="soft"),
        tag("p", "worn", class_="right") if right else Html(""),
        class_="is-right" if right else None,
    )


def _swatches(colours: Sequence[NamedColour]) -> Html:
    return tag(
        "ul",
        *(
            tag(
                "li",
                tag("i", style=f"background:{one.hex}"),
                tag("span", one.name),
                tag("small", f"{one.share:.0%}"),
            )
            for one in colours[:3]
        ),
        class_="swatches",
    )


def _timings(answer: SearchAnswer) -> Html:
    stages = _stages(answer)
    return tag(
        "div",
        tag(
            "div",
            *(tag("i", style=f"flex-grow:{max(ms, 0.1):.1f}") for ms in stages.values()),
            class_="bar",
            aria_hidden="true",
        ),
        tag("dl", *(tag("div", tag("dt", name), tag("dd", _ms(ms))) for name, ms in stages.items()),
            tag("div", tag("dt", "total"), tag("dd", _ms(sum(stages.values()))))),
        class_="timings",
    )  # fmt: skip


def _footer(summary: Summary) -> Html:
    models = " · ".join(f"{kind} {version}" for kind, version in summary.versions.items())
    return tag(
        "footer",
        tag(
            "p",
            "Everything here is drawn: shop, people, street. So which product is worn is known. "
            "The number beside a price is the score: at most 1, higher is closer.",
        ),
        tag("p", models),
    )


def _import_time(summary: Summary) -> str:
    done = summary.imported.read - summary.imported.unchanged
    if not done:
        return "by an earlier run"
    return f"{done} now, in {summary.import_seconds:.1f} s"


def _stages(answer: SearchAnswer) -> dict[str, float]:
    return {
        stage: answer.timings_ms[stage]
        for stage in STAGES
        if stage != "total" and stage in answer.timings_ms
    }


def _ms(milliseconds: float) -> str:
    return f"{milliseconds:.1f} ms" if milliseconds < 10 else f"{milliseconds:,.0f} ms"


def _price(product: MatchedProduct) -> str:
    if product.price is None:
        return ""
    return f"{product.price:,.2f} {product.currency or ''}".strip()


def _slug(found: Found) -> str:
    return found.value.replace(" ", "-")
