"""What the API takes and answers, as OpenAPI publishes it. Tests hold real answers against it."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from indexer.feeds.record import box_of
from indexer.remote.photos import is_url
from segmentation.garment import Box

MAX_TEXT = 10_000
MAX_IMAGES = 20
MAX_ATTRIBUTES = 200
_BASE64_SLICE = 2**20


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("a NUL character cannot be stored")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError("half a surrogate pair cannot be stored") from error
    return text


Text = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(_storable)]
BoxValues = Annotated[
    list[float], Field(min_length=4, max_length=4, description="[x0, y0, x1, y1] in pixels")
]
Hex = Annotated[str, Field(pattern="^#[0-9a-f]{6}$")]
Share = Annotated[float, Field(ge=0, le=1)]
AttributeScalar = str | float | bool
AttributeValue = AttributeScalar | list[AttributeScalar]


def from_base64(text: str) -> bytes:
    """The bytes of base64, also as a data URL holds it. Raises ValueError when it is none."""
    # Slice by slice: a whole photo would keep the interpreter to itself for 0.1 s.
    packed = "".join(
        "".join(some.split()) for some in _slices(text.partition("base64,")[2] or text)
    )
    try:
        if "=" in packed[:-2]:
            raise ValueError("padding ends it")
        return b"".join(base64.b64decode(some, validate=True) for some in _slices(packed))
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64") from error


def _slices(text: str) -> Iterator[str]:
    return (text[at : at + _BASE64_SLICE] for at in range(0, len(text), _BASE64_SLICE))


class Answer(BaseModel):
    """Base of everything answered: no field beyond those declared."""

    model_config = ConfigDict(extra="forbid")


class PhotoSize(Answer):
    """The upright photo's size in pixels."""

    width: int
    height: int


class MaskRle(Answer):
    """COCO's compressed run-length form."""

    size: Annotated[list[int], Field(min_length=2, max_length=2, description="[height, width]")]
    counts: str


class Colour(Answer):
    """A colour of a garment and the share of its pixels."""

    name: str
    hex: Hex
    share: Share


class NamedHex(Answer):
    """A colour without a share."""

    name: str
    hex: Hex


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
    """The parser's regions; null when nobody was found."""

    skin: MaskRle | None
    hair: MaskRle | None
    clothes: MaskRle | None


class ParseOut(Answer):
    """The garments of a photo without matches."""

    photo: PhotoSize
    garments: list[GarmentOut]
    person: PersonOut | None
    regions: RegionsOut | None
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


class VersionsOut(Answer):
    """The models that a photo's vector comes from."""

    segmenter: str
    parser: str
    embedder: str


class ImageOut(Answer):
    """A product's photo, what was cut out of it, and why if nothing was."""

    position: int
    image: str
    cutout: Annotated[str | None, Field(description="The garment alone, as the embedder sees it")]
    source: str
    status: Annotated[
        Literal["waiting", "indexed", "failed"],
        Field(description="waiting: stored, but not found yet by the models that serve here"),
    ]
    reason: str | None
    garment_source: str | None
    garment_category: str | None
    score: float | None
    box: BoxValues | None
    region: Annotated[
        BoxValues | None, Field(description="Where the shop says that the product is")
    ]
    colours: list[Colour]
    pattern: Annotated[
        str | None, Field(description="plain, striped, checked, dotted or floral")
    ] = None
    versions: list[VersionsOut]


class StoredProductOut(Answer):
    """A product with everything stored about it."""

    id: str
    title: str
    category: str | None
    garment_category: str | None
    brand: str | None
    price: float | None
    currency: str | None
    url: str | None
    collections: list[str]
    attributes: dict[str, Any]
    images: list[ImageOut]
    sequence: int


class ProductListOut(Answer):
    """A page of products by id; ask on with after=next. ``total``: of all pages together."""

    products: list[StoredProductOut]
    next: str | None
    total: int
    facets: Facets | None = None


class ImportErrorOut(Answer):
    """One line of a feed that failed."""

    line: int | None
    id: str | None
    image: str | None
    reason: str


class ImportOut(Answer):
    """An import: its state, its counts so far, its errors by line.

    ``counts``: ``rows`` (about how many the feed has), ``read`` of them, and what became of those.
    """

    id: str
    state: Literal["waiting", "running", "done", "failed", "cancelled", "interrupted"]
    percent: Annotated[int, Field(ge=0, le=100)]
    counts: dict[str, Any]
    errors: list[ImportErrorOut]
    created: str
    updated: str


