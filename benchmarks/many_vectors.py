"""A million vectors as the embedder would make them, from some thousand that it did make.

The wardrobe draws products, each is cut from its backdrop and embedded. These vectors are grown into
many: each is is one of them moved by a Gaussian whose covariance is that of its nearest
neighbours (manifold Parzen windows, Vincent & Bengio 2002). The covariance's scale is chosen by
bisection so that among as many grown vectors as the embedder made a vector is as near to its nearest
as among the embedder's own: less would heap copies, more would fill space that no garment does. The
queries are vectors of the embedder's own that nothing was grown from.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from indexer.bootstrap import open_models
from indexer.embedder.load import load_embedder
from indexer.feeds.open import open_feed
from indexer.feeds.record import ProductRecord
from indexer.settings import Settings
from segmentation.cutout import cut_out
from segmentation.execution import Execution
from segmentation.garment import Box, Cutout, Garment
from segmentation.models import ModelKind
from segmentation.photo import read_photo
from segmentation.product_photo import backdrop_foreground
from wardrobe.draw import draw_wardrobe

Floats = npt.NDArray[np.float32]

NEIGHBOURS = 32
COMPARED = 10
QUERIES = 300
_CHUNK = 2_000
_BATCH = 32


@dataclass(frozen=True, slots=True, eq=False)
class GrownVectors:
    """``vectors``: float16 (n, dimension), unit length; ``queries``: float32 (`QUERIES`, dimension).

    ``near_own``, ``near_grown``: median similarity of the embedder's own vectors to their nearest,
    and that of as many grown ones. ``spread_own``, ``spread_grown``: their local intrinsic
    dimension (Levina & Bickel 2004).
    """

    vectors: npt.NDArray[np.float16]
    queries: Floats
    own: int
    scale: float
    near_own: float
    near_grown: float
    spread_own: float
    spread_grown: float


def embed_products(feed: Path, *, threads: int) -> Floats:
    """Every product of a feed, cut from its backdrop; float32 (n, dimension)."""
    models = open_models(Settings.from_env({"GARB_HOME": str(feed.parent)}))
    embedder = load_embedder(models.get(ModelKind.EMBEDDER), Execution(threads))
    return np.concatenate([embedder.embed(batch) for batch in _cutouts(feed, threads=threads)])


def draw_and_embed(products: int, *, threads: int) -> Floats:
    """The embedder's vectors of a drawn shop."""
    with tempfile.TemporaryDirectory() as folder:
        drawn = draw_wardrobe(Path(folder), products=products, photos=0, seed=3)
        return embed_products(drawn.products, threads=threads)


def grow(embedded: Floats, count: int, *, seed: int = 0) -> GrownVectors:
    """``count`` vectors from the embedder's own; its last `QUERIES` are kept out as queries."""
    rng = np.random.default_rng(seed)
    embedded = embedded[rng.permutation(len(embedded))]
    own, queries = embedded[:-QUERIES], embedded[-QUERIES:]
    near_own, spread_own = _nearness(own)
    # (own, NEIGHBOURS): its nearest others.
    neighbours = np.argsort(-(own @ own.T), axis=1)[:, 1 : NEIGHBOURS + 1]
    low, high = 0.0, 2.0
    for _ in range(12):
        scale = (low + high) / 2
        few = _grown(own, neighbours, len(own), scale, np.random.default_rng(seed))
        near, spread = _nearness(few.astype(np.float32))
        low, high = (scale, high) if near > near_own else (low, scale)
    vectors = _grown(own, neighbours, count, scale, rng)
    return GrownVectors(vectors, queries, len(own), scale, near_own, near, spread_own, spread)


def _cutouts(feed: Path, *, threads: int) -> Iterator[tuple[Cutout, ...]]:
    records = (row for row in open_feed(feed) if isinstance(row, ProductRecord))
    photos = [feed.parent / record.images[0] for record in records]
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(photos), _BATCH):
            yield tuple(pool.map(_cut_out, photos[start : start + _BATCH]))


def _cut_out(path: Path) -> Cutout:
    photo = read_photo(path)
    mask = backdrop_foreground(photo)
    box = Box(0, 0, photo.width, photo.height) if mask is None else mask.box()
    return cut_out(photo, Garment(category=None, score=None, box=box, mask=mask))


def _grown(
    own: Floats,
    neighbours: npt.NDArray[np.intp],
    count: int,
    scale: float,
    rng: np.random.Generator,
) -> npt.NDArray[np.float16]:
    grown = np.empty((count, own.shape[1]), np.float16)
    for start in range(0, count, _CHUNK):
        chosen = rng.integers(len(own), size=min(_CHUNK, count - start))
        around = own[neighbours[chosen]]
        around -= around.mean(axis=1, keepdims=True)
        weights = rng.normal(size=around.shape[:2]).astype(np.float32)
        moved = np.matmul(weights[:, None], around)[:, 0] * (scale / np.sqrt(NEIGHBOURS - 1))
        made = own[chosen] + moved
        grown[start : start + len(made)] = made / np.linalg.norm(made, axis=1, keepdims=True)
    return grown


def _nearness(vectors: Floats) -> tuple[float, float]:
    """Median similarity to the nearest other, and the median local intrinsic dimension."""
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -1)
    best = -np.sort(-likeness, axis=1)[:, :COMPARED]
    distances = np.sqrt(np.maximum(2 - 2 * best, 1e-6))
    logs = np.log(distances[:, -1:] / distances[:, :-1]).mean(axis=1)
    return float(np.median(best[:, 0])), float(np.median(1 / np.maximum(logs, 1e-6)))
