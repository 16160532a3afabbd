"""Words beside a photo or a product: "this, but red". Which colours and which other words they hold,
and how well a product meets them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from indexer.catalog.convert import attribute_text
from indexer.catalog.rows import Product, ProductImage
from indexer.colour_match import closeness, lab_of
from indexer.embedder.base import Embedder, TextEmbedder
from indexer.ranking import RankedPhoto
from indexer.reranking import ValuesOf
from indexer.vectors.base import Vectors
from segmentation.colour_words import colours_in
from segmentation.garment import Cutout
from segmentation.pattern_words import pattern_of
from segmentation.recolour import recoloured

# Of the words beside likeness, where nothing else is asked for. `benchmarks.this_but_red` measures it.
WORDS_WEIGHT = 0.25
MOST_WORDS = 10

_WORD = re.compile(r"[\w][\w'&-]*")
# What says nothing about a garment.
_FILLERS = frozenset(
    """a an and any as but by colour color for from have i in instead is it like looking more of on one
    only or please same similar size some something style that the them these this those to want with
    you""".split()  # noqa: SIM905
)


class WishSource(Protocol):
    """What wishes need of the catalog."""

    def products(self, ids: Iterable[str]) -> dict[str, Product]: ...

    def images_of(self, ids: Iterable[str]) -> dict[str, list[ProductImage]]: ...


@dataclass(frozen=True, slots=True)
class Wish:
    """``text``: as it was written; ``colours``: ``#rrggbb``; ``words``: the others, in lower case."""

    text: str
    colours: tuple[str, ...]
    words: tuple[str, ...]


def read_wish(text: str | None) -> Wish | None:
    """The colours and the other words, each once; at most `MOST_WORDS` of these.

    None where they ask for nothing: "the same one, please".
    """
    told = colours_in(text or "")
    words = (word.lower() for word in _WORD.findall(told.rest))
    kept = dict.fromkeys(word for word in words if word not in _FILLERS)
    if text is None or not (told.colours or kept):
        return None
    return Wish(text, tuple(code for _, code in told.colours), tuple(kept)[:MOST_WORDS])


def aimed(
    embedder: Embedder, cutouts: Sequence[Cutout], wish: Wish | None, *, weight: float
) -> Vectors:
    """The cut-outs' vectors, as they are without a wish.

    A wished colour is painted onto them first: a vector holds shape and colour, and the garment's
    own would draw its like. Where the embedder reads words, these are added by their weight.
    """
    if wish is None or not weight:
        return embedder.embed(cutouts)
    if wish.colours:
        cutouts = [recoloured(cutout, wish.colours[0]) for cutout in cutouts]
    return towards_words(embedder, embedder.embed(cutouts), wish, weight=weight)


def towards_words(embedder: Embedder, vectors: Vectors, wish: Wish, *, weight: float) -> Vectors:
    """Unit vectors between these and the words', where the embedder reads words."""
    if not weight or not isinstance(embedder, TextEmbedder):
        return vectors
    mixed = (1 - weight) * vectors + weight * embedder.embed_texts([wish.text])
    return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True), np.float32)


def fit_of(wish: Wish, catalog: WishSource) -> ValuesOf:
    """Photos → how well they and their products meet a wish, 0–1.

    The mean over its words, 1 for each that the product carries, and the closeness of the photo's
    cloth to the nearest wished colour.
    """
    wanted = lab_of(wish.colours) if wish.colours else None

    def values_of(photos: Sequence[RankedPhoto]) -> list[float]:
        ids = {photo.product_id for photo in photos}
        stored = {image.id: image for of in catalog.images_of(ids).values() for image in of}
        images = [stored.get(photo.image_id) for photo in photos]
        products = catalog.products(ids) if wish.words else {}
        met = np.zeros(len(photos))
        if wanted is not None:
            met += closeness(wanted, [() if image is None else image.colours for image in images])
        met += [
            _carried(
                wish.words, products.get(photo.product_id), None if image is None else image.pattern
            )
            for photo, image in zip(photos, images, strict=True)
        ]
        demands = len(wish.words) + (wanted is not None)
        return [float(one) / demands for one in met]

    return values_of


def _carried(words: Sequence[str], product: Product | None, pattern: str | None) -> int:
    """How many of the words a product carries: in the fields that full text looks at, an attribute,
    or as the pattern of its photo."""
    if product is None or not words:
        return 0
    text = " ".join(_texts(product)).lower()
    names = {pattern_of(word) for word in _WORD.findall(text)} | {pattern}
    named = [pattern_of(word) for word in words]
    return sum(
        word in text or (name is not None and name in names)
        for word, name in zip(words, named, strict=True)
    )


def _texts(product: Product) -> Iterable[str]:
    yield from (product.title, product.brand, product.category, product.id)
    for value in product.attributes.values():
        for one in value if isinstance(value, tuple) else (value,):
            yield attribute_text(one)
