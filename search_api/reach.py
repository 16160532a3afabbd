"""Which products a request may touch: those of its key's collections, or all.

A bound key sees a product that lies in one of its collections at least, and writes one that lies
in no other: a product shared with somebody else's collection is not one tenant's to change.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from indexer.catalog.rows import Product
from indexer.errors import ProductNotFound
from indexer.filters import And, Comparison, Filter
from search_api.errors import Forbidden

SCOPE_KEY = "garb.reach"


@dataclass(frozen=True, slots=True)
class Reach:
    """``collections``: the only ones, None for every product there is."""

    collections: tuple[str, ...] | None

    def narrowed(self, tree: Filter | None) -> Filter | None:
        """A filter that lets through what ``tree`` does and is seen."""
        if self.collections is None:
            return tree
        own = Comparison("collections", "IN", self.collections)
        return own if tree is None else And((tree, own))

    def seen(self, product: Product) -> Product:
        """The product.

        Raises:
            ProductNotFound: nothing tells what is not seen from what is not there.
        """
        if self.collections is not None and not set(product.collections) & set(self.collections):
            raise ProductNotFound(product.id)
        return product

    def check(self, product: Product) -> None:
        """Raises ProductNotFound where the product is not seen, Forbidden where it may not be written."""
        self.check_writable(self.seen(product).collections)

    def covers(self, collections: Collection[str] | None) -> bool:
        """Whether what is bound to these collections, None for not bound, may be looked at."""
        if self.collections is None:
            return True
        return collections is not None and set(collections) <= set(self.collections)

    def check_writable(self, collections: Collection[str]) -> None:
        """Raises Forbidden where a product in these collections may not be written."""
        if self.collections is None:
            return
        if not collections or not set(collections) <= set(self.collections):
            raise Forbidden(
                "this key writes only products whose collections are all among: "
                + ", ".join(self.collections)
            )


EVERYTHING = Reach(None)


async def reach_of(request: Request) -> Reach:
    """What the gate let this request touch; asynchronous, else FastAPI takes a thread for it."""
    reach = request.scope[SCOPE_KEY]
    assert isinstance(reach, Reach)
    return reach


ReachOf = Annotated[Reach, Depends(reach_of)]
