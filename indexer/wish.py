"""Words beside a photo or a product: "this, but red". Which colours and which other words they hold,
and how well a product meets them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

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
# Each is painted on and searched with.
MOST_COLOURS = 4

_WORD = re.compile(r"[\w][\w'&-]*")
# What says nothing about a garment.
_FILLERS = frozenset(
    """a an and any as but by colour color for from have i in instead is it like looking more of on one
    only or please same similar size some something style that the them these this those to too very
    want with you""".split()  # noqa: SIM905
)
# "Anything but red" is not red, while "this, but red" is; what is not wanted ends with its clause.
_ANY_BUT = re.compile(r"\b(?:any|every)(?:thing|\s+(?:other\s+)?colou?r)?\s+but\b", re.IGNORECASE)
_CLAUSE = re.compile(r"[,;.!?]+(?=\s|$)|\bbut\b", re.IGNORECASE)
_AND = re.compile(r"\band\b", re.IGNORECASE)
_NOT = re.compile(r"\b(?:not|no|nor|never|without|except|(?:is|do|does)n['’]t)\b", re.IGNORECASE)


class WishSource(Protocol):
    """What wishes need of the catalog."""

    def products(self, ids: Iterable[str]) -> dict[str, Product]: ...

    def images_of(self, ids: Iterable[str]) -> dict[str, list[ProductImage]]: ...


@dataclass(frozen=True, slots=True)
class Wish:
    """``text``: what is wanted, as it was written; ``colours``: ``#rrggbb``; ``words``: the others, in
    lower case; ``unwanted``: the same of what must not be ("not red, no stripes")."""

    text: str
    colours: tuple[str, ...]
    words: tuple[str, ...]
    unwanted: Wish | None = None


def read_wish(text: str | None) -> Wish | None:
    """The colours and the other words, each once; at most `MOST_COLOURS` and `MOST_WORDS` of these.

    None where they ask for nothing: "the same one, please".
    """
    if text is None:
        return None
    clauses = [
        _NOT.split(clause, maxsplit=1) for clause in _CLAUSE.split(_ANY_BUT.sub("not", text))
    ]
    parts = [_until_another_kind(clause[1]) for clause in clauses if len(clause) == 2]
    refused = [part for part, _ in parts]
    kept = [clause[0] for clause in clauses] + [rest for _, rest in parts]
    wanted = ", ".join(filter(str.strip, kept)) if refused else text
    unwanted = _asked_for(" ".join(_NOT.sub(" ", clause) for clause in refused))
    found = replace(_asked_for(wanted), unwanted=unwanted if _says_something(unwanted) else None)
    return found if _says_something(found) or found.unwanted else None


def _until_another_kind(refused: str) -> tuple[str, str]:
    """What a "not" refuses, and what an "and" asks for after it: in "not striped and red" red is
    wanted, while in "not red and blue" nothing is."""
    first, *others = _AND.split(refused)
    kinds = _kinds(first)
    for number, other in enumerate(others):
        if not kinds & _kinds(other):
            return " and ".join([first, *others[:number]]), " and ".join(others[number:])
    return refused, ""


def _kinds(text: str) -> set[str]:
    """Colours, patterns or other words: what the words of a text are."""
    read = _asked_for(text)
    words = {"word" if pattern_of(word) is None else "pattern" for word in read.words}
    return words | ({"colour"} if read.colours else set())


def _asked_for(text: str) -> Wish:
    told = colours_in(text)
    words = (word.lower() for word in _WORD.findall(told.rest))
    kept = dict.fromkeys(word for word in words if word not in _FILLERS)
    colours = [code for _, code in told.colours]
    return Wish(text, tuple(colours[:MOST_COLOURS]), tuple(kept)[:MOST_WORDS])


def _says_something(wish: Wish) -> bool:
    return bool(wish.colours or wish.words)


def aimed(
    embedder: Embedder, cutouts: Sequence[Cutout], wish: Wish | None, *, weight: float
) -> list[Vectors]:
    """Of each cut-out the vectors to search with: its own, or one for each wished colour.

    A colour is painted on first: a vector holds shape and colour, and the garment's own would draw
    its like. Where the embedder reads words, these are added by their weight.
    """
    if wish is None or not weight:
        return list(embedder.embed(cutouts)[:, None])
    if wish.colours:
        painted = [recoloured(cutout, colour) for cutout in cutouts for colour in wish.colours]
    else:
        painted = list(cutouts)
    vectors = towards_words(embedder, embedder.embed(painted), wish, weight=weight)
    each = max(1, len(wish.colours))
    return [vectors[start : start + each] for start in range(0, len(vectors), each)]


def towards_words(embedder: Embedder, vectors: Vectors, wish: Wish, *, weight: float) -> Vectors:
    """Unit vectors between these and the words', where the embedder reads words."""
    if not weight or not _says_something(wish) or not isinstance(embedder, TextEmbedder):
        return vectors
    mixed = (1 - weight) * vectors + weight * embedder.embed_texts([wish.text])
    return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True), np.float32)


def fit_of(wish: Wish, catalog: WishSource) -> ValuesOf:
    """Photos → how well they and their products meet a wish, 0–1.

    The mean over its words, 1 for each that the product carries, and the closeness of the photo's
    cloth to the nearest wished colour; over what is not wanted, of 1 less these.
    """
    unwanted = wish.unwanted
    demands = _demands(wish) + (0 if unwanted is None else _demands(unwanted))

    def values_of(photos: Sequence[RankedPhoto]) -> list[float]:
        ids = {photo.product_id for photo in photos}
        stored = {image.id: image for of in catalog.images_of(ids).values() for image in of}
        images = [stored.get(photo.image_id) for photo in photos]
        named = wish.words or (unwanted is not None and unwanted.words)
        known = catalog.products(ids) if named else {}
        products = [known.get(photo.product_id) for photo in photos]
        met = _met(wish, products, images)
        if unwanted is not None:
            met += _demands(unwanted) - _met(unwanted, products, images)
        return [float(one) / demands for one in met]

    return values_of


def _demands(wish: Wish) -> int:
    return len(wish.words) + bool(wish.colours)


def _met(
    wish: Wish, products: Sequence[Product | None], images: Sequence[ProductImage | None]
) -> npt.NDArray[np.float64]:
    """How many of the demands each photo meets; colours by how near they come."""
    met = np.zeros(len(images))
    if wish.colours:
        colours = [() if image is None else image.colours for image in images]
        met += closeness(lab_of(wish.colours), colours)
    met += [
        _carried(wish.words, product, None if image is None else image.pattern)
        for product, image in zip(products, images, strict=True)
    ]
    return met


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