class IndexOut(Answer):
    """What can be found here, by which models, and how far behind the database this process is."""

    process: str
    products: int
    indexed_images: int
    sequence: int
    latest_sequence: int
    behind: int
    versions: dict[str, str]


class SampleOut(Answer):
    """A photo to try; ``image``: where this server answers it as a JPEG."""

    name: str
    image: str


class SamplesOut(Answer):
    """The photos of GARB_SAMPLES, by name; none where it is not set."""

    samples: list[SampleOut]


class ReadyOut(Answer):
    """Ready only when every check holds."""

    ready: bool
    checks: dict[str, bool]


class LiveOut(Answer):
    """The process answers."""

    alive: Literal[True]


class ProblemField(BaseModel):
    """One field that cannot be used."""

    field: str
    message: str


class ProblemOut(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    column: int | None = Field(default=None, description="where a filter went wrong, from 1")
    errors: list[ProblemField] | None = None


class ImageIn(BaseModel):
    """A photo in a product's JSON: base64 of a JPEG, PNG or WebP file, or where it is fetched from.

    ``box``: where on it the product is.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    base64: str | None = None
    url: Text | None = None
    box: BoxValues | None = None

    @model_validator(mode="after")
    def _one_of_the_two(self) -> ImageIn:
        if (self.base64 is None) == (self.url is None):
            raise ValueError('send {"base64": "…"} or {"url": "https://…"}')
        if self.url is not None and not is_url(self.url):
            raise ValueError("url: an address such as https://…")
        if self.box is not None:
            try:
                box_of(self.box)
            except ValueError as error:
                raise ValueError("box: [x0, y0, x1, y1] in pixels") from error
        return self

    @property
    def region(self) -> Box | None:
        """The box."""
        return None if self.box is None else box_of(self.box)

    def decoded(self) -> bytes:
        """The file's bytes. Raises ValueError when it is not base64."""
        return from_base64(self.base64 or "")


class ProductFields(BaseModel):
    """The feed's fields. Any other member is an attribute, as any other column of a feed is.

    Leave ``images`` out to keep the stored photos; a list replaces them all.
    """

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    title: Text | None = None
    category: Text | None = None
    brand: Text | None = None
    price: Annotated[float, Field(ge=0, le=1e12)] | None = None
    currency: Annotated[str, Field(pattern="^([A-Za-z]{3})?$")] | None = None
    url: Text | None = None
    collections: Annotated[list[Text], Field(max_length=MAX_ATTRIBUTES)] | None = None
    attributes: dict[str, Any] | None = None
    images: Annotated[list[ImageIn], Field(max_length=MAX_IMAGES)] | None = None

    @model_validator(mode="after")
    def _attributes_can_be_stored(self) -> ProductFields:
        extra = dict(self.model_extra or {})
        extra.pop("id", None)
        for name, value in {**(self.attributes or {}), **extra}.items():
            _storable(name)
            _check_attribute(name, value)
        if len(extra) + len(self.attributes or {}) > MAX_ATTRIBUTES:
            raise ValueError(f"at most {MAX_ATTRIBUTES} attributes")
        return self

    def all_attributes(self) -> dict[str, Any]:
        """``attributes`` and every member that is no field; None means: remove."""
        extra = dict(self.model_extra or {})
        extra.pop("id", None)
        return {**(self.attributes or {}), **extra}


def _check_attribute(name: str, value: object) -> None:
    values = value if isinstance(value, list) else [value]
    if len(values) > MAX_ATTRIBUTES:
        raise ValueError(f"attribute {name!r} has more than {MAX_ATTRIBUTES} values")
    for item in values:
        if isinstance(item, str):
            if len(item) > MAX_TEXT:
                raise ValueError(f"attribute {name!r} has more than {MAX_TEXT} characters")
            _storable(item)
        elif isinstance(item, int | float):
            if not math.isfinite(item) or abs(item) > 1e15:
                raise ValueError(f"attribute {name!r} is out of range")
        elif item is not None or isinstance(value, list):
            raise ValueError(f"attribute {name!r} must be text, a number, true, false or a list")
