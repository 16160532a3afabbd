"""``garb search``, ``similar``, ``find`` and ``parse``: what one asks of photos, products and words."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from indexer.answer import GarmentAnswer, Match
from indexer.boosting import Boost, read_boost
from indexer.bootstrap import Services, open_services
from indexer.carried_words import read_query
from indexer.catalog.repository import Catalog
from indexer.colour_match import read_colour
from indexer.errors import ImageStoreError
from indexer.facets import Facet, ValueFacet, read_facets
from indexer.filters import Filter, parse_filter
from indexer.json_option import JsonOption, print_json
from indexer.matching import COLOUR_WEIGHT, MAX_K, SearchRequest, SimilarRequest
from indexer.picture import draw_parse, draw_search, save_picture
from indexer.settings import Settings
from indexer.text_cursor import read_cursor
from indexer.text_search import TextMatch, TextRequest, search_by_words
from indexer.unknown_fields import words_on_unknown_fields
from indexer.wish import WORDS_WEIGHT, read_wish
from segmentation.errors import GarbError, PhotoError
from segmentation.garment import Box, Garment
from segmentation.labels import category_of
from segmentation.photo import Photo, decode_photo, read_photo

# What stands for a garment without a name.
WHOLE = "no garment found: matched whole"
BOX = "the box was matched as it stands"


class Include(StrEnum):
    """What an answer holds only on request."""

    PERSON = "person"


IncludeOption = Annotated[
    list[Include] | None,
    typer.Option("--include", help="person: the colours of skin and hair."),
]
SaveOption = Annotated[
    Path | None, typer.Option("--save", metavar="OUT.png", help="Draw the answer.")
]
PhotoArgument = Annotated[Path, typer.Argument(metavar="PHOTO", help="JPEG, PNG or WebP.")]
KOption = Annotated[
    int,
    typer.Option(
        "--k", min=1, max=MAX_K, help="How many products, or how many for each garment of a photo."
    ),
]
FilterOption = Annotated[
    str | None,
    typer.Option("--filter", metavar="EXPR", help='Such as: brand = "Acme" AND price < 100'),
]
FoldOption = Annotated[
    bool, typer.Option("--fold", help="One match for products that are near-identical.")
]

MinScoreOption = Annotated[
    float | None,
    typer.Option("--min-score", min=0, max=1, help="Leave out matches below this score."),
]

BoostOption = Annotated[
    str | None,
    typer.Option("--boost", metavar="FIELD:WEIGHT", help="A field that counts too, -1 to 1."),
]
WordsOption = Annotated[
    str | None,
    typer.Option("--words", metavar="WORDS", help='Words that count too: "red, striped".'),
]
WordsWeightOption = Annotated[
    float,
    typer.Option("--words-weight", min=0, max=1, help="Of the words beside likeness."),
]

FacetsOption = Annotated[
    str,
    typer.Option(
        "--facets", metavar="FIELDS", help="Count by these fields, such as: brand,category,price"
    ),
]


def register(app: typer.Typer) -> None:
    """Mount the commands on ``garb``."""
    for command in (search, similar, find, parse):
        app.command(command.__name__)(command)


def search(
    photo: PhotoArgument,
    k: KOption = 10,
    category: Annotated[
        str | None, typer.Option("--category", help="Only this category's garments.")
    ] = None,
    box: Annotated[
        str | None,
        typer.Option("--box", metavar="x0,y0,x1,y1", help="The garment that fits it best."),
    ] = None,
    filter_text: FilterOption = None,
    colour: Annotated[
        str | None, typer.Option("--colour", metavar="HEX", help="Rank nearer to this colour.")
    ] = None,
    colour_weight: Annotated[
        float,
        typer.Option("--colour-weight", min=0, max=1, help="Of the colour beside likeness."),
    ] = COLOUR_WEIGHT,
    words: WordsOption = None,
    words_weight: WordsWeightOption = WORDS_WEIGHT,
    fold: FoldOption = False,
    min_score: MinScoreOption = None,
    boost: BoostOption = None,
    facets: FacetsOption = "",
    include: IncludeOption = None,
    as_json: JsonOption = False,
    save: SaveOption = None,
) -> None:
    """Find the products closest to each garment of a photo."""
    with wrong_usage():
        request = SearchRequest(
            k=k,
            category=category,
            box=None if box is None else _read_box(box),
            filter=read_filter(filter_text),
            colour=None if colour is None else read_colour(colour),
            colour_weight=colour_weight,
            wish=read_wish(words),
            words_weight=words_weight,
            fold=fold,
            min_score=min_score,
            boost=None if boost is None else read_boost(boost),
            facets=read_facets(facets),
            include=frozenset(one.value for one in include or ()),
        )
    if category is not None and category_of(category) is None:
        typer.echo(f"garb: no category is known as {category!r}: all are searched", err=True)
    pixels, decode_ms = _decoded(photo)
    with open_services(Settings.from_env()) as services:
        tell_of_unknown_fields(
            services.catalog, tree=request.filter, facets=request.facets, boost=request.boost
        )
        answer = services.matcher.search(pixels, request, decode_ms=decode_ms)
        if save is not None:
            loader = _product_photos(services)
            save_picture(draw_search(pixels, answer.garments, loader), save)
    if as_json:
        print_json(answer.to_json())
    else:
        unnamed = WHOLE if request.box is None else BOX
        Console().print(_matches_table(answer.garments, unnamed=unnamed))
        for found in answer.garments:
            print_facets(found.facets)
        if not any(found.matches for found in answer.garments):
            _tell_of_nothing(request)


def similar(
    product_id: Annotated[str, typer.Argument(metavar="ID", help="A product's.")],
    k: KOption = 10,
    filter_text: FilterOption = None,
    words: WordsOption = None,
    words_weight: WordsWeightOption = WORDS_WEIGHT,
    fold: FoldOption = False,
    min_score: MinScoreOption = None,
    boost: BoostOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the products closest to one of the catalog."""
    with wrong_usage():
        request = SimilarRequest(
            k=k,
            filter=read_filter(filter_text),
            wish=read_wish(words),
            words_weight=words_weight,
            fold=fold,
            min_score=min_score,
            boost=None if boost is None else read_boost(boost),
        )
    with open_services(Settings.from_env()) as services:
        tell_of_unknown_fields(services.catalog, tree=request.filter, boost=request.boost)
        answer = services.matcher.similar(product_id, request)
    if as_json:
        print_json(answer.to_json())
    else:
        Console().print(_product_table(answer.matches))
        if not answer.matches:
            _tell_of_nothing(request)


