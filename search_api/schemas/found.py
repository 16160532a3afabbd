"""Garments, matches and facets: what a search by photo, product or words answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from search_api.schemas.values import Answer, BoxValues, Colour, NamedHex, Share


class PhotoSize(Answer):
    """The upright photo's size in pixels."""

    width: int
    height: int


class MaskRle(Answer):
    """COCO's compressed run-length form."""

    size: Annotated[list[int], Field(min_length=2, max_length=2, description="[height, width]")]
    counts: str


class PersonOut(Answer):
    """Only with include=person."""

    box: BoxValues
    skin: NamedHex | None
    hair: NamedHex | None


class ProductOut(Answer):
    """A product as a match shows it; category is the shop's own word."""

    id: str
    title: str
    category: str | None
    price: float | None
    currency: str | None
    url: str | None
    attributes: dict[str, Any]


class MatchOut(Answer):
    """A product and the path of its photo that came closest; score: at most 1 without a boost."""

    product: ProductOut
    image: str
    score: Annotated[float, Field(le=2.001)]
    folded: Annotated[
        int | None,
        Field(ge=0, description="With fold=true: near-identical products it stands for"),
    ] = None


class GarmentOut(Answer):
    """category, score and mask are null where the photo was matched whole or by a given box."""

    category: str | None
    score: Share | None
    box: BoxValues
    mask: MaskRle | None
    polygon: list[list[Annotated[list[int], Field(min_length=2, max_length=2)]]]
    colours: list[Colour]
    tags: list[str]


class ValueCount(Answer):
    """A value as a filter compares it, and its products."""

    value: str
    count: Annotated[int, Field(ge=1)]


class ValueFacetOut(Answer):
    """The most frequent values, at most 20; other: the counts of the rest together."""

    values: Annotated[list[ValueCount], Field(max_length=20)]
    other: Annotated[int, Field(ge=0)]


class PriceRangeOut(Answer):
    """The products with from <= price < to; null: no bound."""

    from_: Annotated[float | None, Field(alias="from")]
    to: float | None
    count: Annotated[int, Field(ge=1)]


class PriceFacetOut(Answer):
    """Prices in ranges chosen from the data, cheapest first."""

    ranges: list[PriceRangeOut]


Facets = Annotated[
    dict[str, ValueFacetOut | PriceFacetOut],
    Field(description="With facets=…: by field, over what matched"),
]


class MatchedGarmentOut(GarmentOut):
    """A garment and, best first, its matches; facets count those matches alone, k at most."""

    matches: list[MatchOut]
    facets: Facets | None = None


class IndexState(Answer):
    """The generation of the index that answered."""

    embedder: str
    products: int
    sequence: int


class Timings(Answer):
    """Milliseconds; a stage that did not run is left out."""

    decode: float | None = None
    segment: float | None = None
    parse: float | None = None
    embed: float | None = None
    search: float | None = None
    total: float | None = None


class SearchOut(Answer):
    """The garments of a photo, each with its matches."""

    photo: PhotoSize
    garments: list[MatchedGarmentOut]
    person: PersonOut | None
    index: IndexState
    timings_ms: Timings


class RegionsOut(Answer):
    """The parser's regions; where nobody was found, clothes are what the garments cover."""

    skin: MaskRle
    hair: MaskRle
    clothes: MaskRle


class ParseOut(Answer):
    """The garments of a photo without matches."""

    photo: PhotoSize
    garments: list[GarmentOut]
    person: PersonOut | None
    regions: RegionsOut
    index: IndexState
    timings_ms: Timings


class SimilarOut(Answer):
    """The products closest to one product, itself left out."""

    product: ProductOut
    matches: list[MatchOut]
    index: IndexState


class TextMatchOut(Answer):
    """A product found by words; image is null when it has no photo.

    score: the cosine of words and photo, null where the embedder reads no words. found_by: words
    when the product carries every word, photo when only its photo fits them.
    """

    product: ProductOut
    image: str | None
    score: Annotated[float, Field(le=1.001)] | None
    found_by: Literal["words", "photo"]


class TextSearchOut(Answer):
    """Products that carry every word, then those whose photos fit the words, best first.

    Ask on with after=next, until it is null: nothing is repeated or left out while products come
    and go. facets: over all products that carry every word and pass the filter.
    """

    query: str
    matches: list[TextMatchOut]
    next: str | None
    index: IndexState
    facets: Facets | None = None
