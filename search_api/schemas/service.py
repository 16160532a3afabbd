"""The service itself: imports, index, samples, health and errors."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from search_api.schemas.values import Answer


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