def find(
    words: Annotated[list[str], typer.Argument(metavar="WORDS…", help="Of titles and fields.")],
    k: KOption = 10,
    filter_text: FilterOption = None,
    after: Annotated[
        str | None, typer.Option("--after", metavar="NEXT", help="Go on behind the page before.")
    ] = None,
    facets: FacetsOption = "",
    as_json: JsonOption = False,
) -> None:
    """Find products by words, and by how they look where the embedder reads words."""
    with wrong_usage():
        request = TextRequest(
            words=read_query(" ".join(words)),
            k=k,
            filter=read_filter(filter_text),
            after=None if after is None else read_cursor(after),
            facets=read_facets(facets),
        )
    with open_services(Settings.from_env()) as services:
        tell_of_unknown_fields(services.catalog, tree=request.filter, facets=request.facets)
        answer = search_by_words(
            request,
            catalog=services.catalog,
            embedder=services.embedder,
            live_index=services.index,
        )
    if as_json:
        print_json(answer.to_json())
    else:
        Console().print(_product_table(answer.matches))
        print_facets(answer.facets)
        if not answer.matches:
            passing = "" if request.filter is None else " that passes the filter"
            further = "" if request.after is None else " further"
            typer.echo(f"garb: no{further} product{passing} carries these words", err=True)


def parse(
    photo: PhotoArgument,
    include: IncludeOption = None,
    as_json: JsonOption = False,
    save: SaveOption = None,
) -> None:
    """Cut the garments out of a photo, without a search."""
    pixels, decode_ms = _decoded(photo)
    asked = SearchRequest(include=frozenset(one.value for one in include or ()))
    with open_services(Settings.from_env()) as services:
        answer = services.matcher.parse(pixels, asked, decode_ms=decode_ms)
    if save is not None:
        save_picture(draw_parse(pixels, answer.garments), save)
    if as_json:
        print_json(answer.to_json())
    else:
        Console().print(_garments_table(answer.garments))


@contextmanager
def wrong_usage() -> Iterator[None]:
    """In here options are read, and nothing else: what one cannot be ends with exit code 2."""
    try:
        yield
    except GarbError as error:
        raise typer.BadParameter(str(error)) from error


def read_filter(text: str | None) -> Filter | None:
    """The tree of ``--filter``. Raises FilterError with the column where it went wrong."""
    return None if text is None or not text.strip() else parse_filter(text)


