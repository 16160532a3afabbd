"""The stages of an import with fake models."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.images import ImageStore, open_image_store
from indexer.ingest.mapper import PhotoMapper
from tests.fakes import FakeEmbedder, FakePhotoParser


@pytest.fixture
def image_store(tmp_path: Path) -> ImageStore:
    """A store of product photos in a folder."""
    return open_image_store(str(tmp_path / "store"))


@pytest.fixture
def mapper(image_store: ImageStore) -> PhotoMapper:
    """The stages with fake models."""
    return PhotoMapper(
        photo_parser=FakePhotoParser(), embedder=FakeEmbedder(), image_store=image_store
    )
