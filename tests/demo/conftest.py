"""A demo on stand-ins for the models, and garments made by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer.answer import GarmentAnswer, IndexState, Match, MatchedProduct, SearchAnswer
from indexer.bootstrap import Services, open_storage
from indexer.live_index import LiveIndex
from indexer.matching import Matcher
from indexer.settings import Settings
from search_api.demo import demo_settings
from search_api.demo_judging import Worn
from segmentation.garment import Box, Garment, Mask, NamedColour
from tests.fakes import FakeEmbedder, FakePhotoParser

WIDTH, HEIGHT = 60, 80


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """The real catalog, index and matcher of a demo, with stand-ins for the models."""
    settings = demo_settings(Settings.from_env({"GARB_HOME": str(tmp_path), "GARB_THREADS": "1"}))
    photo_parser, embedder = FakePhotoParser(), FakeEmbedder()
    with open_storage(settings) as storage:
        index = LiveIndex(
            storage.catalog,
            embedder_version=embedder.version,
            dimension=embedder.dimension,
            snapshot_dir=settings.snapshot_dir,
        )
        index.open()
        yield Services(
            settings=settings,
            catalog=storage.catalog,
            models=storage.models,
            image_store=storage.image_store,
            photo_parser=photo_parser,
            embedder=embedder,
            index=index,
            matcher=Matcher(photo_parser, embedder, index, storage.catalog),
        )
        index.stop()


def mask_of(x0: int, y0: int, x1: int, y1: int) -> Mask:
    """A filled box in a photo of 60 × 80."""
    pixels = np.zeros((HEIGHT, WIDTH), dtype=bool)
    pixels[y0:y1, x0:x1] = True
    return Mask(pixels)


def worn(product: str, category: str, x0: int, y0: int, x1: int, y1: int) -> Worn:
    """A product that fills a box."""
    return Worn(product, category, mask_of(x0, y0, x1, y1))


def seen(
    category: str | None, x0: int, y0: int, x1: int, y1: int, *products: str, mask: bool = True
) -> GarmentAnswer:
    """A garment that fills a box, with products that match it, best first."""
    garment = Garment(
        category=category,
        score=None if category is None else 0.9,
        box=Box(x0, y0, x1, y1),
        mask=mask_of(x0, y0, x1, y1) if mask else None,
        colours=(NamedColour("navy", "#1b2a4a", 0.8),),
    )
    matches = tuple(
        Match(
            MatchedProduct(product, f"Title of {product}", category, 79.5, "EUR", None),
            image_position=0,
            score=0.9 - n / 100,
        )
        for n, product in enumerate(products)
    )
    return GarmentAnswer(garment, matches)


def answer_of(*garments: GarmentAnswer) -> SearchAnswer:
    """What a search answers, for a photo of 60 × 80."""
    timings = {"decode": 2.0, "segment": 40.0, "parse": 20.0, "embed": 8.0, "search": 0.4}
    return SearchAnswer(
        width=WIDTH,
        height=HEIGHT,
        garments=garments,
        person=None,
        index=IndexState("fake", 3, 3),
        timings_ms=timings | {"total": 70.4},
    )