def tell_of_unknown_fields(
    catalog: Catalog,
    *,
    tree: Filter | None = None,
    facets: Iterable[str] = (),
    boost: Boost | None = None,
) -> None:
    """One line on stderr for each field that no product has; it is no error."""
    for line in words_on_unknown_fields(catalog, tree=tree, facets=facets, boost=boost):
        typer.echo(f"garb: {line}", err=True)


def _tell_of_nothing(request: SearchRequest | SimilarRequest) -> None:
    """Why a table is empty, as far as what was asked says it."""
    if request.min_score is not None:
        passing = "" if request.filter is None else " of what passes the filter"
        reason = f"no match{passing} scores {request.min_score:g}"
    elif request.filter is not None:
        reason = "no product that could match passes the filter"
    else:
        reason = "there is no product to match yet: garb catalog import brings some"
    typer.echo(f"garb: {reason}", err=True)


def print_facets(facets: Iterable[Facet]) -> None:
    """One line a facet that counts anything."""
    for facet in facets:
        if isinstance(facet, ValueFacet):
            counts = [*facet.values, *([("other", facet.other)] if facet.other else [])]
        else:
            counts = [(_range_words(one.low, one.high), one.count) for one in facet.ranges]
        if counts:
            typer.echo(f"{facet.name}: {', '.join(f'{name} ({count})' for name, count in counts)}")


def _range_words(low: float | None, high: float | None) -> str:
    if low is None:
        return "any" if high is None else f"under {high:g}"
    return f"from {low:g}" if high is None else f"{low:g}–{high:g}"


def _decoded(path: Path) -> tuple[Photo, float]:
    started = time.perf_counter()
    photo = read_photo(path)
    return photo, (time.perf_counter() - started) * 1000


def _read_box(text: str) -> Box:
    try:
        x0, y0, x1, y1 = (float(part) for part in text.split(","))
    except ValueError as error:
        raise typer.BadParameter(f"--box is x0,y0,x1,y1, not {text!r}") from error
    if not all(map(math.isfinite, (x0, y0, x1, y1))):
        raise typer.BadParameter("--box: four finite numbers")
    if not (x0 < x1 and y0 < y1):
        raise typer.BadParameter("--box: x1 must be right of x0 and y1 below y0")
    return Box(x0, y0, x1, y1)


def _product_photos(services: Services) -> Callable[[str, int], Photo | None]:
    def load(product_id: str, position: int) -> Photo | None:
        image = services.catalog.image(product_id, position)
        if image is None or image.sha256 is None:
            return None
        try:
            return decode_photo(services.image_store.read(image.sha256))
        except (ImageStoreError, PhotoError) as error:
            # A lost product photo is no reason to withhold the picture.
            logging.getLogger(__name__).warning("%s, photo %d: %s", product_id, position, error)
            return None

    return load


def _matches_table(garments: Iterable[GarmentAnswer], *, unnamed: str) -> Table:
    table = _table("garment", "score", "product", "title", "price")
    for answer in garments:
        table.add_row(_garment_words(answer.garment, unnamed=unnamed), style="bold")
        for match in answer.matches:
            table.add_row("", *_match_row(match))
    return table


def _product_table(matches: Iterable[Match | TextMatch]) -> Table:
    table = _table("score", "product", "title", "price")
    for match in matches:
        table.add_row(*_match_row(match))
    return table


def _table(*headings: str) -> Table:
    table = Table(box=None, header_style="bold")
    for heading in headings:
        table.add_column(
            heading,
            justify="right" if heading in ("score", "price") else "left",
            no_wrap=heading == "garment",
        )
    return table


def _match_row(match: Match | TextMatch) -> tuple[str, str, str, str]:
    product = match.product
    price = "" if product.price is None else f"{product.price:.2f} {product.currency or ''}"
    folded = match.folded if isinstance(match, Match) else None
    title = f"{product.title} (+{folded} alike)" if folded else product.title
    score = "" if match.score is None else f"{match.score:.3f}"
    return score, escape(product.id), escape(title), price


def _garments_table(garments: tuple[Garment, ...]) -> Table:
    table = _table("garment", "box", "colours")
    for garment in garments:
        colours = ", ".join(f"{one.name} {one.hex} {one.share:.0%}" for one in garment.colours)
        table.add_row(_garment_words(garment, unnamed=WHOLE), str(garment.box.as_list()), colours)
    return table


def _garment_words(garment: Garment, *, unnamed: str) -> str:
    if garment.category is None:
        return unnamed
    score = "" if garment.score is None else f" {garment.score:.2f}"
    names = list(dict.fromkeys(colour.name for colour in garment.colours[:2]))
    return f"{', '.join(names)} {garment.category}".lstrip() + score
