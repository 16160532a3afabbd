"""Activating a version: the catalog first, the switch after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer import activation, activation_guard
from indexer.activation import ActiveVersions
from indexer.bootstrap import open_index, open_storage
from indexer.catalog.repository import Catalog, open_catalog
from indexer.feeds.record import ProductRecord
from indexer.images import open_image_store
from indexer.ingest.mapper import PhotoMapper
from indexer.ingest.single import NewPhoto
from indexer.settings import Settings
from segmentation.errors import ModelDamaged, ModelError
from segmentation.execution import Execution
from segmentation.models import GRAPH, WEIGHTS, ModelKind, ModelVersion, write_card
from tests.fakes import FAKE_DIMENSION, FakeEmbedder, FakePhotoParser, fake_jpeg
from tests.indexer.shortcuts import put_product

SEGMENTER, PARSER, EMBEDDER = ModelKind.SEGMENTER, ModelKind.PARSER, ModelKind.EMBEDDER


class WideEmbedder(FakeEmbedder):
    """Gives twice as many numbers."""

    def __init__(self, *, version: str) -> None:
        super().__init__(version=version)
        self.dimension *= 2

    def embed(self, cutouts: Any) -> Any:
        narrow = super().embed(cutouts)
        return np.concatenate([narrow, narrow], axis=1) / np.sqrt(2)


class BlindEmbedder(FakeEmbedder):
    """Gives vectors that cannot be compared."""

    def embed(self, cutouts: Any) -> Any:
        return super().embed(cutouts) * 0


class CrookedEmbedder(FakeEmbedder):
    """Fails as a network does whose input is another."""

    def embed(self, cutouts: Any) -> Any:
        raise ValueError("could not broadcast\n(1, 3) into (1, 5)")


class FalseEmbedder(FakeEmbedder):
    """Gives vectors of another dimension than it says."""

    def __init__(self, *, version: str) -> None:
        super().__init__(version=version)
        self.dimension = 5


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
    monkeypatch.setattr(activation, "load_embedder", _fake_embedder)
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


EMBEDDERS = {
    "blind": BlindEmbedder,
    "wide": WideEmbedder,
    "crooked": CrookedEmbedder,
    "false": FalseEmbedder,
}


def _version(settings: Settings, kind: ModelKind, name: str, *, figure: float) -> None:
    measured: dict[str, Any] = {activation_guard.DECIDING_FIGURE[kind]: figure}
    if kind is SEGMENTER:
        measured = _measured({"top": figure})
    # As the trainers write them: the embedder's figures lie a level higher.
    figures = measured if kind is EMBEDDER else {"held_out": measured}
    _write_version(settings, kind, name, {**figures, "held_out_identity": "the same photos"})


def _write_version(
    settings: Settings, kind: ModelKind, name: str, figures: dict[str, Any], **card: Any
) -> None:
    folder = settings.models_dir / kind.value / name
    folder.mkdir(parents=True)
    for file in (WEIGHTS, GRAPH):
        (folder / file).write_bytes(b"")
    measured = figures.get("held_out", {}).get("per_category", {})
    told = {"kind": kind.value, "version": name, "categories": list(measured), "figures": figures}
    write_card(folder, {**told, **card})


def _measured(mask_ap: dict[str, float]) -> dict[str, Any]:
    per_category = {
        name: {"mask_ap": figure, "mask_ap50": figure, "n": 3} for name, figure in mask_ap.items()
    }
    return {"mask_ap": sum(mask_ap.values()) / len(mask_ap), "per_category": per_category}


def _fake_segmenter(segmenter: ModelVersion, parser: ModelVersion, execution: Execution) -> Any:
    assert execution.streams == execution.threads, "a whole catalog is embedded"
    return FakePhotoParser(version=segmenter.name, parser_version=parser.name)


def _fake_embedder(version: ModelVersion, execution: Execution) -> Any:
    return EMBEDDERS.get(version.name, FakeEmbedder)(version=version.name)


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


def test_a_version_covers_the_catalog_once_it_is_active(settings: Settings) -> None:
    versions = ActiveVersions(settings)
    assert versions.coverage(EMBEDDER) == {"old": 1.0}
    _activate(settings, EMBEDDER, "new")
    assert versions.coverage(EMBEDDER) == {"old": 1.0, "new": 1.0}
    _activate(settings, SEGMENTER, "new")
    assert versions.coverage(SEGMENTER) == {"old": 1.0, "new": 1.0}


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


def test_embedder_of_another_dimension_takes_over(settings: Settings) -> None:
    _write_version(settings, EMBEDDER, "wide", {"r@1": 0.9}, dimension=2 * FAKE_DIMENSION)
    _activate(settings, EMBEDDER, "wide")
    with open_storage(settings) as storage:
        index = open_index(storage)
        assert (index.dimension, index.image_count) == (2 * FAKE_DIMENSION, 2)
        assert index.verify() == []


def test_products_that_the_active_embedder_did_not_embed_are_told_of(
    settings: Settings, catalog: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    _write_version(settings, EMBEDDER, "newer", {}, dimension=FAKE_DIMENSION)
    _write_version(settings, EMBEDDER, "known", {"r@1": 0.9}, dimension=FAKE_DIMENSION)
    _activate(settings, EMBEDDER, "known")
    with open_storage(settings) as storage:
        open_index(storage)
        assert not caplog.records
        catalog.set_active_model("embedder", "newer")
        open_index(storage)
    (record,) = caplog.records
    assert "2 of 2 products are not found" in record.getMessage()
    assert "`garb embedder activate newer`" in record.getMessage()


def test_version_that_cannot_use_the_catalogs_photos_is_refused(
    settings: Settings, catalog: Catalog
) -> None:
    with pytest.raises(ModelError, match="cannot use 2 photos"):
        _activate(settings, EMBEDDER, "blind")
    assert catalog.active_model("embedder") == "old"
    assert _vectors(catalog, "old") == 2


@pytest.mark.parametrize(("name", "reason"), [("crooked", "broadcast"), ("false", "dimension")])
def test_version_that_cannot_be_run_is_refused_before_the_catalog_and_though_forced(
    settings: Settings, catalog: Catalog, name: str, reason: str
) -> None:
    _write_version(settings, EMBEDDER, name, {})
    with pytest.raises(ModelDamaged, match=rf"{name}.card\.json: .*{reason}.*$") as raised:
        _activate(settings, EMBEDDER, name, force=True)
    assert "\n" not in str(raised.value)
    assert catalog.active_model("embedder") == "old"
    assert _vectors(catalog, name) == 0


def test_storage_says_which_version_is_active(settings: Settings) -> None:
    _activate(settings, EMBEDDER, "new")
    with open_storage(settings) as storage:
        assert storage.active(EMBEDDER).name == "new"


def _segmenter(
    settings: Settings, name: str, mask_ap: dict[str, float], photos: str | None, **figures: Any
) -> None:
    identity = {} if photos is None else {"held_out_identity": photos}
    told = {"held_out": _measured(mask_ap), **identity, **figures}
    _write_version(settings, SEGMENTER, name, told)


def test_segmenters_are_compared_in_the_categories_that_both_know(settings: Settings) -> None:
    photos = "the same photos"
    _segmenter(settings, "other-classes", {"scarf": 0.1}, photos)
    _segmenter(settings, "more-classes", {"top": 0.6, "scarf": 0.1}, photos)
    _segmenter(settings, "lost-its-top", {"top": 0.3, "scarf": 0.3}, photos)
    with pytest.raises(ModelError, match=r"in top \(0\.300 against 0\.500\)"):
        _activate(settings, SEGMENTER, "lost-its-top")
    _activate(settings, SEGMENTER, "more-classes")
    with pytest.raises(ModelError, match="worse"):
        _activate(settings, SEGMENTER, "lost-its-top")
    _activate(settings, SEGMENTER, "other-classes")


def test_segmenter_measured_on_other_photos_is_refused_with_the_command_that_measures(
    settings: Settings,
) -> None:
    _segmenter(settings, "elsewhere", {"top": 0.9}, "other photos")
    _segmenter(settings, "unmeasured", {"top": 0.9}, None)
    with pytest.raises(ModelError, match=r"garb segmenter evaluate .* --version old"):
        _activate(settings, SEGMENTER, "elsewhere")
    with pytest.raises(ModelError, match=r"garb segmenter evaluate .* --version unmeasured"):
        _activate(settings, SEGMENTER, "unmeasured")
    versions = ActiveVersions(settings)
    store = versions.store()
    store.record_figures(store.get(SEGMENTER, "old"), "other photos", _measured({"top": 0.95}))
    with pytest.raises(ModelError, match="worse"):
        _activate(settings, SEGMENTER, "elsewhere")
    store.record_figures(
        store.get(SEGMENTER, "unmeasured"), "the same photos", _measured({"top": 0.6})
    )
    _activate(settings, SEGMENTER, "unmeasured")


def test_card_says_what_the_version_it_began_from_reached_on_its_photos(
    settings: Settings,
) -> None:
    for name, figure in (("better", 0.5), ("no-better", 0.3)):
        before = {"version": "old", "held_out": _measured({"top": 0.4})}
        _segmenter(settings, name, {"top": figure}, "other photos", before=before)
    with pytest.raises(ModelError, match=r"0\.300 against 0\.400"):
        _activate(settings, SEGMENTER, "no-better")
    _activate(settings, SEGMENTER, "better")


def test_the_way_back_is_open_and_a_version_left_again_is_judged_anew(settings: Settings) -> None:
    _activate(settings, SEGMENTER, "new")
    _activate(settings, SEGMENTER, "worse", force=True)
    _activate(settings, SEGMENTER, "old")
    with pytest.raises(ModelError, match="--force"):
        _activate(settings, SEGMENTER, "worse")
    _activate(settings, SEGMENTER, "new")
    # Better on paper, yet the shop wants the old one again.
    _activate(settings, SEGMENTER, "old")
