"""Products and their photos: as they are written, and as they are stored."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from indexer.feeds.record import (
    BOX_NAME,
    FieldError,
    box_of,
    is_meant_as_box,
    numbered_images,
    split_list,
)
from indexer.feeds.values import price_of, texts_of
from indexer.remote.photos import is_url
from search_api.base64_text import from_base64
from search_api.schemas.found import Facets
from search_api.schemas.values import MAX_TEXT, Answer, BoxValues, Colour, Text, storable
from segmentation.garment import Box

MAX_IMAGES = 20
MAX_ATTRIBUTES = 200
# Beside `images`.
_IMAGE = re.compile(r"image(_\d+)?")


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


def _number_of(price: Any) -> float | None:
    return price_of(price)[0]


def _without_empty(collections: list[str]) -> list[str]:
    return list(texts_of(collections, "collections"))


Amount = Annotated[float, Field(ge=0, le=1e12)]
AmountText = Annotated[str, Field(examples=["79.90 EUR"])]
Price = Annotated[
    Amount | None, BeforeValidator(_number_of, json_schema_input_type=Amount | AmountText | None)
]
Collections = Annotated[
    list[Text], Field(max_length=MAX_ATTRIBUTES), AfterValidator(_without_empty)
]


class ProductFields(BaseModel):
    """The feed's fields, read as a feed's are. Any other member is an attribute, as any other column is.

    Leave ``images`` out to keep the stored photos; a list replaces them all. As in a feed it may be called ``image``, or be ``image_1``, ``image_2`` … or a text of addresses,
    ``collections`` a text, and ``price`` one that names the currency too.
    """

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    title: Text | None = None
    category: Text | None = None
    brand: Text | None = None
    price: Price = None
    currency: Annotated[str, Field(pattern="^([A-Za-z]{3})?$")] | None = None
    url: Text | None = None
    collections: Collections | None = None
    attributes: dict[str, Any] | None = None
    images: Annotated[list[ImageIn], Field(max_length=MAX_IMAGES)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _as_in_a_feed(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        rest = {name: value for name, value in values.items() if not _IMAGE.fullmatch(name)}
        given = [values[name] for name in ("images", "image") if _is_given(values.get(name))]
        given += [image for image, _ in numbered_images(values, _is_given)]
        if any(BOX_NAME.fullmatch(name) and not _is_attribute(rest[name]) for name in rest):
            raise ValueError(
                'box: in its image, such as {"url": "https://…", "box": [1, 2, 30, 40]}'
            )
        if given:
            rest["images"] = [image for several in given for image in _listed(several)]
        elif any(values.get(name, "") is None for name in ("images", "image")):
            rest["images"] = None
        if isinstance(rest.get("collections"), str):
            rest["collections"] = split_list(rest["collections"])
        if not rest.get("currency") and (named := _currency_in(rest.get("price"))):
            rest["currency"] = named
        return rest

    @model_validator(mode="after")
    def _attributes_can_be_stored(self) -> ProductFields:
        named = self.all_attributes()
        for name, value in named.items():
            storable(name)
            _check_attribute(name, value)
        if len(named) > MAX_ATTRIBUTES:
            raise ValueError(f"at most {MAX_ATTRIBUTES} attributes")
        return self

    def all_attributes(self) -> dict[str, Any]:
        """``attributes`` and every member that is no field, as they were sent."""
        extra = dict(self.model_extra or {})
        extra.pop("id", None)
        return extra | (self.attributes or {})


def _currency_in(price: Any) -> str:
    try:
        return price_of(price)[1]
    except FieldError:
        return ""  # The field's own reading tells it.


def _is_given(value: Any) -> bool:
    return value is not None and value != ""


def _listed(images: Any) -> list[Any]:
    """One image or several; a text is an address, or several as a feed has them."""
    several = images if isinstance(images, list) else [images]
    return [
        {"url": url} if isinstance(one, str) else one
        for one in several
        for url in (split_list(one) if isinstance(one, str) else [None])
    ]


def _is_attribute(box: Any) -> bool:
    return isinstance(box, bool | int | float | None) or (
        isinstance(box, str) and not is_meant_as_box(box)
    )


def _check_attribute(name: str, value: object) -> None:
    values = value if isinstance(value, list) else [value]
    if len(values) > MAX_ATTRIBUTES:
        raise ValueError(f"attribute {name!r} has more than {MAX_ATTRIBUTES} values")
    for item in values:
        if isinstance(item, str):
            if len(item) > MAX_TEXT:
                raise ValueError(f"attribute {name!r} has more than {MAX_TEXT} characters")
            storable(item)
        elif isinstance(item, int | float):
            # Not `math.isfinite`, which a whole number too large for a float overflows.
            if not abs(item) <= 1e15:
                raise ValueError(f"attribute {name!r} is out of range")
        elif item is not None:
            raise ValueError(f"attribute {name!r} must be text, a number, true, false or a list")
