"""What a shopper did with the matches: told by the shop's page, kept without the photo."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.concurrency import run_in_threadpool

from indexer.catalog.feedback import MOST_RANKS, NO_GARMENT, Feedback, FeedbackKind
from indexer.catalog.repository import Catalog
from search_api.auth import Scope, needs
from search_api.guarded import GuardedRoute
from search_api.reach import Reach, ReachOf
from search_api.schemas.values import Text
from search_api.state import State

# Of one photo.
MOST_GARMENTS = 1000

router = APIRouter(route_class=GuardedRoute, tags=["feedback"])


class FeedbackIn(BaseModel):
    """A match that was clicked or bought, or the matches that were shown.

    ``search``: the X-Request-ID of the answer; ``garment``: its place in the answer, from 0, none for
    answers to words or to a product.
    """

    model_config = ConfigDict(extra="forbid")

    search: Annotated[str, Field(pattern="^[A-Za-z0-9._-]{1,64}$")]
    kind: FeedbackKind
    garment: Annotated[int, Field(ge=0, lt=MOST_GARMENTS)] | None = None
    product: Annotated[Text, Field(min_length=1, max_length=512)] | None = None
    rank: Annotated[
        int,
        Field(
            ge=1, le=MOST_RANKS, description="The match's, from 1; with shown, how many there were"
        ),
    ]

    @model_validator(mode="after")
    def _product_of_a_match(self) -> FeedbackIn:
        if (self.product is None) != (self.kind is FeedbackKind.SHOWN):
            raise ValueError("product: which was clicked or bought; none with shown")
        return self


@router.post("/v1/feedback", status_code=204, response_class=Response)
@needs(Scope.SEARCH, within=True)
async def tell(fields: FeedbackIn, state: State, reach: ReachOf) -> Response:
    """Keep what a shopper did with a match. The same told again counts once."""
    told = Feedback(
        search=fields.search,
        garment=NO_GARMENT if fields.garment is None else fields.garment,
        kind=fields.kind,
        product_id=fields.product or "",
        rank=fields.rank,
    )
    await run_in_threadpool(_keep, state.services.catalog, told, reach)
    return Response(status_code=204)


def _keep(catalog: Catalog, told: Feedback, reach: Reach) -> None:
    if told.product_id and reach.collections is not None:
        reach.seen(catalog.existing_product(told.product_id))
    catalog.add_feedback(told)
