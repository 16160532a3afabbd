"""What the fields of several bodies are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MAX_TEXT = 10_000


def storable(text: str) -> str:
    """The text. Raises ValueError when no database takes it."""
    if "\x00" in text:
        raise ValueError("a NUL character cannot be stored")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError("half a surrogate pair cannot be stored") from error
    return text


Text = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(storable)]
BoxValues = Annotated[
    list[float], Field(min_length=4, max_length=4, description="[x0, y0, x1, y1] in pixels")
]
Hex = Annotated[str, Field(pattern="^#[0-9a-f]{6}$")]
Share = Annotated[float, Field(ge=0, le=1)]


class Answer(BaseModel):
    """Base of everything answered: no field beyond those declared."""

    model_config = ConfigDict(extra="forbid")


class Colour(Answer):
    """A colour of a garment and the share of its pixels."""

    name: str
    hex: Hex
    share: Share


class NamedHex(Answer):
    """A colour without a share."""

    name: str
    hex: Hex
