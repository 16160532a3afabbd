"""Activating a version: the catalog first, the switch after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from indexer import activation
from indexer.activation import ActiveVersions
from indexer.bootstrap import open_storage
from indexer.catalog.repository import Catalog, open_catalog
from indexer.feeds.record import ProductRecord
from indexer.images import open_image_store
from indexer.ingest.mapper import PhotoMapper
from indexer.ingest.single import NewPhoto, put_product
from indexer.settings import Settings
from segmentation.errors import ModelError
from segmentation.models import GRAPH, WEIGHTS, ModelKind, ModelVersion, write_card
from tests.fakes import FakeEmbedder, FakePhotoParser, fake_jpeg

SEGMENTER, PARSER, EMBEDDER = ModelKind.SEGMENTER, ModelKind.PARSER, ModelKind.EMBEDDER


class BlindEmbedder(FakeEmbedder):
    """Gives vectors that cannot be compared."""

    def embed(self, cutouts: Any) -> Any:
        return super().embed(cutouts) * 0


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home with versions old and new of each model, the old ones active, and two products."""
    settings = Settings.from_env({"GARB_HOME": str(tmp_path), "GARB_THREADS": "1"})
    for kind in ModelKind:
        _version(settings, kind, "old", figure=0.5)
        _version(settings, kind, "new", figure=0.6)
        _version(settings, kind, "worse", figure=0.4)
        _version(settings, kind, "blind", figure=0.9)
    monkeypatch.setattr(activation, "load_segmenter", _fake_segmenter)
    monkeypatch.setattr(activation, "SiameseEmbedder", _fake_embedder)
    catalog = open_catalog(settings.database_url)
    mapper = PhotoMapper(
        photo_parser=FakePhotoParser(version="old", parser_version="old"),
        embedder=FakeEmbedder(version="old"),
        image_store=open_image_store(settings.images_url),
    )
    for number in range(2):
        photo = NewPhoto("api", fake_jpeg((200, 30 * number, 20)))
        put_product(ProductRecord(id=str(number)), [photo], catalog=catalog, mapper=mapper)
    for kind in ModelKind:
        catalog.set_active_model(kind.value, "old")
    catalog.close()
    return settings


@pytest.fixture
def catalog(settings: Settings) -> Iterator[Catalog]:
    opened = open_catalog(settings.database_url)
    yield opened
    opened.close()


def _version(settings: Settings, kind: ModelKind, name: str, *, figure: float) -> None:
    folder = settings.models_dir / kind.value / name
    folder.mkdir(parents=True)
    for file in (WEIGHTS, GRAPH):
        (folder / file).write_bytes(b"")
    measured = {activation.DECIDING_FIGURE[kind]: figure}
    # As the trainers write them: the embedder's figures lie a level higher.
    figures = measured if kind is EMBEDDER else {"held_out": measured}
    write_card(folder, {"kind": kind.value, "version": name, "figures": figures})


def _fake_segmenter(segmenter: ModelVersion, parser: ModelVersion, *, threads: int) -> Any:
    return FakePhotoParser(version=segmenter.name, parser_version=parser.name)


def _fake_embedder(version: ModelVersion, *, threads: int) -> Any:
    chosen = BlindEmbedder if version.name == "blind" else FakeEmbedder
    return chosen(version=version.name)


def _activate(settings: Settings, kind: ModelKind, name: str, *, force: bool = False) -> list[int]:
    steps: list[int] = []
    versions = ActiveVersions(settings, on_progress=steps.append)
    versions.activate(versions.store().get(kind, name), force=force)
    assert versions.active(kind).name == name
    return steps


def _vectors(catalog: Catalog, embedder: str) -> int:
    rows = catalog.changes_since(0, embedder=embedder)
    return sum(row.vector is not None for row in rows)


def test_new_embedder_is_active_once_the_catalog_is_embedded_and_the_old_vectors_stay(
    settings: Settings, catalog: Catalog
) -> None:
    assert _activate(settings, EMBEDDER, "new") == [2]
    assert _vectors(catalog, "new") == _vectors(catalog, "old") == 2
    assert _activate(settings, EMBEDDER, "new") == []


@pytest.mark.parametrize("kind", [SEGMENTER, PARSER])
def test_new_segmenter_or_parser_embeds_the_catalog_again(
    settings: Settings, catalog: Catalog, kind: ModelKind
) -> None:
    before = catalog.latest_sequence()
    _activate(settings, kind, "new")
    state = catalog.import_states(["0"], embedder="old")["0"].images[0]
    assert state.versions is not None
    assert getattr(state.versions, kind.value) == "new"
    assert catalog.latest_sequence() == before + 2


@pytest.mark.parametrize("kind", list(ModelKind))
def test_worse_version_is_refused_unless_forced(
    settings: Settings, catalog: Catalog, kind: ModelKind
) -> None:
    with pytest.raises(ModelError, match="--force"):
        _activate(settings, kind, "worse")
    assert catalog.active_model(kind.value) == "old"
    _activate(settings, kind, "worse", force=True)


def test_version_that_cannot_use_the_catalogs_photos_is_refused(
    settings: Settings, catalog: Catalog
) -> None:
    with pytest.raises(ModelError, match="cannot use 2 photos"):
        _activate(settings, EMBEDDER, "blind")
    assert catalog.active_model("embedder") == "old"
    assert _vectors(catalog, "old") == 2


def test_storage_says_which_version_is_active(settings: Settings) -> None:
    _activate(settings, EMBEDDER, "new")
    with open_storage(settings) as storage:
        assert storage.active(EMBEDDER).name == "new"
