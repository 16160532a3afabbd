"""A small client of the API: photos, words and products in, typed matches out.

Needs ``pip install 'garb[client]'`` and nothing of a server: no models, no FAISS, no database.

    with GarbClient("http://127.0.0.1:8000", key="garb_…") as garb:
        for garment in garb.search(Path("street.jpg"), words="but red").garments:
            print(garment.category, [match.product.title for match in garment.matches])
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict

TIMEOUT_SECONDS = 60.0


class GarbProblem(Exception):
    """What the server answered instead. ``kind``: such as ``filter-invalid``; ``status``: of HTTP."""

    def __init__(self, status: int, kind: str, detail: str, request_id: str | None) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.request_id = request_id


class _Told(BaseModel):
    # A newer server may tell more.
    model_config = ConfigDict(extra="ignore", frozen=True)


class Product(_Told):
    """A product as a match shows it."""

    id: str
    title: str
    category: str | None
    price: float | None
    currency: str | None
    url: str | None
    attributes: Mapping[str, Any]


class Match(_Told):
    """A product, the path of its photo and how alike it is; ``folded``: how many more it stands for.

    ``score``: None of products found by words alone.
    """

    product: Product
    image: str | None
    score: float | None
    folded: int | None = None


class Colour(_Told):
    """A colour and its share of the garment."""

    name: str
    hex: str
    share: float


class Garment(_Told):
    """A garment of a photo with its matches, best first; ``box``: x0, y0, x1, y1 in pixels."""

    category: str | None
    score: float | None
    box: tuple[float, float, float, float]
    colours: tuple[Colour, ...]
    tags: tuple[str, ...]
    matches: tuple[Match, ...]
    facets: Mapping[str, Any] = {}


class SearchAnswer(_Told):
    """The garments of a photo. ``id``: what feedback names this answer by."""

    id: str
    garments: tuple[Garment, ...]


class MatchesAnswer(_Told):
    """Matches without a photo; ``next``: the cursor of the page behind, None after the last."""

    id: str
    matches: tuple[Match, ...]
    next: str | None = None
    facets: Mapping[str, Any] = {}


class GarbClient:
    """One connection pool to one server; close it, or use it as a context."""

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """``transport``: another road to the server, such as an application in a test."""
        self._http = httpx.Client(
            base_url=url,
            headers={} if key is None else {"Authorization": f"Bearer {key}"},
            timeout=timeout_seconds,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def search(
        self,
        photo: Path | bytes | str,
        *,
        k: int = 10,
        category: str | None = None,
        box: tuple[float, float, float, float] | None = None,
        filter: str | None = None,
        words: str | None = None,
        words_weight: float | None = None,
        colour: str | None = None,
        min_score: float | None = None,
        boost: str | None = None,
        facets: Sequence[str] = (),
        fold: bool = False,
    ) -> SearchAnswer:
        """The products closest to each garment of a photo; a ``str`` is its file in base64.

        Raises:
            GarbProblem: the server refuses it.
            httpx.HTTPError: the server does not answer.
        """
        fields = {
            "k": k,
            "category": category,
            "filter": filter,
            "q": words,
            "q_weight": words_weight,
            "colour": colour,
            "min_score": min_score,
            "boost": boost,
        }
        if isinstance(photo, str):
            lists = {"box": box, "facets": list(facets), "fold": fold}
            answer = self._ask(
                "POST", "/v1/search", json=_given({"photo": photo, **fields, **lists})
            )
            return SearchAnswer.model_validate(_with_id(answer))
        texts = {
            "box": None if box is None else ",".join(str(side) for side in box),
            "facets": ",".join(facets) or None,
            "fold": "true" if fold else None,
        }
        files = {"photo": photo if isinstance(photo, bytes) else photo.read_bytes()}
        answer = self._ask("POST", "/v1/search", data=_given({**fields, **texts}), files=files)
        return SearchAnswer.model_validate(_with_id(answer))

    def similar(
        self,
        product_id: str,
        *,
        k: int = 10,
        filter: str | None = None,
        words: str | None = None,
        words_weight: float | None = None,
        min_score: float | None = None,
        boost: str | None = None,
        fold: bool = False,
    ) -> MatchesAnswer:
        """The products closest to one. Raises as `search`."""
        fields = {
            "k": k,
            "filter": filter,
            "q": words,
            "q_weight": words_weight,
            "min_score": min_score,
            "boost": boost,
            "fold": "true" if fold else None,
        }
        path = f"/v1/products/{quote(product_id, safe='')}/similar"
        return MatchesAnswer.model_validate(
            _with_id(self._ask("POST", path, params=_given(fields)))
        )

    def find(
        self,
        words: str,
        *,
        k: int = 10,
        filter: str | None = None,
        after: str | None = None,
        facets: Sequence[str] = (),
    ) -> MatchesAnswer:
        """A page of the products that words find. Raises as `search`."""
        fields = {
            "q": words,
            "k": k,
            "filter": filter,
            "after": after,
            "facets": ",".join(facets) or None,
        }
        answer = self._ask("GET", "/v1/search/text", params=_given(fields))
        return MatchesAnswer.model_validate(_with_id(answer))

    def find_all(self, words: str, *, filter: str | None = None) -> Iterator[Match]:
        """All that words find, page by page: nothing twice or left out while products come and go."""
        after: str | None = None
        while True:
            page = self.find(words, k=100, filter=filter, after=after)
            yield from page.matches
            after = page.next
            if after is None:
                return

    def put_product(self, product_id: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Store a product, as ``PUT /v1/products/{id}`` takes it; searchable when it returns."""
        path = f"/v1/products/{quote(product_id, safe='')}"
        stored: dict[str, Any] = self._ask("PUT", path, json=dict(fields)).json()
        return stored

    def remove_product(self, product_id: str) -> None:
        """Take a product out of the catalog. Raises as `search`."""
        self._ask("DELETE", f"/v1/products/{quote(product_id, safe='')}")

    def tell(
        self,
        answer: SearchAnswer | MatchesAnswer,
        kind: Literal["shown", "clicked", "bought"],
        *,
        rank: int,
        product_id: str | None = None,
        garment: int | None = None,
    ) -> None:
        """What became of a match: its ``rank`` from 1; of ``shown`` how many there were."""
        told = {
            "search": answer.id,
            "kind": kind,
            "rank": rank,
            "product": product_id,
            "garment": garment,
        }
        self._ask("POST", "/v1/feedback", json=_given(told))

    def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        answer = self._http.request(method, path, **options)
        if answer.is_success:
            return answer
        raise _problem_of(answer)


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _with_id(answer: httpx.Response) -> dict[str, Any]:
    document: dict[str, Any] = answer.json()
    return {**document, "id": answer.headers.get("X-Request-ID", "")}


def _problem_of(answer: httpx.Response) -> GarbProblem:
    try:
        told = answer.json()
    except ValueError:
        told = None
    # A proxy's own error page; its status is all there is to say.
    problem: dict[str, Any] = told if isinstance(told, dict) else {}
    kind = str(problem.get("type", "")).removeprefix("urn:garb:problem:")
    detail = str(problem.get("detail") or f"the server answered {answer.status_code}")
    return GarbProblem(answer.status_code, kind, detail, problem.get("request_id"))
