"""A photo and what is asked of it, as a request brings them: a multipart form, or JSON with base64."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from indexer.facets import MAX_FACETS
from indexer.matching import COLOUR_WEIGHT, MAX_K, SearchRequest
from indexer.wish import WORDS_WEIGHT
from search_api.base64_text import from_base64
from search_api.errors import BadRequest, Unprocessable
from search_api.json_body import read_json
from search_api.limits import Limits, read_file_part, read_form
from search_api.query import (
    BOOST_EXAMPLE,
    DEFAULT_K,
    FILTER_EXAMPLE,
    MAX_CATEGORY,
    MAX_QUERY,
    WORDS_EXAMPLE,
    read_boost_text,
    read_box,
    read_category,
    read_facet_names,
    read_filter,
    read_search_request,
    read_words,
)
from search_api.reach import Reach
from search_api.schemas.values import BoxValues, Share

_OR_JSON = ", or application/json with it in base64"
_BOX = "The garment that fits it best is matched; where none fits, what lies in it, as it stands"


class SearchIn(BaseModel):
    """A photo and what to look for, as JSON."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    photo: Annotated[
        str,
        Field(
            description="A JPEG, PNG or WebP file in base64, also as a data URL",
            json_schema_extra={"format": "byte"},
        ),
    ]
    include: list[Literal["person"]] = []
    k: Annotated[int, Field(ge=1, le=MAX_K)] = DEFAULT_K
    category: Annotated[
        str | None,
        Field(max_length=MAX_CATEGORY, description="Garb's word or the shop's own"),
    ] = None
    box: Annotated[BoxValues | None, Field(description=_BOX)] = None
    filter: Annotated[str | None, Field(examples=[FILTER_EXAMPLE])] = None
    colour: Annotated[str | None, Field(pattern="^#?[0-9a-fA-F]{6}$")] = None
    colour_weight: Annotated[
        Share, Field(description="How much the colour counts beside likeness")
    ] = COLOUR_WEIGHT
    q: Annotated[
        str | None,
        Field(
            max_length=MAX_QUERY,
            examples=[WORDS_EXAMPLE],
            description="Words that count too: colours replace the garment's own",
        ),
    ] = None
    q_weight: Annotated[Share, Field(description="How much the words count beside likeness")] = (
        WORDS_WEIGHT
    )
    min_score: Annotated[
        Share | None, Field(description="Matches below this score are left out")
    ] = None
    boost: Annotated[
        str | None,
        Field(
            examples=[BOOST_EXAMPLE],
            description="A field, whose number (0 to 1 over the catalog) is added to the score, "
            "and its weight, -1 to 1",
        ),
    ] = None
    facets: Annotated[
        list[str],
        Field(max_length=MAX_FACETS, description="Fields to count each garment's matches by"),
    ] = []
    fold: Annotated[bool, Field(description="One match for products that are near-identical")] = (
        False
    )

    def data(self) -> bytes:
        """The file. Raises Unprocessable when it is not base64."""
        try:
            return from_base64(self.photo)
        except ValueError as error:
            raise Unprocessable(f"photo: {error}") from error

    def request(self, reach: Reach) -> SearchRequest:
        """What the matcher takes, which finds nothing beyond ``reach``. Raises as the form does."""
        return SearchRequest(
            k=self.k,
            category=read_category(self.category),
            box=None if self.box is None else read_box(self.box),
            filter=reach.narrowed(read_filter(self.filter)),
            colour=None if self.colour is None else "#" + self.colour.lower().removeprefix("#"),
            colour_weight=self.colour_weight,
            wish=read_words(self.q),
            words_weight=self.q_weight,
            min_score=self.min_score,
            fold=self.fold,
            boost=read_boost_text(self.boost),
            include=frozenset(self.include),
            facets=read_facet_names(",".join(self.facets)),
        )


async def read_search(
    request: Request, *, limits: Limits, reach: Reach
) -> tuple[SearchRequest, bytes]:
    """What is asked, and the photo's file.

    Raises:
        ApiError: a body that cannot be read, a field that is unknown or cannot be used.
        RequestValidationError: the same of a field of JSON.
        FilterError: the filter, by column.
    """
    if _is_json(request):
        asked, data = await read_json(request, _read_photo)
        return asked.request(reach), data
    async with read_form(request, limits=limits, instead=_OR_JSON) as form:
        asked_by_form = read_search_request(form, reach)
        return asked_by_form, await read_file_part(form, "photo", most_bytes=limits.photo_bytes)


def body_schema() -> dict[str, Any]:
    """The OpenAPI of both forms of a body: what JSON has as a list, a form has as text."""
    as_json = SearchIn.model_json_schema()
    text = {
        "photo": {"type": "string", "format": "binary", "description": "JPEG, PNG or WebP"},
        "include": {"type": "string", "enum": ["person"]},
        "box": {"type": "string", "description": _BOX, "examples": ["101,180,377,640"]},
        "facets": {"type": "string", "examples": ["brand,category,price"]},
    }
    fields = {
        name: text.get(name) or _without_null(field)
        for name, field in as_json["properties"].items()
    }
    form = {"type": "object", "required": ["photo"], "properties": fields}
    content = {"multipart/form-data": {"schema": form}, "application/json": {"schema": as_json}}
    return {"requestBody": {"required": True, "content": content}}


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    """A form leaves out what JSON may say null for."""
    rest = {name: value for name, value in field.items() if name not in ("anyOf", "default")}
    default = {"default": field["default"]} if field.get("default") is not None else {}
    return {**next(iter(field.get("anyOf", [{}]))), **rest, **default}


def _is_json(request: Request) -> bool:
    media = request.headers.get("content-type", "").partition(";")[0]
    return media.strip().lower() == "application/json"


def _read_photo(body: bytes) -> tuple[SearchIn, bytes]:
    asked = _read_json(body)
    return asked, asked.data()


def _read_json(body: bytes) -> SearchIn:
    try:
        return SearchIn.model_validate_json(body)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        if problems[0]["type"] == "json_invalid":
            raise BadRequest("the body is not JSON") from error
        raise RequestValidationError(
            [{**problem, "loc": ("body", *problem["loc"])} for problem in problems]
        ) from error
