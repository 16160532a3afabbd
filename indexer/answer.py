"""What a search answers, and its JSON: the command line and HTTP print the same document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from indexer.facets import Facet, facets_json
from segmentation.garment import Garment, NamedColour, Person, Regions

Json = dict[str, Any]

STAGES = ("decode", "segment", "parse", "embed", "search", "total")


@dataclass(frozen=True, slots=True)
class MatchedProduct:
    """A product as answers show it. ``category`` is the shop's own word."""

    id: str
    title: str
    category: str | None
    price: float | None
    currency: str | None
    url: str | None
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> Json:
        return {
            "id": self.id,
            "title": self.title,
            "category": self.category,
            "price": self.price,
            "currency": self.currency,
            "url": self.url,
            "attributes": dict(self.attributes),
        }


@dataclass(frozen=True, slots=True)
class Match:
    """A product and the photo of it that came closest. ``score``: at most 1, more with a boost.

    ``folded``: how many near-identical products it stands for; None where none were folded.
    """

    product: MatchedProduct
    image_position: int
    score: float
    folded: int | None = None

    def to_json(self) -> Json:
        document = {
            "product": self.product.to_json(),
            "image": image_path(self.product.id, self.image_position),
            "score": shown_score(self.score),
        }
        return document if self.folded is None else document | {"folded": self.folded}


@dataclass(frozen=True, slots=True, eq=False)
class GarmentAnswer:
    """One garment and, best first, the products that match it; ``facets`` count those products."""

    garment: Garment
    matches: tuple[Match, ...]
    facets: tuple[Facet, ...] = ()

    def to_json(self) -> Json:
        matches = {"matches": [match.to_json() for match in self.matches]}
        return garment_json(self.garment) | matches | with_facets(self.facets)


@dataclass(frozen=True, slots=True)
class IndexState:
    """The generation of the index that gave an answer."""

    embedder: str
    products: int
    sequence: int

    def to_json(self) -> Json:
        return {"embedder": self.embedder, "products": self.products, "sequence": self.sequence}


@dataclass(frozen=True, slots=True, eq=False)
class SearchAnswer:
    """The garments of a photo with their matches; boxes and masks in pixels of the upright photo."""

    width: int
    height: int
    garments: tuple[GarmentAnswer, ...]
    person: Person | None
    index: IndexState
    timings_ms: Mapping[str, float]

    def to_json(self) -> Json:
        return {
            "photo": {"width": self.width, "height": self.height},
            "garments": [garment.to_json() for garment in self.garments],
            "person": person_json(self.person),
            "index": self.index.to_json(),
            "timings_ms": timings_json(self.timings_ms),
        }


@dataclass(frozen=True, slots=True, eq=False)
class ParseAnswer:
    """The garments of a photo without matches, and the parser's regions."""

    width: int
    height: int
    garments: tuple[Garment, ...]
    person: Person | None
    regions: Regions
    index: IndexState
    timings_ms: Mapping[str, float]

    def to_json(self) -> Json:
        return {
            "photo": {"width": self.width, "height": self.height},
            "garments": [garment_json(garment) for garment in self.garments],
            "person": person_json(self.person),
            "regions": regions_json(self.regions),
            "index": self.index.to_json(),
            "timings_ms": timings_json(self.timings_ms),
        }


@dataclass(frozen=True, slots=True)
class SimilarAnswer:
    """The products closest to one product, itself left out."""

    product: MatchedProduct
    matches: tuple[Match, ...]
    index: IndexState

    def to_json(self) -> Json:
        return {
            "product": self.product.to_json(),
            "matches": [match.to_json() for match in self.matches],
            "index": self.index.to_json(),
        }


def with_facets(facets: Sequence[Facet]) -> Json:
    """What an answer holds where facets were asked for."""
    return {"facets": facets_json(facets)} if facets else {}


def shown_score(score: float) -> float:
    """A match's score as answers tell it, and as a cut-off compares it."""
    return round(score, 4)


def image_path(product_id: str, position: int) -> str:
    """Where the API serves a product's photo."""
    return f"/v1/products/{quote(product_id, safe='')}/images/{position}"


def garment_json(garment: Garment) -> Json:
    """A garment without matches. No mask (the whole photo, or a bare box): mask null, polygon []."""
    mask = garment.mask
    return {
        "category": garment.category,
        "score": None if garment.score is None else round(garment.score, 4),
        "box": garment.box.as_list(),
        "mask": None if mask is None else mask.rle(),
        "polygon": [] if mask is None else mask.outer_rings(),
        "colours": [
            {"name": colour.name, "hex": colour.hex, "share": round(colour.share, 3)}
            for colour in garment.colours
        ],
        "tags": list(garment.tags),
    }


def person_json(person: Person | None) -> Json | None:
    """Where the person is and the colours of skin and hair, or null where not asked for or seen."""
    if person is None:
        return None
    return {
        "box": person.box.as_list(),
        "skin": _named_colour(person.skin),
        "hair": _named_colour(person.hair),
    }


def regions_json(regions: Regions) -> Json:
    """The parser's regions as masks."""
    return {name: getattr(regions, name).rle() for name in ("skin", "hair", "clothes")}


def timings_json(timings_ms: Mapping[str, float]) -> Json:
    """Milliseconds of each stage that ran, in the order of the stages."""
    return {stage: round(timings_ms[stage], 1) for stage in STAGES if stage in timings_ms}


def _named_colour(colour: NamedColour | None) -> Json | None:
    return None if colour is None else {"name": colour.name, "hex": colour.hex}
