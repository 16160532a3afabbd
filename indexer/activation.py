"""Which version of each model serves: asked for, and changed once the catalog is ready for it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from indexer.bootstrap import Storage, open_models, open_storage
from indexer.embedder.siamese import SiameseEmbedder
from indexer.ingest.mapper import PhotoMapper
from indexer.ingest.single import embed_again
from indexer.settings import Settings
from segmentation.errors import ModelError
from segmentation.models import ModelKind, ModelStore, ModelVersion
from segmentation.segmenter import load_segmenter

# The figure of a card that decides which of two versions is better, where both have it.
DECIDING_FIGURE = {
    ModelKind.SEGMENTER: "mask_ap",
    ModelKind.PARSER: "mean_iou",
    ModelKind.EMBEDDER: "r@1",
}

log = logging.getLogger(__name__)


class ActiveVersions:
    """The versions on disk, and the rows that say which of them is active."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def store(self) -> ModelStore:
        """Every version, active or not."""
        return open_models(self._settings)

    def active(self, kind: ModelKind) -> ModelVersion:
        """Raises ModelNotFound when the active version's folder is gone."""
        with open_storage(self._settings) as storage:
            return storage.active(kind)

    def activate(self, version: ModelVersion, *, force: bool) -> None:
        """Embed the catalog with this version, then make it the active one.

        Until the last photo is done the old version stays active. A killed activation goes on
        where it was when it is asked for again.

        Raises:
            ModelError: its card's figure is worse than the active one's, and not ``force``.
        """
        with open_storage(self._settings) as storage:
            if not force:
                _refuse_when_worse(version, storage.active(version.kind))
            mapper = _mapper_with(storage, version)
            done = 0
            while embedded := embed_again(catalog=storage.catalog, mapper=mapper):
                done += embedded
                log.info("%d photos embedded for %s", done, version.name)
            storage.catalog.set_active_model(version.kind, version.name)


def _mapper_with(storage: Storage, version: ModelVersion) -> PhotoMapper:
    chosen = {kind: storage.active(kind) for kind in ModelKind if kind != version.kind}
    chosen[version.kind] = version
    threads = storage.settings.threads
    return PhotoMapper(
        photo_parser=load_segmenter(
            chosen[ModelKind.SEGMENTER], chosen[ModelKind.PARSER], threads=threads
        ),
        embedder=SiameseEmbedder(chosen[ModelKind.EMBEDDER], threads=threads),
        image_store=storage.image_store,
    )


def _refuse_when_worse(version: ModelVersion, active: ModelVersion) -> None:
    name = DECIDING_FIGURE[version.kind]
    new, old = _figure(version.card, name), _figure(active.card, name)
    if new is not None and old is not None and new < old:
        raise ModelError(
            f"{version.name} has {name} {new:.3f}, the active {active.name} {old:.3f}; "
            "--force activates it all the same"
        )


def _figure(card: Mapping[str, Any], name: str) -> float | None:
    value = card.get("metrics", {}).get(name)
    return float(value) if isinstance(value, int | float) else None
